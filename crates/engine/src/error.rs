//! What the engine's face answers when it cannot do what was asked.

use windlass_store::StoreError;
use windlass_types::Failure;

/// What kind of answer it is: decides HTTP status and exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing by that id.
    NotFound,
    /// What was asked makes no sense.
    Invalid,
    /// It was there, and is no longer kept.
    Gone,
    /// It makes sense, but not now.
    Conflict,
    /// It is no longer what the caller has seen.
    Changed,
    /// The caller may not.
    Forbidden,
    /// No room: disk full, queue full.
    Full,
    /// The store or the node cannot serve for the moment.
    Unavailable,
    /// A fault of Windlass.
    Internal,
}

/// An answer that is a refusal: what happened, to what, and what to do next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What kind.
    pub kind: ErrorKind,
    /// What happened, to what.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl EngineError {
    /// A refusal of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<StoreError> for EngineError {
    fn from(e: StoreError) -> Self {
        let kind = match &e {
            StoreError::NotFound { .. } => ErrorKind::NotFound,
            StoreError::Invalid(_) => ErrorKind::Invalid,
            StoreError::Pruned { .. } => ErrorKind::Gone,
            StoreError::Conflict(_) | StoreError::Stale { .. } | StoreError::Linked { .. } => ErrorKind::Conflict,
            StoreError::Changed(_) => ErrorKind::Changed,
            StoreError::Full(_) => ErrorKind::Full,
            StoreError::ReadOnly(_) | StoreError::Unavailable(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, e.to_string())
    }
}

impl From<Failure> for EngineError {
    fn from(f: Failure) -> Self {
        use windlass_types::FailureKind as K;
        let kind = match f.kind {
            K::DiskFull => ErrorKind::Full,
            K::Internal | K::SpawnFailed => ErrorKind::Internal,
            // A remote that does not answer, a repository that git cannot read: it may work later.
            K::GitFailed => ErrorKind::Conflict,
            _ => ErrorKind::Invalid,
        };
        Self { kind, message: f.message, hint: f.hint }
    }
}
