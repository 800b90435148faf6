//! Stops under load: what runs is handed back, and nothing counts it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::bed::{Backend, Bed, on_both_databases};
use super::load::Mix;
use super::schedule::eventually;

/// How many run when the signal comes.
const RUNNING: usize = 50;

fn a_stop_with_fifty_running(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    let settings = bed.nodes[0].data.join("windlass.toml");
    let text = std::fs::read_to_string(&settings).unwrap().replace("max_concurrent_tasks = 6", "max_concurrent_tasks = 60");
    // A busy machine with fifty new processes renews late.
    std::fs::write(&settings, text.replace("lease_ms = 3000", "lease_ms = 30000").replace("grace = 2", "grace = 1")).unwrap();
    bed.start_all();
    let client = bed.client(0);
    // The first try never ends by itself.
    let script = "[[turn]]\nattempt = 1\nsteps = [{ stall = true }]\n[[turn]]\nprocess = false\nsteps = [{ say = \"done\" }]";
    for number in 0..RUNNING {
        let job = json!({ "type": "plan", "harness": "simulated", "script": script });
        let key = format!("stop-{number}");
        let body = json!({ "north_star": "x", "project": "scratch", "key": key, "policy": { "review": false }, "jobs": [job] });
        bed.load.told().sent.insert(key, body.clone());
        assert!(bed.load.send(&client, &body).is_some());
    }
    let living = |bed: &Bed| {
        let all = windlass_testkit::process::descendants(bed.nodes[0].pid());
        all.iter().filter(|process| process.command.contains("simulate-agent --")).count()
    };
    eventually("all agents run", Duration::from_mins(2), || (living(&bed) >= RUNNING).then_some(()));
    bed.nodes[0].signal(Signal::TERM);
    bed.nodes[0].wait_dead();
    assert!(bed.nodes[0].start());
    let history = bed.come_to_rest();
    for job in &history.jobs {
        assert_eq!((job.failures, job.rescues), (0, 0), "a stop is no failure of {job:#?}");
        assert_eq!(job.attempts, 2);
    }
    bed.assert_every_promise_was_kept();
}

on_both_databases!(a_stop_with_fifty_running:
    a_stop_with_fifty_running_counts_against_none_on_sqlite,
    a_stop_with_fifty_running_counts_against_none_on_postgres);

fn stops_and_starts(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.start_all();
    let mut hurried = false;
    bed.under_load(Mix::NORMAL, |nodes, schedule| {
        loop {
            schedule.pause(200..1500);
            nodes[0].signal(Signal::TERM);
            // A second one skips the wait: what ran is rescued.
            if schedule.chance(0.2) {
                schedule.pause(0..300);
                nodes[0].signal(Signal::TERM);
                hurried = true;
            }
            nodes[0].wait_dead();
            assert!(nodes[0].start());
            if !schedule.goes_on() {
                break;
            }
        }
    });
    let history = bed.come_to_rest();
    // On a machine so busy that the database answers late, a lease can run out: that is a rescue, and not the stop's doing.
    let late = bed.nodes[0].log().contains("did not answer a heartbeat in time");
    for job in &history.jobs {
        assert!(hurried || late || job.rescues == 0, "a stop hands back: {job:#?}");
    }
    bed.assert_every_promise_was_kept();
}

on_both_databases!(stops_and_starts: stops_and_starts_cost_no_promise_on_sqlite, stops_and_starts_cost_no_promise_on_postgres);
