//! Jobs, assignments and attempts as rows.

use windlass_types::{
    Assignment, AssignmentId, Attempt, AttemptId, Budget, Harness, Job, JobId, JobSpec, Lease, Micros, Policy, Spent, Timestamp, Token,
    Usage,
};

use crate::error::{Result, StoreError};
use crate::harness::named_harness;
use crate::sql::{Row, Work, json, values};

/// How much one step of priority outweighs in waiting time, in milliseconds.
const PRIORITY_STEP_MS: i64 = 600_000;

/// A job and what only the store needs of it.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    pub(crate) job: Job,
    /// What its attempts used: weighed against its own budget.
    pub(crate) spent: Spent,
    /// The last token's epoch, kept when there is no lease.
    pub(crate) token: Token,
}

const JOB_COLUMNS: &str = "id, assignment_id, project, position, status, worker, priority, reviews, phase, progress, attempts, failures, \
    rescues, parks, due_at, commit_id, lease_node, lease_generation, lease_epoch, lease_expires_at, cancel_requested, cost_micros, \
    created_at, started_at, ended_at, usage, spent, message, park, failure, spec, output";

fn job_row(mut r: Row) -> Result<JobRow> {
    let r = &mut r;
    let id: JobId = r.word()?;
    let assignment_id: AssignmentId = r.word()?;
    let project = r.text()?;
    let position = r.int()?;
    let status = r.word()?;
    let worker = r.text()?;
    let priority = r.int()?;
    let reviews = r.opt_word()?;
    let phase = r.word()?;
    let progress = r.int()?;
    let (attempts, failures, rescues, parks) = (r.int()?, r.int()?, r.int()?, r.int()?);
    let due_at = r.time()?;
    let commit = r.opt_text()?;
    let node = r.opt_text()?;
    let token = Token { generation: r.int()?, epoch: r.int()? };
    let lease = node.zip(r.opt_time()?).map(|(node, expires_at)| Lease { node, token, expires_at });
    let cancel_requested = r.flag()?;
    let cost_micros = Micros(r.int()?);
    let (created_at, started_at, ended_at) = (r.time()?, r.opt_time()?, r.opt_time()?);
    let usage: Option<Usage> = r.opt_json()?;
    let spent: Spent = r.json()?;
    let message = r.opt_text()?;
    let park = r.opt_json()?;
    let failure = r.opt_json()?;
    let spec: JobSpec = r.json()?;
    let output = r.opt_text()?;
    let job = Job {
        id,
        assignment_id,
        project,
        position,
        status,
        spec,
        worker,
        priority,
        reviews,
        phase,
        progress,
        message,
        attempts,
        failures,
        rescues,
        parks,
        due_at,
        park,
        failure,
        output,
        commit,
        lease,
        cancel_requested,
        usage: usage.unwrap_or_default(),
        cost_micros,
        created_at,
        started_at,
        ended_at,
    };
    Ok(JobRow { job, spent, token })
}

/// Jobs by what stands behind `FROM jobs`.
pub(crate) fn job_rows(w: &mut Work<'_>, rest: &str, params: &[crate::sql::Value]) -> Result<Vec<JobRow>> {
    w.query(&format!("SELECT {JOB_COLUMNS} FROM jobs {rest}"), params)?.into_iter().map(job_row).collect()
}

/// The same without their outputs, which may be long: for lists of many.
pub(crate) fn brief_job_rows(w: &mut Work<'_>, rest: &str, params: &[crate::sql::Value]) -> Result<Vec<JobRow>> {
    let columns = JOB_COLUMNS.trim_end_matches("output");
    w.query(&format!("SELECT {columns}NULL FROM jobs {rest}"), params)?.into_iter().map(job_row).collect()
}

/// Jobs as everybody sees them.
pub(crate) fn jobs_where(w: &mut Work<'_>, rest: &str, params: &[crate::sql::Value]) -> Result<Vec<Job>> {
    Ok(job_rows(w, rest, params)?.into_iter().map(|row| row.job).collect())
}

