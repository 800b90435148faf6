//! `windlass.toml` as it is written: every key optional, nothing checked beyond its type.
//!
//! Tables that other parts of Windlass own (`feedback`, `deploy`, `gates`) are kept as they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use windlass_intake::FilesMode;
use windlass_types::{Budget, Guard, Harness, Micros, NetworkMode, OnClash, ProjectSettings, SandboxMode};

use super::files::RawFiles;
use super::forge::RawForge;
use super::notify::RawNotify;
use super::sandbox::{RawLimits, RawSandbox};

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawFile {
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) workspace_root: Option<PathBuf>,
    pub(crate) database_url: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) harness_defaults: BTreeMap<String, Harness>,
    pub(crate) max_concurrent_tasks: Option<u32>,
    pub(crate) task_timeout: Option<u64>,
    pub(crate) heartbeat_interval: Option<u64>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) retry_backoff: Option<f64>,
    pub(crate) initial_retry_delay: Option<f64>,
    pub(crate) circuit_breaker_threshold: Option<u32>,
    pub(crate) circuit_breaker_timeout: Option<u64>,
    pub(crate) task_dir: Option<PathBuf>,
    pub(crate) trigger_dir: Option<PathBuf>,
    pub(crate) result_dir: Option<PathBuf>,
    pub(crate) heartbeat_dir: Option<PathBuf>,
    pub(crate) dlq_dir: Option<PathBuf>,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) enable_metrics: Option<bool>,
    pub(crate) metrics_port: Option<u16>,
    pub(crate) metrics_host: Option<String>,
    pub(crate) claude_command: Option<String>,
    pub(crate) worker_name: Option<String>,
    pub(crate) workers: Vec<String>,
    pub(crate) budget: RawBudget,
    pub(crate) engine: RawEngine,
    pub(crate) retention: RawRetention,
    pub(crate) workspaces: RawWorkspaces,
    pub(crate) harness: BTreeMap<Harness, RawHarness>,
    pub(crate) worker: BTreeMap<String, RawWorker>,
    pub(crate) project: BTreeMap<String, RawProject>,
    pub(crate) telemetry: RawTelemetry,
    pub(crate) files: RawFiles,
    pub(crate) callbacks: RawCallbacks,
    pub(crate) forge: RawForge,
    pub(crate) sandbox: RawSandbox,
    pub(crate) feedback: toml::Table,
    pub(crate) deploy: toml::Table,
    pub(crate) notify: RawNotify,
    pub(crate) gates: toml::Table,
}

/// `[engine]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawEngine {
    pub(crate) lease_ms: Option<i64>,
    pub(crate) idle_timeout: Option<u64>,
    pub(crate) max_iterations: Option<u32>,
    pub(crate) isolation: Option<IsolationChoice>,
    pub(crate) kill_grace_ms: Option<u64>,
    pub(crate) output_max_bytes: Option<u64>,
    pub(crate) grace: Option<u64>,
    pub(crate) max_retry_delay: Option<f64>,
    pub(crate) max_rescues: Option<u32>,
    pub(crate) max_parks: Option<u32>,
    pub(crate) default_park: Option<u64>,
    pub(crate) env_pass: Vec<String>,
    pub(crate) allowed_hosts: Vec<String>,
}

/// `[retention]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawRetention {
    pub(crate) events_days: Option<Days>,
    pub(crate) transcripts_days: Option<Days>,
    pub(crate) transcripts_max_bytes: Option<u64>,
    pub(crate) finished_days: Option<Days>,
    pub(crate) audit_days: Option<Days>,
    pub(crate) credentials_days: Option<Days>,
    pub(crate) interval: Option<u64>,
}

/// `[workspaces]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawWorkspaces {
    pub(crate) keep_days: Option<Days>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) min_free_bytes: Option<u64>,
    pub(crate) pool: Option<u32>,
}

/// For how many days something is kept; `0` and `"never"`: it never goes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "NumberOrWord")]
pub(crate) struct Days(pub(crate) f64);

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrWord {
    Number(f64),
    Word(String),
}

impl TryFrom<NumberOrWord> for Days {
    type Error = String;
    fn try_from(given: NumberOrWord) -> Result<Self, String> {
        match given {
            NumberOrWord::Number(days) if (0.0..=36_500.0).contains(&days) => Ok(Self(days)),
            NumberOrWord::Number(days) => Err(format!("{days} is not a number of days from 0 to 36500")),
            NumberOrWord::Word(word) => word.parse(),
        }
    }
}

impl std::str::FromStr for Days {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(0.0));
        }
        let days = text.parse().map_err(|_| format!("{text:?} is neither a number of days nor \"never\""))?;
        NumberOrWord::Number(days).try_into()
    }
}

impl Days {
    /// In seconds; none: for ever.
    pub(crate) fn secs(self) -> Option<u64> {
        (self.0 > 0.0).then(|| (self.0 * 86_400.0).round() as u64)
    }
}

/// `[telemetry]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawTelemetry {
    pub(crate) otlp_endpoint: Option<String>,
}

/// `[callbacks]`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawCallbacks {
    pub(crate) allow: Vec<String>,
    pub(crate) secret: Option<String>,
}

impl std::fmt::Debug for RawCallbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawCallbacks").field("allow", &self.allow).finish_non_exhaustive()
    }
}

/// `[harness.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawHarness {
    pub(crate) program: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) prices: BTreeMap<String, RawPrice>,
}

