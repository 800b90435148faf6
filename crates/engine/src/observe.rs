//! Where what happens becomes figures: one place for each thing that is counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use windlass_store::{Claimed, SettleRequest, Settled, StoreError};
use windlass_telemetry::{EndedStage, Metrics, Settlement};
use windlass_types::{Attempt, AttemptResult, Event, Job, Stage, StageStatus, Timestamp};

use crate::engine::{Engine, Inner};
use crate::error::EngineError;

/// When the open stages of an attempt began, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct StageClock(Mutex<HashMap<i64, (Instant, Timestamp, u32)>>);

impl StageClock {
    pub(crate) fn begin(&self, number: i64, iteration: u32, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, (Instant::now(), at, iteration));
    }

    pub(crate) fn end(&self, number: i64, stage: Stage, status: StageStatus) -> Option<EndedStage> {
        let (began, began_at, iteration) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number)?;
        Some(EndedStage { number, stage, iteration, status, began_at, took: began.elapsed() })
    }
}

impl Engine {
    /// What this engine counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// A reader of the live stream took this event.
    pub fn observe_delivery(&self, event: &Event) {
        let age = self.inner.config.clock.now().since_ms(event.at);
        self.inner.metrics.event_delivered(Duration::from_millis(u64::try_from(age).unwrap_or(0)));
    }
}

/// For how many projects figures are there from the start; for others from their first job on.
const PROJECTS_AT_START: usize = 50;

impl Engine {
    /// A rate needs a zero to begin with: what the agents of this node may use for the projects there are is nothing so far.
    pub(crate) async fn observe_start(&self) {
        let known = async { Ok::<_, EngineError>((self.inner.store.projects().await?, self.used_harnesses().await?)) };
        match known.await {
            Ok((projects, used)) => {
                for project in projects.iter().take(PROJECTS_AT_START) {
                    for harness in &used {
                        self.inner.metrics.may_use(*harness, &project.name);
                    }
                }
            }
            Err(e) => tracing::warn!(error = %e, "figures of what agents use begin with the first job of each project"),
        }
    }
}

impl Inner {
    /// A claim that was asked for at `asked` found a job.
    pub(crate) fn observe_claim(&self, claimed: &Claimed, asked: Instant) {
        let waited = claimed.attempt.started_at.since_ms(claimed.job.due_at);
        self.metrics.may_use(claimed.attempt.harness, &claimed.job.project);
        self.metrics.claimed(asked.elapsed(), Duration::from_millis(u64::try_from(waited).unwrap_or(0)));
    }

    /// A stage of an attempt ended.
    pub(crate) fn observe_stage(&self, claimed: &Claimed, ended: &EndedStage) {
        self.metrics.stage_ended(ended);
        if let Some(traces) = &self.config.traces {
            traces.stage_ended(&claimed.job, &claimed.attempt, ended);
        }
    }

    /// Settles an attempt: the only call of the store's settlement, so that nothing is settled unseen.
    pub(crate) async fn settle(&self, before: &Job, attempt: &Attempt, request: SettleRequest) -> Result<Settled, StoreError> {
        let (result, usage, wall_ms) = (request.result.clone(), request.usage, request.wall_ms);
        let settled = self.store.settle(request).await?;
        let settlement = Settlement {
            before,
            after: &settled.job,
            harness: attempt.harness,
            outcome: result.status(),
            failure: match &result {
                AttemptResult::Failed(failure) => Some(failure),
                AttemptResult::Succeeded | AttemptResult::HandedBack => None,
            },
            usage,
            took: Duration::from_millis(wall_ms),
        };
        self.metrics.settled(&settlement);
        if let Some(traces) = &self.config.traces {
            traces.settled(&settlement, attempt, &settled.assignment);
        }
        Ok(settled)
    }
}
