//! Recovery: jobs whose worker is gone are freed, once their agents are seen dead.

use std::sync::Arc;
use std::time::Duration;

use windlass_store::{SettleRequest, StoreError};
use windlass_types::{Attempt, AttemptResult, Failure, FailureKind, Job, count};

use crate::engine::Inner;
use crate::failpoint;

/// How long an orphan may take to die: its launcher kills it as soon as its lifeline is cut.
const ORPHAN_WAIT: Duration = Duration::from_secs(20);

/// Frees what an earlier life of this data directory left running.
pub(crate) async fn at_start(inner: &Arc<Inner>) {
    loop {
        match sweep(inner).await {
            Ok(0) => return,
            Ok(jobs) => {
                tracing::info!(jobs, "rescued what ran when the last process ended: {}", count(jobs, "job"));
                return;
            }
            Err(e) => {
                inner.storage_failed(&e);
                tracing::warn!(error = %e, "recovery could not read or write the store; trying again");
                tokio::select! {
                    biased;
                    () = inner.claiming.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        }
    }
}

/// Frees the jobs whose worker is gone; how many.
pub(crate) async fn sweep(inner: &Arc<Inner>) -> Result<usize, StoreError> {
    let orphans = inner.store.orphans(inner.node.clone()).await?;
    let mut rescued = 0;
    for (job, attempt) in orphans {
        end_orphan(inner, &job, &attempt).await;
        failpoint::hit("rescue.before");
        let failure = Failure::new(FailureKind::WorkerLost, format!("its worker on node {} was lost", attempt.node));
        let request = settlement(inner, &job, &attempt, AttemptResult::Failed(failure));
        match inner.settle(&job, &attempt, request).await {
            Ok(settled) => {
                rescued += 1;
                tracing::warn!(job.id = %job.id, token = %attempt.token, "job {} lost its worker and is {}", job.id, settled.job.status);
            }
            // Another node was quicker, or the worker lives after all.
            Err(StoreError::Stale { .. } | StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
        failpoint::hit("rescue.after");
    }
    Ok(rescued)
}

/// How an attempt ends that nobody carries on.
fn settlement(inner: &Inner, job: &Job, attempt: &Attempt, result: AttemptResult) -> SettleRequest {
    SettleRequest {
        job_id: job.id,
        token: attempt.token,
        attempt_id: attempt.id,
        result,
        output: None,
        commit: None,
        usage: None,
        wall_ms: u64::try_from(inner.config.clock.now().since_ms(attempt.started_at)).unwrap_or(0),
        agent_started: attempt.pid.is_some(),
        verdict: None,
        retry: inner.config.retry_of(&job.worker),
        jitter: inner.config.ids.fraction(),
        backend: inner.config.backend(attempt.harness),
        breaker: inner.config.breaker_of(&job.worker),
        park_harness: None,
        stages: Vec::new(),
        news: Some(windlass_store::AgentNews::default()),
    }
}

/// Hands back what this node has claimed without hearing so: the answer was lost with the connection. Only for the dispatcher, which
/// claims nothing meanwhile.
pub(crate) async fn hand_back_unheard(inner: &Inner) -> Result<(), StoreError> {
    for (job, attempt) in inner.store.claimed_by(inner.node.clone()).await? {
        if inner.leases.holds(job.id, attempt.token) {
            continue;
        }
        tracing::warn!(job.id = %job.id, token = %attempt.token, "the claim of {} was never answered: it is handed back", job.id);
        let request = settlement(inner, &job, &attempt, AttemptResult::HandedBack);
        match inner.settle(&job, &attempt, request).await {
            Ok(_) | Err(StoreError::Stale { .. } | StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Sees to it that nothing of the attempt's agent lives on this machine.
pub(crate) async fn end_orphan(inner: &Inner, job: &Job, attempt: &Attempt) {
    let id = job.id.to_string();
    let killed = inner.launcher.end_leftovers(attempt.pid.zip(attempt.pid_start), &id, ORPHAN_WAIT).await;
    if killed > 0 {
        tracing::warn!(job.id = %job.id, killed, "ended {killed} process(es) that outlived the worker of {id}");
    }
}
