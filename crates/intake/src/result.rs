//! What Windlass writes into the shared directory, as pure functions of what it knows.

use serde_json::{Map, Value, json};
use windlass_store::TaskOutcome;
use windlass_types::{AssignmentStatus, Attempt, Job, JobStatus, JobType, Micros, Task, Timestamp, Usage};

use crate::task::extra_fields;

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    Failed,
    Dead,
}

impl Ended {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// The job that did the work: the last that is not a pm's.
fn worked(outcome: &TaskOutcome) -> Option<&Job> {
    let work = || outcome.jobs.iter().rev().filter(|job| job.spec.job_type != JobType::Pm);
    work().find(|job| job.attempts > 0).or_else(|| work().next())
}

/// How it ended; `None` while the assignment goes on.
pub(crate) fn ended(outcome: &TaskOutcome) -> Option<Ended> {
    match outcome.assignment.status {
        AssignmentStatus::Active => None,
        AssignmentStatus::Complete => Some(Ended::Completed),
        AssignmentStatus::Blocked if outcome.jobs.iter().any(|job| job.status == JobStatus::Dead) => Some(Ended::Dead),
        AssignmentStatus::Blocked | AssignmentStatus::Cancelled => Some(Ended::Failed),
    }
}

/// What went wrong, with its stable word.
fn error(outcome: &TaskOutcome, ended: Ended) -> Value {
    if ended == Ended::Completed {
        return Value::Null;
    }
    let failure = outcome.jobs.iter().rev().find_map(|job| job.failure.as_ref());
    if outcome.assignment.status == AssignmentStatus::Cancelled {
        return json!({"kind": "cancelled", "message": "somebody cancelled it", "hint": null});
    }
    match (&outcome.assignment.block, failure) {
        (Some(block), failure) => json!({
            "kind": block.kind.or(failure.map(|f| f.kind)).map_or("blocked", windlass_types::FailureKind::as_str),
            "message": block.reason,
            "hint": hint(outcome, ended, &block.action),
        }),
        (None, Some(f)) => json!({"kind": f.kind.as_str(), "message": f.message, "hint": f.hint}),
        (None, None) => json!({"kind": "blocked", "message": "it is blocked", "hint": null}),
    }
}

/// What to do, with the verb that does it.
fn hint(outcome: &TaskOutcome, ended: Ended, action: &str) -> String {
    let id = outcome.assignment.id;
    match ended {
        Ended::Dead => format!("{action}; then: windlass dead-letters replay {id}"),
        Ended::Completed | Ended::Failed => match worked(outcome).filter(|job| job.status.is_final()) {
            Some(job) => format!("{action}; then: windlass retry {}", job.id),
            None => format!("{action}; then: windlass update-assignment {id} --status active"),
        },
    }
}

fn seconds(attempts: &[Attempt]) -> f64 {
    let ms: i64 = attempts.iter().filter_map(|a| Some(a.ended_at?.since_ms(a.started_at).max(0))).sum();
    ms as f64 / 1000.0
}

/// The result of a task.
pub(crate) fn result(task: &Task, outcome: &TaskOutcome, ended: Ended, now: Timestamp) -> Value {
    let job = worked(outcome);
    let assignment = &outcome.assignment;
    let known_usage = job.filter(|job| job.usage != Usage::default());
    let cost = job.map(|job| job.cost_micros).filter(|cost| *cost != Micros(0));
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("task_id", json!(task.task_id));
    put("worker", json!(task.worker));
    put("status", json!(ended.as_str()));
    put("output", json!(job.and_then(|job| job.output.as_ref())));
    put("error", error(outcome, ended));
    put("attempts", json!(job.map_or(0, |job| job.attempts)));
    put("execution_time", json!(seconds(&outcome.attempts)));
    put("started_at", json!(outcome.attempts.first().map(|a| a.started_at)));
    put("completed_at", json!(outcome.attempts.last().and_then(|a| a.ended_at).or(assignment.ended_at).unwrap_or(now)));
    put("exit_code", json!(outcome.exit_code));
    put("session_id", json!(outcome.attempts.iter().rev().find_map(|a| a.session_id.as_ref())));
    put("usage", json!(known_usage.map(|job| job.usage)));
    put("cost_usd", json!(cost.map(|cost| cost.0 as f64 / 1_000_000.0)));
    put("commit", json!(job.and_then(|job| job.commit.as_ref()).or(assignment.head_commit.as_ref())));
    put("branch", json!(assignment.branch));
    put("assignment_id", json!(assignment.id));
    // A field of the task that is named like one of these cannot stand in for it.
    let mut hidden = Map::new();
    for (name, value) in extra_fields(&task.body) {
        if map.contains_key(&name) {
            hidden.insert(name, value);
        } else {
            map.insert(name, value);
        }
    }
    if !hidden.is_empty() {
        map.insert("task_fields".to_owned(), Value::Object(hidden));
    }
    Value::Object(map)
}

/// The receipt: the task was taken.
pub(crate) fn receipt(task: &Task) -> Value {
    json!({
        "task_id": task.task_id,
        "worker": task.worker,
        "status": "taken",
        "timestamp": unix_seconds(task.taken_at),
        "taken_at": task.taken_at,
        "file": task.file,
        "assignment_id": task.assignment_id,
    })
}

/// What the orchestrator is told.
pub(crate) fn notice(task: &Task, ended: Ended, result_path: &str, now: Timestamp) -> Value {
    json!({
        "task_id": task.task_id,
        "worker": task.worker,
        "status": ended.as_str(),
        "result_path": result_path,
        "timestamp": unix_seconds(now),
        "ended_at": now,
    })
}

fn task_itself(task: &Task) -> Value {
    serde_json::from_str(&task.body).unwrap_or_else(|_| json!(task.body))
}

/// The dead letter: the task, every attempt's error, when and why.
pub(crate) fn letter(task: &Task, outcome: &TaskOutcome, now: Timestamp) -> Value {
    let errors: Vec<Value> = outcome
        .attempts
        .iter()
        .filter_map(|a| {
            let failure = a.failure.as_ref()?;
            Some(json!({"attempt": a.number, "at": a.ended_at, "kind": failure.kind.as_str(), "error": failure.message}))
        })
        .collect();
    let error = error(outcome, Ended::Dead);
    dead(task, &errors, &error["message"], &error["hint"], now)
}

/// The dead letter of a task that an outside executor could not do.
pub(crate) fn outside_letter(task: &Task, why: &str, now: Timestamp) -> Value {
    let errors: Vec<Value> =
        task.tries.iter().map(|t| json!({"attempt": t.attempt, "at": t.at, "kind": "needs_retry", "error": t.error})).collect();
    dead(task, &errors, &json!(why), &json!("mend what its executor lacks, then drop the task again"), now)
}

fn dead(task: &Task, errors: &[Value], why: &Value, hint: &Value, now: Timestamp) -> Value {
    json!({
        "task_id": task.task_id,
        "worker": task.worker,
        "task": task_itself(task),
        "attempts": errors.len(),
        "errors": errors,
        "at": now,
        "timestamp": unix_seconds(now),
        "why": why,
        "hint": hint,
        "assignment_id": task.assignment_id,
    })
}

/// Seconds since 1970, as a number.
pub(crate) fn unix_seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1000.0
}

/// A document as it is written: for eyes, with a line's end.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
