//! A worker that is stopped past its lease and goes on while another does its job.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use windlass_testkit::invariants::{Invariant, Violation};

use super::bed::{Backend, Bed, LEASE_MS};
use super::load::Mix;
use super::schedule::eventually;

/// Both nodes stop with a result in hand, the second after it was given the job of the first. The first wakes up and hands its
/// result in while the second holds the job; then the second goes on.
fn a_late_result(row: &'static str, fault: Option<&str>) -> Option<Vec<Violation>> {
    let mut bed = Bed::new(row, Backend::Postgres, 2)?;
    for node in &mut bed.nodes {
        node.set_env("WINDLASS_FAILPOINT", Some("settle.before:1".to_owned()));
        node.set_env("WINDLASS_FAILPOINT_STOPS", Some("1".to_owned()));
    }
    bed.nodes[0].set_env("WINDLASS_FAULT", fault.map(str::to_owned));
    assert!(bed.nodes[0].start());
    let script = format!("[[turn]]\nsteps = [{{ witness = {:?} }}, {{ say = \"done\" }}]", bed.witness().display().to_string());
    let job = json!({ "type": "plan", "harness": "simulated", "script": script });
    let body = json!({ "north_star": "x", "project": "scratch", "key": "zombie", "policy": { "review": false }, "jobs": [job] });
    bed.load.told().sent.insert("zombie".to_owned(), body.clone());
    assert!(bed.load.send(&bed.client(0), &body).is_some());
    eventually("the first node stops with its result", Duration::from_mins(1), || is_stopped(bed.nodes[0].pid()).then_some(()));
    assert!(bed.nodes[1].start());
    eventually("the second node stops with the same job", Duration::from_mins(1), || is_stopped(bed.nodes[1].pid()).then_some(()));
    bed.nodes[0].signal(Signal::CONT);
    let first = bed.client(0);
    eventually("the first node is done with the job", Duration::from_mins(1), || {
        first.get("/status").filter(|status| status["workers"][0]["running"] == 0)
    });
    bed.nodes[1].signal(Signal::CONT);
    Some(bed.violations())
}

fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

#[test]
fn a_late_result_changes_nothing() {
    let Some(broken) = a_late_result("a_late_result_changes_nothing", None) else { return };
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_suite_sees_a_missing_fence() {
    // A node that wakes up may see that its lease is over before it sends its result, and then sends none: it has some tries.
    for _ in 0..4 {
        let Some(broken) = a_late_result("the_suite_sees_a_missing_fence", Some("no_fencing")) else { return };
        if broken.iter().any(|v| v.invariant == Invariant::Settlement) {
            return;
        }
    }
    panic!("a result was taken under an old token, and nobody saw it");
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
