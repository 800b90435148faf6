//! A good history passes; each promise has a doctored one that breaks it and nothing else.

use serde_json::{Value, json};
use windlass_types::{
    Assignment, AssignmentId, AssignmentStatus, Attempt, AttemptId, AttemptStatus, Budget, Event, EventKind, Harness, Job, JobId, JobSpec,
    JobStatus, Micros, Phase, Policy, Spent, Timestamp, Token, Usage,
};

use super::*;
use crate::witness;

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn asg() -> AssignmentId {
    AssignmentId::from_uuid(uuid(1))
}

fn job(n: u128) -> JobId {
    JobId::from_uuid(uuid(10 + n))
}

fn att(n: u128) -> AttemptId {
    AttemptId::from_uuid(uuid(100 + n))
}

fn event(seq: i64, kind: EventKind, job: Option<JobId>, attempt: Option<AttemptId>, data: Value) -> Event {
    let assignment_id = Some(asg());
    Event { seq, at: Timestamp(seq * 1000), kind, project: Some("p".into()), assignment_id, job_id: job, attempt_id: attempt, data }
}

fn assignment_row(status: AssignmentStatus, runs: u32) -> Assignment {
    Assignment {
        id: asg(),
        project: "p".into(),
        north_star: "x".into(),
        source: "api".into(),
        status,
        block: None,
        status_reason: None,
        policy: Policy::default(),
        budget: Budget::default(),
        spent: Spent { runs, ..Spent::default() },
        inserted_jobs: 0,
        priority: 0,
        branch: None,
        base_branch: None,
        base_commit: None,
        head_commit: None,
        pull_request: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        ended_at: None,
    }
}

fn job_row(id: JobId, position: i64, status: JobStatus, attempts: u32, rescues: u32) -> Job {
    Job {
        id,
        assignment_id: asg(),
        project: "p".into(),
        position,
        status,
        spec: JobSpec::default(),
        worker: "default".into(),
        priority: 0,
        reviews: None,
        phase: Phase::Planning,
        progress: 0,
        message: None,
        attempts,
        failures: 0,
        rescues,
        parks: 0,
        due_at: Timestamp(0),
        park: None,
        failure: None,
        output: None,
        commit: None,
        lease: None,
        cancel_requested: false,
        usage: Usage::default(),
        cost_micros: Micros(0),
        created_at: Timestamp(0),
        started_at: None,
        ended_at: None,
    }
}

fn attempt_row(id: AttemptId, job_id: JobId, number: u32, epoch: i64, status: AttemptStatus, from: i64, to: i64) -> Attempt {
    Attempt {
        id,
        job_id,
        assignment_id: asg(),
        number,
        token: Token { generation: 1, epoch },
        node: "n".into(),
        harness: Harness::Simulated,
        status,
        session_id: None,
        pid: None,
        pid_start: None,
        isolation: None,
        usage: None,
        failure: None,
        started_at: Timestamp(from),
        ended_at: Some(Timestamp(to)),
    }
}

fn line(job: JobId, epoch: i64, event: witness::Event, at_ms: u64) -> Line {
    Line { pid: 1, job: job.to_string(), token: format!("1.{epoch}"), event, at_ns: at_ms * 1_000_000, alone: true }
}

