//! Why work failed, and the class that decides what happens next.
//!
//! **Invariant:** [`FailureKind::class`] is the only place where a kind becomes a decision.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// What the engine does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The world hiccuped: try again after a back-off; counts against the job's retries; dead when they are spent.
    Transient,
    /// A quota or rate limit: wait until the provider's reset; costs no retry.
    Parked,
    /// Something a person has to set up: block and name it; costs no retry.
    Configuration,
    /// Trying again cannot help: the job has failed.
    Permanent,
    /// The worker went away (crash, lost lease): run again, counted as a rescue, not as a failure.
    Interrupted,
    /// Somebody cancelled it.
    Cancelled,
}

/// What went wrong, as a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The model's API answered an error that may pass (5xx, overloaded, no connection, cut stream).
    ApiError,
    /// The agent ended without its final event, or was killed by a signal that Windlass did not send.
    AgentCrashed,
    /// No output for the job's idle time.
    Stalled,
    /// The job's time was up.
    Timeout,
    /// git failed in a way that may pass.
    GitFailed,
    /// A program could not be started for want of something that may come back (memory, processes).
    SpawnFailed,
    /// The provider's rate limit or quota.
    RateLimited,
    /// The disk is full or not writable.
    DiskFull,
    /// The provider refused the credentials.
    Unauthorized,
    /// The agent has no credentials.
    NotLoggedIn,
    /// The agent's program was not found.
    NotInstalled,
    /// The repository is missing, empty, or not one.
    BadRepository,
    /// The base branch does not exist.
    UnknownBaseBranch,
    /// A setting is missing or contradicts another.
    BadConfiguration,
    /// The verify command itself could not be started.
    VerifyMissing,
    /// The repository brings commands that nobody has trusted.
    Untrusted,
    /// The sandbox that the work must run in does not work on this node.
    SandboxMissing,
    /// Of versions without a scanner: the repository was not a local path.
    NoScanner,
    /// The agent refused, or its program failed for good (bad request, turn limit, usage).
    AgentFailed,
    /// The project's check is still red after the last iteration.
    VerifyFailed,
    /// The agent says it is done and nothing changed.
    NoChange,
    /// The work holds a secret, and the agent did not take it out.
    SecretFound,
    /// The work changes a path that a person has to let through.
    GuardedChange,
    /// The forge did not answer, or with a fault of its own.
    ForgeUnavailable,
    /// The forge's rate limit.
    ForgeLimited,
    /// The forge understood and refused.
    ForgeRefused,
    /// The work does not merge cleanly with another branch, or with what its base has become.
    BranchClash,
    /// The same diff and the same failing check as before.
    Loop,
    /// A budget is spent.
    BudgetExceeded,
    /// A budget is set and the agent does not say what it used.
    UsageUnknown,
    /// The agent printed more than the limit.
    OutputLimit,
    /// A program used more memory, or its folder more of the disk, than the sandbox allows.
    SandboxLimit,
    /// A pm job ended without a verdict.
    NoVerdict,
    /// A verdict named evidence that is not there.
    BadEvidence,
    /// The workspace is not what Windlass left (a re-pointed `.git`, a missing folder).
    WorkspaceTampered,
    /// The worker or its node went away.
    WorkerLost,
    /// Somebody cancelled it.
    Cancelled,
    /// A fault of Windlass itself.
    Internal,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 38] = [
        Self::ApiError,
        Self::AgentCrashed,
        Self::Stalled,
        Self::Timeout,
        Self::GitFailed,
        Self::SpawnFailed,
        Self::RateLimited,
        Self::DiskFull,
        Self::Unauthorized,
        Self::NotLoggedIn,
        Self::NotInstalled,
        Self::BadRepository,
        Self::UnknownBaseBranch,
        Self::BadConfiguration,
        Self::VerifyMissing,
        Self::Untrusted,
        Self::SandboxMissing,
        Self::NoScanner,
        Self::AgentFailed,
        Self::VerifyFailed,
        Self::NoChange,
        Self::SecretFound,
        Self::GuardedChange,
        Self::ForgeUnavailable,
        Self::ForgeLimited,
        Self::ForgeRefused,
        Self::BranchClash,
        Self::Loop,
        Self::BudgetExceeded,
        Self::UsageUnknown,
        Self::OutputLimit,
        Self::SandboxLimit,
        Self::NoVerdict,
        Self::BadEvidence,
        Self::WorkspaceTampered,
        Self::WorkerLost,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The stable word for this kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiError => "api_error",
            Self::AgentCrashed => "agent_crashed",
            Self::Stalled => "stalled",
            Self::Timeout => "timeout",
            Self::GitFailed => "git_failed",
            Self::SpawnFailed => "spawn_failed",
            Self::RateLimited => "rate_limited",
            Self::DiskFull => "disk_full",
            Self::Unauthorized => "unauthorized",
            Self::NotLoggedIn => "not_logged_in",
            Self::NotInstalled => "not_installed",
            Self::BadRepository => "bad_repository",
            Self::UnknownBaseBranch => "unknown_base_branch",
            Self::BadConfiguration => "bad_configuration",
            Self::VerifyMissing => "verify_missing",
            Self::Untrusted => "untrusted",
            Self::SandboxMissing => "sandbox_missing",
            Self::NoScanner => "no_scanner",
            Self::AgentFailed => "agent_failed",
            Self::VerifyFailed => "verify_failed",
            Self::NoChange => "no_change",
            Self::SecretFound => "secret_found",
            Self::GuardedChange => "guarded_change",
            Self::ForgeUnavailable => "forge_unavailable",
            Self::ForgeLimited => "forge_limited",
            Self::ForgeRefused => "forge_refused",
            Self::BranchClash => "branch_clash",
            Self::Loop => "loop",
            Self::BudgetExceeded => "budget_exceeded",
            Self::UsageUnknown => "usage_unknown",
            Self::OutputLimit => "output_limit",
            Self::SandboxLimit => "sandbox_limit",
            Self::NoVerdict => "no_verdict",
            Self::BadEvidence => "bad_evidence",
            Self::WorkspaceTampered => "workspace_tampered",
            Self::WorkerLost => "worker_lost",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// The class that decides what happens next.
    pub const fn class(self) -> FailureClass {
        match self {
            Self::ApiError
            | Self::AgentCrashed
            | Self::Stalled
            | Self::Timeout
            | Self::GitFailed
            | Self::SpawnFailed
            | Self::ForgeUnavailable
            | Self::Internal => FailureClass::Transient,
            Self::RateLimited | Self::ForgeLimited | Self::DiskFull => FailureClass::Parked,
            Self::Unauthorized
            | Self::NotLoggedIn
            | Self::NotInstalled
            | Self::BadRepository
            | Self::UnknownBaseBranch
            | Self::BadConfiguration
            | Self::VerifyMissing
            | Self::Untrusted
            | Self::SandboxMissing
            | Self::NoScanner => FailureClass::Configuration,
            Self::AgentFailed
            | Self::VerifyFailed
            | Self::NoChange
            | Self::SecretFound
            | Self::GuardedChange
            | Self::ForgeRefused
            | Self::BranchClash
            | Self::Loop
            | Self::BudgetExceeded
            | Self::UsageUnknown
            | Self::OutputLimit
            | Self::SandboxLimit
            | Self::NoVerdict
            | Self::BadEvidence
            | Self::WorkspaceTampered => FailureClass::Permanent,
            Self::WorkerLost => FailureClass::Interrupted,
            Self::Cancelled => FailureClass::Cancelled,
        }
    }
}

crate::text_enum!(FailureKind, "failure kind");

/// A failure: what happened, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// What happened, to what, in a sentence.
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When the provider says it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

impl Failure {
    /// A failure of `kind` with its sentence.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, retry_at: None }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds when it may be tried again.
    #[must_use]
    pub const fn retry_at(mut self, at: Timestamp) -> Self {
        self.retry_at = Some(at);
        self
    }

    /// The class of its kind.
    pub const fn class(&self) -> FailureClass {
        self.kind.class()
    }
}
