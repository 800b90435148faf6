//! The daemon: lock, listener, store and engine, started and stopped in their order.
//!
//! **Invariant:** one process serves a data directory and its database file; both are locked before anything in them is read or written.

pub(crate) mod endpoint;
pub(crate) mod engine_config;
mod files;
mod identity;
mod lock;
pub(crate) mod logs;
pub(crate) mod restoring;
pub(crate) mod service;
pub(crate) mod signals;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass_api::{ApiConfig, ApiError, Bound, SettingView};
use windlass_engine::{Engine, RestoreBackup, Restorer};
use windlass_intake::IntakeDuty;
use windlass_store::{OpenOptions, Store, StoreError};
use windlass_telemetry::Traces;
use windlass_types::{AssignmentId, Role};

use crate::client::Client;
use crate::client::find::Place;
use crate::config::Settings;
use crate::failure::{CliError, Result};
use crate::verb::config;
use endpoint::EndpointFile;
use lock::Lock;
use signals::Signals;

/// How often a daemon that finds the disk full tries again.
const FULL_DISK_RETRY: Duration = Duration::from_secs(2);

/// What a daemon is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For everybody, until it is stopped.
    Daemon,
    /// For one assignment of this process.
    Embedded,
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// To its end.
    Patiently,
    /// To its end, without waiting for agents.
    Hurried,
    /// Not to its end.
    LeftOff,
}

/// A daemon that serves. What is dropped first is what others find it by.
pub(crate) struct Daemon {
    endpoint: EndpointFile,
    bound: Bound,
    engine: Engine,
    intake: Option<IntakeDuty>,
    store: Store,
    place: Place,
    traces: Option<Arc<Traces>>,
    _lock: Lock,
}

impl Daemon {
    /// Starts one over the settings' data directory.
    pub(crate) async fn start(settings: &Settings, kind: Kind) -> Result<Self> {
        let dir = &settings.data_dir;
        make_data_dir(dir)?;
        let lock = Lock::take(settings, kind).await?;
        restoring::refuse_half_restored(dir)?;
        let token = match &settings.token {
            Some(token) => windlass_api::keep_token(dir, token).map(|()| token.clone()),
            None => windlass_api::load_or_create_token(dir),
        };
        let token = token.map_err(api_error)?;
        let listen = match kind {
            Kind::Daemon if settings.roles.contains(&Role::Api) => address(&settings.listen).await?,
            // For this machine's own command line only.
            Kind::Daemon | Kind::Embedded => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let socket = dir.join("agent.sock");
        let config = ApiConfig {
            listen,
            allowed_hosts: settings.allowed_hosts.clone(),
            data_dir: dir.clone(),
            token: token.clone(),
            // A socket's address holds 107 bytes; agents use the port where the path is longer.
            metrics: settings.metrics.enabled,
            settings: shown(settings),
            agent_socket: (socket.as_os_str().len() <= 100).then(|| socket.clone()),
        };
        let has_socket = config.agent_socket.is_some();
        let bound = windlass_api::bind(config).await.map_err(api_error)?;
        if kind == Kind::Daemon {
            listen_for_metrics(settings, &bound).await;
        }
        let url = format!("http://{}", reachable(bound.local_addr()));
        let agent_url = if has_socket { format!("unix:{}", socket.display()) } else { url.clone() };

        let mut config = engine_config::of(settings, agent_url, token.secret())?;
        config.node = Some(identity::of(dir, &config.ids));
        config.traces = traces(settings);
        let traces = config.traces.clone();
        if kind == Kind::Embedded {
            // Until its own assignment is known it works on none.
            config.only_assignment = Some(config.ids.assignment());
        }
        let options = OpenOptions { url: settings.database_url.clone(), clock: config.clock.clone(), ids: config.ids.clone() };
        let store = open_store(settings, &options, kind, &bound).await?;
        let (clock, ids) = (config.clock.clone(), config.ids.clone());
        let engine = Engine::start(config, store.clone()).await.map_err(engine_error)?;
        for project in &settings.projects {
            let Some(repo) = project.repo.clone() else { continue };
            let put = engine.init_project(Some(project.name.clone()), repo, project.settings.clone(), None, "configuration").await;
            if let Err(e) = put {
                tracing::warn!(project = project.name, error = %e, "project {} of the configuration cannot be used: {e}", project.name);
            }
        }
        bound.attach(engine.clone());
        let intake = if kind == Kind::Daemon { files::start(settings, &engine, &clock, &ids) } else { None };
        if let Some(intake) = &intake {
            bound.attach_files(intake.clone());
        }
        let endpoint = EndpointFile::write(dir, &url, kind).await?;
        let place = Place { url, token: Some(token.secret().to_owned()) };
        Ok(Self { endpoint, bound, engine, intake, store, place, traces, _lock: lock })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.place.url
    }

    /// Its engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&self.place)
    }

