//! Wake-ups that never come: the look behind them finds the work all the same, and counts that it had to.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use super::bed::{Backend, Bed};
use super::schedule::{eventually, pause};

/// The longest look behind the wake-ups is 5 s; the rest is a busy machine's.
const WITHIN: Duration = Duration::from_secs(20);

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
    for number in 0..3 {
        // The second node comes to rest: one that still looks for work after its start or its last job needs no wake-up.
        pause(1000);
        let script = "[[turn]]\nprocess = false\nsteps = [{ say = \"done\" }]";
        let job = json!({ "type": "plan", "harness": "simulated", "script": script, "worker": "marie" });
        let key = format!("unheard-{number}");
        let body = json!({ "north_star": "x", "project": "scratch", "key": key, "policy": { "review": false }, "jobs": [job] });
        bed.load.told().sent.insert(key, body.clone());
        let id = bed.load.send(&first, &body).unwrap();
        eventually("the second node finds the work", WITHIN, || {
            first.get(&format!("/assignments/{id}")).filter(|assignment| assignment["status"] == "complete")
        });
    }
    // Counted a look later: the announcement might still have been on its way.
    eventually("the second node counts the wake-ups that were lost", WITHIN, || {
        let metrics = second.text("/metrics")?;
        let count = metrics.lines().find_map(|line| line.strip_prefix("windlass_lost_wakeups_total ")?.parse::<f64>().ok())?;
        (count > 0.0).then_some(())
    });
    bed.assert_every_promise_was_kept();
}
