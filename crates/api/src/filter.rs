//! Filters of lists. One that cannot be read is refused by its name, with what is allowed: were it passed over, the list would be taken
//! for an answer to what was asked.

use std::str::FromStr;

use windlass_types::{BadId, Timestamp};

use crate::extract;
use crate::problem::{Answer, Problem};

/// Reads a filter of one word.
pub(crate) fn word<T>(name: &str, given: Option<&str>) -> Answer<Option<T>>
where
    T: FromStr,
    Problem: From<T::Err>,
{
    given.map(|word| word.parse().map_err(|e| Problem::from(e).of(name))).transpose()
}

/// Reads a filter of several words, `a,b`; with the filter goes at least one.
pub(crate) fn words<T>(name: &str, given: Option<&str>) -> Answer<Vec<T>>
where
    T: FromStr,
    Problem: From<T::Err>,
{
    let words = extract::words(given).map_err(|problem| problem.of(name))?;
    if words.is_empty() {
        return Ok(word(name, given)?.into_iter().collect());
    }
    Ok(words)
}

/// Reads a filter that names one thing by its id.
pub(crate) fn id<T: FromStr<Err = BadId>>(name: &str, given: Option<&str>) -> Answer<Option<T>> {
    extract::maybe_id(given).map_err(|problem| problem.of(name))
}

/// Reads a filter that names a time (RFC 3339).
pub(crate) fn time(name: &str, given: Option<&str>) -> Answer<Option<Timestamp>> {
    let bad = |text: &str| Problem::bad_request(format!("{text:?} is no time")).of(name).hint("write it like 2026-01-31T12:00:00Z");
    given.map(|text| text.parse().map_err(|_| bad(&text.chars().take(64).collect::<String>()))).transpose()
}

/// Reads the number after which a list goes on.
pub(crate) fn number(name: &str, given: Option<i64>) -> Answer<Option<i64>> {
    match given {
        Some(number) if number < 0 => Err(Problem::bad_request(format!("{number} is no number to go on after (0 or more)")).of(name)),
        given => Ok(given),
    }
}
