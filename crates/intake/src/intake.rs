//! The intake itself: what its parts share, how it starts and how it stops.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use windlass_engine::{Engine, WorkerConfig};
use windlass_types::{Clock, Ids, Timestamp};

use crate::claim::Claim;
use crate::config::{FileWorker, FilesConfig};
use crate::figures::{Figures, FilesStatus};
use crate::finished::Kept;
use crate::pending::{Pending, Sighting};
use crate::places::{Folder, Places, Stamp, Write, is_task_name};
use crate::watch::{Seen, Watch, Watched};
use crate::{heartbeat, outside, report, take};

/// How many receipts may wait for the disk.
const RECEIPTS_MAX: usize = 20_000;
/// How many tasks of outside executors may wait to be looked at.
const LOOKS_MAX: usize = 20_000;
/// How long what has begun may take when the intake stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// A running intake. Clones are the same one.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// The file of a task that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownFile {
    pub(crate) stamp: Stamp,
    pub(crate) content: String,
    /// Its result is being written: what is written to the file from now on is another task.
    pub(crate) ending: bool,
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) config: FilesConfig,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) places: Places,
    pub(crate) figures: Figures,
    pub(crate) pending: Pending,
    /// `None` where the kernel gives no events: everything is looked through instead.
    pub(crate) watch: Option<Watch>,
    pub(crate) receipts: mpsc::Sender<Write>,
    /// Told when live tasks may be without a receipt.
    pub(crate) receipts_owed: Notify,
    /// Receipts are written so late that no task waits for them.
    pub(crate) receipts_late: AtomicBool,
    /// Ids of outside executors' tasks that something happened to.
    pub(crate) looks: mpsc::Sender<String>,
    /// Nothing more is taken; what ends is still reported.
    pub(crate) closing: CancellationToken,
    /// Everything ends.
    pub(crate) stop: CancellationToken,
    /// Whether everything was looked through once: what a crash left aside is removed by then, and files may be written.
    pub(crate) looked: watch::Sender<bool>,
    /// Until when receipts wait, as many files come at once.
    pub(crate) rush_until: watch::Sender<tokio::time::Instant>,
    /// Since when files can be seen as soon as they are there.
    since: Timestamp,
    workers: Mutex<BTreeMap<String, Arc<FileWorker>>>,
    known: Mutex<HashMap<(String, OsString), KnownFile>>,
    /// Held until the last of its tasks is over.
    _claim: Arc<Claim>,
    /// Files of finished tasks that could not be removed.
    pub(crate) kept: Kept,
}

