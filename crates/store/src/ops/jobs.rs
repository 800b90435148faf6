//! Jobs: looked at, cancelled and revived by people.

use serde_json::{Value as Json, json};
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, AttemptResult, Counters, Failure, FailureKind, Harness, Job, JobId,
    JobMove, JobStatus, JobType, LineFacts, LineMove, Phase, RetryPolicy, Spent, Timestamp, Token, settle,
};

use super::page::{Conditions, Page, bounded, page, parse_cursor};
use super::{assignments, guard, line, moves, rows};
use crate::error::{Result, StoreError};
use crate::harness::named_harness;
use crate::sql::{Dialect, Value, Work, json as as_json, values};
use crate::store::Store;

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of one assignment.
    pub assignment: Option<AssignmentId>,
    /// Those of any of these statuses; all, when empty.
    pub status: Vec<JobStatus>,
    /// Those of one worker.
    pub worker: Option<String>,
    /// Those of one type.
    pub job_type: Option<JobType>,
}

/// What a person changes of a job before it runs again; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobEdit {
    /// What the whole assignment is for.
    pub north_star: Option<String>,
    /// What the agent is told.
    pub context: Option<String>,
    /// Which agent.
    pub harness: Option<Harness>,
    /// The model.
    pub model: Option<String>,
    /// The program, for harness `command`.
    pub program: Option<String>,
    /// The script, for harness `simulated`.
    pub script: Option<String>,
    /// How long one run may take, in seconds.
    pub timeout_secs: Option<u64>,
}

fn list(w: &mut Work<'_>, filter: &JobFilter, cursor: Option<&str>, limit: u32) -> Result<Page<Job>> {
    let limit = bounded(limit);
    let mut conditions = Conditions::default();
    conditions.and_if("project = ?", filter.project.as_deref());
    conditions.and_if("assignment_id = ?", filter.assignment);
    let words: Vec<String> = filter.status.iter().map(|status| format!("'{status}'")).collect();
    if !words.is_empty() {
        // As words and not as parameters: the indexes of few statuses are known to serve by them.
        conditions.and(&format!("status IN ({})", words.join(", ")), []);
    }
    if !words.is_empty() && filter.status.iter().all(|status| status.is_final()) {
        conditions.and("status NOT IN ('queued', 'running')", []);
    }
    conditions.and_if("worker = ?", filter.worker.as_deref());
    conditions.and_if("job_type = ?", filter.job_type.map(JobType::as_str));
    conditions.and_if("id < ?", parse_cursor::<JobId>(cursor)?);
    let size = conditions.push(Value::from(limit + 1));
    let rest = format!("{} ORDER BY id DESC LIMIT {size}", conditions.text());
    Ok(page(rows::jobs_where(w, &rest, &conditions.params)?, limit, |job| job.id.to_string()))
}

fn cancel(w: &mut Work<'_>, id: JobId, by: &str) -> Result<Job> {
    let assignment_id = rows::assignment_of(w, id)?;
    let mut assignment = rows::lock_assignment(w, assignment_id)?;
    let mut row = rows::lock_job(w, id)?;
    let was_queued = row.job.status == JobStatus::Queued;
    assignments::cancel(w, &mut row, by)?;
    if was_queued && assignment.status == AssignmentStatus::Active {
        let facts = LineFacts {
            job_type: row.job.spec.job_type,
            review: assignment.policy.review,
            on_failure: assignment.policy.on_failure,
            more_queued: line::has_live_job_beside(w, assignment_id, Some(id))?,
        };
        let failure = Failure::new(FailureKind::Cancelled, format!("cancelled by {by}"))
            .hint("retry the job, put another into the line, or complete or cancel the assignment");
        let counters = Counters { failures: row.job.failures, rescues: row.job.rescues, parks: row.job.parks };
        let now = w.now()?;
        let settlement = settle(counters, facts, &RetryPolicy::default(), &AttemptResult::Failed(failure), now, 0.0);
        if let LineMove::Block(block) = settlement.line {
            moves::move_assignment(w, &mut assignment, AssignmentMove::Block, Some(block), json!({ "by": by }))?;
            rows::save_assignment(w, &mut assignment)?;
        }
    }
    Ok(row.job)
}

fn revive(w: &mut Work<'_>, id: JobId, edit: &JobEdit, by: &str) -> Result<Job> {
    let assignment_id = rows::assignment_of(w, id)?;
    let assignment = rows::lock_assignment(w, assignment_id)?;
    let row = rows::lock_job(w, id)?;
    revive_locked(w, assignment, row, edit, by, Json::Null, true)
}