/// Two jobs in a line: the first loses its worker once and succeeds, then the second succeeds.
fn good() -> History {
    use EventKind as K;
    let status = |seq, id: JobId, from: &str, to: &str, failure: Value| {
        event(seq, K::JobStatus, Some(id), None, json!({ "from": from, "status": to, "failure": failure }))
    };
    let begun = |seq, id: JobId, attempt| event(seq, K::AttemptStarted, Some(id), Some(attempt), json!({}));
    let ended = |seq, id: JobId, attempt| event(seq, K::AttemptEnded, Some(id), Some(attempt), json!({}));
    let (one, two) = (job(1), job(2));
    History {
        events: vec![
            event(1, K::AssignmentCreated, None, None, json!({ "status": "active" })),
            event(2, K::JobInserted, Some(one), None, json!({ "position": 1 })),
            event(3, K::JobInserted, Some(two), None, json!({ "position": 2 })),
            status(4, one, "queued", "running", Value::Null),
            begun(5, one, att(1)),
            ended(6, one, att(1)),
            status(7, one, "running", "queued", json!({ "kind": "worker_lost" })),
            status(8, one, "queued", "running", Value::Null),
            begun(9, one, att(2)),
            ended(10, one, att(2)),
            status(11, one, "running", "succeeded", Value::Null),
            status(12, two, "queued", "running", Value::Null),
            begun(13, two, att(3)),
            ended(14, two, att(3)),
            status(15, two, "running", "succeeded", Value::Null),
            event(16, K::AssignmentStatus, None, None, json!({ "from": "active", "status": "complete" })),
        ],
        assignments: vec![assignment_row(AssignmentStatus::Complete, 3)],
        jobs: vec![job_row(one, 1, JobStatus::Succeeded, 2, 1), job_row(two, 2, JobStatus::Succeeded, 1, 0)],
        attempts: vec![
            attempt_row(att(1), one, 1, 1, AttemptStatus::Lost, 5000, 6000),
            attempt_row(att(2), one, 2, 2, AttemptStatus::Succeeded, 9000, 10_000),
            attempt_row(att(3), two, 1, 1, AttemptStatus::Succeeded, 13_000, 14_000),
        ],
        acknowledged: vec![Acknowledged { key: "k".into(), assignment: asg() }],
        cancelled: Vec::new(),
        witnessed: vec![
            line(one, 1, witness::Event::Start, 5500),
            line(one, 2, witness::Event::Start, 9100),
            line(one, 2, witness::Event::End, 9900),
            line(two, 1, witness::Event::Start, 13_100),
        ],
        circumstances: Circumstances { at_rest: true, ..Circumstances::default() },
    }
}

/// What the checker says of the good history with one thing changed.
fn doctored(change: impl FnOnce(&mut History)) -> Vec<Invariant> {
    let mut history = good();
    change(&mut history);
    let mut broken: Vec<Invariant> = check(&history).into_iter().map(|v| v.invariant).collect();
    broken.sort();
    broken.dedup();
    broken
}

#[track_caller]
fn breaks(invariant: Invariant, change: impl FnOnce(&mut History)) {
    let broken = doctored(change);
    assert!(broken.contains(&invariant), "{invariant:?} was not seen: {broken:?}");
}

#[test]
fn a_history_in_which_every_promise_was_kept_passes() {
    assert_eq!(check(&good()), []);
    assert_eq!(check(&History::default()), []);
}

#[test]
fn a_missing_or_late_number_is_seen() {
    breaks(Invariant::Numbers, |h| h.events[15].seq = 17);
    breaks(Invariant::Numbers, |h| h.events.swap(13, 14));
}

#[test]
fn a_status_that_does_not_follow_is_seen() {
    breaks(Invariant::Moves, |h| h.events[14].data["status"] = "running".into());
    breaks(Invariant::Moves, |h| h.events[7].data["from"] = "failed".into());
    breaks(Invariant::Moves, |h| h.events[15].data["from"] = "cancelled".into());
    breaks(Invariant::Moves, |h| {
        // It succeeds a second time.
        let again = Event { seq: 17, ..h.events[14].clone() };
        h.events.push(again);
    });
}

#[test]
fn a_row_that_says_something_else_than_its_events_is_seen() {
    breaks(Invariant::Rows, |h| h.jobs[1].status = JobStatus::Failed);
    breaks(Invariant::Rows, |h| h.assignments[0].status = AssignmentStatus::Blocked);
    breaks(Invariant::Rows, |h| drop(h.jobs.pop()));
    breaks(Invariant::Rows, |h| h.attempts[2].id = att(9));
    breaks(Invariant::Rows, |h| h.jobs[0].position = 2);
}

#[test]
fn a_lost_submission_and_a_forgotten_cancel_are_seen() {
    breaks(Invariant::Promises, |h| {
        let assignment = AssignmentId::from_uuid(uuid(77));
        h.acknowledged.push(Acknowledged { key: "lost".into(), assignment });
    });
    breaks(Invariant::Promises, |h| h.cancelled.push(asg()));
}

