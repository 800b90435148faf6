//! The settings as the rest of the program sees them: complete and checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use windlass_api::ApiToken;
use windlass_engine::{Retention, SandboxConfig};
use windlass_types::{BreakerPolicy, Budget, Harness, RetryPolicy, Role};

use super::check;
use super::env::{Env, VARS};
use super::files::{self, FilesSettings};
use super::layers::{Layers, Origin, Shown};
use super::metrics::MetricsSettings;
use super::named::{self, ProjectEntry, WorkerSettings};
use super::raw::{Days, IsolationChoice, LogFormat, LogLevel, RawFile, RawHarness};
use super::read::{self, Read};
use crate::failure::{CliError, Result};

/// Settings of parts that this build does not have.
const NOT_USED_YET: &[&str] = &["feedback.dir"];

/// How many attempts an assignment may start, when nobody says.
const RUNS_MAX_USUAL: u32 = 50;

/// The flags that set a setting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    /// The file is about to be written, so it need not be there.
    pub(crate) config_may_be_missing: bool,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) workspace_root: Option<PathBuf>,
    pub(crate) database_url: Option<String>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) isolation: Option<IsolationChoice>,
    /// What `windlass node` does; every other verb does all.
    pub(crate) node_roles: Option<Vec<Role>>,
    /// A PostgreSQL that DATABASE_URL names is meant, as `windlass node` means it.
    pub(crate) takes_bare_url: bool,
    /// The token to have in place of a generated one.
    pub(crate) token: Option<ApiToken>,
}

