//! Why a queued job is not running now: one pure function, used by the claim and by `explain` alike.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentStatus, Block, Breaker, Failure, JobId, JobStatus, LockConflict, Park, Timestamp};

/// What kind of hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Everything is paused by a person.
    Paused,
    /// The assignment waits for somebody.
    Blocked,
    /// The assignment is over.
    AssignmentOver,
    /// An earlier job of the line has not ended.
    Predecessor,
    /// A back-off after a failure.
    Backoff,
    /// A quota: this job was parked.
    Parked,
    /// A quota: the harness is parked for everybody.
    HarnessParked,
    /// The circuit breaker of its backend is open, or half open and tried by another job.
    BreakerOpen,
    /// A budget forbids the next run.
    Budget,
    /// No node runs the worker it names.
    NoWorker,
    /// The worker is full.
    WorkerBusy,
    /// The project's limit is reached.
    ProjectBusy,
    /// Another assignment has the files that it wants for itself.
    FileLocked,
    /// The node cannot write its data.
    Storage,
    /// Nothing holds it: it is about to be claimed.
    Ready,
}

impl HoldKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Paused,
        Self::Blocked,
        Self::AssignmentOver,
        Self::Predecessor,
        Self::Backoff,
        Self::Parked,
        Self::HarnessParked,
        Self::BreakerOpen,
        Self::Budget,
        Self::NoWorker,
        Self::WorkerBusy,
        Self::ProjectBusy,
        Self::FileLocked,
        Self::Storage,
        Self::Ready,
    ];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::AssignmentOver => "assignment_over",
            Self::Predecessor => "predecessor",
            Self::Backoff => "backoff",
            Self::Parked => "parked",
            Self::HarnessParked => "harness_parked",
            Self::BreakerOpen => "breaker_open",
            Self::Budget => "budget",
            Self::NoWorker => "no_worker",
            Self::WorkerBusy => "worker_busy",
            Self::ProjectBusy => "project_busy",
            Self::FileLocked => "file_locked",
            Self::Storage => "storage",
            Self::Ready => "ready",
        }
    }
}

crate::text_enum!(HoldKind, "hold kind");

/// Why a job waits, in words, and when that is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// What kind.
    pub kind: HoldKind,
    /// Why, in a sentence.
    pub reason: String,
    /// What a person can do about it, where they can.
    pub hint: Option<String>,
    /// When it ends by itself, where that is known.
    pub until: Option<Timestamp>,
}

/// A limit and how much of it is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// How many are running.
    pub running: u32,
    /// How many may run.
    pub limit: u32,
}

impl Slots {
    const fn full(self) -> bool {
        self.running >= self.limit
    }
}

/// All that decides whether a queued job may run, gathered by the store in one read.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// The store's time.
    pub now: Timestamp,
    /// Everything is paused.
    pub paused: bool,
    /// The job's status.
    pub job_status: JobStatus,
    /// Not before this.
    pub due_at: Timestamp,
    /// Its park, if a quota set `due_at`.
    pub park: Option<Park>,
    /// Its last failure, if a back-off set `due_at`.
    pub failure: Option<Failure>,
    /// The assignment's status.
    pub assignment: AssignmentStatus,
    /// Who has to act, if it is blocked.
    pub block: Option<Block>,
    /// The earliest other job of the line that has not ended and comes first (or runs).
    pub predecessor: Option<(JobId, JobStatus)>,
    /// Until when the job's harness is parked, and why.
    pub harness_parked: Option<(Timestamp, String)>,
    /// The circuit breaker of the job's backend, where it is not closed.
    pub breaker: Option<Breaker>,
    /// What the budgets say about one more run.
    pub budget: Option<Failure>,
    /// The worker's name and its slots; `None` when no node runs it.
    pub worker: (String, Option<Slots>),
    /// The project's slots, if it has a limit.
    pub project: Option<Slots>,
    /// The first lock of a running assignment that is in the way of its own.
    pub lock: Option<LockConflict>,
    /// Why the node cannot write its data, if it cannot.
    pub storage: Option<String>,
}