/// A person lets a change of guarded paths through, and the job goes on with it.
fn approve(w: &mut Work<'_>, id: JobId, digest: &str, by: &str) -> Result<Job> {
    let assignment_id = rows::assignment_of(w, id)?;
    let mut assignment = rows::lock_assignment(w, assignment_id)?;
    let row = rows::lock_job(w, id)?;
    if row.job.status != JobStatus::Failed || row.job.failure.as_ref().map(|f| f.kind) != Some(FailureKind::GuardedChange) {
        return Err(StoreError::Conflict(format!("{id} does not wait for anybody to let a change through")));
    }
    if !assignment.policy.approved_changes.iter().any(|known| known == digest) {
        assignment.policy.approved_changes.push(digest.to_owned());
        w.execute("UPDATE assignments SET policy = $2 WHERE id = $1", values![assignment.id, as_json(&assignment.policy)?])?;
    }
    revive_locked(w, assignment, row, &JobEdit::default(), by, json!({ "approved": digest }), true)
}

/// A job can go back in the line of an assignment that is not over.
pub(crate) fn check_open(assignment: &Assignment) -> Result<()> {
    if matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled) {
        return Err(StoreError::Conflict(format!("its assignment is {}; set the assignment active first", assignment.status)));
    }
    Ok(())
}

/// Puts a job that ended back in the queue, edited, with its counters at zero; with `activate` a blocked assignment goes on with it. One that
/// waits in the queue of blocked work (its settings were wrong) is edited where it is; without an edit there is nothing to do about it.
pub(crate) fn revive_locked(
    w: &mut Work<'_>,
    mut assignment: Assignment,
    mut row: rows::JobRow,
    edit: &JobEdit,
    by: &str,
    more: Json,
    activate: bool,
) -> Result<Job> {
    check_open(&assignment)?;
    let waits_blocked = activate && row.job.status == JobStatus::Queued && assignment.status == AssignmentStatus::Blocked;
    if !(waits_blocked && *edit != JobEdit::default()) {
        moves::move_job(w, &mut row.job, JobMove::Revive, moves::with(json!({ "by": by }), more))?;
    }
    let job = &mut row.job;
    job.due_at = w.now()?;
    (job.failures, job.rescues, job.parks) = (0, 0, 0);
    (job.park, job.failure, job.lease, job.message) = (None, None, None, None);
    job.cancel_requested = false;
    job.progress = 0;
    apply(edit, &mut job.spec);
    super::submit::check_specs(std::slice::from_ref(&job.spec))?;
    rows::save_job(w, &row)?;
    let named = named_harness(&row.job.spec, &assignment.policy).map(Harness::as_str);
    w.execute("UPDATE jobs SET harness = $2, spec = $3 WHERE id = $1", values![row.job.id, named, as_json(&row.job.spec)?])?;
    if let Some(north_star) = &edit.north_star {
        w.execute("UPDATE assignments SET north_star = $2 WHERE id = $1", values![assignment.id, north_star])?;
    }
    if activate && assignment.status == AssignmentStatus::Blocked {
        moves::move_assignment(w, &mut assignment, AssignmentMove::Activate, None, json!({ "by": by }))?;
        rows::save_assignment(w, &mut assignment)?;
    }
    Ok(row.job)
}

fn apply(edit: &JobEdit, spec: &mut windlass_types::JobSpec) {
    if let Some(context) = &edit.context {
        spec.context.clone_from(context);
    }
    spec.harness = edit.harness.or(spec.harness);
    spec.timeout_secs = edit.timeout_secs.or(spec.timeout_secs);
    for (new, old) in [(&edit.model, &mut spec.model), (&edit.program, &mut spec.program), (&edit.script, &mut spec.script)] {
        if new.is_some() {
            old.clone_from(new);
        }
    }
}

fn report(w: &mut Work<'_>, id: JobId, token: Token, phase: Option<Phase>, progress: Option<u8>, message: Option<&str>) -> Result<()> {
    let mut row = guard::job(w, id, token)?;
    row.job.phase = phase.unwrap_or(row.job.phase);
    row.job.progress = progress.unwrap_or(row.job.progress).min(100);
    if let Some(message) = message {
        row.job.message = Some(message.chars().take(2000).collect());
    }
    let job = &row.job;
    w.execute(
        "UPDATE jobs SET phase = $2, progress = $3, message = $4 WHERE id = $1",
        values![id, job.phase.as_str(), job.progress, job.message.as_ref()],
    )?;
    let data = json!({ "phase": job.phase.as_str(), "progress": job.progress, "message": job.message });
    w.event(moves::about_job(windlass_types::EventKind::JobProgress, job, data));
    Ok(())
}

