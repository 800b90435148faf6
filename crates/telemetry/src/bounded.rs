//! Labels whose values come from outside: the first so many are kept, the rest share one word.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// The word of all values beyond the bound.
const OTHER: &str = "other";

/// The values of one label that have been seen.
#[derive(Debug)]
pub(crate) struct Bounded {
    max: usize,
    seen: RwLock<HashSet<String>>,
}

impl Bounded {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, seen: RwLock::default() }
    }

    /// The label's value for this one.
    pub(crate) fn label<'a>(&self, value: &'a str) -> &'a str {
        if self.seen.read().unwrap_or_else(PoisonError::into_inner).contains(value) {
            return value;
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= self.max && !seen.contains(value) {
            return OTHER;
        }
        seen.insert(value.to_owned());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_bound_share_one_word_and_those_before_it_keep_theirs() {
        let bounded = Bounded::new(2);
        assert_eq!([bounded.label("a"), bounded.label("b"), bounded.label("c"), bounded.label("a")], ["a", "b", "other", "a"]);
    }
}