/// A model's price, in US dollars a million tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawPrice {
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cache_read: Option<f64>,
    pub(crate) cache_write: Option<f64>,
}

/// `[worker.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawWorker {
    pub(crate) harness: Option<Harness>,
    pub(crate) program: Option<String>,
    pub(crate) max_concurrent_tasks: Option<u32>,
    pub(crate) task_timeout: Option<u64>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) retry_backoff: Option<f64>,
    pub(crate) initial_retry_delay: Option<f64>,
    pub(crate) circuit_breaker_threshold: Option<u32>,
    pub(crate) circuit_breaker_timeout: Option<u64>,
    pub(crate) mode: Option<FilesMode>,
    pub(crate) project: Option<String>,
    pub(crate) prompt: Option<PathBuf>,
    pub(crate) review: Option<bool>,
}

/// `[project.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawProject {
    pub(crate) repo: Option<String>,
    pub(crate) default_branch: Option<String>,
    pub(crate) verify: Option<String>,
    pub(crate) setup: Option<String>,
    pub(crate) max_iterations: Option<u32>,
    pub(crate) harness_defaults: BTreeMap<String, Harness>,
    pub(crate) models: BTreeMap<String, String>,
    pub(crate) budget: RawBudget,
    pub(crate) task_timeout: Option<u64>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) templates: BTreeMap<String, String>,
    pub(crate) propose: bool,
    pub(crate) forge_repository: Option<String>,
    pub(crate) guard: Option<Guard>,
    pub(crate) guarded_paths: Vec<String>,
    pub(crate) on_clash: Option<OnClash>,
    pub(crate) sandbox: Option<SandboxMode>,
    pub(crate) network: Option<NetworkMode>,
    pub(crate) network_allow: Vec<String>,
    pub(crate) limits: RawLimits,
}

impl RawProject {
    /// What the engine keeps of it.
    pub(crate) fn settings(&self) -> ProjectSettings {
        ProjectSettings {
            verify: self.verify.clone(),
            setup: self.setup.clone(),
            max_iterations: self.max_iterations,
            harness_defaults: self.harness_defaults.clone(),
            models: self.models.clone(),
            budget: self.budget.limits(),
            timeout_secs: self.task_timeout,
            max_concurrent: self.max_concurrent,
            templates: self.templates.clone(),
            propose: self.propose,
            forge_repository: self.forge_repository.clone(),
            guard: self.guard,
            guarded_paths: self.guarded_paths.clone(),
            on_clash: self.on_clash,
            sandbox: self.sandbox,
            network: self.network,
            network_allow: self.network_allow.clone(),
            limits: self.limits.limits(),
        }
    }
}

/// A budget as people write one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct RawBudget {
    pub(crate) runs: Option<u32>,
    pub(crate) secs: Option<u64>,
    pub(crate) tokens: Option<u64>,
    pub(crate) usd: Option<f64>,
}

impl RawBudget {
    pub(crate) fn limits(self) -> Budget {
        Budget { runs: self.runs, wall_secs: self.secs, tokens: self.tokens, cost_micros: self.usd.map(micros) }
    }
}

/// US dollars as the integer that everything else counts in.
pub(crate) fn micros(usd: f64) -> Micros {
    Micros((usd * 1_000_000.0).round() as i64)
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum LogLevel {
    /// Only what somebody should look at.
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    Info,
    /// And how.
    Debug,
    /// And everything.
    Trace,
}

impl LogLevel {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "ERROR" | "CRITICAL" | "FATAL" => Ok(Self::Error),
            "WARN" | "WARNING" => Ok(Self::Warn),
            "INFO" => Ok(Self::Info),
            "DEBUG" => Ok(Self::Debug),
            "TRACE" => Ok(Self::Trace),
            _ => Err(format!("{text:?} is not a log level (one of: ERROR, WARN, INFO, DEBUG, TRACE)")),
        }
    }
}

/// How it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

impl LogFormat {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

impl std::str::FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "text" | "plain" | "console" => Ok(Self::Text),
            _ => Err(format!("{text:?} is not a log format (one of: json, text)")),
        }
    }
}

/// What keeps agents apart, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(try_from = "String")]
pub(crate) enum IsolationChoice {
    /// The best that works here.
    Auto,
    /// Namespaces, or refuse to start.
    #[value(alias = "namespace")]
    Bubblewrap,
    /// Landlock, or refuse to start.
    Landlock,
    /// Limits only: agents read what the user reads.
    #[value(alias = "subreaper")]
    Rlimits,
    /// Nothing but a process group; for measuring.
    Off,
}

impl IsolationChoice {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bubblewrap => "bubblewrap",
            Self::Landlock => "landlock",
            Self::Rlimits => "rlimits",
            Self::Off => "off",
        }
    }
}

impl std::str::FromStr for IsolationChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            // The words of earlier versions.
            "namespace" => Ok(Self::Bubblewrap),
            "subreaper" => Ok(Self::Rlimits),
            _ => [Self::Auto, Self::Bubblewrap, Self::Landlock, Self::Rlimits, Self::Off]
                .into_iter()
                .find(|c| c.as_str() == text)
                .ok_or_else(|| format!("{text:?} is not an isolation (one of: auto, bubblewrap, landlock, rlimits, off)")),
        }
    }
}

macro_rules! from_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )*};
}
from_text!(LogLevel, LogFormat, IsolationChoice);
