//! Where what happens becomes figures: one place for each thing that is counted.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use windlass_store::{Claimed, SettleRequest, Settled, StoreError};
use windlass_telemetry::{Metrics, Settlement};
use windlass_types::{Attempt, AttemptResult, Event, Job};

use crate::engine::{Engine, Inner};

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

impl Inner {
    /// A claim that was asked for at `asked` found a job.
    pub(crate) fn observe_claim(&self, claimed: &Claimed, asked: Instant) {
        let waited = claimed.attempt.started_at.since_ms(claimed.job.due_at);
        self.metrics.claimed(asked.elapsed(), Duration::from_millis(u64::try_from(waited).unwrap_or(0)));
    }

    /// Settles an attempt: the only call of the store's settlement, so that nothing is settled unseen.
    pub(crate) async fn settle(&self, before: &Job, attempt: &Attempt, request: SettleRequest) -> Result<Settled, StoreError> {
        let (result, usage, wall_ms) = (request.result.clone(), request.usage, request.wall_ms);
        let settled = self.store.settle(request).await?;
        self.metrics.settled(&Settlement {
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
        });
        Ok(settled)
    }
}