/// One job.
pub(crate) fn job(w: &mut Work<'_>, id: JobId) -> Result<JobRow> {
    job_rows(w, "WHERE id = $1", values![id])?.pop().ok_or_else(|| StoreError::not_found("job", id))
}

/// One job, locked until the transaction ends. Its assignment has to be locked before.
pub(crate) fn lock_job(w: &mut Work<'_>, id: JobId) -> Result<JobRow> {
    let rest = format!("WHERE id = $1{}", w.dialect().lock());
    job_rows(w, &rest, values![id])?.pop().ok_or_else(|| StoreError::not_found("job", id))
}

/// The assignment a job belongs to: it never changes, so it can be read before anything is locked.
pub(crate) fn assignment_of(w: &mut Work<'_>, id: JobId) -> Result<AssignmentId> {
    match w.first("SELECT assignment_id FROM jobs WHERE id = $1", values![id])? {
        Some(mut row) => row.word(),
        None => Err(StoreError::not_found("job", id)),
    }
}

/// A new job in its assignment's line.
pub(crate) fn new_job(id: JobId, assignment: &Assignment, position: i64, spec: JobSpec, reviews: Option<JobId>, now: Timestamp) -> Job {
    Job {
        id,
        assignment_id: assignment.id,
        project: assignment.project.clone(),
        position,
        status: windlass_types::JobStatus::Queued,
        worker: spec.worker.clone().unwrap_or_else(|| "default".to_owned()),
        priority: assignment.priority,
        reviews,
        phase: spec.job_type.phase(),
        progress: 0,
        message: None,
        attempts: 0,
        failures: 0,
        rescues: 0,
        parks: 0,
        due_at: now,
        park: None,
        failure: None,
        output: None,
        commit: None,
        lease: None,
        cancel_requested: false,
        usage: Usage::default(),
        cost_micros: Micros(0),
        created_at: now,
        started_at: None,
        ended_at: None,
        spec,
    }
}

/// Writes a new job.
pub(crate) fn insert_job(w: &mut Work<'_>, job: &Job, policy: &Policy) -> Result<()> {
    let rank = job.created_at.0.saturating_sub(i64::from(job.priority).saturating_mul(PRIORITY_STEP_MS));
    w.execute(
        "INSERT INTO jobs (id, assignment_id, project, position, status, job_type, worker, harness, priority, rank, reviews, phase, \
         progress, attempts, failures, rescues, parks, due_at, lease_generation, lease_epoch, cancel_requested, cost_micros, created_at, \
         spent, spec) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, 0, $13, 0, 0, FALSE, 0, $14, '{}', $15)",
        values![
            job.id,
            job.assignment_id,
            &job.project,
            job.position,
            job.status.as_str(),
            job.spec.job_type.as_str(),
            &job.worker,
            named_harness(&job.spec, policy).map(Harness::as_str),
            job.priority,
            rank,
            job.reviews,
            job.phase.as_str(),
            job.due_at,
            job.created_at,
            json(&job.spec)?,
        ],
    )?;
    Ok(())
}

/// Writes what may have changed of a job, its specification left out.
pub(crate) fn save_job(w: &mut Work<'_>, row: &JobRow) -> Result<()> {
    let job = &row.job;
    let usage = if job.usage == Usage::default() { None } else { Some(json(&job.usage)?) };
    w.execute(
        "UPDATE jobs SET status = $2, phase = $3, progress = $4, attempts = $5, failures = $6, rescues = $7, parks = $8, due_at = $9, \
         commit_id = $10, lease_node = $11, lease_generation = $12, lease_epoch = $13, lease_expires_at = $14, cancel_requested = $15, \
         cost_micros = $16, started_at = $17, ended_at = $18, usage = $19, spent = $20, message = $21, park = $22, failure = $23, \
         output = $24 WHERE id = $1",
        values![
            job.id,
            job.status.as_str(),
            job.phase.as_str(),
            job.progress,
            job.attempts,
            job.failures,
            job.rescues,
            job.parks,
            job.due_at,
            job.commit.as_ref(),
            job.lease.as_ref().map(|l| &l.node),
            row.token.generation,
            row.token.epoch,
            job.lease.as_ref().map(|l| l.expires_at),
            job.cancel_requested,
            job.cost_micros,
            job.started_at,
            job.ended_at,
            usage,
            json(&row.spent)?,
            job.message.as_ref(),
            job.park.as_ref().map(json).transpose()?,
            job.failure.as_ref().map(json).transpose()?,
            job.output.as_ref(),
        ],
    )?;
    Ok(())
}

