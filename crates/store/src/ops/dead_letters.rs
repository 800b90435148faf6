//! Dead letters: jobs out of retries, kept whole, listed and replayed.

use serde_json::json;
use windlass_types::{AssignmentStatus, FailureKind, Harness, Job, JobId, JobStatus, Timestamp};

use super::jobs::{self, JobEdit};
use super::page::{Conditions, Page, bounded, page, parse_cursor};
use super::rows;
use crate::error::{Result, StoreError};
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// Which dead letters a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of one worker.
    pub worker: Option<String>,
    /// Those whose last attempt ran on this agent.
    pub harness: Option<Harness>,
    /// Those whose last failure was of this kind.
    pub failure: Option<FailureKind>,
    /// Those that died at this time or later.
    pub since: Option<Timestamp>,
}

/// What a replay made of one dead letter.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// It waits in the queue again, its counters at zero.
    Replayed {
        /// The job.
        job: Box<Job>,
        /// Who has to act before it runs, where its assignment is blocked by something else than this death.
        waits_for: Option<String>,
    },
    /// It would be replayed: nothing changed.
    WouldReplay,
    /// The same request replayed it before: nothing changed.
    Already(Box<Job>),
}

fn list(w: &mut Work<'_>, filter: &DeadLetterFilter, cursor: Option<&str>, limit: u32) -> Result<Page<(Job, Option<Harness>)>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and("status = 'dead' AND status NOT IN ('queued', 'running')", []); // as the index of those that are over has it
    c.and_if("project = ?", filter.project.as_deref());
    c.and_if("worker = ?", filter.worker.as_deref());
    let last_harness = "(SELECT a.harness FROM attempts a WHERE a.job_id = jobs.id ORDER BY a.number DESC LIMIT 1) = ?";
    c.and_if(last_harness, filter.harness.map(Harness::as_str));
    c.and_if("failure LIKE ?", filter.failure.map(|kind| format!("{{\"kind\":\"{kind}\"%")));
    c.and_if("ended_at >= ?", filter.since.map(|at| at.0));
    c.and_if("id < ?", parse_cursor::<JobId>(cursor)?);
    let size = c.push(Value::from(limit + 1));
    let rest = format!("{} ORDER BY id DESC LIMIT {size}", c.text());
    let jobs = page(rows::jobs_where(w, &rest, &c.params)?, limit, |job| job.id.to_string());
    let mut items = Vec::with_capacity(jobs.items.len());
    for job in jobs.items {
        let harness = last_harness_of(w, job.id)?;
        items.push((job, harness));
    }
    Ok(Page { items, next_cursor: jobs.next_cursor })
}

fn last_harness_of(w: &mut Work<'_>, id: JobId) -> Result<Option<Harness>> {
    let last = w.first("SELECT harness FROM attempts WHERE job_id = $1 ORDER BY number DESC LIMIT 1", values![id])?;
    last.map(|mut row| row.word()).transpose()
}

fn check_dead(job: &Job) -> Result<()> {
    if job.status == JobStatus::Dead {
        return Ok(());
    }
    Err(StoreError::Conflict(format!("{} is {} and no dead letter; `windlass retry` runs a job again that is none", job.id, job.status)))
}

fn replay(w: &mut Work<'_>, id: JobId, edit: &JobEdit, key: Option<&str>, dry_run: bool, by: &str) -> Result<Replay> {
    let assignment_id = rows::assignment_of(w, id)?;
    let assignment = rows::lock_assignment(w, assignment_id)?;
    let mut row = rows::lock_job(w, id)?;
    if key.is_some() {
        let known = w.first("SELECT replay_key FROM jobs WHERE id = $1", values![id])?.map_or(Ok(None), |mut row| row.opt_text())?;
        if known.as_deref() == key {
            return Ok(Replay::Already(Box::new(row.job)));
        }
    }
    check_dead(&row.job)?;
    jobs::check_open(&assignment)?;
    if dry_run {
        return Ok(Replay::WouldReplay);
    }
    // A block of another cause, a person's above all, stays.
    let died_of = row.job.failure.as_ref().map(|failure| failure.kind);
    let of_this_death = assignment.block.as_ref().is_some_and(|block| block.kind.is_some() && block.kind == died_of);
    let waits_for = match &assignment.block {
        Some(block) if assignment.status == AssignmentStatus::Blocked && !of_this_death => {
            Some(format!("{}: {}", block.owner, block.reason))
        }
        _ => None,
    };
    let job = &row.job;
    let more = json!({
        "replayed": true,
        "key": key,
        "died_at": job.ended_at,
        "failure": job.failure,
        "failures": job.failures,
        "rescues": job.rescues,
        "parks": job.parks,
    });
    if edit.north_star.is_some() || edit.context.is_some() {
        row.job.spec.fresh_after = Some(row.job.attempts);
    }
    let job = jobs::revive_locked(w, assignment, row, edit, by, more, of_this_death)?;
    if key.is_some() {
        w.execute("UPDATE jobs SET replay_key = $2 WHERE id = $1", values![id, key])?;
    }
    Ok(Replay::Replayed { job: Box::new(job), waits_for })
}

impl Store {
    /// Dead letters, each with the agent of its last attempt; the newest job first.
    pub async fn dead_letters(&self, filter: DeadLetterFilter, cursor: Option<String>, limit: u32) -> Result<Page<(Job, Option<Harness>)>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// One dead letter, with the agent of its last attempt.
    pub async fn dead_letter(&self, id: JobId) -> Result<(Job, Option<Harness>)> {
        self.read(move |w| {
            let job = rows::job(w, id)?.job;
            check_dead(&job)?;
            Ok((job, last_harness_of(w, id)?))
        })
        .await
    }

    /// Runs a dead letter again, edited, with its counters at zero. Its assignment goes on if this death had blocked it. The same `key`
    /// again changes nothing, nor does a `dry_run`.
    pub async fn replay(&self, id: JobId, edit: JobEdit, key: Option<String>, dry_run: bool, by: String) -> Result<Replay> {
        self.promise(move |w| replay(w, id, &edit, key.as_deref(), dry_run, &by)).await
    }
}
