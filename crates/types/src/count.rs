//! Numbers of things, as people write them.

use std::fmt::Display;

/// `1 job`, `2 jobs`.
pub fn count<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_more_than_one() {
        assert_eq!([0u64, 1, 2].map(|n| count(n, "job")), ["0 jobs", "1 job", "2 jobs"]);
    }
}
