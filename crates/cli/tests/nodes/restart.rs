//! A node that is killed and started again, and one that stops as it should.

use std::time::Duration;

use super::cluster::{Cluster, eventually};

const ALL: &str = "worker,api,intake";

#[test]
fn a_node_that_is_killed_and_started_again_has_its_own_jobs_back_long_before_their_lease_ends() {
    let Some(cluster) = Cluster::new(600_000) else { return };
    let mut node = cluster.node("a");
    node.start(ALL);
    let id = cluster.submit_stalling(&node);
    cluster.wait_for_agent(1);
    let before = node.id();
    node.kill();
    node.start(ALL);
    assert_eq!(node.id(), before, "it is the same node");
    let done = node.wait_for_end(&id);
    cluster.assert_done_once(&done);
    assert_eq!(done["jobs"][0]["rescues"], 1);
    let (lost, since) = {
        let row = cluster
            .sql()
            .query_one("SELECT a.ended_at, n.started_at FROM attempts a, nodes n WHERE a.number = 1 AND n.id = a.node", &[])
            .unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    println!("freed {} ms after the start", lost - since);
    // Far below one second where the machine has nothing else to do; a lease would be ten minutes.
    assert!(lost - since < 10_000, "freed {} ms after the start", lost - since);
}

#[test]
fn a_node_leaves_the_list_when_it_stops_and_is_shown_as_gone_when_it_dies() {
    let Some(cluster) = Cluster::new(3_000) else { return };
    let (mut first, mut second, mut third) = (cluster.node("a"), cluster.node("b"), cluster.node("c"));
    first.start("worker,api");
    second.start("worker,api");
    third.start("api");
    let ids = [first.id(), second.id(), third.id()];
    let listed = |node: &super::cluster::Node| node.json(&["nodes"]).unwrap()["items"].as_array().unwrap().clone();
    let seen = eventually("every node sees all three", Duration::from_secs(20), || Some(listed(&third)).filter(|all| all.len() == 3));
    for id in &ids {
        assert!(seen.iter().any(|node| node["id"] == **id && node["gone"] == false), "{seen:?}");
    }
    assert_eq!(seen.iter().filter(|node| node["workers"].as_array().unwrap().is_empty()).count(), 1, "one has no workers");
    first.stop();
    assert_eq!(listed(&third).len(), 2, "one that stops leaves the list at once");
    second.kill();
    eventually("one that dies is shown as gone", Duration::from_secs(20), || {
        listed(&third).iter().any(|node| node["id"] == *ids[1] && node["gone"] == true).then_some(())
    });
}

#[test]
fn a_line_of_jobs_goes_on_from_the_branch_on_whichever_node_its_workers_are() {
    let Some(cluster) = Cluster::new(30_000) else { return };
    let (mut first, mut second) = (cluster.node_with("a", "workers = [\"left\"]"), cluster.node_with("b", "workers = [\"right\"]"));
    let script = cluster.dir.path().join("line.toml");
    let step = |n: u32| format!("[[turn]]\nnth = {n}\nsteps = [{{ run = \"echo {n} >> steps.txt\" }}, {{ say = \"Done.\" }}]\n");
    std::fs::write(&script, (1..=3).map(step).collect::<String>()).unwrap();
    first.start("worker,api");
    second.start("worker,api");
    assert!(first.json(&["pause"]).is_some());
    let repo = cluster.repo.path().to_str().unwrap().to_owned();
    let made = first.json(&["create", "three steps", "--repo", &repo, "--no-review"]).unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    for worker in ["left", "right", "left"] {
        let script = script.to_str().unwrap();
        let job = ["insert-job", &id, "--type", "implement", "--harness", "simulated", "--script", script, "--worker", worker];
        assert!(first.json(&job).is_some());
    }
    assert!(second.json(&["resume"]).is_some());
    let done = first.wait_for_end(&id);
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(cluster.repo.git(&["show", &format!("{branch}:steps.txt")]), "1\n2\n3\n");
    let nodes = cluster.sql().query_one("SELECT COUNT(DISTINCT node), COUNT(*) FROM attempts", &[]).unwrap();
    assert_eq!((nodes.get::<_, i64>(0), nodes.get::<_, i64>(1)), (2, 3));
}
