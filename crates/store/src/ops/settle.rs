//! Settlement: outcome, usage, the job's move, the line's move and the verdict, in one transaction under the token.

use serde_json::json;
use windlass_types::{
    Assignment, AssignmentMove, AssignmentStatus, AttemptId, AttemptResult, AttemptStatus, Backend, BreakerPolicy, BreakerProbe, Counters,
    EventKind, Failure, FailureClass, FailureKind, Harness, Job, JobId, JobMove, JobType, LineFacts, LineMove, Micros, RetryPolicy,
    Settlement, Timestamp, Token, Usage, Verdict, settle,
};

use super::activities::{self, AgentNews};
use super::attempts::leave_event;
use super::journal::{self, StageNote};
use super::rows::{self, JobRow};
use super::{branches, breakers, control, guard, line, moves, verdicts};
use crate::error::{Result, StoreError};
use crate::sql::{Work, json as as_json, values};
use crate::store::Store;

/// How an attempt ended, as its worker asks to have it recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct SettleRequest {
    /// The job.
    pub job_id: JobId,
    /// The token it was run under.
    pub token: Token,
    /// The attempt.
    pub attempt_id: AttemptId,
    /// How it ended, all gates included.
    pub result: AttemptResult,
    /// The agent's final text.
    pub output: Option<String>,
    /// The commit it left.
    pub commit: Option<String>,
    /// What it used, where the agent told.
    pub usage: Option<Usage>,
    /// How long agents and checks ran, in milliseconds.
    pub wall_ms: u64,
    /// Whether an agent was started at all.
    pub agent_started: bool,
    /// A pm job's verdict, its evidence checked.
    pub verdict: Option<Verdict>,
    /// How often and how long the job is tried again.
    pub retry: RetryPolicy,
    /// Drawn from 0..1.
    pub jitter: f64,
    /// What the attempt ran on.
    pub backend: Backend,
    /// When that backend's breaker opens.
    pub breaker: BreakerPolicy,
    /// A harness to park for everybody, until when, and why.
    pub park_harness: Option<(Harness, Timestamp, String)>,
    /// What of its stages is not noted yet.
    pub stages: Vec<StageNote>,
    /// What of its agent is not told yet; `None` when it never had one that could be watched.
    pub news: Option<AgentNews>,
}

/// What a settlement left.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The job.
    pub job: Job,
    /// Its assignment.
    pub assignment: Assignment,
    /// Jobs that came into the line: a pm job, or what a verdict wants.
    pub inserted: Vec<Job>,
}

/// What counts, after what happened meanwhile: a cancel wins over another try, a cancelled assignment over everything.
fn effective(request: &SettleRequest, row: &JobRow, assignment: &Assignment) -> AttemptResult {
    let cancelled = |why: &str| AttemptResult::Failed(Failure::new(FailureKind::Cancelled, why));
    if assignment.status == AssignmentStatus::Cancelled {
        return cancelled("its assignment was cancelled while it ran");
    }
    let would_run_again = match &request.result {
        AttemptResult::Succeeded => false,
        AttemptResult::HandedBack => true,
        AttemptResult::Failed(failure) => !matches!(failure.class(), FailureClass::Permanent | FailureClass::Cancelled),
    };
    if row.job.cancel_requested && would_run_again {
        return cancelled("it was cancelled while it ran");
    }
    if row.job.spec.job_type == JobType::Pm && request.result == AttemptResult::Succeeded && request.verdict.is_none() {
        // Nothing would ever move the line again.
        return AttemptResult::Failed(Failure::new(FailureKind::NoVerdict, "the pm job ended without a verdict"));
    }
    request.result.clone()
}

fn run(w: &mut Work<'_>, request: &SettleRequest) -> Result<Settled> {
    match settle_live(w, request) {
        Err(StoreError::Stale { job }) => settled_before(w, request)?.ok_or(StoreError::Stale { job }),
        settled_or_failed => settled_or_failed,
    }
}

