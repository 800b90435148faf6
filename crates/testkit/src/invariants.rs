//! What must hold of any history, whatever faults it went through: one checker for every fault test.
//!
//! It is pure: a test gathers the events, the final rows, what its clients were told and what the agents witnessed into a
//! [`History`], and [`check`] names every promise that was broken. The rows and the events are the engine's own words; the
//! acknowledgements and the witnesses come from outside, so that the engine cannot hide a fault by telling both wrongly.

mod outside;
mod replay;
#[cfg(test)]
mod tests;

use std::fmt;

use windlass_types::{Assignment, AssignmentId, Attempt, Event, Job};

use crate::witness::Line;

/// What a system under test left behind.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every event, as a reader got them.
    pub events: Vec<Event>,
    /// Every assignment, as it stands at the end.
    pub assignments: Vec<Assignment>,
    /// Every job, as it stands at the end.
    pub jobs: Vec<Job>,
    /// Every attempt, as it stands at the end.
    pub attempts: Vec<Attempt>,
    /// The submissions that clients were told are taken.
    pub acknowledged: Vec<Acknowledged>,
    /// The assignments that clients were told are cancelled, and that nobody has opened again.
    pub cancelled: Vec<AssignmentId>,
    /// What agents wrote down themselves.
    pub witnessed: Vec<Line>,
    /// What is known of the circumstances.
    pub circumstances: Circumstances,
}

/// A submission and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The key that the client gave.
    pub key: String,
    /// The assignment that it was told.
    pub assignment: AssignmentId,
}

/// What a history went through that changes what may be asked of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Everything has had time to end: nothing may wait or run for ever.
    pub at_rest: bool,
    /// Power was lost: a claim is no promise, so an agent may have run of which no row knows.
    pub power_was_lost: bool,
    /// A clock was set: what agents and store say of times cannot be compared.
    pub clock_was_set: bool,
}

/// A promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Events are numbered from 1 up without a gap.
    Numbers,
    /// Every status follows from the one before by a legal move.
    Moves,
    /// The rows say what the events say.
    Rows,
    /// An acknowledged submission is there, and an acknowledged cancel holds.
    Promises,
    /// One key makes one assignment.
    Keys,
    /// At rest everything has ended, or waits for a person.
    Ends,
    /// Each attempt at a job has a higher token than the one before.
    Tokens,
    /// One job of an assignment runs at a time, in the order of the line.
    Order,
    /// Each attempt ends once, and a running job moves only with its attempt.
    Settlement,
    /// Nothing of an assignment that is not active is started.
    Cancel,
    /// Failures, rescues, parks and runs are what the events add up to.
    Counters,
    /// No two agents of an assignment ever lived at once.
    Alone,
    /// An agent acts only within an attempt.
    Witnesses,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How it shows.
    pub what: String,
}

impl Violation {
    fn of(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Names every promise that a history breaks.
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = numbers(&history.events);
    let (replay, broken) = replay::replay(&history.events);
    found.extend(broken);
    found.extend(replay.against_rows(history));
    found.extend(tokens(history));
    found.extend(outside::promises(history));
    found.extend(outside::witnesses(history));
    if history.circumstances.at_rest {
        found.extend(ends(history));
    }
    found
}

fn numbers(events: &[Event]) -> Vec<Violation> {
    let wrong = events.iter().zip(1..).find(|(event, wanted)| event.seq != *wanted);
    wrong
        .map(|(event, wanted)| Violation::of(Invariant::Numbers, format!("event {} stands where {wanted} should", event.seq)))
        .into_iter()
        .collect()
}

fn tokens(history: &History) -> Vec<Violation> {
    let mut attempts: Vec<&Attempt> = history.attempts.iter().collect();
    attempts.sort_by_key(|a| (a.job_id, a.number));
    let mut found = Vec::new();
    for pair in attempts.windows(2) {
        let [earlier, later] = pair else { continue };
        // The epoch rises with every claim whichever node makes it; the generation tells lives apart after a power cut.
        if earlier.job_id == later.job_id && (later.token.epoch <= earlier.token.epoch || later.number != earlier.number + 1) {
            let what = format!(
                "{}: attempt {} has token {} and attempt {} has {}",
                later.job_id, earlier.number, earlier.token, later.number, later.token
            );
            found.push(Violation::of(Invariant::Tokens, what));
        }
    }
    found
}

fn ends(history: &History) -> Vec<Violation> {
    use windlass_types::{AssignmentStatus, AttemptStatus, JobStatus};
    let mut found = Vec::new();
    for assignment in history.assignments.iter().filter(|a| a.status == AssignmentStatus::Active) {
        found.push(Violation::of(Invariant::Ends, format!("{} is still active", assignment.id)));
    }
    for job in &history.jobs {
        let assignment = history.assignments.iter().find(|a| a.id == job.assignment_id);
        let may_wait = assignment.is_some_and(|a| a.status == AssignmentStatus::Blocked);
        if job.status == JobStatus::Running || (job.status == JobStatus::Queued && !may_wait) {
            found.push(Violation::of(Invariant::Ends, format!("{} is still {}", job.id, job.status)));
        }
    }
    for attempt in history.attempts.iter().filter(|a| a.status == AttemptStatus::Running) {
        found.push(Violation::of(Invariant::Ends, format!("attempt {} of {} never ended", attempt.number, attempt.job_id)));
    }
    found
}
