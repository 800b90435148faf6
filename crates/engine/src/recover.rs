//! Recovery: jobs whose worker is gone are freed, once their agents are seen dead.

use std::sync::Arc;
use std::time::Duration;

use windlass_store::{SettleRequest, StoreError};
use windlass_types::{Attempt, AttemptResult, Failure, FailureKind, Job};

use crate::engine::Inner;
use crate::failpoint;

/// How long an orphan may take to die: its launcher kills it as soon as its lifeline is cut.
const ORPHAN_WAIT: Duration = Duration::from_secs(20);

/// Frees what an earlier life of this data directory left running.
pub(crate) async fn at_start(inner: &Arc<Inner>) {
    loop {
        match sweep(inner).await {
            Ok(0) => return,
            Ok(count) => {
                tracing::info!(count, "rescued {count} job(s) that were running when the last process ended");
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

/// With several nodes, frees the jobs of nodes whose leases have run out.
pub(crate) async fn expired(inner: &Arc<Inner>) {
    if !inner.store.is_postgres() {
        // One process per database: nobody else's lease can run out.
        return std::future::pending().await;
    }
    let every = Duration::from_millis(inner.config.lease_ms.unsigned_abs() / 3).max(Duration::from_millis(200));
    loop {
        tokio::time::sleep(every).await;
        if let Err(e) = sweep(inner).await {
            tracing::warn!(error = %e, "could not look for lost jobs; trying again");
        }
    }
}

async fn sweep(inner: &Arc<Inner>) -> Result<usize, StoreError> {
    let orphans = inner.store.orphans().await?;
    let mut rescued = 0;
    for (job, attempt) in orphans {
        end_orphan(inner, &job, &attempt).await;
        failpoint::hit("rescue.before");
        let request = SettleRequest {
            job_id: job.id,
            token: attempt.token,
            attempt_id: attempt.id,
            result: AttemptResult::Failed(Failure::new(FailureKind::WorkerLost, format!("its worker on node {} was lost", attempt.node))),
            output: None,
            commit: None,
            usage: None,
            wall_ms: u64::try_from(inner.config.clock.now().since_ms(attempt.started_at)).unwrap_or(0),
            agent_started: attempt.pid.is_some(),
            verdict: None,
            retry: inner.config.retry,
            jitter: inner.config.ids.fraction(),
            park_harness: None,
        };
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

/// Sees to it that nothing of the attempt's agent lives on this machine.
async fn end_orphan(inner: &Inner, job: &Job, attempt: &Attempt) {
    let id = job.id.to_string();
    let killed = inner.launcher.end_leftovers(attempt.pid.zip(attempt.pid_start), &id, ORPHAN_WAIT).await;
    if killed > 0 {
        tracing::warn!(job.id = %job.id, killed, "ended {killed} process(es) that outlived the worker of {id}");
    }
}
