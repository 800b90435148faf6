//! Housekeeping between nodes: each looks after its own files, one at a time after the rows that all share.

use std::time::Duration;

use serde_json::Value;

use super::cluster::{Cluster, Node, eventually};

const WITHIN: Duration = Duration::from_secs(30);

/// The nodes that hold the duty, as this one tells.
fn holders(of: &Node) -> Vec<String> {
    let nodes = of.json(&["nodes"]).unwrap();
    let holds = |node: &&Value| node["duties"].as_array().unwrap().iter().any(|duty| duty == "housekeeping");
    nodes["items"].as_array().unwrap().iter().filter(holds).map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

fn wait_for_holder(of: &Node, id: &str) {
    eventually("the duty is held", WITHIN, || (holders(of) == [id]).then_some(()));
}

#[test]
fn one_node_at_a_time_looks_after_the_shared_rows_and_another_when_it_stops_or_dies() {
    let Some(cluster) = Cluster::new(3_000) else { return };
    // No disk has so much room: a round is run at once.
    let at_once = "[retention]\nevents_days = 0.0000001\n[workspaces]\nmin_free_bytes = 1000000000000000000\n";
    let (mut a, mut b) = (cluster.node("a"), cluster.node_with("b", at_once));
    a.start("worker,api");
    let first = a.id();
    wait_for_holder(&a, &first);
    let run = ["run", "hello", "--project", "scratch", "--harness", "command", "--program", "/bin/echo hello", "--no-review", "--detach"];
    a.wait_for_end(a.json(&run).unwrap()["id"].as_str().unwrap());

    b.start("worker,api");
    let round =
        eventually("the second node's round", WITHIN, || Some(b.json(&["housekeeping"])?["last"].clone()).filter(|last| !last.is_null()));
    assert_eq!(round["removed"]["events"], 0, "the rows are another's: {round:#}");
    assert_eq!(holders(&b), [first]);
    let asked = b.json(&["housekeeping", "--run-now"]).unwrap();
    assert!(asked["removed"]["events"].as_u64().unwrap() > 0, "a person is obeyed: {asked:#}");

    let second = b.id();
    a.stop();
    wait_for_holder(&b, &second);
    a.start("worker,api");
    b.kill();
    wait_for_holder(&a, &a.id());
}
