//! The engine itself: what it holds, how it starts and how it stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use windlass_delivery::ForgeServer;
use windlass_store::{NodeFacts, Store, StoreError, WorkerSlots};
use windlass_telemetry::Metrics;
use windlass_types::{AssignmentId, AttemptId, SandboxLevel, Slots, Timestamp, count};
use windlass_workspace::git::{Identity, Login};
use windlass_workspace::launch::{Launcher, become_subreaper};
use windlass_workspace::workspaces::{PoolPolicy, Workspaces};

use crate::backup::{Backup, Manifest, RestoreBackup, Restorer};
use crate::config::{EngineConfig, Isolation, WorkerConfig};
use crate::duty::Duties;
use crate::error::{EngineError, ErrorKind};
use crate::housekeeping::{self, Keeper};
use crate::lease::{Control, Leases};
use crate::now::Held;
use crate::storage::StorageProblem;
use crate::transcript::Cursors;
use crate::work::Stuck;
use crate::{callbacks, dispatch, notify, pool, presence, pull_requests, recover};

/// How long what runs in the background may take to end: it is dropped at its next `await`.
const BACKGROUND_ENDS: Duration = Duration::from_secs(5);
/// How long an attempt whose agent has to be dead by now may take to hand its job back.
const HANDING_BACK: Duration = Duration::from_secs(5);

/// One node's engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: EngineConfig,
    pub(crate) store: Store,
    pub(crate) workspaces: Workspaces,
    pub(crate) launcher: Launcher,
    pub(crate) forge: Option<ForgeServer>,
    pub(crate) leases: Leases,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) held: Held,
    pub(crate) stuck: Stuck,
    pub(crate) node: String,
    pub(crate) started_at: Timestamp,
    recovered: watch::Sender<bool>,
    /// How often the dispatcher has gone round: a sign that it lives.
    pub(crate) rounds: watch::Sender<u64>,
    /// A slot is free, or something else than an event makes a claim worth trying.
    pub(crate) slot_freed: Notify,
    pub(crate) only: Mutex<Option<AssignmentId>>,
    /// The workers of this node; some appear while it runs.
    workers: RwLock<Arc<[WorkerConfig]>>,
    storage_problem: Mutex<Option<StorageProblem>>,
    pub(crate) keeper: Keeper,
    /// Held while a pool is filled.
    pub(crate) filling: tokio::sync::Mutex<()>,
    pub(crate) cursors: Cursors,
    restore_wanted: watch::Sender<Option<(RestoreBackup, Restorer)>>,
    agent_tokens: Mutex<HashMap<AttemptId, String>>,
    pub(crate) duties: Duties,
    pub(crate) claiming: CancellationToken,
    /// The stop waits for nothing more: agents that are told to end are killed.
    pub(crate) hurry: CancellationToken,
    /// What an attempt still does is dropped, and its job handed back.
    pub(crate) given_up: CancellationToken,
    pub(crate) background: CancellationToken,
    /// What runs beside the attempts until the engine stops.
    pub(crate) background_tasks: TaskTracker,
    pub(crate) attempts: TaskTracker,
}

impl Engine {
    /// Starts an engine over an open store. Returns at once: recovery runs behind, and nothing is claimed before it is over.
    pub async fn start(config: EngineConfig, store: Store) -> Result<Self, EngineError> {
        let exe = config.windlass_exe.clone();
        let launcher = match config.isolation {
            Isolation::Level(level @ (SandboxLevel::Off | SandboxLevel::Rlimits)) => Launcher::new(exe, level),
            Isolation::Level(SandboxLevel::Landlock) => Launcher::new(exe, SandboxLevel::Landlock),
            Isolation::Auto | Isolation::Level(SandboxLevel::Bubblewrap) => Launcher::detect(exe).await,
        };
        if let Isolation::Level(wanted @ (SandboxLevel::Landlock | SandboxLevel::Bubblewrap)) = config.isolation
            && (launcher.level() != wanted || launcher.self_test().await.is_err())
        {
            return Err(EngineError::new(
                ErrorKind::Unavailable,
                format!("the sandbox level {wanted} is required and does not work here (reached: {})", launcher.level()),
            )
            .hint("install bubblewrap and permit unprivileged user namespaces, or set isolation to auto"));
        }
        Self::start_on(config, store, launcher)
    }