/// The settlement that this very request made when its answer was lost on the way: an attempt is ended by its worker, or as lost by
/// whoever found its lease over.
fn settled_before(w: &mut Work<'_>, request: &SettleRequest) -> Result<Option<Settled>> {
    let attempt = rows::attempt(w, request.attempt_id)?;
    let is_own = attempt.job_id == request.job_id && attempt.token == request.token;
    let ended = request.result.status();
    if !is_own || ended == AttemptStatus::Lost || attempt.status != ended {
        return Ok(None);
    }
    let job = rows::job(w, request.job_id)?.job;
    let assignment = rows::assignment(w, job.assignment_id)?;
    Ok(Some(Settled { job, assignment, inserted: Vec::new() }))
}

fn settle_live(w: &mut Work<'_>, request: &SettleRequest) -> Result<Settled> {
    let (mut row, mut assignment) = guard::job_and_assignment(w, request.job_id, request.token)?;
    let now = w.now()?;
    let result = effective(request, &row, &assignment);
    let policy = RetryPolicy { max_retries: row.job.spec.max_retries.unwrap_or(request.retry.max_retries), ..request.retry };
    let settlement = settle(
        Counters { failures: row.job.failures, rescues: row.job.rescues, parks: row.job.parks },
        LineFacts {
            job_type: row.job.spec.job_type,
            review: assignment.policy.review,
            on_failure: assignment.policy.on_failure,
            more_queued: more_queued(w, &row)?,
        },
        &policy,
        &result,
        now,
        request.jitter,
    );
    assignment.spent = assignment.spent.after_run(request.usage, request.wall_ms, request.agent_started);
    end_attempt(w, request, &row.job, &result)?;
    end_job(w, request, &mut row, &settlement, &result)?;
    let mut inserted = Vec::new();
    move_line(w, &row.job, &mut assignment, settlement.line, &mut inserted)?;
    if let (Some(verdict), AttemptResult::Succeeded, JobType::Pm) = (&request.verdict, &result, row.job.spec.job_type) {
        inserted.extend(verdicts::apply(w, &row.job, &mut assignment, verdict)?);
    }
    rows::save_assignment(w, &mut assignment)?;
    if let Some((harness, until, reason)) = &request.park_harness {
        control::park(w, *harness, *until, reason)?;
    }
    let attempt = BreakerProbe { job: request.job_id, token: request.token };
    breakers::report(w, &request.backend, &request.breaker, attempt, &request.result)?;
    Ok(Settled { job: row.job, assignment, inserted })
}

fn more_queued(w: &mut Work<'_>, row: &JobRow) -> Result<bool> {
    let found = w.first(
        "SELECT 1 FROM jobs WHERE assignment_id = $1 AND status = 'queued' AND position > $2 LIMIT 1",
        values![row.job.assignment_id, row.job.position],
    )?;
    Ok(found.is_some())
}

fn end_attempt(w: &mut Work<'_>, request: &SettleRequest, job: &Job, result: &AttemptResult) -> Result<()> {
    let now = w.now()?;
    // What really happened to this try, also when a cancel decides what happens to the job.
    let status = if matches!(request.result, AttemptResult::Succeeded) { result } else { &request.result }.status();
    let failure = match result {
        AttemptResult::Failed(failure) => Some(failure),
        AttemptResult::Succeeded | AttemptResult::HandedBack => None,
    };
    let stages = journal::write_last(w, job, request.attempt_id, &request.stages)?;
    let ended = w.execute(
        "UPDATE attempts SET status = $2, usage = $3, failure = $4, ended_at = $5, stages = $9 \
         WHERE id = $1 AND job_id = $6 AND generation = $7 AND epoch = $8 AND status = 'running'",
        values![
            request.attempt_id,
            status.as_str(),
            request.usage.as_ref().map(as_json).transpose()?,
            failure.map(as_json).transpose()?,
            now,
            request.job_id,
            request.token.generation,
            request.token.epoch,
            if stages.is_empty() { None } else { Some(as_json(&stages)?) },
        ],
    )?;
    if ended == 0 && guard::is_up() {
        // The token was given to another attempt than the one that is named.
        return Err(StoreError::Stale { job: request.job_id });
    }
    // A stage that was left open goes with its attempt. Mostly there is none, and to look is cheaper than to change nothing.
    if w.first("SELECT 1 FROM stages WHERE attempt_id = $1 AND status = 'running' LIMIT 1", values![request.attempt_id])?.is_some() {
        w.execute(
            "UPDATE stages SET status = 'interrupted', ended_at = $2 WHERE attempt_id = $1 AND status = 'running'",
            values![request.attempt_id, now],
        )?;
    }
    let data = json!({ "status": status.as_str(), "failure": failure, "usage": request.usage, "wall_ms": request.wall_ms });
    // Its agent's session first: nothing is told of an attempt after its end.
    if let Some(news) = &request.news {
        activities::attempt_ended(w, job, request.attempt_id, status, news)?;
    }
    leave_event(w, EventKind::AttemptEnded, job, request.attempt_id, data);
    Ok(())
}

