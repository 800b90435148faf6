//! A database that cannot be reached: said at once by what watches a node, and over when it answers again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use windlass_testkit::proxy::{Proxy, Way};

use super::cluster::{Cluster, Node, eventually};

const WITHIN: Duration = Duration::from_secs(30);

/// What `/ready` answers: its status line and its body.
fn ready(node: &Node) -> String {
    let text = std::fs::read_to_string(node.data.join("endpoint.json")).unwrap();
    let endpoint: serde_json::Value = serde_json::from_str(&text).unwrap();
    let address = endpoint["url"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_node_that_does_not_reach_the_database_is_not_ready_and_says_why_until_it_does() {
    let Some(cluster) = Cluster::new(3_000) else { return };
    let url = cluster.database.url();
    let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let proxy = Proxy::to(address.parse().unwrap()).unwrap();
    let shared = cluster.dir.path().join("shared");
    std::fs::create_dir_all(shared.join("tasks/marie")).unwrap();
    let mut node = cluster.node_with("a", &format!("heartbeat_interval = 1\n[files]\nroot = {shared:?}\n"));
    node.url = proxy.url(url);
    node.start("worker,api,intake");
    eventually("the node is ready", WITHIN, || ready(&node).starts_with("HTTP/1.1 200").then_some(()));
    let heartbeat = || {
        let text = std::fs::read_to_string(shared.join("heartbeats/marie.json")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()?["status"].as_str().map(str::to_owned)
    };
    eventually("the worker is well", WITHIN, || (heartbeat()? == "idle").then_some(()));
    for way in [Way::Cut, Way::Stalled] {
        proxy.set(way);
        let answer = eventually("the node is not ready", WITHIN, || Some(ready(&node)).filter(|a| a.starts_with("HTTP/1.1 503")));
        assert!(answer.contains("\"storage\""), "{answer}");
        eventually("the duty is over, and the worker not well", WITHIN, || (heartbeat()? == "degraded").then_some(()));
        proxy.set(Way::Open);
        eventually("the node is ready again", WITHIN, || ready(&node).starts_with("HTTP/1.1 200").then_some(()));
        eventually("the worker is well again", WITHIN, || (heartbeat()? == "idle").then_some(()));
    }
}
