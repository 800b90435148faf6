//! How long things are kept, and how much room they may take.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long things are kept once they are over, and how much room they may take; what is `None` is kept for ever, or not bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    /// How often it is looked after, in seconds.
    pub interval_secs: u64,
    /// Events, in seconds.
    pub events_secs: Option<u64>,
    /// Transcripts of assignments that are over, in seconds.
    pub transcripts_secs: Option<u64>,
    /// All transcripts together, in bytes: of those that may go the oldest go first.
    pub transcripts_max_bytes: Option<u64>,
    /// Assignments that are over, with their jobs and attempts, in seconds.
    pub finished_secs: Option<u64>,
    /// Lines of the audit log, in seconds.
    pub audit_secs: Option<u64>,
    /// Tokens, sessions and login links that ended, in seconds.
    pub credentials_secs: Option<u64>,
    /// Workspaces of assignments that are over, in seconds.
    pub workspaces_secs: Option<u64>,
    /// All workspaces together, in bytes: of those that may go the oldest go first.
    pub workspaces_max_bytes: Option<u64>,
    /// With less free space than this, in bytes, no new work is begun.
    pub min_free_bytes: u64,
}

const DAY: u64 = 24 * 3600;

impl Default for Retention {
    fn default() -> Self {
        Self {
            interval_secs: 6 * 3600,
            events_secs: Some(30 * DAY),
            transcripts_secs: Some(30 * DAY),
            transcripts_max_bytes: None,
            finished_secs: Some(90 * DAY),
            audit_secs: Some(365 * DAY),
            credentials_secs: Some(30 * DAY),
            workspaces_secs: Some(14 * DAY),
            workspaces_max_bytes: None,
            min_free_bytes: 256 * 1024 * 1024,
        }
    }
}
