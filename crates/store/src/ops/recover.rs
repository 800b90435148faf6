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

fn orphans(w: &mut Work<'_>, node: &str) -> Result<Vec<(Job, Attempt)>> {
    let now = w.now()?;
    // Whatever an earlier life of this node claimed, nobody carries on; in a database of one process every earlier boot was one.
    let alone = !w.is_shared();
    let jobs = rows::jobs_where(
        w,
        "WHERE status = 'running' AND (lease_expires_at <= $1 OR (lease_generation < $2 AND ($3 OR lease_node = $4))) ORDER BY id LIMIT 1000",
        values![now, w.generation, alone, node],
    )?;
    with_attempts(w, jobs)
}

/// Running jobs with the attempt that their token was given to.
fn with_attempts(w: &mut Work<'_>, jobs: Vec<Job>) -> Result<Vec<(Job, Attempt)>> {
    let mut found = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(token) = job.lease.as_ref().map(|lease| lease.token) else { continue };
        let attempt = rows::attempts_where(
            w,
            "WHERE job_id = $1 AND generation = $2 AND epoch = $3 ORDER BY number",
            values![job.id, token.generation, token.epoch],
        )?
        .pop();
        if let Some(attempt) = attempt {
            found.push((job, attempt));
        }
    }
    Ok(found)
}

fn claimed_by(w: &mut Work<'_>, node: &str) -> Result<Vec<(Job, Attempt)>> {
    let jobs = rows::jobs_where(
        w,
        "WHERE status = 'running' AND lease_node = $1 AND lease_generation = $2 ORDER BY id LIMIT 1000",
        values![node, w.generation],
    )?;
    with_attempts(w, jobs)
}

impl Store {
    /// The jobs that this life of a node has claimed and not settled, at most 1000: among them those whose claim was never answered.
    pub async fn claimed_by(&self, node: String) -> Result<Vec<(Job, Attempt)>> {
        self.read(move |w| claimed_by(w, &node)).await
    }

    /// Renews the leases that are still held, in one transaction; the answers come in the order of the questions.
    pub async fn heartbeat(&self, held: Vec<(JobId, Token)>, lease_ms: i64) -> Result<Vec<Beat>> {
        self.ride(move |w| beat(w, &held, lease_ms)).await
    }

    /// Running jobs without a living worker: the lease has run out, or an earlier life of this node claimed them (on SQLite: any earlier
    /// boot). At most 1000 at once.
    pub async fn orphans(&self, node: String) -> Result<Vec<(Job, Attempt)>> {
        self.read(move |w| orphans(w, &node)).await
    }
}
