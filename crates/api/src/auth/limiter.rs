//! Guesses cost time: a few at once, then one a second, by where they come from.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

const BURST: u32 = 20;
pub(super) const REFILL: Duration = Duration::from_secs(1);
const PEERS_MAX: usize = 4096;

/// Counts what is wrong by whose it is: a few at once, then one a second.
#[derive(Debug)]
pub(crate) struct Limiter<Whose> {
    wrong: Mutex<HashMap<Whose, Bucket>>,
    pub(super) turns: Semaphore,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u32,
    at: Instant,
}

impl Bucket {
    fn refilled(self, now: Instant) -> Self {
        let refills = now.duration_since(self.at).as_secs() / REFILL.as_secs();
        if refills == 0 {
            return self;
        }
        Self { left: self.left.saturating_add(u32::try_from(refills).unwrap_or(BURST)).min(BURST), at: now }
    }
}

impl<Whose> Default for Limiter<Whose> {
    fn default() -> Self {
        Self { wrong: Mutex::default(), turns: Semaphore::new(1) }
    }
}

impl<Whose: Clone + Eq + Hash + Display> Limiter<Whose> {
    pub(crate) fn is_limited(&self, whose: &Whose) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(whose).is_some_and(|bucket| bucket.refilled(Instant::now()).left == 0)
    }

    /// Counts one more; whether it was one too many.
    pub(crate) fn count_wrong(&self, whose: &Whose) -> bool {
        let now = Instant::now();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= PEERS_MAX && !wrong.contains_key(whose) {
            // Who has been quiet long enough to be full again is forgotten; if nobody was, newcomers share nothing and wait.
            wrong.retain(|_, bucket| bucket.refilled(now).left < BURST);
            if wrong.len() >= PEERS_MAX {
                return true;
            }
        }
        let bucket = wrong.entry(whose.clone()).or_insert(Bucket { left: BURST, at: now });
        *bucket = bucket.refilled(now);
        if bucket.left == 0 {
            return true;
        }
        bucket.left -= 1;
        if bucket.left == 0 {
            tracing::warn!(%whose, "Too many refusals: limited to one a second");
        }
        false
    }

    /// Takes one count back: it was no wrong one.
    pub(crate) fn forgive(&self, whose: &Whose) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = wrong.get_mut(whose) {
            bucket.left = bucket.left.saturating_add(1).min(BURST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Peer;

    #[tokio::test(start_paused = true)]
    async fn wrong_tokens_are_limited_by_peer_and_forgiven_with_time() {
        let limiter = Limiter::default();
        let (guesser, other) = (Peer::Address([10, 0, 0, 1].into()), Peer::Address([10, 0, 0, 2].into()));
        let limited = (0..1000).filter(|_| limiter.count_wrong(&guesser)).count();
        assert_eq!(limited, 1000 - BURST as usize);
        assert!(limiter.is_limited(&guesser) && !limiter.is_limited(&other));
        assert!(!limiter.count_wrong(&other));
        tokio::time::advance(REFILL).await;
        assert!(!limiter.is_limited(&guesser));
        assert!(!limiter.count_wrong(&guesser));
        assert!(limiter.count_wrong(&guesser));
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_peers_guess_only_so_many_are_remembered() {
        let limiter = Limiter::default();
        for n in 0..10_000u32 {
            limiter.count_wrong(&Peer::Address(std::net::Ipv4Addr::from(n).into()));
        }
        assert!(limiter.wrong.lock().expect("lock").len() <= PEERS_MAX);
    }
}