#[test]
fn a_key_that_made_two_is_seen() {
    breaks(Invariant::Keys, |h| {
        let other = AssignmentId::from_uuid(uuid(2));
        h.assignments.push(Assignment { id: other, ..assignment_row(AssignmentStatus::Complete, 0) });
        h.acknowledged.push(Acknowledged { key: "k".into(), assignment: other });
    });
    breaks(Invariant::Keys, |h| h.acknowledged.push(Acknowledged { key: "other".into(), assignment: asg() }));
    breaks(Invariant::Keys, |h| h.events.push(Event { seq: 17, ..h.events[0].clone() }));
}

#[test]
fn what_never_ends_is_seen() {
    breaks(Invariant::Ends, |h| h.jobs[1].status = JobStatus::Running);
    breaks(Invariant::Ends, |h| h.assignments[0].status = AssignmentStatus::Active);
    breaks(Invariant::Ends, |h| h.attempts[2].status = AttemptStatus::Running);
    assert!(
        !doctored(|h| {
            h.circumstances.at_rest = false;
            h.attempts[2].status = AttemptStatus::Running;
        })
        .contains(&Invariant::Ends)
    );
}

#[test]
fn a_token_that_does_not_rise_is_seen() {
    breaks(Invariant::Tokens, |h| h.attempts[1].token.epoch = 1);
    breaks(Invariant::Tokens, |h| h.attempts[1].number = 1);
}

#[test]
fn a_job_out_of_its_turn_is_seen() {
    // The second starts while the first runs.
    breaks(Invariant::Order, |h| {
        let claim = h.events.remove(11);
        h.events.insert(9, claim);
    });
    // The second runs before the first.
    breaks(Invariant::Order, |h| {
        let mut early = h.events.split_off(11);
        early.truncate(4);
        h.events.splice(3..3, early);
    });
}

#[test]
fn an_attempt_that_ends_twice_or_not_at_all_is_seen() {
    breaks(Invariant::Settlement, |h| drop(h.events.remove(9)));
    breaks(Invariant::Settlement, |h| h.events.insert(10, h.events[9].clone()));
    // The lost attempt's late result is taken while the second is under way: what happens without a fence.
    breaks(Invariant::Settlement, |h| h.events[9].attempt_id = Some(att(1)));
}

#[test]
fn a_start_after_the_cancel_is_seen() {
    breaks(Invariant::Cancel, |h| {
        let cancelled = json!({ "from": "active", "status": "cancelled" });
        h.events.insert(11, event(12, EventKind::AssignmentStatus, None, None, cancelled));
    });
}

#[test]
fn a_counter_that_does_not_add_up_is_seen() {
    breaks(Invariant::Counters, |h| h.jobs[0].rescues = 0);
    breaks(Invariant::Counters, |h| h.jobs[0].failures = 1);
    breaks(Invariant::Counters, |h| h.jobs[1].attempts = 2);
    breaks(Invariant::Counters, |h| h.assignments[0].spent.runs = 2);
}

#[test]
fn two_agents_at_once_are_seen() {
    breaks(Invariant::Alone, |h| h.witnessed[1].alone = false);
}

#[test]
fn an_agent_without_an_attempt_or_after_its_end_is_seen() {
    breaks(Invariant::Witnesses, |h| h.witnessed[0].token = "1.9".into());
    breaks(Invariant::Witnesses, |h| h.witnessed[2].at_ns = 10_500 * 1_000_000);
    // A power cut takes claims with it, and a clock that was set makes times useless: neither is the engine's fault.
    assert_eq!(
        doctored(|h| {
            h.circumstances.power_was_lost = true;
            h.witnessed[0].token = "1.9".into();
        }),
        []
    );
    assert_eq!(
        doctored(|h| {
            h.circumstances.clock_was_set = true;
            h.witnessed[2].at_ns = 1;
        }),
        []
    );
}
