//! What makes a value of the right type a wrong one.

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

pub(super) fn listen(listen: &str) -> Result<()> {
    let good = listen.parse::<std::net::SocketAddr>().is_ok()
        || listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if good {
        return Ok(());
    }
    Err(CliError::usage(format!("`listen` is {listen:?}, which is not an address")).hint("give HOST:PORT, for example 127.0.0.1:3001"))
}
