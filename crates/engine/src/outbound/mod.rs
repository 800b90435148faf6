//! What leaves this machine on the daemon's own account: callbacks and notifications.
//!
//! **Invariant:** the address that was looked at is the one that is connected to, and one that is not on the public internet is spoken to
//! only where the configuration names it. No redirect is followed, no answer but its first line is read, and no receiver is waited for longer than its time.

mod address;
mod connect;
mod post;
mod rounds;

pub(crate) use address::{Address, address};
pub(crate) use connect::{Allowed, Place, connect, encrypt};
pub(crate) use post::{Message, post};
pub(crate) use rounds::{Next, rounds};

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It may be taken later.
    Later(String),
    /// It never will be.
    Never(String),
}

impl Problem {
    /// What happened.
    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Later(why) | Self::Never(why) => why,
        }
    }
}

/// How often something is sent before it is given up: over some four hours.
pub(crate) const TRIES_MAX: u32 = 15;
/// The first wait before it is sent again; each further one is twice as long, up to the longest.
const WAIT_MS: i64 = 1_000;
const WAIT_MAX_MS: i64 = 3_600_000;

/// How long to wait after so many tries, in milliseconds: twice as long each time, and not all at the same moment.
pub(crate) fn wait_ms(tries: u32, fraction: f64) -> i64 {
    let longest = WAIT_MS.saturating_mul(1_i64.checked_shl(tries).unwrap_or(i64::MAX)).min(WAIT_MAX_MS);
    longest / 2 + (longest as f64 / 2.0 * fraction) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_have_a_bound() {
        assert_eq!((wait_ms(0, 0.0), wait_ms(0, 1.0), wait_ms(1, 0.0)), (500, 1_000, 1_000));
        assert_eq!(wait_ms(60, 1.0), WAIT_MAX_MS);
        let all: i64 = (0..TRIES_MAX).map(|tries| wait_ms(tries, 0.5)).sum();
        assert!((2 * 3_600_000..6 * 3_600_000).contains(&all), "{all}");
    }
}
