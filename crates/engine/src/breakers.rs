//! Circuit breakers as people see them, and the one thing a person does to them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_types::{Backend, Breaker, BreakerStatus, Failure, Harness, JobId, Timestamp};

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

/// A breaker, with its status now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BreakerView {
    /// Harness and account, `claude/default`.
    pub id: String,
    /// How it stands.
    pub status: BreakerStatus,
    /// Which agent.
    pub harness: Harness,
    /// Under which account.
    pub account: String,
    /// Faults in a row.
    pub failures: u32,
    /// When it lets a probe through, while it is open.
    pub open_until: Option<Timestamp>,
    /// The job that tries it, while it is half open.
    pub probe: Option<JobId>,
    /// The last fault since it was closed.
    pub failure: Option<Failure>,
    /// When it last opened or closed; null for one that never saw a fault.
    pub changed_at: Option<Timestamp>,
}

impl BreakerView {
    fn of(breaker: Breaker, now: Timestamp) -> Self {
        Self {
            id: format!("{}/{}", breaker.backend.harness, breaker.backend.account),
            status: breaker.status(now),
            harness: breaker.backend.harness,
            account: breaker.backend.account,
            failures: breaker.failures,
            open_until: breaker.open_until,
            probe: breaker.probe.map(|probe| probe.job),
            failure: breaker.failure,
            changed_at: Some(breaker.changed_at),
        }
    }
}

impl Engine {
    /// The breakers of this node's agents, and those of other accounts that ever saw a fault; by harness and account.
    pub async fn breakers(&self) -> Result<Vec<BreakerView>, EngineError> {
        let (known, now) = self.inner.store.breakers().await?;
        let mut all: Vec<BreakerView> = known.into_iter().map(|breaker| BreakerView::of(breaker, now)).collect();
        for harness in Harness::ALL {
            let quiet = BreakerView::of(Breaker::closed(self.inner.config.backend(harness), now), now);
            if all.iter().all(|breaker| breaker.id != quiet.id) {
                all.push(BreakerView { changed_at: None, ..quiet });
            }
        }
        all.sort_by(|a, b| (a.harness, &a.account).cmp(&(b.harness, &b.account)));
        Ok(all)
    }

    /// The breakers that hold jobs now.
    pub(crate) async fn breakers_not_closed(&self) -> Result<Vec<BreakerView>, EngineError> {
        Ok(self.breakers().await?.into_iter().filter(|breaker| breaker.status != BreakerStatus::Closed).collect())
    }

    /// Closes a breaker: a person has seen that its backend works.
    pub async fn close_breaker(&self, backend: Backend, by: &str) -> Result<BreakerView, EngineError> {
        if self.breakers().await?.iter().all(|b| (b.harness, &b.account) != (backend.harness, &backend.account)) {
            return Err(EngineError::new(ErrorKind::NotFound, format!("there is no breaker of {backend}"))
                .hint("windlass breakers shows them with their accounts"));
        }
        let closed = self.inner.store.close_breaker(backend, by.to_owned()).await?;
        tracing::info!(by, "{by} closes the circuit breaker of {}", closed.backend);
        let at = closed.changed_at;
        Ok(BreakerView::of(closed, at))
    }
}
