//! Assignments: what somebody wants, and the only rules by which its status moves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, Budget, Harness, Spent, Timestamp};

/// Where an assignment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentStatus {
    /// Its jobs may run.
    Active,
    /// Somebody has to act first; nothing of it runs until then.
    Blocked,
    /// Done.
    Complete,
    /// Called off.
    Cancelled,
}

impl AssignmentStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Blocked, Self::Complete, Self::Cancelled];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
        }
    }

    /// The only place that knows which moves are legal. A person may re-open whatever ended.
    pub const fn next(self, by: AssignmentMove) -> Result<Self, IllegalAssignmentMove> {
        use AssignmentMove as M;
        Ok(match (self, by) {
            (Self::Active | Self::Blocked, M::Block) => Self::Blocked,
            (Self::Active | Self::Blocked, M::Complete) => Self::Complete,
            (Self::Active | Self::Blocked | Self::Cancelled, M::Cancel) => Self::Cancelled,
            (_, M::Activate) => Self::Active,
            (from, by) => return Err(IllegalAssignmentMove { from, by }),
        })
    }
}

crate::text_enum!(AssignmentStatus, "assignment status");

/// What may happen to an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssignmentMove {
    /// Somebody has to act first.
    Block,
    /// A person lets it go on (or opens it again).
    Activate,
    /// It is done.
    Complete,
    /// It is called off.
    Cancel,
}

impl AssignmentMove {
    /// What it makes of an assignment, for people.
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Block => "blocked",
            Self::Activate => "made active",
            Self::Complete => "completed",
            Self::Cancel => "cancelled",
        }
    }
}

/// A move that a status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an assignment that is {from} cannot be {}", by.participle())]
pub struct IllegalAssignmentMove {
    /// Where it stands.
    pub from: AssignmentStatus,
    /// What was asked.
    pub by: AssignmentMove,
}

/// Who has to act before a blocked assignment goes on, on what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Who: `person`, or a name that a pm job gave.
    pub owner: String,
    /// What they have to do.
    pub action: String,
    /// What happened.
    pub reason: String,
    /// The failure's stable word, where a failure is the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<crate::FailureKind>,
}

/// What follows a job that failed for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Block the assignment for a person.
    #[default]
    Block,
    /// Let a pm job judge it.
    Review,
}

/// The rules an assignment is run by. What is not given comes from the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Policy {
    /// Whether a pm job judges each job. Without it the assignment is complete when its last job succeeds.
    pub review: bool,
    /// What follows a job that failed for good.
    pub on_failure: OnFailure,
    /// How many jobs the pm may insert over the assignment's life.
    pub max_inserted_jobs: u32,
    /// The check the engine runs on every change. Trusted: a person gave it.
    pub verify: Option<String>,
    /// How often the agent may be sent back with the check's output.
    pub max_iterations: Option<u32>,
    /// The agent for each job type (`default` for the rest).
    pub harness_defaults: BTreeMap<String, Harness>,
    /// The program of jobs of harness `command`, for jobs that name none.
    pub program: Option<String>,
    /// The script of jobs of harness `simulated`, for jobs that name none.
    pub script: Option<String>,
    /// Whether the branch is proposed as a pull request once its work has passed.
    pub propose: bool,
    /// The repository on the forge, `OWNER/NAME`, where the repository's own address does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forge_repository: Option<String>,
    /// The changes of guarded paths that a person has let through, by their digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approved_changes: Vec<String>,
    /// Files that its jobs have to themselves while they run: paths, folders (`src/`) and globs, from the top of the repository.
    pub locks: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            review: true,
            on_failure: OnFailure::default(),
            max_inserted_jobs: 20,
            verify: None,
            max_iterations: None,
            harness_defaults: BTreeMap::new(),
            program: None,
            script: None,
            propose: false,
            forge_repository: None,
            approved_changes: Vec::new(),
            locks: Vec::new(),
        }
    }
}

/// An assignment as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// Its id.
    pub id: AssignmentId,
    /// The project it belongs to; the namespace that isolates it.
    pub project: String,
    /// What somebody wants, in their words.
    pub north_star: String,
    /// Where it came from: `cli`, `api`, `file`, …
    pub source: String,
    /// Where it stands.
    pub status: AssignmentStatus,
    /// Who has to act, while it is blocked.
    pub block: Option<Block>,
    /// What the person who moved it to its status said of why; of one that is blocked, the block says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// The rules it is run by.
    pub policy: Policy,
    /// Its limits.
    pub budget: Budget,
    /// What it has used of them.
    pub spent: Spent,
    /// Jobs that pm verdicts have inserted so far.
    pub inserted_jobs: u32,
    /// Higher runs first.
    pub priority: i32,
    /// The branch its work is delivered on.
    pub branch: Option<String>,
    /// The branch its work started from.
    pub base_branch: Option<String>,
    /// The commit its work started from.
    pub base_commit: Option<String>,
    /// The last commit that passed the gates.
    pub head_commit: Option<String>,
    /// The pull request of its branch, as it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<crate::PullRequest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it became complete or cancelled.
    pub ended_at: Option<Timestamp>,
}