fn end_job(w: &mut Work<'_>, request: &SettleRequest, row: &mut JobRow, settlement: &Settlement, result: &AttemptResult) -> Result<()> {
    let failure = match result {
        AttemptResult::Failed(failure) => Some(failure.clone()),
        AttemptResult::Succeeded | AttemptResult::HandedBack => None,
    };
    let mut data = json!({ "failure": failure });
    if settlement.job == JobMove::Requeue {
        data = moves::with(data, json!({ "due_at": settlement.due_at, "parked": settlement.park.is_some().then_some(true) }));
    }
    moves::move_job(w, &mut row.job, settlement.job, data)?;
    row.spent = row.spent.after_run(request.usage, request.wall_ms, request.agent_started);
    let job = &mut row.job;
    (job.failures, job.rescues, job.parks) = (settlement.counters.failures, settlement.counters.rescues, settlement.counters.parks);
    job.due_at = settlement.due_at;
    job.park.clone_from(&settlement.park);
    job.lease = None;
    job.cancel_requested = false;
    match result {
        AttemptResult::HandedBack => {}
        AttemptResult::Succeeded | AttemptResult::Failed(_) => job.failure = failure,
    }
    if settlement.job == JobMove::Succeed {
        job.progress = 100;
    }
    if request.output.is_some() {
        job.output.clone_from(&request.output);
    }
    if request.commit.is_some() {
        job.commit.clone_from(&request.commit);
        branches::pushed(w, job.assignment_id)?;
    }
    if let Some(usage) = request.usage {
        job.usage = if job.usage == Usage::default() { usage } else { job.usage.plus(usage) };
        job.cost_micros = Micros(job.cost_micros.0.saturating_add(usage.cost_micros.unwrap_or_default().0));
    }
    rows::save_job(w, row)
}

/// Carries the decision over to the assignment, where its status still allows it.
fn move_line(w: &mut Work<'_>, job: &Job, assignment: &mut Assignment, line_move: LineMove, inserted: &mut Vec<Job>) -> Result<()> {
    let open = matches!(assignment.status, AssignmentStatus::Active | AssignmentStatus::Blocked);
    let by = json!({ "by": "windlass", "job": job.id });
    match line_move {
        LineMove::Review if open => inserted.extend(line::put_review(w, assignment, job.position, job.id)?),
        // Whoever blocked it while its last job ran still has to act.
        LineMove::Complete if assignment.status == AssignmentStatus::Active => {
            moves::move_assignment(w, assignment, AssignmentMove::Complete, None, by)?;
        }
        // A person's own block stays as they wrote it.
        LineMove::Block(block) if assignment.status == AssignmentStatus::Active => {
            moves::move_assignment(w, assignment, AssignmentMove::Block, Some(block), by)?;
        }
        LineMove::GoOn | LineMove::Review | LineMove::Complete | LineMove::Block(_) => {}
    }
    Ok(())
}

impl Store {
    /// Records how an attempt ended and everything that follows from it, or nothing: [`StoreError::Stale`] when the token is not live. Asked
    /// again after an answer that was lost, it answers again and changes nothing.
    pub async fn settle(&self, request: SettleRequest) -> Result<Settled> {
        if !(0.0..=1.0).contains(&request.jitter) {
            return Err(StoreError::Invalid("jitter is drawn from 0 to 1".to_owned()));
        }
        self.promise(move |w| run(w, &request)).await
    }
}
