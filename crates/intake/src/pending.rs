//! Files that were seen and are not read yet: each once, in the order in which they were seen, bounded.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use windlass_types::Timestamp;

/// How many may wait; what is beyond is found by the next look through everything.
const PENDING_MAX: usize = 200_000;

/// A file that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) worker: String,
    pub(crate) name: OsString,
    pub(crate) seen_at: Timestamp,
}

#[derive(Debug, Default)]
struct Inner {
    order: VecDeque<Sighting>,
    known: HashSet<(String, OsString)>,
    look_through: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    inner: Mutex<Inner>,
    changed: Notify,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, sightings: impl IntoIterator<Item = Sighting>) {
        let mut inner = self.lock();
        for sighting in sightings {
            if inner.order.len() >= PENDING_MAX {
                inner.look_through = true;
                break;
            }
            if inner.known.insert((sighting.worker.clone(), sighting.name.clone())) {
                inner.order.push_back(sighting);
            }
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// Asks for a look through everything.
    pub(crate) fn look_through(&self) {
        self.lock().look_through = true;
        self.changed.notify_one();
    }

    /// Whether one was asked for; it counts as begun.
    pub(crate) fn take_look_through(&self) -> bool {
        std::mem::take(&mut self.lock().look_through)
    }

    pub(crate) fn pop(&self, most: usize) -> Vec<Sighting> {
        let mut inner = self.lock();
        let count = most.min(inner.order.len());
        let taken: Vec<Sighting> = inner.order.drain(..count).collect();
        for sighting in &taken {
            inner.known.remove(&(sighting.worker.clone(), sighting.name.clone()));
        }
        taken
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().order.len()
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_waits_once_and_may_be_seen_again_after_it_was_taken_out() {
        let pending = Pending::default();
        let sighting = |name: &str| Sighting { worker: "marie".to_owned(), name: name.into(), seen_at: Timestamp(0) };
        pending.push([sighting("a"), sighting("b"), sighting("a")]);
        assert_eq!(pending.pop(10), [sighting("a"), sighting("b")]);
        pending.push([sighting("a")]);
        assert_eq!(pending.pop(10), [sighting("a")]);
    }

    #[test]
    fn more_than_there_is_room_for_asks_for_a_look_through() {
        let pending = Pending::default();
        let many = (0..=PENDING_MAX).map(|n| Sighting { worker: "marie".to_owned(), name: n.to_string().into(), seen_at: Timestamp(0) });
        pending.push(many);
        assert_eq!(pending.len(), PENDING_MAX);
        assert!(pending.take_look_through() && !pending.take_look_through());
    }
}