impl Intake {
    /// Starts an intake beside an engine. Returns at once: what waits in the directory is taken behind.
    ///
    /// For one node at a time: [`crate::IntakeDuty`] sees to that.
    pub(crate) fn start(engine: Engine, config: FilesConfig, clock: Clock, ids: Ids, claim: Arc<Claim>) -> Self {
        let (receipts, receipts_to_write) = mpsc::channel(RECEIPTS_MAX);
        let (looks, looks_to_take) = mpsc::channel(LOOKS_MAX);
        let figures = Figures::default();
        let watch = match Watch::new() {
            Ok(watch) => Some(watch),
            Err(e) => {
                tracing::warn!(error = %e, "the kernel gives no more file events: task files are polled for every second");
                figures.whole(|w| w.watching = format!("polling: {e}"));
                None
            }
        };
        if watch.is_some() {
            figures.whole(|w| "events".clone_into(&mut w.watching));
        }
        figures.whole(|w| w.root = config.root.display().to_string());
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            places: places(&config),
            workers: Mutex::new(config.workers.iter().map(|w| (w.name.clone(), Arc::new(w.clone()))).collect()),
            known: Mutex::default(),
            kept: Kept::default(),
            pending: Pending::default(),
            looked: watch::Sender::new(false),
            rush_until: watch::Sender::new(tokio::time::Instant::now()),
            since: clock.now(),
            closing: stop.child_token(),
            stop,
            engine,
            config,
            clock,
            ids,
            figures,
            watch,
            receipts,
            receipts_owed: Notify::new(),
            receipts_late: AtomicBool::new(false),
            looks,
            _claim: claim,
        });
        for worker in shared.workers() {
            shared.figures.worker(&worker.name, |w| (w.mode, w.configured) = (worker.mode, true));
        }
        tracing::info!(root = %shared.config.root.display(), "task files are taken from {}", shared.config.root.display());
        let tasks = TaskTracker::new();
        tasks.spawn(watch_events(Arc::clone(&shared)));
        tasks.spawn(take::receipts(Arc::clone(&shared), receipts_to_write));
        tasks.spawn(take::run(Arc::clone(&shared), tasks.clone()));
        tasks.spawn(report::run(Arc::clone(&shared)));
        tasks.spawn(outside::run(Arc::clone(&shared), looks_to_take));
        tasks.spawn(heartbeat::run(Arc::clone(&shared)));
        tasks.close();
        Self { shared, tasks }
    }

    /// How it stands: for people, heartbeats and metrics.
    pub async fn status(&self) -> FilesStatus {
        self.shared.status().await
    }

    /// Takes nothing more and says so in the heartbeats; what ends from now on still gets its result.
    pub fn stop_taking(&self) {
        self.shared.closing.cancel();
    }

    /// Ends without waiting: what it had begun is gone on with by whoever is next.
    pub(crate) fn end(&self) {
        self.shared.stop.cancel();
    }

    /// Stops, once what has begun is ended.
    pub async fn stop(&self) {
        self.end();
        if tokio::time::timeout(STOP_GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("the file intake did not end in time; what it had begun is gone on with at the next start");
        }
    }
}

fn places(config: &FilesConfig) -> Places {
    let instead = [
        (Folder::Tasks, &config.task_dir),
        (Folder::Triggers, &config.trigger_dir),
        (Folder::Results, &config.result_dir),
        (Folder::Heartbeats, &config.heartbeat_dir),
        (Folder::DeadLetters, &config.dlq_dir),
        (Folder::Pipes, &config.pipe_dir),
    ];
    let instead = instead.into_iter().filter_map(|(folder, dir)| Some((folder, dir.clone()?))).collect();
    Places::new(config.root.clone(), instead)
}

/// Turns events into sightings, as fast as they come.
async fn watch_events(shared: Arc<Shared>) {
    let Some(watch) = &shared.watch else { return };
    loop {
        let seen = tokio::select! {
            () = shared.stop.cancelled() => return,
            seen = watch.next() => seen,
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(e) => {
                tracing::error!(error = %e, "file events can no longer be read: task files are polled for every second");
                shared.figures.whole(|w| w.watching = format!("polling: {e}"));
                return;
            }
        };
        let seen_at = shared.clock.now();
        let mut sightings = Vec::new();
        for seen in seen {
            match seen {
                Seen::File(Watched::Tasks(worker), name) if is_task_name(&name) => {
                    sightings.push(Sighting { worker, name, seen_at });
                }
                Seen::File(Watched::Results(_) | Watched::ExecutionMeta, name) => shared.look_at(&name),
                Seen::File(..) => {}
                Seen::LookThrough => shared.pending.look_through(),
                Seen::Overflow => {
                    tracing::warn!("the kernel's queue of file events was full: everything is looked through");
                    shared.figures.whole(|w| w.overflows += 1);
                    shared.pending.look_through();
                }
            }
        }
        shared.pending.push(sightings);
    }
}

impl Shared {
    fn lock_workers(&self) -> MutexGuard<'_, BTreeMap<String, Arc<FileWorker>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_known(&self) -> MutexGuard<'_, HashMap<(String, OsString), KnownFile>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn workers(&self) -> Vec<Arc<FileWorker>> {
        self.lock_workers().values().cloned().collect()
    }

    pub(crate) fn worker(&self, name: &str) -> Option<Arc<FileWorker>> {
        self.lock_workers().get(name).cloned()
    }

    /// How it stands.
    pub(crate) async fn status(self: &Arc<Self>) -> FilesStatus {
        self.figures.whole(|w| w.waiting = self.pending.len() as u64);
        let mut status = self.figures.snapshot();
        outside::count(self, &mut status.workers).await;
        status
    }

