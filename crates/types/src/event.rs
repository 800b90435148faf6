//! Events: what happened, numbered so that a reader never sees a gap or a late number.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, AttemptId, JobId, Timestamp};

/// What happened. The word before the dot is what it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
pub enum EventKind {
    /// An assignment was made.
    #[serde(rename = "assignment.created")]
    AssignmentCreated,
    /// Its status changed; the new one is in the data.
    #[serde(rename = "assignment.status")]
    AssignmentStatus,
    /// Its workspace, branch or head commit changed.
    #[serde(rename = "assignment.branch")]
    AssignmentBranch,
    /// A branch was registered, is to be merged, was merged, or left the registry; its status is in the data.
    #[serde(rename = "branch.changed")]
    BranchChanged,
    /// A job was put in the line.
    #[serde(rename = "job.inserted")]
    JobInserted,
    /// Its status changed; the new one, and why, is in the data.
    #[serde(rename = "job.status")]
    JobStatus,
    /// Its phase, progress or message changed.
    #[serde(rename = "job.progress")]
    JobProgress,
    /// An attempt began under a new token.
    #[serde(rename = "attempt.started")]
    AttemptStarted,
    /// A stage of an attempt began.
    #[serde(rename = "stage.started")]
    StageStarted,
    /// A stage of an attempt ended.
    #[serde(rename = "stage.ended")]
    StageEnded,
    /// An attempt ended.
    #[serde(rename = "attempt.ended")]
    AttemptEnded,
    /// The pull request of an assignment's branch was opened, or something of it changed.
    #[serde(rename = "pull_request.changed")]
    PullRequestChanged,
    /// A verdict was applied.
    #[serde(rename = "verdict.applied")]
    VerdictApplied,
    /// A verdict was refused.
    #[serde(rename = "verdict.refused")]
    VerdictRefused,
    /// A limit was reached, or something odd was seen: refs moved, survivors killed, output cut.
    #[serde(rename = "attempt.notice")]
    AttemptNotice,
    /// A harness was parked for everybody, or let go.
    #[serde(rename = "harness.parked")]
    HarnessParked,
    /// A circuit breaker opened, let its probe through, or closed; its status is in the data.
    #[serde(rename = "breaker.changed")]
    BreakerChanged,
    /// Everything was paused.
    #[serde(rename = "engine.paused")]
    Paused,
    /// Everything was resumed.
    #[serde(rename = "engine.resumed")]
    Resumed,
    /// A backup was restored: what was told after it was taken is no longer so.
    #[serde(rename = "engine.restored")]
    Restored,
    /// A project was made, changed or trusted.
    #[serde(rename = "project.changed")]
    ProjectChanged,
    /// Somebody was told of an operation's end, or could not be; its data says which.
    #[serde(rename = "operation.callback")]
    OperationCallback,
    /// An agent's session began, or went on after an end; its id is in the data.
    #[serde(rename = "session.started")]
    SessionStarted,
    /// An agent did something in its session; what it does now is in the data.
    #[serde(rename = "session.activity")]
    SessionActivity,
    /// An agent's session ended; why is in the data.
    #[serde(rename = "session.ended")]
    SessionEnded,
    /// Something that a later version knows: its number counts, its meaning is not known here.
    #[serde(rename = "other")]
    Other,
}

impl EventKind {
    /// Every kind that this version knows.
    pub const ALL: [Self; 25] = [
        Self::AssignmentCreated,
        Self::AssignmentStatus,
        Self::AssignmentBranch,
        Self::BranchChanged,
        Self::JobInserted,
        Self::JobStatus,
        Self::JobProgress,
        Self::AttemptStarted,
        Self::StageStarted,
        Self::StageEnded,
        Self::AttemptEnded,
        Self::PullRequestChanged,
        Self::VerdictApplied,
        Self::VerdictRefused,
        Self::AttemptNotice,
        Self::HarnessParked,
        Self::BreakerChanged,
        Self::Paused,
        Self::Resumed,
        Self::Restored,
        Self::ProjectChanged,
        Self::OperationCallback,
        Self::SessionStarted,
        Self::SessionActivity,
        Self::SessionEnded,
    ];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssignmentCreated => "assignment.created",
            Self::AssignmentStatus => "assignment.status",
            Self::AssignmentBranch => "assignment.branch",
            Self::BranchChanged => "branch.changed",
            Self::JobInserted => "job.inserted",
            Self::JobStatus => "job.status",
            Self::JobProgress => "job.progress",
            Self::AttemptStarted => "attempt.started",
            Self::StageStarted => "stage.started",
            Self::StageEnded => "stage.ended",
            Self::AttemptEnded => "attempt.ended",
            Self::PullRequestChanged => "pull_request.changed",
            Self::VerdictApplied => "verdict.applied",
            Self::VerdictRefused => "verdict.refused",
            Self::AttemptNotice => "attempt.notice",
            Self::HarnessParked => "harness.parked",
            Self::BreakerChanged => "breaker.changed",
            Self::Paused => "engine.paused",
            Self::Resumed => "engine.resumed",
            Self::Restored => "engine.restored",
            Self::ProjectChanged => "project.changed",
            Self::OperationCallback => "operation.callback",
            Self::SessionStarted => "session.started",
            Self::SessionActivity => "session.activity",
            Self::SessionEnded => "session.ended",
            Self::Other => "other",
        }
    }
}

crate::text_enum!(EventKind, "event kind");

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(from)?.parse().unwrap_or(Self::Other))
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number: rises by the order in which readers may see it, and is the cursor to resume from.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The project it belongs to, if any.
    pub project: Option<String>,
    /// The assignment it belongs to, if any.
    pub assignment_id: Option<AssignmentId>,
    /// The job it belongs to, if any.
    pub job_id: Option<JobId>,
    /// The attempt it belongs to, if any.
    pub attempt_id: Option<AttemptId>,
    /// The particulars, by kind.
    pub data: serde_json::Value,
}
