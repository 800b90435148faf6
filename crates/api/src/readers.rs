//! Who reads the live stream, and how far behind the slowest is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The open streams.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Vec<Weak<AtomicI64>>>);

/// One reader's place: the number of the last event it took. It counts as long as it is held.
pub(crate) type Place = Arc<AtomicI64>;

impl Readers {
    /// One more reader, which has read up to `seq`.
    pub(crate) fn join(&self, seq: i64) -> Place {
        let place = Arc::new(AtomicI64::new(seq));
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(Arc::downgrade(&place));
        place
    }

    /// How many streams are open, and how many events the slowest is behind the newest.
    pub(crate) fn behind(&self, newest: i64) -> (u64, u64) {
        let readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readers.iter().filter_map(Weak::upgrade).fold((0, 0), |(count, most), place| {
            let behind = newest.saturating_sub(place.load(Ordering::Relaxed));
            (count + 1, most.max(u64::try_from(behind).unwrap_or(0)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_reader_counts_and_one_that_left_does_not() {
        let readers = Readers::default();
        let slow = readers.join(3);
        let quick = readers.join(9);
        assert_eq!(readers.behind(10), (2, 7));
        drop(slow);
        quick.store(12, Ordering::Relaxed);
        assert_eq!(readers.behind(10), (1, 0));
    }
}