    /// Like [`Engine::start`], with a launcher that is there already. Call it within a runtime.
    pub fn start_on(config: EngineConfig, store: Store, launcher: Launcher) -> Result<Self, EngineError> {
        let workspaces =
            Workspaces::open(config.workspace_root.clone(), config.data_dir.clone(), &config.harness.search_path, Identity::default())
                .map_err(|e| EngineError::from(e.failure()))?
                .with_pool(PoolPolicy { size: config.pool_size, ..PoolPolicy::default() });
        // Our environment holds keys: no other process of this user may read it from /proc.
        if let Err(e) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
            tracing::warn!(error = %e, "other processes of this user can read this one's environment");
        }
        if !launcher.level().hides_files() {
            tracing::warn!(
                level = launcher.level().as_str(),
                "agents run without a sandbox: they can read this data directory, so tokens are no boundary between them and the daemon"
            );
        }
        // Should a launcher itself be killed, what it leaves behind comes to us and not to the machine's init.
        if launcher.level() != SandboxLevel::Off
            && let Err(e) = become_subreaper()
        {
            tracing::warn!(error = %e, "this process could not be made a subreaper: what a killed launcher leaves is found by its environment only");
        }
        let metrics = Metrics::new(config.workers.iter().map(|w| w.name.as_str()))
            .map_err(|e| EngineError::new(ErrorKind::Internal, format!("the metrics could not be set up: {e}")))?;
        let forge = config.forge.as_ref().map(|forge| ForgeServer::new(forge, config.clock.clone())).transpose();
        let forge = forge.map_err(|e| EngineError::from(crate::forge::failure(&e)))?;
        let workspaces = match (&config.forge, &forge) {
            (Some(config), Some(server)) => workspaces.logged_in(Login::new(server.git_host(), config.token())),
            _ => workspaces,
        };
        let inner = Arc::new(Inner {
            forge,
            metrics: Arc::new(metrics),
            held: Held::default(),
            stuck: Stuck::default(),
            leases: Leases::new(config.lease_ms),
            node: config.node.unwrap_or_else(|| config.ids.node()).to_string(),
            started_at: config.clock.now(),
            recovered: watch::Sender::new(false),
            rounds: watch::Sender::new(0),
            slot_freed: Notify::new(),
            only: Mutex::new(config.only_assignment),
            workers: RwLock::new(config.workers.clone().into()),
            storage_problem: Mutex::new(None),
            keeper: Keeper::default(),
            filling: tokio::sync::Mutex::default(),
            cursors: Cursors::default(),
            restore_wanted: watch::Sender::new(None),
            agent_tokens: Mutex::new(HashMap::new()),
            claiming: CancellationToken::new(),
            hurry: CancellationToken::new(),
            given_up: CancellationToken::new(),
            duties: Duties::default(),
            background: CancellationToken::new(),
            background_tasks: TaskTracker::new(),
            attempts: TaskTracker::new(),
            config,
            store,
            workspaces,
            launcher,
        });
        tracing::info!(node = %inner.node, isolation = inner.launcher.level().as_str(), sandbox = inner.config.sandbox.mode.as_str(), "engine of node {} starts; its sandbox is {}, at the level {}", inner.node, inner.config.sandbox.mode, inner.launcher.level());
        let engine = Self { inner: Arc::clone(&inner) };
        housekeeping::take_part(&engine);
        pull_requests::take_part(&engine);
        callbacks::take_part(&engine);
        notify::take_part(&engine);
        crate::branches::take_part(&engine);
        inner.background_tasks.spawn(run(Arc::clone(&inner)));
        Ok(engine)
    }

    /// The store: reads go straight to it.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The time, as the engine sees it.
    pub fn now(&self) -> Timestamp {
        self.inner.config.clock.now()
    }

    /// Whether recovery is over and jobs are claimed: not while the store cannot be written.
    pub fn is_ready(&self) -> bool {
        self.inner.has_recovered() && self.inner.storage_problem().is_none() && !self.is_stopping()
    }

    /// Whether [`Engine::stop`] was called: nothing more is claimed.
    pub fn is_stopping(&self) -> bool {
        self.inner.claiming.is_cancelled()
    }

    /// How many jobs this node runs.
    pub fn running(&self) -> usize {
        self.inner.leases.len()
    }

    /// Waits until what an earlier life left behind is looked after.
    pub async fn recovered(&self) {
        let mut recovered = self.inner.recovered.subscribe();
        // The sender lives as long as this engine.
        let _ = recovered.wait_for(|done| *done).await;
    }

    /// Sees the dispatcher go round and the store answer, each within `patience`. What the store answers does not matter: a full disk
    /// is no reason to start anew.
    pub async fn is_alive(&self, patience: Duration) -> Result<(), &'static str> {
        let inner = &self.inner;
        if tokio::time::timeout(patience, inner.store.check()).await.is_err() {
            return Err("the store does not answer");
        }
        if self.is_stopping() || !inner.has_recovered() {
            return Ok(());
        }
        let mut rounds = inner.rounds.subscribe();
        inner.slot_freed.notify_one();
        match tokio::time::timeout(patience, rounds.changed()).await {
            Ok(_) => Ok(()),
            Err(_) if self.is_stopping() => Ok(()),
            Err(_) => Err("the dispatcher does not go round"),
        }
    }

    /// The id of this node.
    pub fn node(&self) -> &str {
        &self.inner.node
    }

    /// Why the store cannot be written (disk full, read-only), while it cannot.
    pub fn storage_problem(&self) -> Option<String> {
        self.inner.storage_problem().map(|problem| problem.why)
    }

    /// Asks whoever runs this engine to stop it, restore a backup and start again. The backup is read and checked before.
    pub async fn ask_for_restore(&self, wanted: RestoreBackup, by: Restorer) -> Result<Backup, EngineError> {
        if self.inner.store.is_postgres() {
            return Err(EngineError::new(ErrorKind::Conflict, "other nodes may work on this database, and none may while it is restored")
                .hint("stop every node, then: windlass restore"));
        }
        if !wanted.force {
            return Err(EngineError::new(ErrorKind::Conflict, "this daemon has a database already")
                .hint("with --force what is there now is moved aside; windlass backup keeps a copy of it first"));
        }
        let folder = std::path::PathBuf::from(&wanted.path);
        if !folder.is_absolute() {
            return Err(EngineError::new(ErrorKind::Invalid, format!("{} is not absolute", wanted.path)).hint("give the whole path"));
        }
        let checked = tokio::task::spawn_blocking(move || Manifest::verified(&folder).map(|manifest| manifest.summary(&folder)));
        let backup = checked.await.map_err(|e| EngineError::new(ErrorKind::Internal, format!("reading the backup broke off: {e}")))??;
        tracing::warn!(path = wanted.path, "the backup {} is to be restored: the engine stops for it", wanted.path);
        self.inner.restore_wanted.send_replace(Some((wanted, by)));
        Ok(backup)
    }

    /// Waits until a restore is asked for; which, and by whom.
    pub async fn restore_wanted(&self) -> (RestoreBackup, Restorer) {
        let mut wanted = self.inner.restore_wanted.subscribe();
        match wanted.wait_for(Option::is_some).await.map(|wanted| wanted.clone()) {
            Ok(Some(wanted)) => wanted,
            _ => std::future::pending().await,
        }
    }

    /// The highest committed event number of this process, as it rises.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.inner.store.subscribe()
    }

    /// Works on one assignment only from now on: an embedded engine leaves other work alone.
    pub fn only(&self, assignment: AssignmentId) {
        *self.inner.only.lock().unwrap_or_else(PoisonError::into_inner) = Some(assignment);
        self.inner.slot_freed.notify_one();
    }

    /// Stops: claims nothing more, waits `grace` for what runs, hands back the rest, unharmed and uncounted.
    pub async fn stop(&self, grace: Duration) {
        let inner = &self.inner;
        inner.claiming.cancel();
        inner.attempts.close();
        if !self.ended_within(grace).await {
            let running = inner.leases.len();
            tracing::info!(running, "the wait is over: what runs is handed back ({})", count(running, "job"));
            inner.leases.tell_all(Control::HandBack);
            let ended = self.ended_within(Duration::from_millis(inner.config.kill_grace_ms)).await
                || tokio::time::timeout(HANDING_BACK, inner.attempts.wait()).await.is_ok();
            if !ended {
                // A long git call, say, which takes no orders.
                inner.given_up.cancel();
                if tokio::time::timeout(HANDING_BACK, inner.attempts.wait()).await.is_err() {
                    tracing::error!("some attempts did not end in time; they will be rescued at the next start");
                }
            }
        }
        inner.background.cancel();
        inner.background_tasks.close();
        if tokio::time::timeout(BACKGROUND_ENDS, inner.background_tasks.wait()).await.is_err() {
            tracing::warn!("some background work did not end in time");
            return;
        }
        presence::leave(inner).await;
    }
}

