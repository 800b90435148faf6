//! Where log lines go: standard error, as the settings say.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Settings;
use crate::config::raw::{LogFormat, LogLevel};
use crate::output;

/// Starts logging. A short-lived engine only tells what is wrong, unless somebody asked for more.
pub(crate) fn start(settings: &Settings, daemon: bool) {
    let level = match settings.log_level {
        _ if !daemon && !settings.log_level_given => Level::ERROR,
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    // Our own lines at the level that was asked for; other people's only when something is wrong.
    let filter = Targets::new().with_default(LevelFilter::from_level(level.min(Level::WARN))).with_target("windlass", level);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match settings.log_format {
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init(),
        LogFormat::Text => registry.with(fmt::layer().with_ansi(output::colours()).with_writer(std::io::stderr)).try_init(),
    };
    if let Err(e) = started {
        output::warn(&format!("nothing is logged: {e}"));
    }
}