/// Why a queued job does not run now; `None` when nothing forbids a claim.
pub fn hold(world: &World) -> Option<Hold> {
    let held = |kind, reason: String, hint: Option<&str>, until| Some(Hold { kind, reason, hint: hint.map(str::to_owned), until });
    match world.assignment {
        AssignmentStatus::Active => {}
        AssignmentStatus::Blocked => {
            return match &world.block {
                Some(b) => held(HoldKind::Blocked, format!("waits for {}: {}", b.owner, b.reason), Some(&b.action), None),
                None => held(HoldKind::Blocked, "the assignment is blocked".to_owned(), None, None),
            };
        }
        AssignmentStatus::Complete | AssignmentStatus::Cancelled => {
            return held(
                HoldKind::AssignmentOver,
                format!("the assignment is {}", world.assignment),
                Some("set the assignment active to go on with it"),
                None,
            );
        }
    }
    if let Some((id, status)) = &world.predecessor {
        return held(HoldKind::Predecessor, format!("{id} comes first and is {status}"), None, None);
    }
    if world.paused {
        return held(HoldKind::Paused, "everything is paused".to_owned(), Some("windlass resume"), None);
    }
    if world.due_at > world.now {
        return match (&world.park, &world.failure) {
            (Some(park), _) => held(HoldKind::Parked, park.failure.message.clone(), park.failure.hint.as_deref(), Some(world.due_at)),
            (None, Some(failure)) => held(HoldKind::Backoff, format!("tried again after: {}", failure.message), None, Some(world.due_at)),
            (None, None) => held(HoldKind::Backoff, "not due yet".to_owned(), None, Some(world.due_at)),
        };
    }
    if let Some(failure) = &world.budget {
        return held(HoldKind::Budget, failure.message.clone(), failure.hint.as_deref(), None);
    }
    if let Some((until, reason)) = &world.harness_parked
        && *until > world.now
    {
        return held(HoldKind::HarnessParked, reason.clone(), None, Some(*until));
    }
    if let Some(hold) = world.breaker.as_ref().and_then(|breaker| breaker.hold(world.now)) {
        return Some(hold);
    }
    if let Some(reason) = &world.storage {
        return held(HoldKind::Storage, reason.clone(), Some("free some disk space; work goes on by itself"), None);
    }
    match &world.worker {
        (name, None) => {
            return held(
                HoldKind::NoWorker,
                format!("no node runs a worker named {name:?}"),
                Some("add it to the configuration as [worker.NAME]"),
                None,
            );
        }
        (name, Some(slots)) if slots.limit == 0 => {
            return held(
                HoldKind::WorkerBusy,
                format!("worker {name} rests: it may run no job at once"),
                Some("raise its max_concurrent_tasks, which is 0, and start the daemon anew"),
                None,
            );
        }
        (name, Some(slots)) if slots.full() => {
            return held(HoldKind::WorkerBusy, format!("worker {name} runs {} of {} jobs", slots.running, slots.limit), None, None);
        }
        _ => {}
    }
    if let Some(slots) = world.project
        && slots.full()
    {
        return held(HoldKind::ProjectBusy, format!("the project runs {} of {} jobs", slots.running, slots.limit), None, None);
    }
    if let Some(LockConflict { holder, theirs, ours, since }) = &world.lock {
        let reason = if theirs == ours {
            format!("{holder} has {theirs} locked since {since}")
        } else {
            format!("{holder} has {theirs} locked since {since}, which overlaps with {ours}")
        };
        return held(HoldKind::FileLocked, reason, Some("it goes on by itself when that job ends: windlass locks"), None);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free() -> World {
        World {
            now: Timestamp(100),
            paused: false,
            job_status: JobStatus::Queued,
            due_at: Timestamp(100),
            park: None,
            failure: None,
            assignment: AssignmentStatus::Active,
            block: None,
            predecessor: None,
            harness_parked: None,
            breaker: None,
            budget: None,
            worker: ("default".to_owned(), Some(Slots { running: 1, limit: 2 })),
            project: None,
            lock: None,
            storage: None,
        }
    }

    fn kind(world: &World) -> Option<HoldKind> {
        hold(world).map(|h| h.kind)
    }

    #[test]
    fn a_free_job_is_not_held() {
        assert_eq!(hold(&free()), None);
    }

    #[test]
    fn each_reason_holds_and_says_why() {
        let cases: [(World, HoldKind); 8] = [
            (World { paused: true, ..free() }, HoldKind::Paused),
            (World { assignment: AssignmentStatus::Blocked, ..free() }, HoldKind::Blocked),
            (World { assignment: AssignmentStatus::Cancelled, ..free() }, HoldKind::AssignmentOver),
            (World { due_at: Timestamp(101), ..free() }, HoldKind::Backoff),
            (World { worker: ("anga".to_owned(), None), ..free() }, HoldKind::NoWorker),
            (World { worker: ("anga".to_owned(), Some(Slots { running: 2, limit: 2 })), ..free() }, HoldKind::WorkerBusy),
            (World { harness_parked: Some((Timestamp(200), "quota".to_owned())), ..free() }, HoldKind::HarnessParked),
            (World { storage: Some("disk full".to_owned()), ..free() }, HoldKind::Storage),
        ];
        for (world, wanted) in cases {
            assert_eq!(kind(&world), Some(wanted));
            assert!(hold(&world).is_some_and(|h| !h.reason.is_empty()));
        }
    }

    #[test]
    fn a_harness_park_that_is_over_holds_nothing() {
        assert_eq!(hold(&World { harness_parked: Some((Timestamp(99), "quota".to_owned())), ..free() }), None);
    }
}
