//! What goes over the wire between this program and the daemon: the engine's own request and answer types.

pub(crate) use windlass_engine::{
    Backup, BreakerView, CallbackView, CreateAssignment, DeadLetter, DeadLetterDetail, Diff, Doctor, DoctorCheck, Explanation, HarnessLook,
    Housekeeping, HousekeepingRun, Notifications, OperationView, ReplayOutcome, Replayed, Restored, RunGoal, Status, TranscriptPage,
    TrustCandidate, UpdateAssignment,
};

use serde::Deserialize;
use windlass_types::{Assignment, Attempt, Job, StageRecord, Task, VerdictRecord};

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

/// An assignment with its line.
#[derive(Debug, Deserialize)]
pub(crate) struct AssignmentDetail {
    #[serde(flatten)]
    pub(crate) assignment: Assignment,
    #[serde(default)]
    pub(crate) jobs: Vec<Job>,
    #[serde(default)]
    pub(crate) verdicts: Vec<VerdictRecord>,
    pub(crate) task: Option<Task>,
}

/// What a submission answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Submitted {
    pub(crate) assignment: Assignment,
    #[serde(default)]
    pub(crate) created: bool,
}

/// What the submission of an operation answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationAccepted {
    pub(crate) operation_id: windlass_types::AssignmentId,
    #[serde(default)]
    pub(crate) created: bool,
}

/// A job with its attempts.
#[derive(Debug, Deserialize)]
pub(crate) struct JobDetail {
    #[serde(flatten)]
    pub(crate) job: Job,
    #[serde(default)]
    pub(crate) attempts_list: Vec<AttemptDetail>,
}

/// An attempt with its journal.
#[derive(Debug, Deserialize)]
pub(crate) struct AttemptDetail {
    #[serde(flatten)]
    pub(crate) attempt: Attempt,
    #[serde(default)]
    pub(crate) stages: Vec<StageRecord>,
}
