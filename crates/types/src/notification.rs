//! Notifications: what people are told of without looking, once each time that it happens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, JobId, Timestamp};

/// What a channel may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// Whatever needs a person: all that the inbox shows, and so all of the others too.
    NeedsYou,
    /// Work is blocked.
    Blocked,
    /// A job is out of retries.
    Dead,
    /// A budget is spent.
    Budget,
    /// A circuit breaker is open.
    Breaker,
}

impl NotificationKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::NeedsYou, Self::Blocked, Self::Dead, Self::Budget, Self::Breaker];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs_you",
            Self::Blocked => "blocked",
            Self::Dead => "dead",
            Self::Budget => "budget",
            Self::Breaker => "breaker",
        }
    }

    /// What happened, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeedsYou => "needs you",
            Self::Blocked => "blocked",
            Self::Dead => "out of retries",
            Self::Budget => "budget spent",
            Self::Breaker => "circuit breaker open",
        }
    }
}

crate::text_enum!(NotificationKind, "kind of notification");

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// It is to be sent.
    Due,
    /// It was taken.
    Sent,
    /// It was not taken, and is not sent again.
    Failed,
}

impl NotificationState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Due, Self::Sent, Self::Failed];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

crate::text_enum!(NotificationState, "state of a notification");

/// What a notification says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What it is about.
    pub title: String,
    /// What happened.
    pub why: String,
    /// What to do.
    pub action: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Its project, if it is about one.
    pub project: Option<String>,
    /// Its assignment, if it is about one.
    pub assignment_id: Option<AssignmentId>,
    /// Its job, if it is about one.
    pub job_id: Option<JobId>,
}

/// A notification as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// Its id.
    pub id: String,
    /// When it was seen that there is something to tell.
    pub at: Timestamp,
    /// By which channel.
    pub channel: String,
    /// What kind.
    pub kind: NotificationKind,
    /// What it is about.
    pub title: String,
    /// Where it stands.
    pub state: NotificationState,
    /// How often it was sent.
    pub tries: u32,
    /// Why the last try failed; null when it was taken.
    pub error: Option<String>,
    /// Its assignment, if it is about one.
    pub assignment_id: Option<AssignmentId>,
    /// Its job, if it is about one.
    pub job_id: Option<JobId>,
}
