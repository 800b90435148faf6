//! An older version's nodes and this one's on the same database, under load: `cargo xtask upgrade --from REV` builds the older one.

use std::time::Duration;

use super::cluster::{Cluster, Node, eventually};

const ASSIGNMENTS: usize = 40;

const SCRIPT: &str = r#"
[[turn]]
steps = [{ witness = "@WITNESS@" }, { say = "Done." }]
"#;

fn submit(node: &Node, script: &str, number: usize) {
    let (goal, key) = (format!("number {number}"), format!("upgrade-{number}"));
    let args =
        ["run", &goal, "--key", &key, "--project", "scratch", "--harness", "simulated", "--script", script, "--no-review", "--detach"];
    assert!(node.json(&args).is_some(), "number {number} is taken");
}

#[test]
fn nodes_are_upgraded_one_by_one_under_load_and_nothing_is_lost_doubled_or_failed() {
    let Some(older) = std::env::var_os("WINDLASS_UPGRADE_FROM") else {
        println!("not run: `cargo xtask upgrade --from REV` does");
        return;
    };
    let Some(cluster) = Cluster::new(10_000) else { return };
    let script = cluster.dir.path().join("upgrade.toml");
    std::fs::write(&script, SCRIPT.replace("@WITNESS@", cluster.witness.to_str().unwrap())).unwrap();
    let script = script.to_str().unwrap();
    let mut old = [cluster.node("old-1"), cluster.node("old-2")];
    for node in &mut old {
        node.exe = older.clone().into();
        node.start_as(&["up", "--listen", "127.0.0.1:0"]);
    }
    let mut new = [cluster.node("new-1"), cluster.node("new-2")];
    for number in 0..ASSIGNMENTS {
        match number {
            // The first new one grows the schema under the old ones.
            n if n == ASSIGNMENTS / 4 => new[0].start("worker,api"),
            n if n == ASSIGNMENTS / 2 => old[0].stop(),
            n if n == ASSIGNMENTS * 3 / 4 => new[1].start("worker,api"),
            _ => {}
        }
        let node = match number {
            n if n < ASSIGNMENTS / 4 => &old[n % 2],
            n if n % 2 == 0 => &old[1],
            _ => &new[0],
        };
        submit(node, script, number);
    }
    old[1].stop();
    let mut sql = cluster.sql();
    eventually("every assignment is complete", Duration::from_mins(2), || {
        let row = sql.query_one("SELECT COUNT(*) FROM assignments WHERE status = 'complete'", &[]).unwrap();
        (row.get::<_, i64>(0) == ASSIGNMENTS as i64).then_some(())
    });
    let row = sql
        .query_one(
            "SELECT COUNT(*), SUM(failures)::BIGINT, SUM(rescues)::BIGINT, (SELECT COUNT(*) FROM attempts WHERE status = 'succeeded'), \
             (SELECT SUM(earlier_count + 1)::BIGINT - MAX(seq) FROM events), (SELECT COUNT(DISTINCT node) FROM attempts) FROM jobs",
            &[],
        )
        .unwrap();
    let counts: Vec<i64> = (0..5).map(|column| row.get(column)).collect();
    println!("jobs, failures, rescues, successes, missing events: {counts:?}; nodes that ran some: {}", row.get::<_, i64>(5));
    assert_eq!(counts, [ASSIGNMENTS as i64, 0, 0, ASSIGNMENTS as i64, 0]);
    cluster.assert_never_two_at_once();
}
