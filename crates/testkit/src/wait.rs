//! Waiting for a condition that has no event to wait for. Where there is an event, wait for that instead.

use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};

/// How long one look is apart from the next.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks again and again until `look` sees something, and gives it; `None` when `deadline` has passed.
///
/// The last look is made after the deadline, so a machine that stood still for a while does not fail a test.
pub async fn eventually<T, F, Fut>(deadline: Duration, mut look: F) -> Option<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = tokio::time::Instant::now() + deadline;
    loop {
        let last = tokio::time::Instant::now() >= end;
        if let Some(seen) = look().await {
            return Some(seen);
        }
        if last {
            return None;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// The same for a test without a runtime.
///
/// # Panics
///
/// When `limit` has passed, with `what` did not come.
#[track_caller]
pub fn eventually_blocking<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    let interval = Timespec { tv_sec: 0, tv_nsec: i64::from(INTERVAL.subsec_nanos()) };
    loop {
        let last = Instant::now() >= end;
        if let Some(seen) = look() {
            return seen;
        }
        assert!(!last, "not within {limit:?}: {what}");
        let _ = poll(&mut [], Some(&interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        let seen = eventually(Duration::from_secs(30), || {
            looks += 1;
            let now = looks;
            async move { (now == 3).then_some(now) }
        });
        assert_eq!(seen.await, Some(3));
    }

    #[tokio::test]
    async fn a_condition_that_stays_false_ends_at_the_deadline() {
        assert_eq!(eventually(Duration::from_millis(1), || async { None::<()> }).await, None);
    }
}
