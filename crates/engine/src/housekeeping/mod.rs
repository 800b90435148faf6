//! Housekeeping: what is old and over goes, in small pieces, and only what is proved to be elsewhere or no longer wanted.
//!
//! Each node looks after its own files. The rows of the database are looked after by whoever comes first: every piece is one small
//! transaction that finds its rows anew.
//!
//! **Invariant:** nothing of an assignment that is active or blocked, or that holds a dead letter, is removed.

mod config;
mod records;
mod report;
pub(crate) mod space;
mod transcripts;
mod workspaces;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use windlass_types::Timestamp;

use crate::engine::{Engine, Inner};
use crate::error::EngineError;

pub use config::Retention;
pub use report::{Housekeeping, HousekeepingRun, Kept, Removed};

/// How long after its start a node leaves everything alone: a start has enough to do.
const REST_AFTER_START: Duration = Duration::from_mins(5);
/// The most that a round tells of what it kept.
const KEPT_MAX: usize = 1000;

/// What is known between rounds.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// One round at a time.
    round: tokio::sync::Mutex<()>,
    next_at: Mutex<Option<Timestamp>>,
    /// Why no new work is begun, while there is too little space.
    pub(crate) low_space: Mutex<Option<String>>,
}

impl Keeper {
    /// Why no new work is begun, while there is too little space.
    pub(crate) fn low_space(&self) -> Option<String> {
        self.low_space.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

/// Looks after everything from time to time, until the engine stops.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let interval = Duration::from_secs(inner.config.retention.interval_secs.max(60));
    loop {
        let now = inner.config.clock.now();
        let since = last_run(inner).map_or(0, |last| u64::try_from(now.since_ms(last.ended_at)).unwrap_or(0));
        // Nodes that started together do not all begin at once.
        let jitter = interval.mul_f64(0.1 * inner.config.ids.fraction());
        let wait = interval.saturating_sub(Duration::from_millis(since)).max(REST_AFTER_START) + jitter;
        inner.keeper.set_next(now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        tokio::time::sleep(wait).await;
        round(inner, false).await;
    }
}

/// One round.
pub(crate) async fn round(inner: &Arc<Inner>, dry_run: bool) -> HousekeepingRun {
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
    records::look_after(inner, &left, &mut run).await;
    if !dry_run && let Err(e) = inner.store.optimize().await {
        run.problems.push(format!("the database's upkeep: {e}"));
    }
    run.kept.truncate(KEPT_MAX);
    run.ended_at = inner.config.clock.now();
    if !dry_run {
        tell(&run);
        if let Err(e) = remember(inner, &run) {
            tracing::warn!(error = %e, "what housekeeping did could not be written down");
        }
    }
    run
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
            transcripts = removed.transcripts,
            transcript_bytes = removed.transcript_bytes,
            workspaces = removed.workspaces,
            workspace_bytes = removed.workspace_bytes,
            kept = run.kept.len(),
            "housekeeping removed {} event(s), {} assignment(s), {} transcript(s) and {} workspace(s)",
            removed.events,
            removed.assignments,
            removed.transcripts,
            removed.workspaces
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
        round(&self.inner, dry_run).await
    }
}
