//! Attempts and their journal, as their worker writes them and everybody reads them.

use serde_json::{Value as Json, json};
use windlass_types::{AssignmentId, Attempt, AttemptId, Effect, EventKind, Job, JobId, Stage, StageRecord, StageStatus, Token};

use super::{guard, moves, rows};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Work, values};
use crate::store::Store;

fn stage_row(mut r: Row) -> Result<StageRecord> {
    let r = &mut r;
    Ok(StageRecord {
        attempt_id: r.word()?,
        number: r.int()?,
        stage: r.word()?,
        iteration: r.int()?,
        status: r.word()?,
        started_at: r.time()?,
        ended_at: r.opt_time()?,
        detail: r.json()?,
    })
}

/// Leaves an event about an attempt of a job.
pub(crate) fn leave_event(w: &mut Work<'_>, kind: EventKind, job: &Job, attempt: AttemptId, data: Json) {
    let mut event = moves::about_job(kind, job, data);
    event.attempt = Some(attempt);
    w.event(event);
}

fn start_stage(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, stage: Stage, iteration: u32) -> Result<i64> {
    let row = guard::attempt(w, id, token, attempt)?;
    let last = match w.first("SELECT MAX(number) FROM stages WHERE attempt_id = $1", values![attempt])? {
        Some(mut row) => row.opt_int()?.unwrap_or(0),
        None => 0,
    };
    let now = w.now()?;
    w.execute(
        "INSERT INTO stages (attempt_id, number, stage, iteration, status, started_at, detail) VALUES ($1, $2, $3, $4, 'running', $5, '{}')",
        values![attempt, last + 1, stage.as_str(), iteration, now],
    )?;
    let data = json!({ "number": last + 1, "stage": stage.as_str(), "iteration": iteration });
    leave_event(w, EventKind::StageStarted, &row.job, attempt, data);
    Ok(last + 1)
}

fn end_stage(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, number: i64, status: StageStatus, detail: &Json) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    let now = w.now()?;
    let ended = w.query(
        "UPDATE stages SET status = $3, ended_at = $4, detail = $5 WHERE attempt_id = $1 AND number = $2 RETURNING stage, iteration",
        values![attempt, number, status.as_str(), now, detail.to_string()],
    )?;
    let Some(mut ended) = ended.into_iter().next() else {
        return Err(StoreError::not_found("stage", format!("{attempt} {number}")));
    };
    let (stage, iteration): (Stage, u32) = (ended.word()?, ended.int()?);
    let mut data = json!({ "number": number, "stage": stage.as_str(), "iteration": iteration, "status": status.as_str() });
    if let Some(summary) = summary(detail) {
        data["summary"] = Json::String(summary);
    }
    if status == StageStatus::Failed
        && let Some(output) = detail.get("output").and_then(Json::as_str)
    {
        data["output"] = Json::String(tail(output));
    }
    leave_event(w, EventKind::StageEnded, &row.job, attempt, data);
    Ok(())
}

/// The end of what a failed stage printed: mostly it says why.
fn tail(output: &str) -> String {
    let mut lines: Vec<&str> = output.lines().rev().filter(|line| !line.trim().is_empty()).take(12).collect();
    lines.reverse();
    lines.iter().map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>().join("\n")
}

/// What a stage left, in a few words, so that whoever follows the events need not look the stage up.
fn summary(detail: &Json) -> Option<String> {
    let text = ["/summary", "/ref", "/commit", "/failure/message"].iter().find_map(|path| detail.pointer(path)?.as_str())?;
    Some(text.chars().take(300).collect())
}

fn branch(w: &mut Work<'_>, id: JobId, token: Token, branch: &str, base_branch: &str, base_commit: &str) -> Result<()> {
    let (row, mut assignment) = guard::job_and_assignment(w, id, token)?;
    assignment.branch = Some(branch.to_owned());
    assignment.base_branch = Some(base_branch.to_owned());
    assignment.base_commit = Some(base_commit.to_owned());
    rows::save_assignment(w, &mut assignment)?;
    let data = json!({ "branch": branch, "base_branch": base_branch, "base_commit": base_commit });
    w.event(moves::about_job(EventKind::AssignmentBranch, &row.job, data));
    Ok(())
}

fn head(w: &mut Work<'_>, id: JobId, token: Token, head_commit: &str) -> Result<()> {
    let (row, mut assignment) = guard::job_and_assignment(w, id, token)?;
    assignment.head_commit = Some(head_commit.to_owned());
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

    /// An attempt's stages, in order.
    pub async fn journal(&self, id: AttemptId) -> Result<Vec<StageRecord>> {
        self.read(move |w| {
            w.query(
                "SELECT attempt_id, number, stage, iteration, status, started_at, ended_at, detail FROM stages \
                 WHERE attempt_id = $1 ORDER BY number LIMIT 10000",
                values![id],
            )?
            .into_iter()
            .map(stage_row)
            .collect()
        })
        .await
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

    /// Remembers the agent's own session, so that a later attempt can resume it.
    pub async fn set_session(&self, id: JobId, token: Token, attempt: AttemptId, session_id: String) -> Result<()> {
        self.ride(move |w| {
            guard::attempt(w, id, token, attempt)?;
            w.execute("UPDATE attempts SET session_id = $2 WHERE id = $1", values![attempt, &session_id])?;
            Ok(())
        })
        .await
    }

    /// Begins a stage and gives its number in the journal.
    pub async fn stage_started(&self, id: JobId, token: Token, attempt: AttemptId, stage: Stage, iteration: u32) -> Result<i64> {
        self.ride(move |w| start_stage(w, id, token, attempt, stage, iteration)).await
    }

    /// Ends a stage.
    pub async fn stage_ended(
        &self,
        id: JobId,
        token: Token,
        attempt: AttemptId,
        number: i64,
        status: StageStatus,
        detail: Json,
    ) -> Result<()> {
        self.ride(move |w| end_stage(w, id, token, attempt, number, status, &detail)).await
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

    /// Keeps the hash of the secret that the attempt's agent was given.
    pub async fn set_agent_token(&self, id: JobId, token: Token, attempt: AttemptId, sha256_hex: String) -> Result<()> {
        self.ride(move |w| {
            guard::attempt(w, id, token, attempt)?;
            w.execute("UPDATE attempts SET agent_token_sha256 = $2 WHERE id = $1", values![attempt, &sha256_hex])?;
            Ok(())
        })
        .await
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
