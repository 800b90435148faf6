//! The events, replayed by the rules: what must follow from each, and where everything stands at the end.

use std::collections::{HashMap, HashSet};

use serde::Deserialize as _;
use serde_json::Value;
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, AttemptId, Event, EventKind, FailureClass, FailureKind, Job, JobId,
    JobMove, JobStatus,
};

use super::{History, Invariant, Violation};

const ASSIGNMENT_MOVES: [AssignmentMove; 4] =
    [AssignmentMove::Block, AssignmentMove::Activate, AssignmentMove::Complete, AssignmentMove::Cancel];

/// Where everything stands.
#[derive(Debug, Default)]
pub(super) struct Replay {
    assignments: HashMap<AssignmentId, AssignmentStatus>,
    jobs: HashMap<JobId, JobState>,
    attempts: HashSet<AttemptId>,
    broken: Vec<Violation>,
}

#[derive(Debug)]
struct JobState {
    assignment: AssignmentId,
    position: i64,
    status: JobStatus,
    /// The attempt that has begun and not ended.
    open: Option<AttemptId>,
    attempts: u32,
    failures: u32,
    rescues: u32,
    parks: u32,
}

/// Replays events; gives where they lead, and what in them cannot be.
pub(super) fn replay(events: &[Event]) -> (Replay, Vec<Violation>) {
    let mut replay = Replay::default();
    for event in events {
        replay.event(event);
    }
    let broken = std::mem::take(&mut replay.broken);
    (replay, broken)
}

fn word<T: std::str::FromStr>(data: &Value, name: &str) -> Option<T> {
    data[name].as_str()?.parse().ok()
}

impl Replay {
    fn broken(&mut self, invariant: Invariant, event: &Event, what: &str) {
        let about = event.job_id.map(|id| id.to_string()).or_else(|| event.assignment_id.map(|id| id.to_string())).unwrap_or_default();
        self.broken.push(Violation::of(invariant, format!("event {} ({} of {about}): {what}", event.seq, event.kind)));
    }

    fn event(&mut self, event: &Event) {
        match (event.kind, event.assignment_id, event.job_id, event.attempt_id) {
            (EventKind::AssignmentCreated, Some(id), ..) => self.create(event, id),
            (EventKind::AssignmentStatus, Some(id), ..) => self.move_assignment(event, id),
            (EventKind::JobInserted, Some(assignment), Some(id), _) => self.insert(event, assignment, id),
            (EventKind::JobStatus, Some(_), Some(id), _) => self.move_job(event, id),
            (EventKind::AttemptStarted, _, Some(job), Some(attempt)) => self.start(event, job, attempt),
            (EventKind::AttemptEnded, _, Some(job), Some(attempt)) => self.end(event, job, attempt),
            _ => {}
        }
    }

    fn create(&mut self, event: &Event, id: AssignmentId) {
        if self.assignments.insert(id, AssignmentStatus::Active).is_some() {
            self.broken(Invariant::Keys, event, "it is made a second time");
        }
    }

    fn move_assignment(&mut self, event: &Event, id: AssignmentId) {
        let Some(now) = self.assignments.get(&id).copied() else {
            return self.broken(Invariant::Moves, event, "it was never made");
        };
        let Some(to) = word::<AssignmentStatus>(&event.data, "status") else {
            return self.broken(Invariant::Moves, event, "it names no status");
        };
        match word::<AssignmentStatus>(&event.data, "from") {
            // Its limits changed, not its status.
            None if to == now => {}
            Some(from) if from == now && ASSIGNMENT_MOVES.iter().any(|by| from.next(*by) == Ok(to)) => {}
            from => self.broken(Invariant::Moves, event, &format!("it was {now}, and goes from {from:?} to {to}")),
        }
        self.assignments.insert(id, to);
    }

    fn insert(&mut self, event: &Event, assignment: AssignmentId, id: JobId) {
        let position = event.data["position"].as_i64().unwrap_or_default();
        for job in self.jobs.values_mut().filter(|j| j.assignment == assignment && j.position >= position) {
            job.position += 1;
        }
        let state =
            JobState { assignment, position, status: JobStatus::Queued, open: None, attempts: 0, failures: 0, rescues: 0, parks: 0 };
        if self.jobs.insert(id, state).is_some() {
            self.broken(Invariant::Keys, event, "it is put in the line a second time");
        }
    }

