//! What a node does is what its roles say; what it cannot use it refuses in words.

use super::cluster::{Cluster, Node};

fn refused(node: &Node, url: &str) -> String {
    let mut command = node.call_with_database(url);
    let out = command.output().unwrap();
    assert!(!out.status.success());
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_node_without_workers_takes_work_for_one_that_has_them() {
    let Some(cluster) = Cluster::new(30_000) else { return };
    let shared = cluster.dir.path().join("shared");
    let (mut desk, mut hands) = (cluster.node_with("desk", &format!("[files]\nroot = {shared:?}\n")), cluster.node("hands"));
    desk.start("api");
    let files = String::from_utf8(desk.call(&["files"]).stderr).unwrap();
    assert!(files.contains("has not the role intake"), "{files}");
    let script = cluster.dir.path().join("look.toml");
    std::fs::write(&script, "[[turn]]\nsteps = [{ say = \"Seen.\" }]\n").unwrap();
    let script = script.to_str().unwrap();
    let look = ["run", "look", "--project", "scratch", "--harness", "simulated", "--script", script, "--no-review", "--detach"];
    let made = desk.json(&look).unwrap();
    let (id, job) = (made["id"].as_str().unwrap(), made["jobs"][0]["id"].as_str().unwrap());
    let explained = desk.json(&["explain", job]).unwrap();
    assert_eq!(explained["hold"]["kind"], "no_worker", "{explained:#}");
    hands.start("worker");
    let done = desk.wait_for_end(id);
    assert_eq!(done["status"], "complete", "{done:#}");
    let elsewhere = desk.call(&["logs", job]);
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(elsewhere.status.code() == Some(2) && said.contains(&format!("ran on node {}", hands.id())), "{said}");
    assert!(String::from_utf8(hands.call(&["logs", job]).stdout).unwrap().contains("Seen."));
    let shown = String::from_utf8(desk.call(&["job", job]).stdout).unwrap();
    assert!(shown.contains(&hands.id()), "{shown}");
    let events = desk.json(&["events"]).unwrap();
    let last = events["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["data"]["status"]), (&"assignment.status".into(), &"complete".into()), "{events:#}");
}

#[test]
fn a_database_that_nodes_cannot_share_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::in_dir(dir.path());
    for (url, wanted) in [
        ("redis://127.0.0.1:6379/0", "a node shares a PostgreSQL with others, and redis://127.0.0.1:6379/0 is none"),
        ("mysql://root:secret@127.0.0.1/app", "a node shares a PostgreSQL with others, and mysql://root:***@127.0.0.1/app is none"),
        ("windlass.db", "a node shares a PostgreSQL with others, and windlass.db is none"),
        ("postgres://nobody@127.0.0.1:1/x", "the database is not available"),
        ("postgres://:::", "the database URL cannot be read"),
    ] {
        let said = refused(&node, url);
        assert!(said.contains(wanted), "{url}: {said}");
        assert!(!wanted.contains("not available") || said.contains("hint: check that it runs"), "{url}: {said}");
    }
    let out = node.call(&["up", "--database-url", "redis://:hunter2@127.0.0.1:6379/0"]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("a redis:// address names no database that Windlass can use"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_database_that_is_not_there_is_refused_with_how_to_make_it() {
    let Some(cluster) = Cluster::new(30_000) else { return };
    let nowhere = cluster.database.url().replace(cluster.database.name(), "nowhere");
    let said = refused(&cluster.node("a"), &nowhere);
    assert!(said.contains("\"nowhere\" does not exist") && said.contains("hint: make it (`createdb NAME`)"), "{said}");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let Some(cluster) = Cluster::new(30_000) else { return };
    cluster.sql().batch_execute("CREATE TABLE customers (id BIGINT)").unwrap();
    let said = refused(&cluster.node("a"), cluster.database.url());
    assert!(said.contains("customers"), "{said}");
    let tables = cluster.sql().query_one("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'", &[]).unwrap();
    assert_eq!(tables.get::<_, i64>(0), 1);
}

#[test]
fn what_an_agent_says_on_another_node_is_told_to_be_there_while_it_runs() {
    let Some(cluster) = Cluster::new(30_000) else { return };
    let (mut desk, mut hands) = (cluster.node("desk"), cluster.node("hands"));
    desk.start("api");
    hands.start("worker");
    let id = cluster.submit_stalling(&desk);
    cluster.wait_for_agent(1);
    let logs = desk.call(&["logs", &id]);
    let said = String::from_utf8_lossy(&logs.stderr).into_owned();
    assert!(logs.status.success() && logs.stdout.is_empty(), "as when nothing has run yet: {said}");
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    assert!(
        said.contains(&format!("runs on node {} on {host}", hands.id())) && said.contains("hint: ask that node: windlass logs att_"),
        "{said}"
    );
    assert!(hands.call(&["logs", &id]).status.success());
}
