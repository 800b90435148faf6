//! Code operations as they are shown: the words that services use, in their own spelling.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::CallbackState;
use windlass_types::{AssignmentId, Hold, OperationRequest, OperationResult, OperationStatus, OperationType, Phase, Timestamp};

/// A code operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationView {
    /// Its id, which is its assignment's.
    pub id: AssignmentId,
    /// The same.
    pub operation_id: AssignmentId,
    /// What kind of work it is.
    pub operation_type: OperationType,
    /// What is wanted.
    pub description: String,
    /// Where it stands.
    pub status: OperationStatus,
    /// What it does or waits for, and what can be done about it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Why its next job does not run, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// How far its present job is.
    pub progress: OperationProgress,
    /// Whose it is.
    pub organization_id: String,
    /// The requester's session.
    pub session_id: String,
    /// The project that its repository is.
    pub project: String,
    /// Whether its work is proposed as a pull request.
    pub approval_required: bool,
    /// The branch its work is on, once there is one.
    pub branch: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was done or called off.
    pub ended_at: Option<Timestamp>,
    /// What was asked for, without the callback's secret. Left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<OperationRequest>,
    /// What came of it, once it is over. Left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<OperationResult>,
    /// How telling somebody of its end stands, where that is wanted and it has come to one. Left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackView>,
    /// Where its parts are found.
    pub links: OperationLinks,
}

/// How telling somebody of an operation's end stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallbackView {
    /// The message's id, the same each time it is sent.
    pub delivery_id: String,
    /// `due`, `delivered` or `dead`.
    pub status: String,
    /// How often it was sent.
    pub tries: u32,
    /// When it is sent next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl From<CallbackState> for CallbackView {
    fn from(state: CallbackState) -> Self {
        let status = match (state.due_at, &state.problem) {
            (Some(_), _) => "due",
            (None, None) => "delivered",
            (None, Some(_)) => "dead",
        };
        Self { delivery_id: state.delivery, status: status.to_owned(), tries: state.tries, due_at: state.due_at, problem: state.problem }
    }
}

/// How far the present job of an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationProgress {
    /// Its phase.
    pub phase: Option<Phase>,
    /// From 0 to 100.
    pub percent: u8,
    /// What the agent says that it does.
    pub message: Option<String>,
}

/// Where the parts of an operation are found, on the same server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationLinks {
    /// The operation.
    #[serde(rename = "self")]
    pub itself: String,
    /// Its result, once it is over.
    pub result: String,
    /// What happens in it, as it happens.
    pub events: String,
    /// Calls it off.
    pub cancel: String,
    /// Its assignment, with jobs and verdicts.
    pub assignment: String,
}

impl OperationLinks {
    pub(super) fn of(id: AssignmentId) -> Self {
        let itself = format!("/api/v1/code-operations/{id}");
        Self {
            result: format!("{itself}/result"),
            events: format!("{itself}/events"),
            cancel: format!("{itself}/cancel"),
            assignment: format!("/api/v1/assignments/{id}"),
            itself,
        }
    }
}