    /// Makes a worker of a directory that was found, with the defaults.
    pub(crate) fn add_found_worker(&self, name: &str) {
        let (file, engine) = &self.config.found;
        let worker = FileWorker { name: name.to_owned(), ..file.clone() };
        self.figures.worker(name, |w| w.mode = worker.mode);
        self.engine.add_worker(WorkerConfig { name: name.to_owned(), ..engine.clone() });
        self.lock_workers().insert(name.to_owned(), Arc::new(worker));
        tracing::info!(worker = name, "a directory for worker {name} was found: it has the defaults");
    }

    /// Waits until files may be written; false when the intake stops before.
    pub(crate) async fn may_write(&self) -> bool {
        let mut looked = self.looked.subscribe();
        tokio::select! {
            answer = looked.wait_for(|looked| *looked) => answer.is_ok(),
            () = self.stop.cancelled() => false,
        }
    }

    pub(crate) fn known(&self, worker: &str, name: &OsString) -> Option<KnownFile> {
        self.lock_known().get(&(worker.to_owned(), name.clone())).cloned()
    }

    /// Remembers the file of a task, whatever was under its name.
    pub(crate) fn learn(&self, worker: &str, name: OsString, file: KnownFile) {
        self.lock_known().insert((worker.to_owned(), name), file);
    }

    /// Remembers the file of a task that is known; false when it was written again after the result of that began to be written.
    pub(crate) fn know(&self, worker: &str, name: OsString, file: KnownFile) -> bool {
        let mut known = self.lock_known();
        let key = (worker.to_owned(), name);
        let ending = known.get(&key).filter(|old| old.ending).map(|old| old.stamp);
        if ending.is_some_and(|old| !old.unwritten(&file.stamp)) {
            return false;
        }
        known.insert(key, KnownFile { ending: ending.is_some(), ..file });
        true
    }

    /// Forgets the file of a task that is done, unless another has its name by now.
    pub(crate) fn forget(&self, worker: &str, name: &str, file: &Stamp) {
        let (mut known, key) = (self.lock_known(), (worker.to_owned(), name.into()));
        if known.get(&key).is_some_and(|known| known.stamp.unwritten(file)) {
            known.remove(&key);
        }
    }

    /// Forgets the files of a worker that are gone.
    pub(crate) fn forget_gone(&self, worker: &str, there: &std::collections::HashSet<OsString>) {
        self.lock_known().retain(|(of, name), _| of != worker || there.contains(name));
    }

    /// Counts how long a file took until it was seen, and to its row, which is there now. What lay there before the start is left out: it
    /// waited for that.
    pub(crate) fn arrived(&self, worker: &str, file: &Stamp, seen_at: Timestamp) {
        if file.ctime_ms() >= self.since.0 {
            let after = |at: Timestamp| u64::try_from(at.0.saturating_sub(file.ctime_ms())).unwrap_or(0);
            self.figures.arrived(worker, after(seen_at), after(self.clock.now()));
        }
    }

    /// Has the task of an outside executor looked at, whose result or word is under this name.
    pub(crate) fn look_at(&self, name: &std::ffi::OsStr) {
        // When there is no room, the next look through everything finds it.
        if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|id| windlass_types::is_valid_task_id(id)) {
            let _ = self.looks.try_send(id.to_owned());
        }
    }

    /// Runs something that waits for the disk.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> std::io::Result<T> {
        let shared = Arc::clone(self);
        tokio::task::spawn_blocking(move || what(&shared)).await.map_err(std::io::Error::other)
    }

    /// Writes files; one error for the whole when the thread itself fails.
    pub(crate) async fn write(self: &Arc<Self>, files: Vec<Write>) -> Vec<std::io::Result<()>> {
        let count = files.len();
        match self.blocking(move |shared| shared.places.write(&files)).await {
            Ok(answers) => answers,
            Err(e) => (0..count).map(|_| Err(std::io::Error::other(e.to_string()))).collect(),
        }
    }
}
