//! The store's face: opened once, shared by clones.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;
use windlass_types::{Clock, Ids};

use crate::aside::is_postgres;
use crate::error::{Result, StoreError};
use crate::figures::{Figures, Spread};
use crate::ops::{last_seq, make_scratch, next_generation};
use crate::queue::{Announcer, Durability, Queue};
use crate::sql::{Tx, Work};
use crate::{migrate, postgres, sqlite};

/// Where the store is, and where its time and ids come from.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// A path, `sqlite:PATH`, or `postgres://…`.
    pub url: String,
    /// The time. PostgreSQL's own is used there instead.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
}

/// Everything Windlass remembers. Clones share one connection to it; see the crate for what holds.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    announcer: Announcer,
    figures: Arc<Figures>,
    generation: i64,
    postgres: bool,
    /// For the connections beside the queue: export and upkeep.
    options: OpenOptions,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Counts of one open store, for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Changes of other nodes that no wake-up announced: found by the slow look behind.
    pub lost_wakeups: u64,
    /// The highest event number that readers here were told of.
    pub last_event: i64,
    /// How long commits took, in microseconds.
    pub commit_micros: Spread,
    /// How many operations each commit held.
    pub commit_operations: Spread,
    /// Operations that are sent and not answered yet.
    pub queue: usize,
}

/// What a database's threads hand to the store.
pub(crate) struct Backend {
    pub(crate) writes: Arc<Queue>,
    pub(crate) reads: Arc<Queue>,
    pub(crate) announcer: Announcer,
    pub(crate) figures: Arc<Figures>,
    pub(crate) generation: i64,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

/// Brings the schema up to date and begins a boot, in one transaction; the generation and the last event number.
pub(crate) fn begin_boot(tx: &mut dyn Tx, ids: &Ids) -> Result<(i64, i64)> {
    migrate::migrate(tx)?;
    let mut work = Work::new(tx, ids, 0);
    make_scratch(&mut work)?;
    Ok((next_generation(&mut work)?, last_seq(&mut work)?))
}

impl Store {
    /// Opens the store, makes its schema if it is empty, and begins a new boot generation.
    pub async fn open(options: OpenOptions) -> Result<Self> {
        let postgres = is_postgres(&options.url);
        let kept = options.clone();
        // Both block; and the PostgreSQL client brings a runtime of its own.
        let opened = tokio::task::spawn_blocking(move || if postgres { postgres::open(&options) } else { sqlite::open(&options) });
        let backend = opened.await.map_err(|e| StoreError::Internal(format!("opening the database stopped: {e}")))??;
        Ok(Self::over(backend, postgres, kept))
    }

    pub(crate) fn over(backend: Backend, postgres: bool, options: OpenOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                writes: backend.writes,
                reads: backend.reads,
                announcer: backend.announcer,
                figures: backend.figures,
                generation: backend.generation,
                postgres,
                options,
                threads: Mutex::new(backend.threads),
            }),
        }
    }

    /// This boot's generation: higher than every earlier one's.
    pub fn generation(&self) -> i64 {
        self.inner.generation
    }

    /// Whether it is PostgreSQL, which several nodes may share.
    pub fn is_postgres(&self) -> bool {
        self.inner.postgres
    }

    /// The highest event number that this process has committed: the wake-up for readers of events.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.inner.announcer.all.subscribe()
    }

    /// Like [`Store::subscribe`], but told only of events after which a waiting job may be free to run: the wake-up for claims.
    pub fn subscribe_ready(&self) -> watch::Receiver<i64> {
        self.inner.announcer.ready.subscribe()
    }

    /// Like [`Store::subscribe`], but told only of callbacks: the wake-up for who sends them.
    pub fn subscribe_callbacks(&self) -> watch::Receiver<i64> {
        self.inner.announcer.callbacks.subscribe()
    }

    /// Counts up when another node has given a duty back: the wake-up for those who want it.
    pub fn subscribe_handovers(&self) -> watch::Receiver<u64> {
        self.inner.announcer.handovers.subscribe()
    }

    /// What this process has met since it opened the store.
    pub fn stats(&self) -> Stats {
        let inner = &self.inner;
        // On PostgreSQL it is one queue.
        let reads = if Arc::ptr_eq(&inner.writes, &inner.reads) { 0 } else { inner.reads.len() };
        Stats {
            lost_wakeups: inner.announcer.lost_wakeups(),
            last_event: inner.announcer.last(),
            commit_micros: inner.figures.commit_micros(),
            commit_operations: inner.figures.commit_operations(),
            queue: inner.writes.len() + reads,
        }
    }

    pub(crate) fn announce_handover(&self) {
        self.inner.announcer.announce_handover();
    }

    /// Where it is, for a connection beside the queue.
    pub(crate) fn options(&self) -> &OpenOptions {
        &self.inner.options
    }

    /// Carries out what waits, then closes the database. Later calls are refused.
    pub async fn close(&self) {
        self.inner.writes.close();
        self.inner.reads.close();
        self.inner.announcer.close();
        let threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().filter_map(|thread| thread.join().err()).count());
        match joined.await {
            Ok(0) => {}
            Ok(count) => tracing::error!(count, "threads of the store had ended by a fault"),
            Err(e) => tracing::error!(error = %e, "could not wait for the store's threads"),
        }
    }

    /// A write whose answer is a promise.
    pub(crate) async fn promise<T, F>(&self, op: F) -> Result<T>
    where
        F: FnMut(&mut Work<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.writes.call(Durability::Promise, op).await
    }

    /// A write that need not survive a power cut.
    pub(crate) async fn ride<T, F>(&self, op: F) -> Result<T>
    where
        F: FnMut(&mut Work<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.writes.call(Durability::Ride, op).await
    }

    /// A read: it sees everything that was answered before.
    pub(crate) async fn read<T, F>(&self, op: F) -> Result<T>
    where
        F: FnMut(&mut Work<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.reads.call(Durability::Read, op).await
    }
}
