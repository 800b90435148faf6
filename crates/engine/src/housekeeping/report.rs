//! What housekeeping did, and what it left.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_types::{AssignmentId, Timestamp};

use super::Retention;

/// What was removed, or in a dry run would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Removed {
    /// Events.
    pub events: u64,
    /// Assignments that were over, with all their rows.
    pub assignments: u64,
    /// Sessions of agents that people started by themselves.
    pub sessions: u64,
    /// Lines of the audit log.
    pub audit_lines: u64,
    /// Tokens, sessions and login links that ended.
    pub credentials: u64,
    /// Notifications about what is over.
    pub notifications: u64,
    /// Transcripts.
    pub transcripts: u64,
    /// Their size, in bytes.
    pub transcript_bytes: u64,
    /// Workspaces.
    pub workspaces: u64,
    /// Checked-out trees that were ready for workspaces to come.
    pub pool_trees: u64,
    /// The size of both, in bytes.
    pub workspace_bytes: u64,
}

/// A workspace that was to go and stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kept {
    /// Whose.
    pub assignment_id: AssignmentId,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Why it stays.
    pub why: String,
    /// What a person can do.
    pub hint: String,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HousekeepingRun {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Nothing was removed: it was only looked at.
    pub dry_run: bool,
    /// What was removed.
    pub removed: Removed,
    /// What was to go and stays, at most 1000.
    pub kept: Vec<Kept>,
    /// What the workspaces of this node and the trees ready for more take, in bytes, before the round.
    pub workspace_bytes: u64,
    /// What went wrong, in sentences.
    pub problems: Vec<String>,
}

/// What is kept how long, and the last round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Housekeeping {
    /// The settings.
    pub retention: Retention,
    /// The last round on this node that was not a dry run.
    pub last: Option<HousekeepingRun>,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
    /// When a backup was last finished.
    pub backed_up_at: Option<Timestamp>,
    /// The last restore of this data directory.
    pub restore: Option<crate::backup::RestoreOutcome>,
}
