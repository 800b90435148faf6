//! Wake-ups that never come: the look behind them finds the work all the same, and counts that it had to.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use super::bed::{Backend, Bed};
use super::schedule::eventually;

/// The longest look behind the wake-ups is 5 s; the rest is a busy machine's.
const WITHIN: Duration = Duration::from_secs(20);
/// Longer than it takes to find the second node at rest once.
const COUNTED_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn work_whose_wake_up_was_lost_is_found_by_another_node() {
    let Some(mut bed) = Bed::new("work_whose_wake_up_was_lost_is_found_by_another_node", Backend::Postgres, 2) else { return };
    for node in &mut bed.nodes {
        node.set_env("WINDLASS_FAULT", Some("drop_notify".to_owned()));
    }
    // The first node takes the work in, and only the second has the worker for it.
    let settings = bed.nodes[1].data.join("windlass.toml");
    let mut file = std::fs::OpenOptions::new().append(true).open(settings).unwrap();
    file.write_all(b"[worker.marie]\nmax_concurrent_tasks = 2\n").unwrap();
    bed.start_all();
    let (first, second) = (bed.client(0), bed.client(1));
    let lost = || {
        let metrics = second.text("/metrics")?;
        metrics.lines().find_map(|line| line.strip_prefix("windlass_lost_wakeups_total ")?.parse::<f64>().ok())
    };
    // A node that still looks for work, after its start or its last job, needs no wake-up: then the next piece of work does. And what
    // is lost is counted a look later: the announcement might still have been on its way.
    let mut number = 0;
    eventually("the second node counts a wake-up that was lost", COUNTED_WITHIN, || {
        number += 1;
        let script = "[[turn]]\nprocess = false\nsteps = [{ say = \"done\" }]";
        let job = json!({ "type": "plan", "harness": "simulated", "script": script, "worker": "marie" });
        let key = format!("unheard-{number}");
        let body = json!({ "north_star": "x", "project": "scratch", "key": key, "policy": { "review": false }, "jobs": [job] });
        bed.load.told().sent.insert(key, body.clone());
        let id = bed.load.send(&first, &body).unwrap();
        eventually("the second node finds the work", WITHIN, || {
            first.get(&format!("/assignments/{id}")).filter(|assignment| assignment["status"] == "complete")
        });
        lost().filter(|count| *count > 0.0).map(drop)
    });
    bed.assert_every_promise_was_kept();
}
