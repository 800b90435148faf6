//! Every environment variable that Windlass reads: one table, which the reference page and `windlass config` show.
//!
//! **Invariant:** nothing else in this crate reads the environment for a setting.

use std::collections::BTreeMap;

use crate::failure::{CliError, Result};

/// One variable.
pub(crate) struct Var {
    /// Its name.
    pub(crate) name: &'static str,
    /// The key of `windlass.toml` that means the same; empty where there is none.
    pub(crate) key: &'static str,
    /// What it is for.
    pub(crate) help: &'static str,
}

const fn var(name: &'static str, key: &'static str, help: &'static str) -> Var {
    Var { name, key, help }
}

/// The table.
pub(crate) const VARS: &[Var] = &[
    var("WINDLASS_DATA_DIR", "data_dir", "Where the database, transcripts, token and endpoint file live"),
    var("WINDLASS_CONFIG", "", "The configuration file"),
    var("WINDLASS_LISTEN", "listen", "The address the daemon listens on; port 0 picks a free one"),
    var("PORT", "listen", "The port to listen on, where WINDLASS_LISTEN is not set"),
    var("WINDLASS_SHARED_DIR", "files.root", "The root of the task files"),
    var("WINDLASS_FEEDBACK_DIR", "feedback.dir", "The root of the feedback workspace's files"),
    var("WINDLASS_SANDBOX", "sandbox.mode", "Whether programs run in a sandbox, for projects that do not say: auto, require, off"),
    var("WORKSPACE_ROOT", "workspace_root", "The only place agents may write"),
    var("WINDLASS_DATABASE_URL", "database_url", "The database: a path, sqlite:PATH or postgres://…"),
    var(
        "DATABASE_URL",
        "database_url",
        "A PostgreSQL, for `windlass node`, `backup` and `restore`, and where the file says database_url = \"env:DATABASE_URL\"",
    ),
    var("WINDLASS_URL", "", "For clients: the daemon's address, http://… or unix:PATH"),
    var("WINDLASS_TOKEN", "", "For clients: the daemon's token; for `up` and `node`: the token to have, in place of a generated one"),
    var("WORKER_CONCURRENCY", "worker.default.max_concurrent_tasks", "How many jobs the default worker runs at once"),
    var("MAX_CONCURRENT_TASKS", "max_concurrent_tasks", "How many jobs each worker runs at once"),
    var("TASK_TIMEOUT", "task_timeout", "How long one run of an agent may take, in seconds"),
    var("HEARTBEAT_INTERVAL", "heartbeat_interval", "How often heartbeat files are written, in seconds"),
    var("MAX_RETRIES", "max_retries", "How often a transient failure is tried again"),
    var("RETRY_BACKOFF", "retry_backoff", "What each further back-off is multiplied by"),
    var("INITIAL_RETRY_DELAY", "initial_retry_delay", "The first back-off, in seconds"),
    var("CIRCUIT_BREAKER_THRESHOLD", "circuit_breaker_threshold", "Failures in a row that open a harness's breaker"),
    var("CIRCUIT_BREAKER_TIMEOUT", "circuit_breaker_timeout", "How long a breaker stays open, in seconds"),
    var("TASK_DIR", "task_dir", "The task files, in place of tasks/ under the root"),
    var("TRIGGER_DIR", "trigger_dir", "The receipts, in place of triggers/ under the root"),
    var("RESULT_DIR", "result_dir", "The results, in place of results/ under the root"),
    var("HEARTBEAT_DIR", "heartbeat_dir", "The heartbeats, in place of heartbeats/ under the root"),
    var("DLQ_DIR", "dlq_dir", "The dead letters, in place of dlq/ under the root"),
    var("LOG_LEVEL", "log_level", "How much the daemon logs: ERROR, WARN, INFO, DEBUG or TRACE"),
    var("LOG_FORMAT", "log_format", "How the daemon logs: json or text"),
    var("ENABLE_METRICS", "enable_metrics", "Whether metrics are served"),
    var("METRICS_PORT", "metrics_port", "The port of the second, read-only metrics listener"),
    var("METRICS_HOST", "metrics_host", "The address of the second, read-only metrics listener"),
    var("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint", "Where traces go: the base address of an OpenTelemetry collector"),
    var("GITHUB_TOKEN", "", "The token for the forge: pull requests, and git over https there; `[forge] token_file` names a file instead"),
    var("WINDLASS_CALLBACK_SECRET", "callbacks.secret", "What messages about the end of operations are signed with"),
    var("CLAUDE_COMMAND", "claude_command", "The program of harness claude"),
    var("WORKER_NAME", "worker_name", "One named worker of this node"),
    var("WORKERS", "workers", "The named workers of this node, separated by commas"),
    var("VISUAL", "", "The editor of `windlass dead-letters replay --edit`"),
    var("EDITOR", "", "The same, where VISUAL is not set"),
    var("GIT_INDEX_FILE", "", "The index that `windlass scan --staged` reads: git names it to its hooks"),
    var("NO_COLOR", "", "Set to anything: no colours"),
    var("REDIS_URL", "", "Not used: Windlass keeps its own queue; a warning says so"),
];

/// Where the agents that people start are, and keep their settings.
const AGENTS: [&str; 4] = ["PATH", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME"];

/// The variables as they were when the program started. An empty one counts as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Env(BTreeMap<String, String>);

impl Env {
    /// The process's own.
    pub(crate) fn of_process() -> Result<Self> {
        let homes = ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"];
        let mut found = BTreeMap::new();
        for name in VARS.iter().map(|v| v.name).chain(homes) {
            let Some(value) = std::env::var_os(name).filter(|v| !v.is_empty()) else { continue };
            let value = value.into_string().map_err(|_| CliError::usage(format!("the environment variable {name} is not valid UTF-8")))?;
            found.insert(name.to_owned(), value);
        }
        for name in AGENTS {
            if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
                found.insert(name.to_owned(), value);
            }
        }
        Ok(Self(found))
    }

    /// Made up, for tests.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    /// These, and what they leave unset from another source.
    pub(crate) fn over(&self, lower: BTreeMap<String, String>) -> Self {
        let mut all = lower;
        all.extend(self.0.clone());
        Self(all)
    }

    /// One variable's text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// One variable, read as `T`.
    pub(crate) fn parse<T>(&self, name: &str) -> Result<Option<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.text(name)
            .map(|text| {
                text.trim().parse().map_err(|e| CliError::usage(format!("the environment variable {name}={text:?} cannot be used: {e}")))
            })
            .transpose()
    }

    /// One variable, read as yes or no.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
            Some("0" | "false" | "no" | "off") => Ok(Some(false)),
            Some(other) => Err(CliError::usage(format!("the environment variable {name}={other:?} cannot be used: give true or false"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_the_wrong_kind_is_named() {
        let env = Env::of(&[("TASK_TIMEOUT", "soon"), ("ENABLE_METRICS", "perhaps")]);
        let message = env.parse::<u64>("TASK_TIMEOUT").err().map(|e| e.message);
        assert!(message.is_some_and(|m| m.contains("TASK_TIMEOUT=\"soon\"")));
        assert!(env.flag("ENABLE_METRICS").is_err());
    }

    #[test]
    fn no_variable_is_listed_twice() {
        let mut names: Vec<_> = VARS.iter().map(|v| v.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARS.len());
    }
}
