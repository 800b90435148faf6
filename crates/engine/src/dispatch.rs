//! The dispatcher: claims what is due while slots are free, wakes on change and at the nearest due time, never polls in between.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;
use windlass_store::{Due, StoreError};
use windlass_types::count;

use crate::attempt;
use crate::engine::Inner;
use crate::failpoint;
use crate::lease::Control;
use crate::recover;

/// A look behind the wake-ups: finds only what a fault left.
const SAFETY_SCAN: Duration = Duration::from_mins(1);
/// The most jobs that one claim takes.
const CLAIM_MAX: usize = 64;
/// When to look again for a job whose rows another transaction held: a node that was cut off can hold them for a while.
const CONTENDED_RETRY: Duration = Duration::from_millis(250);
/// How often an unwritable store is tried again.
const STORAGE_RETRY: Duration = Duration::from_secs(2);

/// Runs until the engine stops claiming.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let mut changes = inner.store.subscribe_ready();
    let mut unheard = None;
    loop {
        changes.borrow_and_update();
        failpoint::stall("dispatch.round");
        let wait = fill_slots(inner, &mut unheard).await;
        inner.rounds.send_modify(|rounds| *rounds += 1);
        tokio::select! {
            biased;
            () = inner.claiming.cancelled() => return,
            () = inner.slot_freed.notified() => {}
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Claims until nothing more can be; gives how long to wait for the next due job. A claim whose answer was lost may have happened, or still
/// happen: until `unheard` it is looked for first.
async fn fill_slots(inner: &Arc<Inner>, unheard: &mut Option<Instant>) -> Duration {
    if inner.storage_problem().is_some() {
        match inner.store.check().await {
            Ok(()) if inner.storage_recovered() => {}
            Ok(()) => return STORAGE_RETRY,
            Err(e) => {
                inner.storage_failed(&e);
                return STORAGE_RETRY;
            }
        }
    }
    if let Some(until) = *unheard {
        match recover::hand_back_unheard(inner).await {
            Ok(()) if Instant::now() >= until => *unheard = None,
            Ok(()) => {}
            Err(_) => return STORAGE_RETRY,
        }
    }
    let mut next_due = None;
    let (next_due, contended) = loop {
        if inner.claiming.is_cancelled() {
            return SAFETY_SCAN;
        }
        let facts = inner.facts();
        let free: u32 = facts.workers.iter().map(|w| w.slots.limit.saturating_sub(w.slots.running)).sum();
        if free == 0 {
            // A freed slot wakes us.
            return SAFETY_SCAN;
        }
        let most = CLAIM_MAX.min(free as usize);
        let asked = Instant::now();
        match inner.store.claim_many(facts, inner.config.lease_ms, most).await {
            Ok(claims) => {
                let none_left = claims.jobs.len() < most;
                for claimed in claims.jobs {
                    failpoint::hit("claim.after");
                    inner.observe_claim(&claimed, asked);
                    let job = &claimed.job;
                    tracing::info!(job.id = %job.id, token = %claimed.token, harness = %claimed.harness, "job {} ({}) starts on {}", job.id, job.spec.job_type, claimed.harness);
                    let (control, deadline) = inner.leases.enter(job.id, job.assignment_id, &job.worker, claimed.token, asked);
                    if inner.claiming.is_cancelled() {
                        inner.leases.tell(job.id, Control::HandBack);
                    }
                    let span = tracing::info_span!("attempt", job.id = %job.id, assignment.id = %job.assignment_id, attempt = claimed.attempt.number);
                    inner.attempts.spawn(attempt::carry_out(Arc::clone(inner), claimed, control, deadline).instrument(span));
                }
                if none_left {
                    match next_due {
                        // What fell due between a claim and this question is in neither answer: one claim more, after the question.
                        None => next_due = Some(inner.store.next_due().await),
                        Some(next_due) => break (next_due, claims.contended),
                    }
                }
            }
            Err(e) => {
                inner.storage_failed(&e);
                if matches!(e, StoreError::Unavailable(_)) {
                    *unheard = Some(asked + Duration::from_millis(inner.config.lease_ms.unsigned_abs()));
                }
                if !matches!(e, StoreError::Full(_) | StoreError::ReadOnly(_)) {
                    tracing::warn!(error = %e, "could not claim; trying again");
                }
                return STORAGE_RETRY;
            }
        }
    };
    let wait = until_due(inner, next_due).await;
    if contended { wait.min(CONTENDED_RETRY) } else { wait }
}

/// How long to wait for the next due job.
async fn until_due(inner: &Arc<Inner>, next_due: Result<Option<Due>, StoreError>) -> Duration {
    match next_due {
        Ok(Some(due)) => {
            let ms = due.wait_ms.max(1);
            let longest_ms = i64::try_from(inner.config.retry.max_delay_ms).unwrap_or(i64::MAX);
            if ms > longest_ms {
                // A park, or a clock that was set back.
                match inner.store.pull_in_due(longest_ms).await {
                    Ok(0) => {}
                    Ok(jobs) => {
                        tracing::warn!(jobs, "due now, after a wait for a time that a wrong clock had named: {}", count(jobs, "job"));
                        return Duration::ZERO;
                    }
                    Err(_) => return STORAGE_RETRY,
                }
            }
            Duration::from_millis(ms.unsigned_abs()).min(SAFETY_SCAN)
        }
        Ok(None) => SAFETY_SCAN,
        Err(_) => STORAGE_RETRY,
    }
}
