//! What keeps this node from storing anything, and since when.

use windlass_store::StoreError;
use windlass_types::Timestamp;

/// How long a store that was full has to take everything before it counts as writable: a little write may fit where real ones do not.
const STEADY_MS: i64 = 5_000;

/// Why nothing can be stored, or too little to begin new work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StorageProblem {
    pub(crate) since: Timestamp,
    pub(crate) why: String,
    /// It lasts until then, whatever is written meanwhile.
    steady_at: Timestamp,
}

impl StorageProblem {
    /// Why, from now on; or still, where it was so `before`.
    pub(crate) fn new(why: String, before: Option<&Self>, now: Timestamp) -> Self {
        Self { since: before.map_or(now, |before| before.since), why, steady_at: now }
    }

    /// What a failed write says of the store; nothing, where it is the write's own fault.
    pub(crate) fn of(e: &StoreError, before: Option<&Self>, now: Timestamp) -> Option<Self> {
        let steady_ms = match e {
            StoreError::Full(_) => STEADY_MS,
            StoreError::ReadOnly(_) | StoreError::Unavailable(_) => 0,
            _ => return None,
        };
        Some(Self { steady_at: now.plus_ms(steady_ms), ..Self::new(e.to_string(), before, now) })
    }

    /// Whether a write that went well ends it. A clock that was set back does not keep it.
    pub(crate) fn ends(&self, now: Timestamp) -> bool {
        let left_ms = self.steady_at.since_ms(now);
        left_ms <= 0 || left_ms > STEADY_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_is_writable_once_nothing_has_failed_for_a_while_and_its_problem_is_as_old_as_it_is() {
        let full = StoreError::Full("no space".to_owned());
        let first = StorageProblem::of(&full, None, Timestamp(1_000)).unwrap();
        assert!(!first.ends(Timestamp(1_007)));
        let again = StorageProblem::of(&full, Some(&first), Timestamp(4_000)).unwrap();
        assert_eq!(again.since, Timestamp(1_000));
        assert!(!again.ends(Timestamp(1_000 + STEADY_MS)) && again.ends(Timestamp(4_000 + STEADY_MS)));
        assert!(again.ends(Timestamp(-90_000_000)), "the clock was set back");
        let away = StorageProblem::of(&StoreError::Unavailable("gone".to_owned()), None, Timestamp(1_000)).unwrap();
        assert!(away.ends(Timestamp(1_000)), "whoever answers again is there");
    }
}
