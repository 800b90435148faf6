//! The seeded schedule of a row, and its time.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub(crate) use windlass_testkit::wait::eventually_blocking as eventually;

use windlass_types::{Clock, Ids};

/// How long a row makes trouble when nobody says.
const SECONDS: u64 = 3;

/// What a row draws its faults from.
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    ids: Ids,
    /// Counted from the first fault on.
    until: OnceLock<Instant>,
}

impl Schedule {
    /// The schedule of a row: of the seed that `CHAOS_SEED` names, else of a new one, which is printed.
    pub(crate) fn of(row: &str) -> Self {
        let seed = number("CHAOS_SEED").unwrap_or_else(|| RandomState::new().hash_one(row) >> 16);
        println!("{row}: CHAOS_SEED={seed}");
        Self { seed, ids: Ids::seeded(Clock::system(), seed), until: OnceLock::new() }
    }

    /// Another stream of numbers of the same seed, for another thread.
    pub(crate) fn fork(&self, stream: u64) -> Self {
        let seed = self.seed.wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self { seed, ids: Ids::seeded(Clock::system(), seed), until: OnceLock::new() }
    }

    /// Whether there is time for more trouble.
    pub(crate) fn goes_on(&self) -> bool {
        let seconds = || Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(SECONDS));
        Instant::now() < *self.until.get_or_init(|| Instant::now() + seconds())
    }

    /// From 0 up to but not including 1.
    pub(crate) fn fraction(&self) -> f64 {
        self.ids.fraction()
    }

    /// From 0 up to but not including `n`.
    pub(crate) fn below(&self, n: usize) -> usize {
        (self.fraction() * n as f64) as usize
    }

    pub(crate) fn chance(&self, of: f64) -> bool {
        self.fraction() < of
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Lets a random time pass.
    pub(crate) fn pause(&self, ms: std::ops::Range<u64>) {
        let span = (ms.end - ms.start) as f64;
        pause(ms.start + (self.fraction() * span) as u64);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Lets time pass: in a schedule time is the fault, not the wait for one.
pub(crate) fn pause(ms: u64) {
    let span = rustix::event::Timespec { tv_sec: (ms / 1000).cast_signed(), tv_nsec: (ms % 1000 * 1_000_000).cast_signed() };
    let _ = rustix::event::poll(&mut [], Some(&span));
}
