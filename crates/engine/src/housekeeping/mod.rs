//! Housekeeping: what is old and over goes, in small pieces, and only what is proved to be elsewhere or no longer wanted.
//!
//! Each node looks after its own files. The rows of the database are a duty: one node at a time looks after them in its rounds. Every
//! piece of that is one small transaction that finds its rows anew, so a person may ask any node for a round of everything.
//!
//! **Invariant:** nothing of an assignment that is active or blocked, or that holds a dead letter, is removed.

mod config;
mod pool;
mod records;
mod report;
pub(crate) mod space;
mod transcripts;
mod workspaces;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use windlass_types::{AssignmentId, Role, Timestamp, count};

use crate::engine::{Engine, Inner};
use crate::error::EngineError;
use crate::storage::StorageProblem;

pub use config::Retention;
pub use report::{Housekeeping, HousekeepingRun, Kept, Removed};

/// How long after its start a node leaves everything alone: a start has enough to do.
const REST_AFTER_START: Duration = Duration::from_mins(5);
/// Looking after the rows.
const DUTY: &str = "housekeeping";
/// The most that a round tells of what it kept.
const KEPT_MAX: usize = 1000;

/// What is known between rounds.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// One round at a time.
    round: tokio::sync::Mutex<()>,
    next_at: Mutex<Option<Timestamp>>,
    /// What the workspaces took after the last round.
    workspace_bytes: Mutex<Option<u64>>,
    /// Whether this node looks after the rows.
    has_duty: watch::Sender<bool>,
    /// Why no new work is begun, while there is too little space.
    pub(crate) low_space: Mutex<Option<StorageProblem>>,
}

