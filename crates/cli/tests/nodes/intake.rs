//! Task files between nodes: one takes them at a time, and another goes on when it stops or dies.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::cluster::{Cluster, Node, eventually};

const WITHIN: Duration = Duration::from_secs(30);

/// Whether this node takes the files: another's answer is a refusal.
fn takes(node: &Node) -> bool {
    node.json(&["files"]).is_some()
}

fn done(shared: &Path, id: &str) {
    let task = json!({ "task_id": id, "description": "say hello" });
    let aside = shared.join(format!("tasks/marie/.{id}.new"));
    std::fs::write(&aside, task.to_string()).unwrap();
    std::fs::rename(aside, shared.join(format!("tasks/marie/{id}.json"))).unwrap();
    let result = shared.join(format!("results/marie/{id}.json"));
    eventually(&format!("the result of {id}"), WITHIN, || std::fs::read(&result).ok());
}

#[test]
fn task_files_are_taken_by_one_node_at_a_time_and_by_another_when_it_stops_or_dies() {
    let Some(cluster) = Cluster::new(3_000) else { return };
    let shared = cluster.dir.path().join("shared");
    std::fs::create_dir_all(shared.join("tasks/marie")).unwrap();
    let settings = format!("[files]\nroot = {shared:?}\n[worker.marie]\nharness = \"command\"\nprogram = \"/bin/echo hello\"\n");
    let mut nodes = [cluster.node_with("a", &settings), cluster.node_with("b", &settings)];
    nodes[0].start("worker,api,intake");
    eventually("the first node takes the files", WITHIN, || takes(&nodes[0]).then_some(()));
    nodes[1].start("worker,api,intake");
    done(&shared, "one");
    assert!(takes(&nodes[0]) && !takes(&nodes[1]));
    let refused = String::from_utf8(nodes[1].call(&["files"]).stderr).unwrap();
    assert!(refused.contains("another node"), "{refused}");

    nodes[0].stop();
    eventually("the second node takes the files", WITHIN, || takes(&nodes[1]).then_some(()));
    done(&shared, "two");

    nodes[0].start("worker,api,intake");
    assert!(!takes(&nodes[0]));
    nodes[1].kill();
    eventually("the first node takes the files again", WITHIN, || takes(&nodes[0]).then_some(()));
    done(&shared, "three");
    let runs = cluster.sql().query_one("SELECT COUNT(*) FROM attempts", &[]).unwrap().get::<_, i64>(0);
    assert_eq!(runs, 3, "each task ran once");
}