/// Writes what a claim changes of a job: the fewer columns, the fewer indexes.
pub(crate) fn save_claim(w: &mut Work<'_>, row: &JobRow) -> Result<()> {
    let job = &row.job;
    w.execute(
        "UPDATE jobs SET status = $2, phase = $3, progress = $4, attempts = $5, lease_node = $6, lease_generation = $7, lease_epoch = $8, \
         lease_expires_at = $9, started_at = $10, message = $11, park = $12 WHERE id = $1",
        values![
            job.id,
            job.status.as_str(),
            job.phase.as_str(),
            job.progress,
            job.attempts,
            job.lease.as_ref().map(|l| &l.node),
            row.token.generation,
            row.token.epoch,
            job.lease.as_ref().map(|l| l.expires_at),
            job.started_at,
            job.message.as_ref(),
            job.park.as_ref().map(json).transpose()?,
        ],
    )?;
    Ok(())
}

const ASSIGNMENT_COLUMNS: &str = "id, project, status, source, inserted_jobs, priority, branch, base_branch, base_commit, head_commit, \
    created_at, updated_at, ended_at, budget, spent, block, policy, north_star, pull_request, status_reason";

fn assignment_row(mut r: Row) -> Result<Assignment> {
    let r = &mut r;
    let id = r.word()?;
    let project = r.text()?;
    let status = r.word()?;
    let source = r.text()?;
    let inserted_jobs = r.int()?;
    let priority = r.int()?;
    let (branch, base_branch, base_commit, head_commit) = (r.opt_text()?, r.opt_text()?, r.opt_text()?, r.opt_text()?);
    let (created_at, updated_at, ended_at) = (r.time()?, r.time()?, r.opt_time()?);
    let budget: Budget = r.json()?;
    let spent: Spent = r.json()?;
    let block = r.opt_json()?;
    let policy: Policy = r.json()?;
    let north_star = r.text()?;
    let pull_request = r.opt_json()?;
    let status_reason = r.opt_text()?;
    Ok(Assignment {
        id,
        project,
        north_star,
        source,
        status,
        block,
        status_reason,
        policy,
        budget,
        spent,
        inserted_jobs,
        priority,
        branch,
        base_branch,
        base_commit,
        head_commit,
        pull_request,
        created_at,
        updated_at,
        ended_at,
    })
}

/// Assignments by what stands behind `FROM assignments`.
pub(crate) fn assignments_where(w: &mut Work<'_>, rest: &str, params: &[crate::sql::Value]) -> Result<Vec<Assignment>> {
    w.query(&format!("SELECT {ASSIGNMENT_COLUMNS} FROM assignments {rest}"), params)?.into_iter().map(assignment_row).collect()
}

/// One assignment.
pub(crate) fn assignment(w: &mut Work<'_>, id: AssignmentId) -> Result<Assignment> {
    assignments_where(w, "WHERE id = $1", values![id])?.pop().ok_or_else(|| StoreError::not_found("assignment", id))
}

/// One assignment, locked until the transaction ends.
pub(crate) fn lock_assignment(w: &mut Work<'_>, id: AssignmentId) -> Result<Assignment> {
    let rest = format!("WHERE id = $1{}", w.dialect().lock());
    assignments_where(w, &rest, values![id])?.pop().ok_or_else(|| StoreError::not_found("assignment", id))
}

