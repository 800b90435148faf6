//! The HTTP API: what people, programs and agents call, and the only way in from outside.
//!
//! **Invariant:** no rule of the engine lives here. A handler checks who calls and what was sent, calls the engine or
//! reads its store, and prints the answer.
//! **Invariant:** nothing but `/health`, `/ready` and a static page answers without a token, and nothing at all to a
//! foreign Host or Origin.
//!
//! Start at [`bind`], then `router`, which lists the routes.

mod agent;
mod api_tokens;
mod assignments;
mod attempts;
mod audit;
mod auth;
mod branches;
mod breakers;
mod control;
mod dead_letters;
mod error;
mod etag;
mod events;
mod extract;
mod files;
mod filter;
mod findings;
mod guard;
mod housekeeping;
mod jobs;
mod live;
mod locks;
mod mcp;
mod metrics;
mod nodes;
mod notifications;
mod openapi;
mod operations;
mod page;
mod problem;
mod projects;
mod readers;
mod router;
mod server;
mod session;
mod sessions;
mod settings;
mod sign_ins;
mod state;
mod stream;
mod token;
mod users;
mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use windlass_engine::Engine;
use windlass_intake::IntakeDuty;

pub use crate::error::ApiError;
pub use crate::mcp::{Api, ApiAnswer, ApiRequest, Extensions, NoAnswer, serve_stdio};
pub use crate::openapi::openapi_json;
pub use crate::settings::SettingView;
pub use crate::state::Limits;
pub use crate::token::{ApiToken, keep_token, load_or_create_token};

/// Where and to whom the API answers.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Names it may be called by beside loopback's: NAME, NAME:PORT or an address. Needed to listen beyond loopback.
    pub allowed_hosts: Vec<String>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The token that opens everything.
    pub token: ApiToken,
    /// Where to make the agents' socket, if anywhere; mostly `<data_dir>/agent.sock`.
    pub agent_socket: Option<PathBuf>,
    /// Whether the figures for Prometheus are shown.
    pub metrics: bool,
    /// What the daemon runs with, to be shown.
    pub settings: Vec<SettingView>,
}

/// A listening API. Until it is given an engine, it says that it is recovering. Dropping it closes it without grace.
#[derive(Debug)]
pub struct Bound {
    app: state::App,
    server: server::Server,
    local: SocketAddr,
    agent_socket: Option<PathBuf>,
    allowed_hosts: Vec<String>,
}

/// Listens, and serves `/health` and `/ready` at once.
pub async fn bind(config: ApiConfig) -> Result<Bound, ApiError> {
    bind_with_limits(config, Limits::default()).await
}

/// Listens, with bounds other than the usual ones.
pub async fn bind_with_limits(config: ApiConfig, limits: Limits) -> Result<Bound, ApiError> {
    let listen = config.listen;
    if !listen.ip().to_canonical().is_loopback() {
        if config.allowed_hosts.is_empty() {
            return Err(ApiError::NotLoopback { listen });
        }
        tracing::warn!(%listen, "Other machines can reach this address, and the token crosses the network unencrypted: put TLS in front");
    }
    let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ApiError::PortTaken { listen },
        _ => ApiError::Listen { listen, source },
    })?;
    let local = listener.local_addr().map_err(|source| ApiError::Listen { listen, source })?;
    let hosts = guard::Hosts::new(local, &config.allowed_hosts)?;
    let agents = match &config.agent_socket {
        Some(path) => Some(server::listen_unix(path).map_err(|source| ApiError::AgentSocket { path: path.clone(), source })?),
        None => None,
    };
    let (agent_socket, allowed_hosts) = (config.agent_socket.clone(), config.allowed_hosts.clone());
    let app = Arc::new(state::Shared::new(hosts, config, limits.clone(), local.port()));
    let server = server::Server::new(router::router(Arc::clone(&app)), limits, app.closing.clone());
    server.serve_tcp(listener);
    if let Some(agents) = agents {
        server.serve_unix(agents);
    }
    Ok(Bound { app, server, local, agent_socket, allowed_hosts })
}

impl Bound {
    /// The address it listens on, with the port that was picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves the figures, and nothing else, to whoever reaches this address and calls it by an address or an allowed host, without a token;
    /// gives the address with the port that was picked.
    pub async fn serve_metrics(&self, listen: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(listen).await?;
        let local = listener.local_addr()?;
        let hosts = guard::Hosts::new(local, &self.allowed_hosts).map_err(std::io::Error::other)?.and_addresses();
        // Bounds of its own: readers of the figures and callers of the API do not crowd each other out.
        self.server.beside(metrics::router(Arc::clone(&self.app), hosts)).serve_tcp(listener);
        Ok(local)
    }

    /// Gives the API its engine; from now on every route answers. A second engine is ignored.
    pub fn attach(&self, engine: Engine) {
        self.app.attach(engine);
    }

    /// Gives the API the intake of task files, where there is one. A second one is ignored.
    pub fn attach_files(&self, intake: IntakeDuty) {
        self.app.attach_files(intake);
    }

    /// Says on `/ready` why there is no engine yet: the database cannot be written.
    pub fn cannot_start(&self, reason: String) {
        self.app.cannot_start(reason);
    }

    /// Accepts no more requests, ends streams, lets the rest end within a few seconds, and removes the agents' socket.
    pub async fn shutdown(self) {
        self.server.close().await;
        self.app.beside.close();
        // A store that does not answer any more keeps nobody waiting.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), self.app.beside.wait()).await;
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.app.closing.cancel();
        if let Some(path) = &self.agent_socket {
            let _ = std::fs::remove_file(path);
        }
    }
}
