//! What the store's threads count: a few atomic additions for each commit, and nothing that anybody waits for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From a commit that waits for nothing to one that waits for a bad disk; in microseconds.
const COMMIT_MICROS: [u64; 13] = [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
/// From an operation by itself to the largest group.
const OPERATIONS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// How often something was within which bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The bounds, rising.
    pub bounds: &'static [u64],
    /// How often it was within each and above the one before, and at the end how often above all: not cumulative.
    pub counts: Vec<u64>,
    /// All of it together.
    pub sum: u64,
}

#[derive(Debug)]
struct Counted<const N: usize> {
    within: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Counted<N> {
    fn new() -> Self {
        Self { within: [const { AtomicU64::new(0) }; N], above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn add(&self, bounds: &[u64; N], value: u64) {
        let place = bounds.partition_point(|bound| *bound < value);
        self.within.get(place).unwrap_or(&self.above).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn spread(&self, bounds: &'static [u64; N]) -> Spread {
        let counts = self.within.iter().chain([&self.above]).map(|count| count.load(Ordering::Relaxed)).collect();
        Spread { bounds, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// The figures of one open store.
#[derive(Debug)]
pub(crate) struct Figures {
    commits: Counted<13>,
    operations: Counted<10>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self { commits: Counted::new(), operations: Counted::new() }
    }

    /// So many operations became lasting together, by a commit that took this long.
    pub(crate) fn committed(&self, took: Duration, operations: usize) {
        self.commits.add(&COMMIT_MICROS, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.operations.add(&OPERATIONS, operations as u64);
    }

    /// How long commits took, in microseconds.
    pub(crate) fn commit_micros(&self) -> Spread {
        self.commits.spread(&COMMIT_MICROS)
    }

    /// How many operations each of them held.
    pub(crate) fn commit_operations(&self) -> Spread {
        self.operations.spread(&OPERATIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_under_the_first_bound_that_holds_it_or_above_all() {
        let figures = Figures::new();
        for (micros, operations) in [(0, 1), (100, 2), (101, 3), (9_000_000, 513)] {
            figures.committed(Duration::from_micros(micros), operations);
        }
        let (took, held) = (figures.commit_micros(), figures.commit_operations());
        assert_eq!((took.counts[0], took.counts[1], took.counts[13], took.sum), (2, 1, 1, 9_000_201));
        assert_eq!((held.counts[..3].to_vec(), held.counts[10], held.sum), (vec![1, 1, 1], 1, 519));
    }
}
