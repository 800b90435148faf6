//! Leases: kept by heartbeats, and what is found when they were not.

use windlass_types::{Attempt, Job, JobId, Timestamp, Token};

use super::rows;
use crate::error::Result;
use crate::sql::{Work, values};
use crate::store::Store;

/// The answer to one heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The job.
    pub job_id: JobId,
    /// What became of its lease.
    pub state: BeatState,
}

/// What became of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatState {
    /// It goes on.
    Renewed {
        /// Until when, by the store's time.
        expires_at: Timestamp,
    },
    /// It goes on, and somebody wants the job to stop.
    CancelRequested {
        /// Until when, by the store's time.
        expires_at: Timestamp,
    },
    /// It is over: stop at once and drop the result.
    Lost,
}

fn beat(w: &mut Work<'_>, held: &[(JobId, Token)], lease_ms: i64) -> Result<Vec<Beat>> {
    let expires_at = w.now()?.plus_ms(lease_ms);
    // Always in the same order, so that two nodes' batches never wait for each other.
    let mut order: Vec<usize> = (0..held.len()).collect();
    order.sort_by_key(|&index| held.get(index).copied());
    let mut states = vec![BeatState::Lost; held.len()];
    for index in order {
        let (Some(&(id, token)), Some(state)) = (held.get(index), states.get_mut(index)) else { continue };
        let renewed = w.first(
            "UPDATE jobs SET lease_expires_at = $4 WHERE id = $1 AND status = 'running' AND lease_generation = $2 AND lease_epoch = $3 \
             RETURNING cancel_requested",
            values![id, token.generation, token.epoch, expires_at],
        )?;
        if let Some(mut row) = renewed {
            *state = if row.flag()? { BeatState::CancelRequested { expires_at } } else { BeatState::Renewed { expires_at } };
        }
    }
    Ok(held.iter().zip(states).map(|(&(job_id, _), state)| Beat { job_id, state }).collect())
}

fn orphans(w: &mut Work<'_>) -> Result<Vec<(Job, Attempt)>> {
    let now = w.now()?;
    // A database of one process: whatever an earlier boot claimed, nobody carries on.
    let boot = if w.is_shared() { 0 } else { w.generation };
    let jobs = rows::jobs_where(
        w,
        "WHERE status = 'running' AND (lease_expires_at <= $1 OR lease_generation < $2) ORDER BY id LIMIT 1000",
        values![now, boot],
    )?;
    let mut orphans = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(token) = job.lease.as_ref().map(|lease| lease.token) else { continue };
        let attempt = rows::attempts_where(
            w,
            "WHERE job_id = $1 AND generation = $2 AND epoch = $3 ORDER BY number",
            values![job.id, token.generation, token.epoch],
        )?
        .pop();
        if let Some(attempt) = attempt {
            orphans.push((job, attempt));
        }
    }
    Ok(orphans)
}

impl Store {
    /// Renews the leases that are still held, in one transaction; the answers come in the order of the questions.
    pub async fn heartbeat(&self, held: Vec<(JobId, Token)>, lease_ms: i64) -> Result<Vec<Beat>> {
        self.ride(move |w| beat(w, &held, lease_ms)).await
    }

    /// Running jobs without a living worker: the lease has run out, or (SQLite) an earlier boot claimed them. At most 1000 at once.
    pub async fn orphans(&self) -> Result<Vec<(Job, Attempt)>> {
        self.read(orphans).await
    }
}
