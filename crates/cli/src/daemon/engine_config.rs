//! From settings to what an engine is started with.

use std::collections::BTreeMap;

use windlass_engine::{CallbackConfig, EngineConfig, Isolation, WorkerConfig};
use windlass_harness::{HarnessSettings, Price, Settings as HarnessConfig, UserFiles};
use windlass_types::{Harness, Role, SandboxLevel};

use crate::config::Settings;
use crate::config::raw::{IsolationChoice, RawHarness, RawPrice};
use crate::failure::{CliError, Result};

/// Shorter values would be found in every text; so would paths, which say where a secret is and are none.
const SECRET_CHARS_MIN: usize = 8;

/// The engine's configuration. `url` is where people reach it, `agent_url` where agents do.
pub(super) fn of(settings: &Settings, agent_url: String, token: &str) -> Result<EngineConfig> {
    let exe = this_program()?;
    let mut config = EngineConfig::new(settings.data_dir.clone(), exe);
    config.workspace_root.clone_from(&settings.workspace_root);
    config.roles.clone_from(&settings.roles);
    config.workers = settings
        .workers
        .iter()
        .filter(|_| settings.roles.contains(&Role::Worker))
        .map(|w| WorkerConfig {
            name: w.name.clone(),
            max_concurrent_tasks: w.max_concurrent_tasks,
            harness: w.harness,
            program: w.program.clone(),
            task_timeout_secs: w.task_timeout_secs,
            retry: Some(w.retry),
            breaker: Some(w.breaker),
        })
        .collect();
    config.harness_defaults.clone_from(&settings.harness_defaults);
    config.user = user_files();
    config.harness = harness_settings(settings)?;
    config.retry = settings.retry;
    config.accounts.clone_from(&settings.accounts);
    config.breaker = settings.breaker;
    config.lease_ms = settings.lease_ms;
    config.timeout_secs = settings.timeout_secs;
    config.idle_timeout_secs = settings.idle_timeout_secs;
    config.max_iterations = settings.max_iterations;
    config.default_budget = settings.budget;
    config.isolation = match settings.isolation {
        IsolationChoice::Auto => Isolation::Auto,
        IsolationChoice::Bubblewrap => Isolation::Level(SandboxLevel::Bubblewrap),
        IsolationChoice::Landlock => Isolation::Level(SandboxLevel::Landlock),
        IsolationChoice::Rlimits => Isolation::Level(SandboxLevel::Rlimits),
        IsolationChoice::Off => Isolation::Level(SandboxLevel::Off),
    };
    config.sandbox.clone_from(&settings.sandbox);
    config.kill_grace_ms = settings.kill_grace_ms;
    config.output_max_bytes = settings.output_max_bytes;
    config.retention.clone_from(&settings.retention);
    config.pool_size = settings.pool_size;
    config.agent_url = agent_url;
    config.env_pass = settings.env_pass.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
    config.forge.clone_from(&settings.forge);
    config.forge_watch = settings.forge_watch;
    config.secrets = secrets(&config.user, token);
    config.secrets.extend(settings.forge.iter().map(|forge| ("GITHUB_TOKEN".to_owned(), forge.token().trim().to_owned())));
    config.secrets.extend(settings.callbacks.secret.iter().map(|secret| ("WINDLASS_CALLBACK_SECRET".to_owned(), secret.clone())));
    config.secrets.extend(secrets_of_channels(settings));
    config.secrets.sort();
    config.secrets.dedup();
    config.callbacks = CallbackConfig { allow: settings.callbacks.allow.clone(), secret: settings.callbacks.secret.clone() };
    config.notify.clone_from(&settings.notify);
    Ok(config)
}

/// How agents are found and called. Also for `doctor`, which needs no engine.
pub(crate) fn harness_settings(settings: &Settings) -> Result<HarnessConfig> {
    let mut config = HarnessConfig { windlass_exe: this_program()?, ..HarnessConfig::default() };
    if let Ok(path) = std::env::var("PATH") {
        // A relative entry means another place in every directory: an agent's, for one.
        let absolute: Vec<_> = path.split(':').filter(|dir| dir.starts_with('/')).collect();
        if !absolute.is_empty() {
            config.search_path = absolute.join(":");
        }
    }
    config.harness = settings.harness.iter().map(|(name, raw)| (*name, one_harness(raw))).collect::<BTreeMap<Harness, HarnessSettings>>();
    Ok(config)
}

fn one_harness(raw: &RawHarness) -> HarnessSettings {
    let prices = raw.prices.iter().map(|(model, price)| (model.clone(), one_price(price))).collect();
    HarnessSettings { program: raw.program.clone(), model: raw.model.clone(), prices }
}

fn one_price(raw: &RawPrice) -> Price {
    let micros = |usd: f64| (usd * 1_000_000.0).round() as u64;
    Price {
        input_micros: micros(raw.input),
        output_micros: micros(raw.output),
        cache_read_micros: raw.cache_read.map(micros),
        cache_write_micros: raw.cache_write.map(micros),
    }
}

/// The user's own logins, from this process's environment.
pub(crate) fn user_files() -> UserFiles {
    UserFiles::from_vars(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))))
}

/// This very program, by its absolute path: launchers and agents call it.
fn this_program() -> Result<std::path::PathBuf> {
    std::env::current_exe().map_err(|e| CliError::fault(format!("this program's own path is not known: {e}")))
}

/// What must not be stored or shown: the logins, the daemon's token, and every variable that is named like a secret.
fn secrets(user: &UserFiles, token: &str) -> Vec<(String, String)> {
    let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let named = named.filter(|(name, value)| is_secret_name(name) && value.len() >= SECRET_CHARS_MIN && !value.starts_with('/'));
    let mut all: Vec<_> = user.secrets().into_iter().chain([("WINDLASS_TOKEN".to_owned(), token.to_owned())]).chain(named).collect();
    all.sort();
    all.dedup();
    all
}

/// What leads to the receivers of notifications, by the channel. What is short would be found in every text.
fn secrets_of_channels(settings: &Settings) -> impl Iterator<Item = (String, String)> {
    let all =
        settings.notify.channels.iter().flat_map(|channel| channel.secrets().into_iter().map(|secret| (channel.name.clone(), secret)));
    all.filter(|(_, secret)| secret.len() >= SECRET_CHARS_MIN).map(|(name, secret)| (format!("[notify.{name}]"), secret))
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"]
        .iter()
        .any(|word| name.contains(word))
        || name.ends_with("_KEY")
        || name.ends_with("DATABASE_URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_named_like_secrets_are_taken_for_secrets() {
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "SMTP_PASSWORD", "WINDLASS_DATABASE_URL"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "HOME", "KEYBOARD", "LANG"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_price_in_dollars_is_kept_in_millionths() {
        assert_eq!(one_price(&RawPrice { input: 3.0, output: 0.25, cache_read: None, cache_write: None }).output_micros, 250_000);
    }
}
