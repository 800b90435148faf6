//! When something is looked for and sent: at each change, when it is due, and now and then.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

/// The longest time between two rounds, should a wake-up be lost or nothing tell of the change.
const QUIET: Duration = Duration::from_secs(30);
/// The pause after the store could not be used.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// When the next round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    /// In how many milliseconds something is due, if anything is.
    pub(crate) due_ms: Option<i64>,
    /// How long what changes is left alone first: what happens at one moment is one round's.
    pub(crate) rest: Duration,
}

/// Makes rounds for as long as there is a store. `what` waits while it cannot be used.
pub(crate) async fn rounds<E, R>(what: &str, mut changes: watch::Receiver<i64>, round: impl Fn() -> R)
where
    E: fmt::Display,
    R: Future<Output = Result<Next, E>>,
{
    loop {
        changes.borrow_and_update();
        let (wait, rest) = match round().await {
            Ok(Next { due_ms, rest }) => {
                let due = due_ms.map_or(QUIET, |ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
                (due.min(QUIET), rest)
            }
            Err(e) => {
                tracing::warn!(error = %e, "{what} wait: the store could not be used");
                (STORE_PAUSE, Duration::ZERO)
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep(rest).await;
    }
}
