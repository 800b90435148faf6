//! Attempts, as their worker writes them and everybody reads them.

use serde_json::{Value as Json, json};
use windlass_types::{AssignmentId, Attempt, AttemptId, Effect, EventKind, Job, JobId, Token};

use super::{branches, findings, guard, moves, rows};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};
use crate::store::Store;

/// Leaves an event about an attempt of a job.
pub(crate) fn leave_event(w: &mut Work<'_>, kind: EventKind, job: &Job, attempt: AttemptId, data: Json) {
    let mut event = moves::about_job(kind, job, data);
    event.attempt = Some(attempt);
    w.event(event);
}

fn branch(w: &mut Work<'_>, id: JobId, token: Token, branch: &str, base_branch: &str, base_commit: &str) -> Result<()> {
    let (row, mut assignment) = guard::job_and_assignment(w, id, token)?;
    assignment.branch = Some(branch.to_owned());
    assignment.base_branch = Some(base_branch.to_owned());
    assignment.base_commit = Some(base_commit.to_owned());
    rows::save_assignment(w, &mut assignment)?;
    let data = json!({ "branch": branch, "base_branch": base_branch, "base_commit": base_commit });
    w.event(moves::about_job(EventKind::AssignmentBranch, &row.job, data));
    branches::register(w, &assignment)
}

fn head(w: &mut Work<'_>, id: JobId, token: Token, head_commit: &str) -> Result<()> {
    let (row, mut assignment) = guard::job_and_assignment(w, id, token)?;
    assignment.head_commit = Some(head_commit.to_owned());
    findings::forget(w, assignment.id)?;
    rows::save_assignment(w, &mut assignment)?;
    w.event(moves::about_job(EventKind::AssignmentBranch, &row.job, json!({ "head_commit": head_commit })));
    Ok(())
}

fn put_effect(w: &mut Work<'_>, id: JobId, token: Token, assignment_id: AssignmentId, effect: &Effect) -> Result<()> {
    let (_, assignment) = guard::job_and_assignment(w, id, token)?;
    if assignment.id != assignment_id {
        return Err(StoreError::Invalid(format!("{id} is not a job of {assignment_id}")));
    }
    let last = match w.first("SELECT MAX(number) FROM effects WHERE assignment_id = $1", values![assignment_id])? {
        Some(mut row) => row.opt_int()?.unwrap_or(0),
        None => 0,
    };
    w.execute(
        "INSERT INTO effects (assignment_id, number, job_id, iteration, diff_hash, check_hash) VALUES ($1, $2, $3, $4, $5, $6)",
        values![assignment_id, last + 1, effect.job_id, effect.iteration, &effect.diff_hash, &effect.check_hash],
    )?;
    Ok(())
}

fn by_agent_token(w: &mut Work<'_>, sha256_hex: &str) -> Result<Option<(Attempt, Job)>> {
    let Some(attempt) = rows::attempts_where(w, "WHERE agent_token_sha256 = $1 AND status = 'running'", values![sha256_hex])?.pop() else {
        return Ok(None);
    };
    let row = rows::job(w, attempt.job_id)?;
    let live = row.job.lease.as_ref().is_some_and(|lease| lease.token == attempt.token);
    Ok(live.then_some((attempt, row.job)))
}

impl Store {
    /// One attempt.
    pub async fn attempt(&self, id: AttemptId) -> Result<Attempt> {
        self.read(move |w| rows::attempt(w, id)).await
    }

    /// A job's attempts, the first first.
    pub async fn attempts(&self, id: JobId) -> Result<Vec<Attempt>> {
        self.read(move |w| rows::attempts_where(w, "WHERE job_id = $1 ORDER BY number LIMIT 10000", values![id])).await
    }

    /// Remembers the attempt's process before it may do anything.
    pub async fn record_spawn(
        &self,
        id: JobId,
        token: Token,
        attempt: AttemptId,
        pid: u32,
        pid_start: u64,
        isolation: String,
    ) -> Result<()> {
        self.ride(move |w| {
            guard::attempt(w, id, token, attempt)?;
            w.execute(
                "UPDATE attempts SET pid = $2, pid_start = $3, isolation = $4 WHERE id = $1",
                values![attempt, pid, pid_start, &isolation],
            )?;
            Ok(())
        })
        .await
    }

    /// Leaves a notice: a limit was reached, or something odd was seen.
    pub async fn notice(&self, id: JobId, token: Token, attempt: AttemptId, data: Json) -> Result<()> {
        self.ride(move |w| {
            let row = guard::attempt(w, id, token, attempt)?;
            leave_event(w, EventKind::AttemptNotice, &row.job, attempt, data.clone());
            Ok(())
        })
        .await
    }

    /// Names the branch that the assignment's work is delivered on, and where it began.
    pub async fn set_branch(&self, id: JobId, token: Token, branch_name: String, base_branch: String, base_commit: String) -> Result<()> {
        self.promise(move |w| branch(w, id, token, &branch_name, &base_branch, &base_commit)).await
    }

    /// Names the assignment's last commit that passed the gates.
    pub async fn set_head(&self, id: JobId, token: Token, head_commit: String) -> Result<()> {
        self.promise(move |w| head(w, id, token, &head_commit)).await
    }

    /// The attempt whose agent was given the secret with this hash, while it runs under its live token.
    pub async fn attempt_by_agent_token(&self, sha256_hex: &str) -> Result<Option<(Attempt, Job)>> {
        let sha256_hex = sha256_hex.to_owned();
        self.read(move |w| by_agent_token(w, &sha256_hex)).await
    }

    /// What the assignment's failed rounds of work left behind, the first first.
    pub async fn effects(&self, id: AssignmentId) -> Result<Vec<Effect>> {
        self.read(move |w| {
            w.query(
                "SELECT job_id, iteration, diff_hash, check_hash FROM effects WHERE assignment_id = $1 ORDER BY number DESC LIMIT 10000",
                values![id],
            )?
            .into_iter()
            .rev()
            .map(|mut row| Ok(Effect { job_id: row.word()?, iteration: row.int()?, diff_hash: row.text()?, check_hash: row.text()? }))
            .collect()
        })
        .await
    }

    /// Remembers what a failed round of work left behind.
    pub async fn add_effect(&self, id: JobId, token: Token, assignment: AssignmentId, effect: Effect) -> Result<()> {
        self.ride(move |w| put_effect(w, id, token, assignment, &effect)).await
    }
}