/// Everything, validated.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config_path: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: String,
    pub(crate) workspace_root: PathBuf,
    pub(crate) database_url: String,
    /// The token to have in place of a generated one.
    pub(crate) token: Option<ApiToken>,
    pub(crate) roles: Vec<Role>,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    /// Whether somebody chose the level, so that a short-lived engine logs too.
    pub(crate) log_level_given: bool,
    pub(crate) workers: Vec<WorkerSettings>,
    /// How many jobs a worker runs at once whose directory was found under tasks/.
    pub(crate) found_concurrent: u32,
    pub(crate) harness_defaults: BTreeMap<String, Harness>,
    pub(crate) harness: BTreeMap<Harness, RawHarness>,
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    /// The accounts of harnesses that name one.
    pub(crate) accounts: BTreeMap<Harness, String>,
    pub(crate) lease_ms: i64,
    pub(crate) timeout_secs: u64,
    pub(crate) idle_timeout_secs: u64,
    pub(crate) max_iterations: u32,
    /// Limits of an assignment that brings none.
    pub(crate) budget: Budget,
    pub(crate) isolation: IsolationChoice,
    pub(crate) sandbox: SandboxConfig,
    pub(crate) kill_grace_ms: u64,
    pub(crate) output_max_bytes: u64,
    pub(crate) grace_secs: u64,
    /// How long things are kept, and how much room they may take.
    pub(crate) retention: Retention,
    pub(crate) pool_size: u32,
    pub(crate) env_pass: Vec<String>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) metrics: MetricsSettings,
    /// How the forge is reached, where there is a token for it.
    pub(crate) forge: Option<windlass_delivery::ForgeConfig>,
    pub(crate) forge_watch: windlass_engine::ForgeWatch,
    /// Where spans go.
    pub(crate) otlp_endpoint: Option<String>,
    /// Who is told of the end of operations.
    pub(crate) callbacks: super::callbacks::CallbackSettings,
    /// Who is told what needs a person.
    pub(crate) notify: windlass_engine::NotifyConfig,
    pub(crate) projects: Vec<ProjectEntry>,
    /// The project of what names none.
    pub(crate) namespace: Option<String>,
    /// The shared directory, where there is one.
    pub(crate) files: Option<FilesSettings>,
    pub(crate) shown: Vec<Shown>,
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads the file that flags and environment name, and puts everything together.
    pub(crate) fn load(flags: &Flags, env: &Env) -> Result<Self> {
        let named = flags.config.clone().or_else(|| env.text("WINDLASS_CONFIG").map(PathBuf::from));
        let path = match &named {
            Some(path) => absolute(path)?,
            None => default_config_path(env)?,
        };
        let mut read = read::read(&path, named.is_some() && !flags.config_may_be_missing)?;
        let place = path.display().to_string();
        let Some(env_file) = &read.raw.files.env_file else {
            return Self::resolve(flags, env, &read, path).map_err(|e| placed(e, &read, env, &place));
        };
        let root = env.text("WINDLASS_SHARED_DIR").map(PathBuf::from).or_else(|| read.raw.files.root.clone()).unwrap_or_default();
        let (lower, warnings) = files::read_env_file(&root.join(env_file))?;
        read.warnings.extend(warnings);
        let env = env.over(lower);
        Self::resolve(flags, &env, &read, path).map_err(|e| placed(e, &read, &env, &place))
    }

    fn resolve(flags: &Flags, env: &Env, read: &Read, config_path: PathBuf) -> Result<Self> {
        let raw = &read.raw;
        let mut warnings = read.warnings.clone();
        let mut l = Layers { env, file: read, shown: Vec::new() };

        let data_dir = match l.given("data_dir", &["WINDLASS_DATA_DIR"], flags.data_dir.clone(), raw.data_dir.clone())? {
            Some(dir) => dir,
            None => show_default(&mut l, xdg(env, "XDG_DATA_HOME", ".local/share")?.join("windlass")),
        };
        let data_dir = absolute(&data_dir)?;
        let port: Option<u16> = env.parse("PORT")?;
        let mut listen = l.given("listen", &["WINDLASS_LISTEN"], flags.listen.clone(), raw.listen.clone())?;
        if let Some(port) = port
            && flags.listen.is_none()
            && env.text("WINDLASS_LISTEN").is_none()
        {
            let host = listen.as_deref().and_then(|l| l.rsplit_once(':')).map_or("127.0.0.1", |(host, _)| host).to_owned();
            listen = Some(format!("{host}:{port}"));
            l.shown.pop();
            l.shown.push(Shown { key: "listen".to_owned(), value: listen.clone().unwrap_or_default().into(), origin: Origin::Env("PORT") });
        }
        let listen = match listen {
            Some(listen) => listen,
            None => show_default(&mut l, "127.0.0.1:3001".to_owned()),
        };
        check::listen(&listen)?;
        let workspace_root =
            match l.given("workspace_root", &["WORKSPACE_ROOT"], flags.workspace_root.clone(), raw.workspace_root.clone())? {
                Some(root) => absolute(&root)?,
                None => show_default(&mut l, data_dir.join("workspaces")),
            };
        // The bare name is other programs' too: it counts only where somebody means this one.
        let is_bare_meant =
            flags.node_roles.is_some() || (flags.takes_bare_url && env.text("DATABASE_URL").is_some_and(windlass_store::is_postgres));
        let database_vars: &[&'static str] =
            if is_bare_meant { &["WINDLASS_DATABASE_URL", "DATABASE_URL"] } else { &["WINDLASS_DATABASE_URL"] };
        let database_url = match l.given("database_url", database_vars, flags.database_url.clone(), raw.database_url.clone())? {
            Some(named) if named == "env:DATABASE_URL" => match env.text("DATABASE_URL") {
                Some(url) => url.to_owned(),
                None => {
                    return Err(CliError::usage("database_url names the environment variable DATABASE_URL, which is not set")
                        .hint("set it to postgres://USER@HOST/NAME, or name the database itself"));
                }
            },
            Some(url) => url,
            None => show_default(&mut l, data_dir.join("windlass.db").display().to_string()),
        };
        if let Some(shown) = l.shown.last_mut() {
            shown.value = without_password(&database_url).into();
        }

        let max_concurrent = l.given("max_concurrent_tasks", &["MAX_CONCURRENT_TASKS"], flags.max_concurrent, raw.max_concurrent_tasks)?;
        if let Some(limit) = max_concurrent.filter(|_| flags.max_concurrent.is_none()) {
            check::range("max_concurrent_tasks", limit, 0, 10_000)?;
        }
        let default_file = raw.worker.get("default").and_then(|w| w.max_concurrent_tasks);
        let default_concurrent = l.pick(
            "worker.default.max_concurrent_tasks",
            &["WORKER_CONCURRENCY"],
            flags.max_concurrent,
            default_file,
            max_concurrent.unwrap_or(2),
        )?;
        let file_timeout = raw.task_timeout.or(raw.timeout_ms.map(|ms| ms.div_ceil(1000)));
        let timeout_secs = l.pick("task_timeout", &["TASK_TIMEOUT"], None, file_timeout, 600)?;
        let heartbeat_interval = l.pick("heartbeat_interval", &["HEARTBEAT_INTERVAL"], None, raw.heartbeat_interval, 10)?;
        let defaults = RetryPolicy::default();
        let max_retries = l.pick("max_retries", &["MAX_RETRIES"], None, raw.max_retries, defaults.max_retries)?;
        let backoff = l.pick("retry_backoff", &["RETRY_BACKOFF"], None, raw.retry_backoff, defaults.backoff)?;
        let initial = l.pick("initial_retry_delay", &["INITIAL_RETRY_DELAY"], None, raw.initial_retry_delay, 1.0)?;
        let usual = BreakerPolicy::default();
        let threshold =
            l.pick("circuit_breaker_threshold", &["CIRCUIT_BREAKER_THRESHOLD"], None, raw.circuit_breaker_threshold, usual.threshold)?;
        let open_secs =
            l.pick("circuit_breaker_timeout", &["CIRCUIT_BREAKER_TIMEOUT"], None, raw.circuit_breaker_timeout, usual.open_ms / 1000)?;
        let log_level_given = flags.log_level.is_some() || env.text("LOG_LEVEL").is_some() || raw.log_level.is_some();
        let log_level = l.pick("log_level", &["LOG_LEVEL"], flags.log_level, raw.log_level, LogLevel::Info)?;
        let log_format = l.pick("log_format", &["LOG_FORMAT"], flags.log_format, raw.log_format, LogFormat::Json)?;
        let metrics = super::metrics::read(&mut l, raw)?;
        let forge = super::forge::read(&mut l, raw)?;
        let forge_watch = super::forge::watch(&mut l, raw)?;
        let otlp = &["OTEL_EXPORTER_OTLP_ENDPOINT"];
        let otlp_endpoint = l.given("telemetry.otlp_endpoint", otlp, None, raw.telemetry.otlp_endpoint.clone())?;
        let callbacks = super::callbacks::read(&mut l, raw)?;
        let notify = super::notify::read(&mut l, raw)?;
        let claude = l.given("claude_command", &["CLAUDE_COMMAND"], None, raw.claude_command.clone())?;
        let worker_name = l.given("worker_name", &["WORKER_NAME"], None, raw.worker_name.clone())?;
        let listed = Some(raw.workers.clone()).filter(|w| !w.is_empty());
        let names = l.pick("workers", &["WORKERS"], None, listed, Vec::new())?;
        let files = files::files(&mut l, raw, heartbeat_interval)?;
        l.given("feedback.dir", &["WINDLASS_FEEDBACK_DIR"], None, table_path(&raw.feedback, "dir"))?;
        l.given::<String>("namespace", &[], None, raw.namespace.clone())?;

        let e = &raw.engine;
        let lease_ms = l.pick("engine.lease_ms", &[], None, e.lease_ms, 30_000)?;
        let idle_timeout_secs = l.pick("engine.idle_timeout", &[], None, e.idle_timeout, 300)?;
        let max_iterations = l.pick("engine.max_iterations", &[], None, e.max_iterations, 3)?;
        let isolation = l.pick("engine.isolation", &[], flags.isolation, e.isolation, IsolationChoice::Auto)?;
        let kill_grace_ms = l.pick("engine.kill_grace_ms", &[], None, e.kill_grace_ms, 5_000)?;
        let output_max_bytes = l.pick("engine.output_max_bytes", &[], None, e.output_max_bytes, 256 * 1024 * 1024)?;
        let grace_secs = l.pick("engine.grace", &[], None, e.grace, 30)?;
        let max_delay = l.pick("engine.max_retry_delay", &[], None, e.max_retry_delay, defaults.max_delay_ms as f64 / 1000.0)?;
        let max_rescues = l.pick("engine.max_rescues", &[], None, e.max_rescues, defaults.max_rescues)?;
        let max_parks = l.pick("engine.max_parks", &[], None, e.max_parks, defaults.max_parks)?;
        let default_park = l.pick("engine.default_park", &[], None, e.default_park, defaults.default_park_ms / 1000)?;
        let env_pass = l.pick("engine.env_pass", &[], None, Some(e.env_pass.clone()).filter(|v| !v.is_empty()), Vec::new())?;
        let hosts = Some(e.allowed_hosts.clone()).filter(|v| !v.is_empty());
        let allowed_hosts = l.pick("engine.allowed_hosts", &[], None, hosts, Vec::new())?;
        let retention = retention(&mut l, raw)?;
        let pool_size = l.pick("workspaces.pool", &[], None, raw.workspaces.pool, 1)?;
        check::range("workspaces.pool", pool_size, 0, 100)?;
        let sandbox = super::sandbox::read(&mut l, raw, env)?;
        let usd = l.given("budget.usd", &[], None, raw.budget.usd)?;
        check::number("budget.usd", usd.unwrap_or(0.0), 0.0, 1e9)?;
        let budget = Budget {
            runs: Some(l.pick("budget.runs", &[], None, raw.budget.runs, RUNS_MAX_USUAL)?),
            wall_secs: l.given("budget.secs", &[], None, raw.budget.secs)?,
            tokens: l.given("budget.tokens", &[], None, raw.budget.tokens)?,
            cost_micros: usd.map(super::raw::micros),
        };
        for (job_type, harness) in &raw.harness_defaults {
            check::job_type("harness_defaults", job_type)?;
            l.given(&format!("harness_defaults.{job_type}"), &[], None, Some(harness.as_str().to_owned()))?;
        }

        check::range("heartbeat_interval", heartbeat_interval, 1, 3600)?;
        check::range("task_timeout", timeout_secs, 1, 7 * 24 * 3600)?;
        check::range("engine.idle_timeout", idle_timeout_secs, 1, 7 * 24 * 3600)?;
        check::range("engine.lease_ms", lease_ms, 1_000, 3_600_000)?;
        check::range("engine.output_max_bytes", output_max_bytes, 1024, 1 << 40)?;
        check::number("engine.max_retry_delay", max_delay, 0.0, 7.0 * 86_400.0)?;
        let retry = RetryPolicy {
            max_delay_ms: (max_delay * 1000.0) as u64,
            max_rescues,
            max_parks,
            default_park_ms: default_park.saturating_mul(1000),
            ..check::retry("", max_retries, backoff, initial)?
        };
        let breaker = check::breaker("", threshold, open_secs)?;

        let mut harness = raw.harness.clone();
        if let Some(program) = claude {
            // Set by the seed's own name; `[harness.claude] program` is the same setting and is the nearer word in the file.
            let from_env = env.text("CLAUDE_COMMAND").is_some();
            let entry = harness.entry(Harness::Claude).or_default();
            if from_env || entry.program.is_none() {
                entry.program = Some(program);
            }
        }
        let mut accounts = BTreeMap::new();
        for (name, h) in &harness {
            l.given(&format!("harness.{name}.program"), &[], None, h.program.clone())?;
            l.given(&format!("harness.{name}.model"), &[], None, h.model.clone())?;
            if let Some(account) = l.given(&format!("harness.{name}.account"), &[], None, h.account.clone())? {
                check::name(&format!("harness.{name}.account"), &account)?;
                accounts.insert(*name, account);
            }
            for (model, price) in &h.prices {
                let prices = [price.input, price.output, price.cache_read.unwrap_or(0.0), price.cache_write.unwrap_or(0.0)];
                let key = format!("harness.{name}.prices.{model}");
                for p in prices {
                    check::number(&key, p, 0.0, 1e6)?;
                }
                for (part, usd) in [
                    ("input", Some(price.input)),
                    ("output", Some(price.output)),
                    ("cache_read", price.cache_read),
                    ("cache_write", price.cache_write),
                ] {
                    if usd.is_some() {
                        l.given(&format!("{key}.{part}"), &[], None, usd)?;
                    }
                }
            }
        }
        let workers =
            named::workers(&mut l, raw, worker_name, names, &named::Usual { max_concurrent, default_concurrent, retry, breaker })?;
        // A flag that says so is meant.
        for worker in workers.iter().filter(|worker| worker.max_concurrent_tasks == 0 && flags.max_concurrent.is_none()) {
            warnings.push(format!("worker {} takes no jobs here: its max_concurrent_tasks is 0", worker.name));
        }
        let projects = named::projects(&mut l, raw)?;
        if env.text("REDIS_URL").is_some() {
            warnings.push("REDIS_URL is set and not used: Windlass keeps its own queue".to_owned());
        }
        let unused: Vec<&str> = l
            .shown
            .iter()
            .filter(|s| s.origin != Origin::Default && NOT_USED_YET.contains(&s.key.as_str()))
            .map(|s| s.key.as_str())
            .chain([("deploy", &raw.deploy), ("gates", &raw.gates)].iter().filter(|(_, t)| !t.is_empty()).map(|(n, _)| *n))
            .collect();
        if !unused.is_empty() {
            warnings.push(format!("kept, and not used by this build yet: {}", unused.join(", ")));
        }

        Ok(Self {
            config_path,
            data_dir,
            listen,
            workspace_root,
            database_url,
            token: flags.token.clone(),
            roles: flags.node_roles.clone().unwrap_or_else(|| Role::ALL.to_vec()),
            log_level,
            log_format,
            log_level_given,
            workers,
            found_concurrent: max_concurrent.unwrap_or(3),
            harness_defaults: raw.harness_defaults.clone(),
            harness,
            retry,
            breaker,
            accounts,
            lease_ms,
            timeout_secs,
            idle_timeout_secs,
            max_iterations,
            budget,
            isolation,
            sandbox,
            kill_grace_ms,
            output_max_bytes,
            grace_secs,
            retention,
            pool_size,
            env_pass,
            allowed_hosts,
            metrics,
            forge,
            forge_watch,
            otlp_endpoint,
            callbacks,
            notify,
            projects,
            namespace: raw.namespace.clone(),
            files,
            shown: l.shown,
            warnings,
        })
    }
}

