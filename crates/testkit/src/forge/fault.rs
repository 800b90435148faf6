//! How a call can be made to fail.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;

use super::answer::Answer;

/// What happens to the next call that it is kept for, once.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer, and nothing is done.
    Instead(Answer),
    /// The work is done, and then this answer.
    AfterWork(Answer),
    /// The connection is closed without an answer, and nothing is done.
    HangUp,
    /// The work is done, and then the connection is closed without an answer.
    HangUpAfterWork,
    /// No answer ever, and nothing is done.
    Silence,
    /// The work is done, and its answer comes so much later.
    Slow(Duration),
    /// The work is done, and its answer waits until all calls that share the barrier have come so far.
    Together(Arc<Barrier>),
}

/// A fault that waits for its call.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) method: String,
    pub(super) path_end: String,
    pub(super) fault: Fault,
}

impl Kept {
    /// Whether this is its call.
    pub(super) fn is_for(&self, method: &str, path: &str) -> bool {
        self.method == method && path.ends_with(&self.path_end)
    }
}