impl Keeper {
    /// Why no new work is begun, while there is too little space.
    pub(crate) fn low_space(&self) -> Option<StorageProblem> {
        self.low_space.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the workspaces took after the last round, if there was one.
    pub(crate) fn workspace_bytes(&self) -> Option<u64> {
        *self.workspace_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn measured(&self, run: &HousekeepingRun) {
        let left = run.workspace_bytes.saturating_sub(run.removed.workspace_bytes);
        *self.workspace_bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    fn set_next(&self, at: Timestamp) {
        *self.next_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

/// The last round, beside what it was about: another node's data directory has its own.
fn file(inner: &Inner) -> PathBuf {
    inner.config.data_dir.join("housekeeping.json")
}

fn last_run(inner: &Inner) -> Option<HousekeepingRun> {
    serde_json::from_slice(&std::fs::read(file(inner)).ok()?).ok()
}

/// The duty is held for as long as this lives.
struct Holding(Arc<Inner>);

impl Holding {
    fn new(inner: Arc<Inner>) -> Self {
        inner.keeper.has_duty.send_replace(true);
        Self(inner)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.keeper.has_duty.send_replace(false);
    }
}

/// Takes part in the duty. It is a worker's: where there is none, nothing becomes old.
pub(crate) fn take_part(engine: &Engine) {
    let inner = Arc::clone(&engine.inner);
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let holding = Holding::new(Arc::clone(&inner));
        async move {
            let _holding = holding;
            std::future::pending::<()>().await;
        }
    });
}

/// Who wants a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// This node, by itself.
    Node,
    /// Somebody who asked for it.
    Person,
}

/// Looks after everything from time to time, until the engine stops.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let interval = Duration::from_secs(inner.config.retention.interval_secs.max(60));
    if let Some(last) = last_run(inner) {
        inner.keeper.measured(&last);
    }
    loop {
        let now = inner.config.clock.now();
        let since = last_run(inner).map_or(0, |last| u64::try_from(now.since_ms(last.ended_at)).unwrap_or(0));
        // Nodes that started together do not all begin at once.
        let jitter = interval.mul_f64(0.1 * inner.config.ids.fraction());
        let wait = interval.saturating_sub(Duration::from_millis(since)).max(REST_AFTER_START) + jitter;
        inner.keeper.set_next(now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        tokio::time::sleep(wait).await;
        round(inner, For::Node, false).await;
    }
}

/// One round.
pub(crate) async fn round(inner: &Arc<Inner>, wanted_for: For, dry_run: bool) -> HousekeepingRun {
    let _one = inner.keeper.round.lock().await;
    let mut run = HousekeepingRun {
        started_at: inner.config.clock.now(),
        ended_at: inner.config.clock.now(),
        dry_run,
        removed: Removed::default(),
        kept: Vec::new(),
        workspace_bytes: 0,
        problems: Vec::new(),
    };
    // Workspaces first: an assignment's rows stay while its workspace does.
    let left = workspaces::look_after(inner, &mut run).await;
    transcripts::look_after(inner, &mut run).await;
    let mut duty = inner.keeper.has_duty.subscribe();
    match wanted_for {
        For::Person => look_after_rows(inner, &left, &mut run).await,
        For::Node => tokio::select! {
            biased;
            _ = duty.wait_for(|held| !held) => {}
            () = look_after_rows(inner, &left, &mut run) => {}
        },
    }
    run.kept.truncate(KEPT_MAX);
    run.ended_at = inner.config.clock.now();
    if !dry_run {
        inner.keeper.measured(&run);
        tell(&run);
        if let Err(e) = remember(inner, &run) {
            tracing::warn!(error = %e, "what housekeeping did could not be written down");
        }
    }
    run
}

async fn look_after_rows(inner: &Arc<Inner>, workspaces: &HashSet<AssignmentId>, run: &mut HousekeepingRun) {
    records::look_after(inner, workspaces, run).await;
    if !run.dry_run
        && let Err(e) = inner.store.optimize().await
    {
        run.problems.push(format!("the database's upkeep: {e}"));
    }
}

fn tell(run: &HousekeepingRun) {
    let removed = &run.removed;
    for problem in &run.problems {
        tracing::warn!("housekeeping: {problem}");
    }
    if *removed != Removed::default() {
        tracing::info!(
            events = removed.events,
            assignments = removed.assignments,
            sessions = removed.sessions,
            audit_lines = removed.audit_lines,
            credentials = removed.credentials,
            notifications = removed.notifications,
            transcripts = removed.transcripts,
            transcript_bytes = removed.transcript_bytes,
            workspaces = removed.workspaces,
            workspace_bytes = removed.workspace_bytes,
            pool_trees = removed.pool_trees,
            kept = run.kept.len(),
            "housekeeping removed {}, {}, {} and {}",
            count(removed.events, "event"),
            count(removed.assignments, "assignment"),
            count(removed.transcripts, "transcript"),
            count(removed.workspaces, "workspace")
        );
    }
}

fn remember(inner: &Inner, run: &HousekeepingRun) -> std::io::Result<()> {
    let (file, new) = (file(inner), file(inner).with_extension("json.new"));
    std::fs::write(&new, serde_json::to_vec(run)?)?;
    std::fs::rename(new, file)
}

/// The moment before which what ended is too old; `None` keeps everything.
fn before(now: Timestamp, secs: Option<u64>) -> Option<Timestamp> {
    let ms = i64::try_from(secs?.saturating_mul(1000)).unwrap_or(i64::MAX);
    Some(now.plus_ms(-ms))
}

impl Engine {
    /// What is kept how long, and what the last round on this node did.
    pub async fn housekeeping(&self) -> Result<Housekeeping, EngineError> {
        let inner = &self.inner;
        let backed_up_at = inner.store.backed_up_at().await?;
        Ok(Housekeeping {
            retention: inner.config.retention.clone(),
            last: last_run(inner),
            next_at: *inner.keeper.next_at.lock().unwrap_or_else(PoisonError::into_inner),
            backed_up_at,
            restore: crate::backup::last_restore(&inner.config.data_dir),
        })
    }

    /// Runs a round now; a dry one removes nothing and tells what it would.
    pub async fn keep_house(&self, dry_run: bool) -> HousekeepingRun {
        round(&self.inner, For::Person, dry_run).await
    }
}
