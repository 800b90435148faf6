//! What every handler shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use windlass_engine::Engine;
use windlass_intake::IntakeDuty;
use windlass_types::CredentialId;

use crate::auth::{Caller, Hasher, Limiter, cookie_name};
use crate::guard::Hosts;
use crate::live::Live;
use crate::problem::{Answer, Problem};
use crate::readers::Readers;
use crate::server::Peer;
use crate::settings::SettingView;
use crate::{ApiConfig, ApiToken};

/// The bounds of the server; what is at one is refused, dropped or told to come again.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections. At the bound, the oldest that is not answering somebody who is known gives way.
    pub connections_max: usize,
    /// Event streams and long polls open at once.
    pub streams_max: usize,
    /// The size of a request's body.
    pub body_bytes_max: usize,
    /// How long a request's headers may take to arrive; also how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// How long a reader may take nothing of an answer before it is dropped.
    pub stall_timeout: Duration,
    /// How often a quiet event stream says that it is alive.
    pub heartbeat: Duration,
    /// How long open requests have when the server stops.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 2048,
            streams_max: 1024,
            body_bytes_max: 4 * 1024 * 1024,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

/// What every handler shares. Clones share one.
pub(crate) type App = Arc<Shared>;

/// Of how many parts of all open streams one token or session has one.
const STREAMS_SHARE: usize = 4;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hosts: Hosts,
    pub(crate) token: ApiToken,
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter<Peer>,
    /// Counts the refusals of whom nobody knows, so that a flood of them does not fill the audit log.
    pub(crate) strangers: Limiter<Peer>,
    /// Counts the refusals of who is known, by name: no flood of others hides them.
    pub(crate) refusals: Limiter<String>,
    pub(crate) hasher: Hasher,
    /// The name of the cookie of signed-in browsers.
    pub(crate) cookie: String,
    /// What the audit log calls each route.
    pub(crate) actions: HashMap<(Method, String), String>,
    /// What is written down beside an answer.
    pub(crate) beside: TaskTracker,
    /// Whether figures are shown.
    pub(crate) metrics: bool,
    pub(crate) readers: Readers,
    /// What is new, for all who listen.
    pub(crate) live: Arc<Live>,
    /// What this daemon runs with.
    pub(crate) settings: Vec<SettingView>,
    /// Told whenever a token, a session or a user's rights end.
    out: watch::Sender<()>,
    /// Cancelled when the server stops: streams and long polls end then.
    pub(crate) closing: CancellationToken,
    streams: Arc<Semaphore>,
    streams_of: Arc<StreamsOf>,
    engine: OnceLock<Attached>,
    files: OnceLock<AttachedFiles>,
    /// Why there is no engine yet, when the database cannot be written.
    cannot_start: Mutex<Option<String>>,
}

struct Attached(Engine);

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

struct AttachedFiles(IntakeDuty);

impl std::fmt::Debug for AttachedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IntakeDuty")
    }
}

impl Shared {
    pub(crate) fn new(hosts: Hosts, config: ApiConfig, limits: Limits, port: u16) -> Self {
        let streams = Arc::new(Semaphore::new(limits.streams_max));
        Self {
            hosts,
            token: config.token,
            limits,
            limiter: Limiter::default(),
            strangers: Limiter::default(),
            refusals: Limiter::default(),
            hasher: Hasher::default(),
            cookie: cookie_name(port),
            actions: crate::openapi::operation_ids(),
            beside: TaskTracker::new(),
            metrics: config.metrics,
            live: Arc::default(),
            settings: config.settings,
            readers: Readers::default(),
            out: watch::Sender::new(()),
            closing: CancellationToken::new(),
            streams,
            streams_of: Arc::default(),
            engine: OnceLock::new(),
            files: OnceLock::new(),
            cannot_start: Mutex::new(None),
        }
    }

    /// The engine, once there is one.
    pub(crate) fn engine(&self) -> Answer<&Engine> {
        self.engine.get().map(|attached| &attached.0).ok_or_else(|| {
            let why = self.storage_problem().map(|reason| format!(": {reason}")).unwrap_or_default();
            Problem::unavailable(format!("Windlass is starting{why}")).hint("ask /ready, and come again when it says ready").retry_after(1)
        })
    }

    /// Gives the handlers their engine; a second one is ignored.
    pub(crate) fn attach(&self, engine: Engine) {
        if self.engine.set(Attached(engine)).is_err() {
            tracing::warn!("The API has an engine already; the second one was ignored");
        }
    }

    /// Gives the handlers the intake of task files; a second one is ignored.
    pub(crate) fn attach_files(&self, intake: IntakeDuty) {
        if self.files.set(AttachedFiles(intake)).is_err() {
            tracing::warn!("The API has a file intake already; the second one was ignored");
        }
    }

    /// The intake of task files, where there is one.
    pub(crate) fn files(&self) -> Option<&IntakeDuty> {
        self.files.get().map(|attached| &attached.0)
    }

    /// Remembers why the database cannot be opened, until there is an engine.
    pub(crate) fn cannot_start(&self, reason: String) {
        *self.cannot_start.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Why the database cannot be written, while it cannot.
    pub(crate) fn storage_problem(&self) -> Option<String> {
        match self.engine.get() {
            Some(attached) => attached.0.storage_problem(),
            None => self.cannot_start.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Has every open stream look whether its caller may still listen.
    pub(crate) fn somebody_is_out(&self) {
        self.out.send_replace(());
    }

    /// Hears when somebody's token, session or rights end.
    pub(crate) fn hears_who_is_out(&self) -> watch::Receiver<()> {
        self.out.subscribe()
    }

    /// The right to keep one request open for long. One token or session has at most a part of them, so that others find one too.
    pub(crate) fn stream_permit(&self, caller: &Caller) -> Answer<StreamPermit> {
        let full = |what: String| Problem::full(what).hint("close one").retry_after(5);
        let own = match caller {
            Caller::Person(person) => person.credential.as_ref().map(|credential| credential.id),
            Caller::Agent(_) => None,
        };
        let own = match own {
            Some(id) => {
                let max = (self.limits.streams_max / STREAMS_SHARE).max(1);
                let own = OwnStream::of(id, Arc::clone(&self.streams_of), max);
                Some(own.ok_or_else(|| full(format!("{max} streams are open by this token or session, which is the bound")))?)
            }
            None => None,
        };
        let place = Arc::clone(&self.streams).try_acquire_owned();
        let place = place.map_err(|_| full(format!("{} streams are open, which is the bound", self.limits.streams_max)))?;
        Ok(StreamPermit { _place: place, _own: own })
    }
}

/// One open stream among all, and among its caller's.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    _place: OwnedSemaphorePermit,
    _own: Option<OwnStream>,
}

/// How many streams each token and session has open.
type StreamsOf = Mutex<HashMap<CredentialId, usize>>;

/// One of a token's or session's streams.
#[derive(Debug)]
struct OwnStream {
    id: CredentialId,
    all: Arc<StreamsOf>,
}

impl OwnStream {
    fn of(id: CredentialId, all: Arc<StreamsOf>, max: usize) -> Option<Self> {
        let mut counts = all.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(id).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self { id, all })
    }
}

impl Drop for OwnStream {
    fn drop(&mut self) {
        let mut counts = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.id);
            }
        }
    }
}