impl Engine {
    /// Has a stop wait no longer: agents are killed at once, their jobs handed back as by any stop.
    pub fn hurry(&self) {
        self.inner.hurry.cancel();
    }

    /// Whether all attempts end while there is time and no hurry.
    async fn ended_within(&self, limit: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.inner.attempts.wait() => true,
            () = self.inner.hurry.cancelled() => false,
            () = tokio::time::sleep(limit) => false,
        }
    }
}

async fn run(inner: Arc<Inner>) {
    let background = inner.background.clone();
    tokio::select! {
        biased;
        () = background.cancelled() => {}
        _ = async {
            // One order in every round: what is simulated happens the same way again.
            tokio::join!(biased; presence::run(&inner), async {
                recover::at_start(&inner).await;
                inner.recovered.send_replace(true);
                let engine = Engine { inner: Arc::clone(&inner) };
                // A task of its own: it waits for the disk, and the others take no notice.
                let own = Arc::clone(&inner);
                inner.background_tasks.spawn(inner.background.clone().run_until_cancelled_owned(async move { pool::tidy(&own).await }));
                tokio::join!(
                    biased;
                    engine.observe_start(),
                    inner.leases.beat(&inner.store, &inner.metrics),
                    // A claim that is under way is answered before the stop goes on, so that what it takes is handed back too.
                    inner.attempts.track_future(dispatch::run(&inner)),
                    housekeeping::run(&inner),
                    housekeeping::space::watch(&inner),
                );
            })
        } => {}
    }
}

