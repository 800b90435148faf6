//! Why an attempt stops before its work could be judged.

use windlass_store::StoreError;
use windlass_types::{Failure, FailureKind};

/// Why an attempt stopped before its work could be judged.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The work, or what it needs, failed.
    Failed(Failure),
    /// The right to the job is lost: write nothing.
    Lost,
    /// The node stops: hand the job back.
    HandBack,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Stale { .. } => Self::Lost,
            StoreError::Full(m) | StoreError::ReadOnly(m) => Self::Failed(Failure::new(FailureKind::DiskFull, m)),
            // No fault of the job's: it goes on later, here or elsewhere.
            StoreError::Unavailable(_) => Self::HandBack,
            e => Self::Failed(Failure::new(FailureKind::Internal, format!("the store could not take a step's record: {e}"))),
        }
    }
}

impl From<windlass_workspace::git::WorkspaceError> for Stop {
    fn from(e: windlass_workspace::git::WorkspaceError) -> Self {
        Self::Failed(e.failure())
    }
}

pub(crate) fn cancelled() -> Stop {
    Stop::Failed(Failure::new(FailureKind::Cancelled, "somebody cancelled it"))
}
