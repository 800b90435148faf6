//! A worker that is stopped past its lease and goes on while another does its job.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use windlass_testkit::invariants::{Invariant, Violation};
use windlass_testkit::witness;

use super::bed::{Backend, Bed, LEASE_MS};
use super::load::Mix;
use super::schedule::eventually;

/// The first node stops with its result in hand; the second runs the job again, and while it does, the first wakes up and
/// hands its result in.
fn a_late_result(row: &'static str, fault: Option<&str>) -> Option<Vec<Violation>> {
    let mut bed = Bed::new(row, Backend::Postgres, 2)?;
    bed.nodes[0].set_env("WINDLASS_FAILPOINT", Some("run.ending:1".to_owned()));
    bed.nodes[0].set_env("WINDLASS_FAILPOINT_STOPS", Some("1".to_owned()));
    bed.nodes[0].set_env("WINDLASS_FAULT", fault.map(str::to_owned));
    assert!(bed.nodes[0].start());
    let witness = format!("{{ witness = {:?} }}", bed.witness().display().to_string());
    let script = format!(
        "[[turn]]\nattempt = 1\nsteps = [{witness}, {{ say = \"first\" }}]\n[[turn]]\nsteps = [{witness}, {{ sleep_ms = 3000 }}, {{ say = \"second\" }}]"
    );
    let job = json!({ "type": "plan", "harness": "simulated", "script": script });
    let body = json!({ "north_star": "x", "project": "scratch", "key": "zombie", "policy": { "review": false }, "jobs": [job] });
    bed.load.told().sent.insert("zombie".to_owned(), body.clone());
    assert!(bed.load.send(&bed.client(0), &body).is_some());
    let stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", bed.nodes[0].pid())).ok()?;
        stat.rsplit_once(')')?.1.trim_start().starts_with('T').then_some(())
    };
    eventually("the first node stops with its result", Duration::from_mins(1), stopped);
    assert!(bed.nodes[1].start());
    let runs = || witness::read(bed.witness()).iter().filter(|line| line.event == witness::Event::Start).count();
    eventually("the second node runs the job", Duration::from_millis(20 * LEASE_MS), || (runs() == 2).then_some(()));
    bed.nodes[0].signal(Signal::CONT);
    Some(bed.violations())
}

#[test]
fn a_late_result_changes_nothing() {
    let Some(broken) = a_late_result("a_late_result_changes_nothing", None) else { return };
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_suite_sees_a_missing_fence() {
    let Some(broken) = a_late_result("the_suite_sees_a_missing_fence", Some("no_fencing")) else { return };
    let seen = broken.iter().any(|v| v.invariant == Invariant::Settlement);
    assert!(seen, "a result was taken under an old token, and nobody saw it: {broken:#?}");
}

#[test]
fn nodes_that_sleep_past_their_leases_cost_no_promise() {
    let Some(mut bed) = Bed::new("nodes_that_sleep_past_their_leases_cost_no_promise", Backend::Postgres, 2) else { return };
    bed.start_all();
    bed.under_load(Mix::NORMAL, |nodes, schedule| {
        loop {
            schedule.pause(100..800);
            let node = schedule.pick(nodes);
            node.signal(Signal::STOP);
            schedule.pause(LEASE_MS..LEASE_MS * 2);
            node.signal(Signal::CONT);
            if !schedule.goes_on() {
                break;
            }
        }
    });
    bed.assert_every_promise_was_kept();
}