/// What a job's attempts used, as its own budget weighs it.
pub(crate) fn spent_of(row: &rows::JobRow) -> Spent {
    Spent { runs: row.job.attempts, ..row.spent }
}

/// When the next waiting job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When, by the store's time.
    pub at: Timestamp,
    /// How long that is from now on, in milliseconds: a node's own clock may be another.
    pub wait_ms: i64,
}

/// By the index of due times: SQLite's planner would rather sort all that waits. And by a `CROSS JOIN`, whose order it leaves alone, where
/// it may begin an `EXISTS` with all assignments that are active.
pub(super) fn next_due_sql(dialect: Dialect) -> String {
    format!(
        "SELECT j.due_at FROM jobs j{} CROSS JOIN assignments a WHERE j.status = 'queued' AND j.due_at > $1 \
         AND a.id = j.assignment_id AND a.status = 'active' ORDER BY j.due_at LIMIT 1",
        dialect.by_index("jobs_due")
    )
}

fn next_due(w: &mut Work<'_>) -> Result<Option<Due>> {
    let now = w.now()?;
    let job = w.first(&next_due_sql(w.dialect()), values![now])?;
    // A harness that is let go frees jobs as well.
    let park = w.first("SELECT until_at FROM harness_parks WHERE until_at > $1 ORDER BY until_at LIMIT 1", values![now])?;
    let breaker = w.first("SELECT open_until FROM breakers WHERE open_until > $1 ORDER BY open_until LIMIT 1", values![now])?;
    let mut due = None;
    for mut row in [job, park, breaker].into_iter().flatten() {
        let at = row.time()?;
        due = Some(due.map_or(at, |earlier: Timestamp| earlier.min(at)));
    }
    Ok(due.map(|at| Due { at, wait_ms: at.since_ms(now) }))
}

/// Makes due what waits longer than any back-off lasts: the clock that said so was ahead, and has been set.
fn pull_in(w: &mut Work<'_>, longest_ms: i64) -> Result<u64> {
    let now = w.now()?;
    w.execute("UPDATE jobs SET due_at = $1 WHERE status = 'queued' AND park IS NULL AND due_at > $2", values![now, now.plus_ms(longest_ms)])
}

impl Store {
    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Job> {
        self.read(move |w| Ok(rows::job(w, id)?.job)).await
    }

    /// Jobs, the newest first.
    pub async fn jobs(&self, filter: JobFilter, cursor: Option<String>, limit: u32) -> Result<Page<Job>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// When the next waiting job of an active assignment falls due, a parked harness is let go, or a breaker lets its probe through: for
    /// the engine's timer.
    pub async fn next_due(&self) -> Result<Option<Due>> {
        self.read(next_due).await
    }

    /// Makes jobs due that wait for longer than `longest_ms` and are not parked; gives how many. A clock that was ahead when they were
    /// put in the queue, and has been set since, would keep them for as long.
    pub async fn pull_in_due(&self, longest_ms: i64) -> Result<u64> {
        self.ride(move |w| pull_in(w, longest_ms)).await
    }

    /// What a running job's worker says about its work.
    pub async fn progress(
        &self,
        id: JobId,
        token: Token,
        phase: Option<Phase>,
        progress: Option<u8>,
        message: Option<String>,
    ) -> Result<()> {
        self.ride(move |w| report(w, id, token, phase, progress, message.as_deref())).await
    }

    /// Cancels a queued job at once; asks the worker of a running one to stop.
    pub async fn cancel_job(&self, id: JobId, by: String) -> Result<Job> {
        self.promise(move |w| cancel(w, id, &by)).await
    }

    /// Lets a held change of guarded paths through, named by its digest, and runs the job on with it.
    pub async fn approve_change(&self, id: JobId, digest: String, by: String) -> Result<Job> {
        self.promise(move |w| approve(w, id, &digest, &by)).await
    }

    /// Runs a failed, dead or cancelled job again, edited, with its counters at zero. A blocked assignment goes on with it.
    pub async fn revive_job(&self, id: JobId, edit: JobEdit, by: String) -> Result<Job> {
        self.promise(move |w| revive(w, id, &edit, &by)).await
    }
}