/// `[retention]` and `[workspaces]`.
fn retention(l: &mut Layers<'_>, raw: &RawFile) -> Result<Retention> {
    let usual = Retention::default();
    let days = |secs: Option<u64>| Days(secs.unwrap_or(0) as f64 / 86_400.0);
    let bound = |bytes: u64| Some(bytes).filter(|bytes| *bytes > 0);
    let (r, w) = (&raw.retention, &raw.workspaces);
    let found = Retention {
        interval_secs: l.pick("retention.interval", &[], None, r.interval, usual.interval_secs)?,
        events_secs: l.pick("retention.events_days", &[], None, r.events_days, days(usual.events_secs))?.secs(),
        transcripts_secs: l.pick("retention.transcripts_days", &[], None, r.transcripts_days, days(usual.transcripts_secs))?.secs(),
        transcripts_max_bytes: l.given("retention.transcripts_max_bytes", &[], None, r.transcripts_max_bytes)?.and_then(bound),
        finished_secs: l.pick("retention.finished_days", &[], None, r.finished_days, days(usual.finished_secs))?.secs(),
        audit_secs: l.pick("retention.audit_days", &[], None, r.audit_days, days(usual.audit_secs))?.secs(),
        credentials_secs: l.pick("retention.credentials_days", &[], None, r.credentials_days, days(usual.credentials_secs))?.secs(),
        workspaces_secs: l.pick("workspaces.keep_days", &[], None, w.keep_days, days(usual.workspaces_secs))?.secs(),
        workspaces_max_bytes: l.given("workspaces.max_bytes", &[], None, w.max_bytes)?.and_then(bound),
        min_free_bytes: l.pick("workspaces.min_free_bytes", &[], None, w.min_free_bytes, usual.min_free_bytes)?,
    };
    check::range("retention.interval", found.interval_secs, 60, 30 * 86_400)?;
    Ok(found)
}