    fn move_job(&mut self, event: &Event, id: JobId) {
        let Some(now) = self.jobs.get(&id).map(|job| job.status) else {
            return self.broken(Invariant::Moves, event, "it was never put in a line");
        };
        let Some(to) = word::<JobStatus>(&event.data, "status") else {
            return self.broken(Invariant::Moves, event, "it names no status");
        };
        let Some(from) = word::<JobStatus>(&event.data, "from") else {
            // A wish to cancel it: that it runs stays so.
            if to != now {
                self.broken(Invariant::Moves, event, &format!("it was {now} and is said to be {to}"));
            }
            return;
        };
        let by = JobMove::ALL.into_iter().find(|by| from.next(*by) == Ok(to));
        let Some(by) = by.filter(|_| from == now) else {
            self.broken(Invariant::Moves, event, &format!("it was {now}, and goes from {from} to {to}"));
            if let Some(job) = self.jobs.get_mut(&id) {
                job.status = to;
            }
            return;
        };
        if by == JobMove::Claim {
            self.claim(event, id);
        }
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.status = to;
        let class = FailureKind::deserialize(&event.data["failure"]["kind"]).ok().map(FailureKind::class);
        match (from, class) {
            (JobStatus::Running, Some(FailureClass::Transient)) => job.failures += 1,
            (JobStatus::Running, Some(FailureClass::Interrupted)) => job.rescues += 1,
            (JobStatus::Running, Some(FailureClass::Parked)) => job.parks += 1,
            _ => {}
        }
        if by == JobMove::Revive {
            (job.failures, job.rescues, job.parks) = (0, 0, 0);
        }
        if from == JobStatus::Running && job.open.is_some() {
            self.broken(Invariant::Settlement, event, "it moves on while its attempt has not ended");
        }
    }

    fn claim(&mut self, event: &Event, id: JobId) {
        let Some((assignment, position)) = self.jobs.get(&id).map(|job| (job.assignment, job.position)) else { return };
        let line = || self.jobs.iter().filter(|(other, job)| job.assignment == assignment && **other != id);
        let running = line().find(|(_, job)| job.status == JobStatus::Running).map(|(other, _)| *other);
        let skipped = line().find(|(_, job)| job.status == JobStatus::Queued && job.position < position).map(|(other, _)| *other);
        let status = self.assignments.get(&assignment).copied();
        if let Some(other) = running {
            self.broken(Invariant::Order, event, &format!("it starts while {other} runs"));
        }
        if let Some(other) = skipped {
            self.broken(Invariant::Order, event, &format!("it starts before {other}, which comes first"));
        }
        if status != Some(AssignmentStatus::Active) {
            self.broken(Invariant::Cancel, event, &format!("it starts, and its assignment is {status:?}"));
        }
    }

    fn start(&mut self, event: &Event, job: JobId, attempt: AttemptId) {
        if !self.attempts.insert(attempt) {
            self.broken(Invariant::Settlement, event, "the attempt begins a second time");
        }
        let Some(state) = self.jobs.get_mut(&job) else { return };
        state.attempts += 1;
        let (before, status) = (state.open.replace(attempt), state.status);
        if before.is_some() || status != JobStatus::Running {
            self.broken(Invariant::Settlement, event, &format!("an attempt begins at a job that is {status}, beside {before:?}"));
        }
    }

    fn end(&mut self, event: &Event, job: JobId, attempt: AttemptId) {
        let Some(state) = self.jobs.get_mut(&job) else { return };
        if state.open == Some(attempt) {
            state.open = None;
        } else {
            let open = state.open;
            self.broken(Invariant::Settlement, event, &format!("attempt {attempt} ends, and the one under way is {open:?}"));
        }
    }

    /// Whether the rows say what the events say.
    pub(super) fn against_rows(&self, history: &History) -> Vec<Violation> {
        let mut found: Vec<Violation> = history.assignments.iter().filter_map(|row| self.against_assignment(row)).collect();
        found.extend(history.jobs.iter().flat_map(|row| self.against_job(row)));
        let rows: HashSet<JobId> = history.jobs.iter().map(|job| job.id).collect();
        for id in self.jobs.keys().filter(|id| !rows.contains(id)) {
            found.push(Violation::of(Invariant::Rows, format!("{id} was put in a line and has no row")));
        }
        for attempt in history.attempts.iter().filter(|a| !self.attempts.contains(&a.id)) {
            found.push(Violation::of(Invariant::Rows, format!("attempt {} of {} has no event", attempt.number, attempt.job_id)));
        }
        found
    }

    fn against_assignment(&self, row: &Assignment) -> Option<Violation> {
        let told = self.assignments.get(&row.id).copied();
        if told != Some(row.status) {
            return Some(Violation::of(Invariant::Rows, format!("{} is {}, and by its events {told:?}", row.id, row.status)));
        }
        let runs: u32 = self.jobs.values().filter(|job| job.assignment == row.id).map(|job| job.attempts).sum();
        (runs != row.spent.runs)
            .then(|| Violation::of(Invariant::Counters, format!("{} counts {} runs, and its events {runs}", row.id, row.spent.runs)))
    }

    fn against_job(&self, row: &Job) -> Vec<Violation> {
        let Some(told) = self.jobs.get(&row.id) else {
            return vec![Violation::of(Invariant::Rows, format!("{} has no event", row.id))];
        };
        let mut found = Vec::new();
        if (told.status, told.position) != (row.status, row.position) {
            let what =
                format!("{} is {} at place {}, and by its events {} at {}", row.id, row.status, row.position, told.status, told.position);
            found.push(Violation::of(Invariant::Rows, what));
        }
        let counts = [row.attempts, row.failures, row.rescues, row.parks];
        let told = [told.attempts, told.failures, told.rescues, told.parks];
        if counts != told {
            let what = format!("{} counts {counts:?} attempts, failures, rescues and parks, and its events {told:?}", row.id);
            found.push(Violation::of(Invariant::Counters, what));
        }
        found
    }
}