    /// Works on this assignment only.
    pub(crate) fn only(&self, assignment: AssignmentId) {
        self.engine.only(assignment);
    }

    /// Waits until somebody asks for a restore; which, and who.
    pub(crate) async fn restore_wanted(&self) -> (RestoreBackup, Restorer) {
        self.engine.restore_wanted().await
    }

    /// Stops; a signal meanwhile has it wait for nothing more, another leaves it off.
    pub(crate) async fn stop_or_hurry(self, grace: Duration, signals: &mut Signals) -> Stopped {
        let engine = self.engine.clone();
        let mut stopping = std::pin::pin!(self.stop(grace));
        tokio::select! {
            () = &mut stopping => return Stopped::Patiently,
            () = signals.next() => {}
        }
        tracing::warn!("stopping at once: agents are killed, their jobs handed back");
        engine.hurry();
        tokio::select! {
            () = stopping => Stopped::Hurried,
            () = signals.next() => {
                tracing::warn!("stopped in the middle: what is not handed back is rescued at the next start");
                Stopped::LeftOff
            }
        }
    }

    /// Takes no more work, gives what runs this long, hands back the rest, and closes.
    pub(crate) async fn stop(self, grace: Duration) {
        let intake = self.intake.and_then(|duty| duty.current());
        if let Some(intake) = &intake {
            intake.stop_taking();
        }
        self.engine.stop(grace).await;
        if let Some(intake) = &intake {
            intake.stop().await;
        }
        drop(self.endpoint);
        self.bound.shutdown().await;
        self.store.close().await;
        if let Some(traces) = self.traces {
            // It waits for a collector that may be slow.
            let _ = tokio::task::spawn_blocking(move || traces.stop()).await;
        }
    }
}

/// Opens the store. A daemon that finds the disk full stays, says so, and goes on once there is room.
async fn open_store(settings: &Settings, options: &OpenOptions, kind: Kind, bound: &Bound) -> Result<Store> {
    let mut told = None;
    loop {
        let e = match Store::open(options.clone()).await {
            Ok(store) => return Ok(store),
            Err(e @ StoreError::Full(_)) if kind == Kind::Daemon => e,
            Err(e) => return Err(store_error(settings, &e)),
        };
        if told.as_ref() != Some(&e) {
            let error = store_error(settings, &e);
            let hint = error.hint.unwrap_or_default();
            tracing::error!(hint, "the daemon waits, as {}; {hint}", error.message);
            bound.cannot_start(e.to_string());
            told = Some(e);
        }
        tokio::time::sleep(FULL_DISK_RETRY).await;
    }
}

fn make_data_dir(dir: &Path) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| {
        CliError::fault(format!("the data directory {} cannot be made: {e}", dir.display()))
            .hint("name a place you may write with --data-dir or WINDLASS_DATA_DIR")
    })
}

/// Sends spans where somebody wants them. Work goes on without.
fn traces(settings: &Settings) -> Option<Arc<Traces>> {
    let endpoint = settings.otlp_endpoint.as_deref()?;
    match Traces::start(endpoint) {
        Ok(traces) => Some(Arc::new(traces)),
        Err(error) => {
            tracing::warn!(error, "no traces are sent: {error}");
            None
        }
    }
}

/// Opens the listener of the figures where one is wanted. Work goes on without it.
async fn listen_for_metrics(settings: &Settings, bound: &Bound) {
    let Some(listen) = &settings.metrics.listen else { return };
    let served = match address(listen).await {
        Ok(address) => bound.serve_metrics(address).await.map_err(|e| e.to_string()),
        Err(e) => Err(e.message),
    };
    match served {
        Ok(address) => tracing::info!("metrics are served on http://{address}/metrics"),
        Err(error) => {
            tracing::warn!(error, "metrics are not served on {listen}: {error}; name another place with METRICS_HOST and METRICS_PORT");
        }
    }
}