fn show_default<T: super::layers::Value>(l: &mut Layers<'_>, value: T) -> T {
    if let Some(last) = l.shown.last_mut() {
        last.value = value.show();
    }
    value
}

fn table_path(table: &toml::Table, key: &str) -> Option<PathBuf> {
    table.get(key).and_then(toml::Value::as_str).map(PathBuf::from)
}

/// A database address as it may be shown: its passwords left out, wherever they stand.
pub(crate) fn without_password(url: &str) -> String {
    let mut shown = url.to_owned();
    if let Some((scheme, rest)) = url.split_once("://") {
        let (place, options) = rest.split_once('?').map_or((rest, None), |(place, options)| (place, Some(options)));
        // A password may hold an unescaped `@`: what stands before the last one is the login.
        if let Some((login, host)) = place.rsplit_once('@')
            && let Some((user, _)) = login.split_once(':')
        {
            let options = options.map(|options| format!("?{options}")).unwrap_or_default();
            shown = format!("{scheme}://{user}:***@{host}{options}");
        }
    }
    mask_assigned(&shown)
}

/// Masks what stands behind `password=`, `sslpassword=` and their like, in an address's options or in `name=value` pairs.
fn mask_assigned(text: &str) -> String {
    const NAME: &str = "password";
    let lower = text.to_ascii_lowercase();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(found) = lower.get(at..).and_then(|rest| rest.find(NAME)) {
        let named = at + found + NAME.len();
        let rest = text.get(named..).unwrap_or_default();
        let value = rest.trim_start();
        let Some(value) = value.strip_prefix('=').map(str::trim_start) else {
            shown.push_str(text.get(at..named).unwrap_or_default());
            at = named;
            continue;
        };
        let begins = text.len() - value.len();
        let length = match value.strip_prefix('\'') {
            Some(quoted) => quoted.find('\'').map_or(value.len(), |end| end + 2),
            None => value.find(|c: char| c == '&' || c.is_whitespace()).unwrap_or(value.len()),
        };
        shown.push_str(text.get(at..begins).unwrap_or_default());
        shown.push_str("***");
        at = begins + length;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

fn xdg(env: &Env, var: &str, under_home: &str) -> Result<PathBuf> {
    // The specification says to ignore a relative path.
    if let Some(dir) = env.text(var).map(PathBuf::from).filter(|d| d.is_absolute()) {
        return Ok(dir);
    }
    match env.text("HOME") {
        Some(home) => Ok(Path::new(home).join(under_home)),
        None => Err(CliError::usage(format!("neither {var} nor HOME is set, so there is no place for Windlass's own files"))
            .hint("set WINDLASS_DATA_DIR and WINDLASS_CONFIG, or HOME")),
    }
}

/// Says where in the file a wrong value stands, unless a variable outranks it.
fn placed(mut e: CliError, read: &Read, env: &Env, file: &str) -> CliError {
    let key = e.message.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(key, _)| key);
    let outranked = |key: &str| VARS.iter().any(|var| var.key == key && env.text(var.name).is_some());
    if let Some(line) = key.filter(|key| !outranked(key)).and_then(|key| read.line_of(key)) {
        e.message = format!("{file}:{line}: {}", e.message);
    }
    e
}

/// The configuration file when nobody names one.
pub(crate) fn default_config_path(env: &Env) -> Result<PathBuf> {
    Ok(xdg(env, "XDG_CONFIG_HOME", ".config")?.join("windlass").join("windlass.toml"))
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| CliError::usage(format!("{} cannot be used as a path: {e}", path.display())))
}

#[cfg(test)]
mod tests;
