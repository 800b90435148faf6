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

#[test]
fn a_node_that_takes_task_files_tells_of_the_workers_of_the_nodes_that_run_them() {
    let Some(cluster) = Cluster::new(3_000) else { return };
    let shared = cluster.dir.path().join("shared");
    let gate = cluster.dir.path().join("gate");
    for worker in ["marie", "found"] {
        std::fs::create_dir_all(shared.join("tasks").join(worker)).unwrap();
    }
    let agent = cluster.dir.path().join("agent.sh");
    std::fs::write(&agent, format!("while [ ! -e {gate:?} ]; do sleep 0.05; done\n")).unwrap();
    let settings = format!(
        "heartbeat_interval = 1\n[files]\nroot = {shared:?}\n[worker.marie]\nmax_concurrent_tasks = 2\nharness = \"command\"\nprogram = \"/bin/sh {}\"\n",
        agent.display()
    );
    let (mut desk, mut hands) = (cluster.node_with("desk", &settings), cluster.node_with("hands", &settings));
    let write = |id: &str| {
        let task = json!({ "task_id": id, "description": "wait" });
        std::fs::write(shared.join(format!("tasks/marie/{id}.json")), task.to_string()).unwrap();
    };
    let beat = |wanted: (u64, u64, u64, &str)| {
        eventually(&format!("marie's heartbeat says {wanted:?}"), WITHIN, || {
            let beat: serde_json::Value = serde_json::from_slice(&std::fs::read(shared.join("heartbeats/marie.json")).ok()?).ok()?;
            let figure = |of: &str| beat[of].as_u64();
            let found = (figure("active_tasks")?, figure("max_concurrent")?, figure("queue_size")?, beat["status"].as_str()?);
            (found == wanted).then(|| beat["problem"].as_str().unwrap_or_default().to_owned())
        })
    };
    desk.start("api,intake");
    write("one");
    assert!(beat((0, 0, 1, "degraded")).contains("no living node runs jobs of worker marie"));
    let duties = |node: &Node| {
        let doctor = node.json(&["doctor"]).unwrap();
        doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "duties").cloned().unwrap()
    };
    let alone = duties(&desk);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    assert_eq!(alone["found"], format!("housekeeping: no node, intake: {host}"), "{alone:#}");
    assert!(alone["problem"].is_null(), "what is not this node's to do it does not miss: {alone:#}");

    hands.start("worker");
    write("two");
    write("three");
    beat((2, 2, 1, "busy"));
    let nodes = desk.json(&["nodes"]).unwrap();
    let of = |id: &str| nodes["items"].as_array().unwrap().iter().find(|node| node["id"] == id).cloned().unwrap();
    assert_eq!(of(&desk.id())["workers"], json!([]), "a node without the role runs nothing, whatever folder it finds: {nodes:#}");
    eventually("housekeeping is somebody's", WITHIN, || {
        (duties(&desk)["found"] == format!("housekeeping: {host}, intake: {host}")).then_some(())
    });
    std::fs::write(&gate, "").unwrap();
    beat((0, 2, 0, "idle"));
}