impl Inner {
    /// What the store needs to know of this node to decide a claim.
    pub(crate) fn facts(&self) -> NodeFacts {
        let running = self.leases.by_worker();
        NodeFacts {
            node: self.node.clone(),
            workers: self
                .workers()
                .iter()
                .map(|w| WorkerSlots {
                    name: w.name.clone(),
                    slots: Slots { running: running.get(&w.name).copied().unwrap_or(0), limit: w.max_concurrent_tasks },
                    harness: w.harness,
                })
                .collect(),
            harness_defaults: self.config.harness_defaults.clone(),
            accounts: self.config.accounts.clone(),
            storage: self.no_storage().map(|problem| problem.why),
            only_assignment: *self.only.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The workers of this node.
    pub(crate) fn workers(&self) -> Arc<[WorkerConfig]> {
        Arc::clone(&self.workers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The worker of that name.
    pub(crate) fn worker(&self, name: &str) -> Option<WorkerConfig> {
        self.workers().iter().find(|w| w.name == name).cloned()
    }

    /// Adds a worker; false when there is one of its name.
    pub(crate) fn add_worker(&self, worker: WorkerConfig) -> bool {
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        if workers.iter().any(|w| w.name == worker.name) {
            return false;
        }
        self.metrics.worker(&worker.name);
        *workers = workers.iter().cloned().chain([worker]).collect();
        true
    }

    /// Whether it works on one assignment only.
    pub(crate) fn works_on_one(&self) -> bool {
        self.only.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether what an earlier life left behind is looked after.
    pub(crate) fn has_recovered(&self) -> bool {
        *self.recovered.borrow()
    }

    /// Why the store cannot be written, while it cannot.
    pub(crate) fn storage_problem(&self) -> Option<StorageProblem> {
        self.storage_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why no new work is begun, while it is not: the store cannot be written, or there is too little space.
    pub(crate) fn no_storage(&self) -> Option<StorageProblem> {
        self.storage_problem().or_else(|| self.keeper.low_space())
    }

    /// Remembers that the store cannot be written, so that no new work is taken until it can.
    pub(crate) fn storage_failed(&self, e: &StoreError) {
        let mut problem = self.storage_problem.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = StorageProblem::of(e, problem.as_ref(), self.config.clock.now()) else { return };
        if problem.replace(now).is_none() {
            tracing::error!(error = %e, "the store cannot be written: no new work is taken until it can");
            // The dispatcher is who finds out when it can again.
            self.slot_freed.notify_one();
        }
    }

    /// The store was written; says whether it counts as writable now.
    pub(crate) fn storage_recovered(&self) -> bool {
        let now = self.config.clock.now();
        let mut problem = self.storage_problem.lock().unwrap_or_else(PoisonError::into_inner);
        if problem.take_if(|known| known.ends(now)).is_some() {
            tracing::info!("the store can be written again: work goes on");
        }
        problem.is_none()
    }

    /// The secret that an attempt's agent was given, if it was given one yet.
    pub(crate) fn agent_token(&self, attempt: AttemptId) -> Option<String> {
        self.agent_tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&attempt).cloned()
    }

    /// Remembers the secret of an attempt's agent: the store knows it by its hash only, and it is worth nothing once the attempt ends.
    pub(crate) fn remember_agent_token(&self, attempt: AttemptId, secret: String) {
        self.agent_tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(attempt, secret);
    }

    pub(crate) fn forget_agent_token(&self, attempt: AttemptId) {
        self.agent_tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&attempt);
    }

    /// Every secret that may not be stored or shown, by name.
    pub(crate) fn secrets_of(&self, attempt: AttemptId) -> Vec<(String, String)> {
        let mut secrets = self.config.secrets.clone();
        if let Some(token) = self.agent_tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&attempt) {
            secrets.push(("WINDLASS_TOKEN".to_owned(), token.clone()));
        }
        secrets
    }
}