/// The assignment that a job belongs to, locked until the transaction ends.
pub(crate) fn lock_assignment_of(w: &mut Work<'_>, job: JobId) -> Result<Assignment> {
    let rest = format!("WHERE id = (SELECT assignment_id FROM jobs WHERE id = $1){}", w.dialect().lock());
    assignments_where(w, &rest, values![job])?.pop().ok_or_else(|| StoreError::not_found("job", job))
}

/// Writes a new assignment, unless its key is known.
pub(crate) fn insert_assignment(w: &mut Work<'_>, a: &Assignment, key: Option<&str>) -> Result<bool> {
    let written = w.execute(
        "INSERT INTO assignments (id, project, status, source, submission_key, inserted_jobs, priority, base_branch, created_at, \
         updated_at, budget, spent, policy, north_star) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $8, $9, $10, $11, $12) \
         ON CONFLICT (submission_key) DO NOTHING",
        values![
            a.id,
            &a.project,
            a.status.as_str(),
            &a.source,
            key,
            a.priority,
            a.base_branch.as_ref(),
            a.created_at,
            json(&a.budget)?,
            json(&a.spent)?,
            json(&a.policy)?,
            &a.north_star,
        ],
    )?;
    Ok(written > 0)
}

/// Writes what a claim changes of an assignment.
pub(crate) fn save_spent(w: &mut Work<'_>, a: &mut Assignment) -> Result<()> {
    a.updated_at = w.now()?;
    w.execute("UPDATE assignments SET spent = $2, updated_at = $3 WHERE id = $1", values![a.id, json(&a.spent)?, a.updated_at])?;
    Ok(())
}

/// Writes what may have changed of an assignment.
pub(crate) fn save_assignment(w: &mut Work<'_>, a: &mut Assignment) -> Result<()> {
    a.updated_at = w.now()?;
    w.execute(
        "UPDATE assignments SET status = $2, inserted_jobs = $3, branch = $4, base_branch = $5, base_commit = $6, head_commit = $7, \
         updated_at = $8, ended_at = $9, budget = $10, spent = $11, block = $12, status_reason = $13 WHERE id = $1",
        values![
            a.id,
            a.status.as_str(),
            a.inserted_jobs,
            a.branch.as_ref(),
            a.base_branch.as_ref(),
            a.base_commit.as_ref(),
            a.head_commit.as_ref(),
            a.updated_at,
            a.ended_at,
            json(&a.budget)?,
            json(&a.spent)?,
            a.block.as_ref().map(json).transpose()?,
            a.status_reason.as_ref(),
        ],
    )?;
    Ok(())
}

const ATTEMPT_COLUMNS: &str = "id, job_id, assignment_id, number, generation, epoch, node, harness, status, session_id, pid, pid_start, \
    isolation, started_at, ended_at, usage, failure";

fn attempt_row(mut r: Row) -> Result<Attempt> {
    let r = &mut r;
    Ok(Attempt {
        id: r.word()?,
        job_id: r.word()?,
        assignment_id: r.word()?,
        number: r.int()?,
        token: Token { generation: r.int()?, epoch: r.int()? },
        node: r.text()?,
        harness: r.word()?,
        status: r.word()?,
        session_id: r.opt_text()?,
        pid: r.opt_int()?.and_then(|n| u32::try_from(n).ok()),
        pid_start: r.opt_int()?.and_then(|n| u64::try_from(n).ok()),
        isolation: r.opt_text()?,
        started_at: r.time()?,
        ended_at: r.opt_time()?,
        usage: r.opt_json()?,
        failure: r.opt_json()?,
    })
}

/// Attempts by what stands behind `FROM attempts`.
pub(crate) fn attempts_where(w: &mut Work<'_>, rest: &str, params: &[crate::sql::Value]) -> Result<Vec<Attempt>> {
    w.query(&format!("SELECT {ATTEMPT_COLUMNS} FROM attempts {rest}"), params)?.into_iter().map(attempt_row).collect()
}

/// One attempt.
pub(crate) fn attempt(w: &mut Work<'_>, id: AttemptId) -> Result<Attempt> {
    attempts_where(w, "WHERE id = $1", values![id])?.pop().ok_or_else(|| StoreError::not_found("attempt", id))
}
