//! What makes a value of the right type a wrong one.

use windlass_types::{BreakerPolicy, RetryPolicy, is_valid_name};

use crate::failure::{CliError, Result};

pub(super) fn job_type(key: &str, word: &str) -> Result<()> {
    if word == "default" || word.parse::<windlass_types::JobType>().is_ok() {
        return Ok(());
    }
    let known = windlass_types::JobType::ALL.map(windlass_types::JobType::as_str).join(", ");
    Err(CliError::usage(format!("`{key}.{word}`: {word:?} is not a job type (one of: default, {known})")))
}

pub(super) fn range<T: PartialOrd + std::fmt::Display>(key: &str, value: T, min: T, max: T) -> Result<()> {
    if value < min || value > max {
        return Err(CliError::usage(format!("`{key}` is {value}, and has to be from {min} to {max}")));
    }
    Ok(())
}

pub(super) fn number(key: &str, value: f64, min: f64, max: f64) -> Result<()> {
    // Not a number is in no range.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(CliError::usage(format!("`{key}` is {value}, and has to be from {min} to {max}")))
}

/// How failures are tried again; `table` stands before the keys (`worker.NAME.`). The rest of the policy is the usual one.
pub(super) fn retry(table: &str, max_retries: u32, backoff: f64, initial_delay_secs: f64) -> Result<RetryPolicy> {
    range(&format!("{table}max_retries"), max_retries, 0, 1000)?;
    number(&format!("{table}retry_backoff"), backoff, 1.0, 100.0)?;
    number(&format!("{table}initial_retry_delay"), initial_delay_secs, 0.0, 86_400.0)?;
    Ok(RetryPolicy { max_retries, backoff, initial_delay_ms: (initial_delay_secs * 1000.0) as u64, ..RetryPolicy::default() })
}

/// When breakers open; `table` stands before the keys.
pub(super) fn breaker(table: &str, threshold: u32, open_secs: u64) -> Result<BreakerPolicy> {
    range(&format!("{table}circuit_breaker_threshold"), threshold, 1, 1_000_000)?;
    range(&format!("{table}circuit_breaker_timeout"), open_secs, 1, 7 * 24 * 3600)?;
    Ok(BreakerPolicy { threshold, open_ms: open_secs * 1000 })
}

pub(super) fn name(key: &str, name: &str) -> Result<()> {
    if is_valid_name(name) {
        return Ok(());
    }
    Err(CliError::usage(format!("`{key}` is {name:?}, which cannot be a name"))
        .hint("a name is a letter or digit and then letters, digits, dots, dashes and underscores"))
}

pub(super) fn forge_repository(key: &str, name: &str) -> Result<()> {
    if windlass_types::is_forge_repository(name) {
        return Ok(());
    }
    Err(CliError::usage(format!("`{key}` is {name:?}, which names no repository of a forge")).hint("name it OWNER/NAME"))
}

pub(super) fn places(key: &str, places: &[String]) -> Result<()> {
    for place in places {
        let is_place =
            place.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok());
        if !is_place {
            return Err(
                CliError::usage(format!("{key} has {place:?}")).hint("name each receiver as HOST:PORT, as it stands in its address")
            );
        }
    }
    Ok(())
}

pub(super) fn listen(listen: &str) -> Result<()> {
    let good = listen.parse::<std::net::SocketAddr>().is_ok()
        || listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if good {
        return Ok(());
    }
    Err(CliError::usage(format!("`listen` is {listen:?}, which is not an address")).hint("give HOST:PORT, for example 127.0.0.1:3001"))
}