/// An address to listen on; names are looked up.
/// What the page shows of the settings; what is secret was left out where they were read.
fn shown(settings: &Settings) -> Vec<SettingView> {
    let file = settings.config_path.display().to_string();
    let view = |shown: &crate::config::Shown| SettingView {
        key: shown.key.clone(),
        value: shown.value.clone(),
        origin: config::word(&shown.origin).to_owned(),
        from: config::place(&shown.origin, &file),
    };
    settings.shown.iter().map(view).collect()
}

async fn address(text: &str) -> Result<SocketAddr> {
    let bad = |why: String| CliError::usage(format!("cannot listen on {text:?}: {why}")).hint("give HOST:PORT, for example 127.0.0.1:3001");
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let mut found = tokio::net::lookup_host(text).await.map_err(|e| bad(e.to_string()))?;
    found.next().ok_or_else(|| bad("no such address".to_owned()))
}

/// An address that a client on this machine can connect to.
fn reachable(local: SocketAddr) -> SocketAddr {
    if !local.ip().is_unspecified() {
        return local;
    }
    let loopback: std::net::IpAddr =
        if local.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(loopback, local.port())
}

fn api_error(e: ApiError) -> CliError {
    sentence(&e)
}

pub(crate) fn engine_error(e: windlass_engine::EngineError) -> CliError {
    CliError::fault(e.message.clone()).maybe_hint(e.hint)
}

fn store_error(settings: &Settings, e: &StoreError) -> CliError {
    store_error_of(&settings.database_url, e)
}

/// What is wrong with a database, and what to do.
fn store_error_of(url: &str, e: &StoreError) -> CliError {
    let url = crate::config::settings::without_password(url);
    let mut error = sentence(e);
    error.message = format!("{} ({url})", error.message);
    match e {
        StoreError::TooNew { .. } => {
            error.hint("a later windlass has written it: use that version, or another database (WINDLASS_DATABASE_URL)")
        }
        StoreError::Foreign(_) => error.hint("another program's tables are in it: name another database (WINDLASS_DATABASE_URL)"),
        StoreError::Unavailable(why) if why.contains("does not exist") && why.contains("database") => {
            error.hint("make it (`createdb NAME`), or name another database (WINDLASS_DATABASE_URL)")
        }
        // The class of all that is wrong with a login.
        StoreError::Unavailable(why) if why.contains(" (28") => {
            error.hint("check the user and the password in the address, and that the server lets that user in (pg_hba.conf)")
        }
        StoreError::Unavailable(why) if why.contains("does not support TLS") => {
            error.hint("turn TLS on at the server (`ssl = on`), or take sslmode out of the address where the network is trusted")
        }
        _ => error,
    }
}

/// The libraries' errors say what to do behind a semicolon.
fn sentence(e: &dyn std::error::Error) -> CliError {
    let said = e.to_string();
    let (what, hint) = said.rsplit_once("; ").map_or((said.as_str(), None), |(what, hint)| (what, Some(hint.to_owned())));
    let causes = e.source().map(|c| format!(": {}", chain(c))).unwrap_or_default();
    CliError::fault(format!("{what}{causes}")).maybe_hint(hint)
}

/// An error with what caused it, each cause once.
fn chain(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(c) = cause {
        let said = c.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = c.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_database_comes_with_what_to_do() {
        let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
        for (e, wanted) in [
            (unavailable("error connecting to server: Connection refused (os error 111)"), "check that it runs, then try again"),
            (unavailable("password authentication failed for user \"ann\" (28P01)"), "check the user and the password"),
            (unavailable("no pg_hba.conf entry for host \"10.0.0.1\" (28000)"), "check the user and the password"),
            (unavailable("database \"shop\" does not exist (3D000)"), "createdb"),
            (unavailable("server does not support TLS"), "ssl = on"),
            (
                StoreError::Unsupported("the server is PostgreSQL 12.17 and Windlass needs 13 or later; upgrade the server".to_owned()),
                "upgrade the server",
            ),
            (StoreError::TooNew { min_binary: 9, binary: 6 }, "use that version"),
            (StoreError::Foreign("it has customers".to_owned()), "another program's tables"),
        ] {
            let error = store_error_of("postgres://ann:secret@db/shop", &e);
            assert!(error.hint.as_deref().is_some_and(|hint| hint.contains(wanted)), "{e}: {:?}", error.hint);
            assert!(error.message.contains("postgres://ann:***@db/shop"), "{}", error.message);
        }
    }
}
