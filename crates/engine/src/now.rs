//! What the figures look up when somebody asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use windlass_telemetry::{BreakerNow, FilesNow, Now, Spread, WorkerNow};
use windlass_types::{AssignmentStatus, BreakerStatus, JobStatus};

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

/// How long the store has to answer; figures that it does not bring in time are left out.
const PATIENCE: Duration = Duration::from_secs(2);
/// Holds are weighed job by job: not for every reader anew.
const HELD_EVERY: Duration = Duration::from_secs(15);
/// How many jobs are weighed.
const HELD_MAX: u32 = 1000;

/// The last look at what holds the jobs that wait.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<Option<(Instant, windlass_store::Held)>>);

impl Engine {
    /// Every figure in Prometheus' text format. `streams`: how many live streams are open, and how many events the slowest is behind.
    /// `files`: what is known of the shared directory, where this node takes task files.
    pub async fn metrics_text(&self, streams: (u64, u64), files: Option<FilesNow>) -> Result<String, EngineError> {
        let inner = &self.inner;
        let stats = inner.store.stats();
        let mut now = Now {
            build: [
                env!("CARGO_PKG_VERSION").to_owned(),
                inner.node.clone(),
                if inner.store.is_postgres() { "postgres" } else { "sqlite" }.to_owned(),
                inner.launcher.level().as_str().to_owned(),
            ],
            start_time_secs: inner.started_at.0 as f64 / 1000.0,
            ready: self.is_ready(),
            stopping: self.is_stopping(),
            storage_problem: inner.storage_problem().is_some(),
            event_seq: *self.subscribe().borrow(),
            streams,
            lost_wakeups: stats.lost_wakeups,
            commit_seconds: spread(stats.commit_micros, 1e6),
            commit_operations: spread(stats.commit_operations, 1.0),
            store_queue: stats.queue as u64,
            workspace_bytes: inner.keeper.workspace_bytes(),
            files,
            duties: inner.duties.held_now(),
            ..Now::default()
        };
        match tokio::time::timeout(PATIENCE, self.status()).await {
            Ok(Ok(status)) => {
                now.paused = Some(status.paused);
                now.jobs = with_zeros(JobStatus::ALL.map(JobStatus::as_str), status.jobs);
                now.assignments = with_zeros(AssignmentStatus::ALL.map(AssignmentStatus::as_str), status.assignments);
                now.parked = status.harness_parks.iter().map(|p| p.harness.to_string()).collect();
                let breakers = self.breakers().await.unwrap_or_default();
                let of_worker = |name: &str| {
                    let harness = inner.config.usual_harness(name);
                    let account = inner.config.backend(harness).account;
                    breakers.iter().find(|b| b.harness == harness && b.account == account).map_or(0, |b| figure(b.status))
                };
                now.workers = status
                    .workers
                    .into_iter()
                    .map(|w| WorkerNow {
                        breaker: of_worker(&w.name),
                        name: w.name,
                        running: w.running,
                        limit: w.limit,
                        queued: w.queued,
                        outside: 0,
                    })
                    .collect();
                now.breakers = breakers
                    .into_iter()
                    .map(|b| BreakerNow { harness: b.harness.to_string(), account: b.account, state: figure(b.status) })
                    .collect();
            }
            Ok(Err(e)) => tracing::warn!(error = %e, "the metrics are shown without what the store knows"),
            Err(_) => tracing::warn!("the metrics are shown without what the store knows: it did not answer in time"),
        }
        for worker in now.files.iter().flat_map(|files| &files.workers) {
            let Some((active, waiting)) = worker.outside else { continue };
            let of_outside = match now.workers.iter_mut().find(|known| known.name == worker.name) {
                Some(known) => known,
                None => now.workers.push_mut(WorkerNow { name: worker.name.clone(), ..WorkerNow::default() }),
            };
            // No agent of ours runs these.
            (of_outside.outside, of_outside.breaker) = (active, 0);
            of_outside.queued += waiting;
        }
        now.held = self.held().await.map(|held| (held.kinds, held.beyond));
        inner.metrics.render(&now).map_err(|e| EngineError::new(ErrorKind::Internal, format!("the metrics could not be printed: {e}")))
    }

    /// What holds the jobs that wait, as of a few seconds ago.
    async fn held(&self) -> Option<windlass_store::Held> {
        let inner = &self.inner;
        let last = inner.held.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, held)) = last
            && at.elapsed() < HELD_EVERY
        {
            return Some(held);
        }
        let look = async { inner.store.held(self.facts_of_all().await?, HELD_MAX).await.map_err(EngineError::from) };
        let held = tokio::time::timeout(PATIENCE, look).await.ok()?.ok()?;
        *inner.held.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), held.clone()));
        Some(held)
    }
}

/// What was counted in units of which `of_one` make one.
fn spread(counted: windlass_store::Spread, of_one: f64) -> Spread {
    Spread {
        bounds: counted.bounds.iter().map(|bound| *bound as f64 / of_one).collect(),
        counts: counted.counts,
        sum: counted.sum as f64 / of_one,
    }
}

/// A breaker's figure, as the watchers' health checks know it.
const fn figure(status: BreakerStatus) -> i64 {
    match status {
        BreakerStatus::Closed => 0,
        BreakerStatus::Open => 1,
        BreakerStatus::HalfOpen => 2,
    }
}

/// A word of which there is none has a figure too.
fn with_zeros<const N: usize>(words: [&str; N], mut counts: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    for word in words {
        counts.entry(word.to_owned()).or_insert(0);
    }
    counts
}
