//! Pull requests of assignments' branches: opened by an attempt, looked at until they are over, answered by a next job.

use serde_json::{Value as Json, json};
use windlass_types::{
    Assignment, AssignmentMove, AssignmentStatus, AttemptId, BranchMove, EventKind, Job, JobId, JobSpec, PullRequest, PullRequestState,
    Timestamp, Token,
};

use super::{branches, guard, line, moves, rows};
use crate::error::Result;
use crate::sql::{Work, json as as_json, values};
use crate::store::Store;

/// An open pull request that is due to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// Whose it is, with what is known of it.
    pub assignment: Assignment,
    /// How often it could not be looked at, since it last could.
    pub failures: u32,
    /// The last review that was seen, in the watcher's own words.
    pub review_mark: Option<Json>,
    /// The commit whose failed checks were answered.
    pub answered: Option<String>,
    /// How many jobs reviews and checks have led to.
    pub follow_ups: u32,
}

/// What a look at a pull request led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// It as it is now; what was known, where it could not be looked at.
    pub pull_request: PullRequest,
    /// When it is looked at next.
    pub due_at: Timestamp,
    /// How often it could not be looked at, since it last could.
    pub failures: u32,
    /// The last review that was seen.
    pub review_mark: Option<Json>,
    /// The commit whose failed checks were answered.
    pub answered: Option<String>,
    /// A job that answers it, and why. It is made only where the assignment is complete; then the assignment goes on.
    pub follow_up: Option<(JobSpec, String)>,
}

fn tell(w: &mut Work<'_>, assignment: &Assignment, pull: &PullRequest, job: Option<(&Job, AttemptId)>) {
    let mut event = moves::about(EventKind::PullRequestChanged, assignment, json!({ "pull_request": pull }));
    if let Some((job, attempt)) = job {
        (event.job, event.attempt) = (Some(job.id), Some(attempt));
    }
    w.event(event);
}

fn save(w: &mut Work<'_>, assignment: &Assignment, pull: &PullRequest) -> Result<()> {
    w.execute("UPDATE assignments SET pull_request = $2 WHERE id = $1", values![assignment.id, as_json(pull)?])?;
    Ok(())
}

fn opened(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, pull: &PullRequest, due_at: Timestamp) -> Result<()> {
    guard::attempt(w, id, token, attempt)?;
    let (row, assignment) = guard::job_and_assignment(w, id, token)?;
    save(w, &assignment, pull)?;
    w.execute(
        "INSERT INTO pull_request_watches (assignment_id, due_at, failures, follow_ups) VALUES ($1, $2, 0, 0) \
         ON CONFLICT (assignment_id) DO UPDATE SET due_at = excluded.due_at, failures = 0",
        values![assignment.id, due_at],
    )?;
    if assignment.pull_request.as_ref() != Some(pull) {
        tell(w, &assignment, pull, Some((&row.job, attempt)));
    }
    Ok(())
}

fn due(w: &mut Work<'_>, limit: u32) -> Result<Vec<Watched>> {
    let now = w.now()?;
    let rows = w.query(
        "SELECT assignment_id, failures, review_mark, answered, follow_ups FROM pull_request_watches WHERE due_at <= $1 \
         ORDER BY due_at, assignment_id LIMIT $2",
        values![now, limit],
    )?;
    let mut due = Vec::with_capacity(rows.len());
    for mut row in rows {
        let assignment = rows::assignment(w, row.word()?)?;
        let (failures, review_mark, answered, follow_ups) = (row.int()?, row.opt_json()?, row.opt_text()?, row.int()?);
        due.push(Watched { assignment, failures, review_mark, answered, follow_ups });
    }
    Ok(due)
}

/// The job that was made, if one was.
fn seen(w: &mut Work<'_>, of: &Assignment, seen: &Seen) -> Result<Option<Job>> {
    let mut assignment = rows::lock_assignment(w, of.id)?;
    let pull = &seen.pull_request;
    if assignment.pull_request != of.pull_request {
        // A later attempt has pushed and proposed meanwhile: what was seen is of before.
        return Ok(None);
    }
    let was = of.pull_request.as_ref().map(|known| (known.state, known.checks, known.title.as_str(), known.head.as_str()));
    save(w, &assignment, pull)?;
    if was != Some((pull.state, pull.checks, pull.title.as_str(), pull.head.as_str())) {
        tell(w, &assignment, pull, None);
    }
    // What was closed stands in nobody's way any more, and what was merged is in the base, also where it was squashed.
    match pull.state {
        PullRequestState::Open => {}
        PullRequestState::Merged => branches::move_with(w, assignment.id, BranchMove::Merge)?,
        PullRequestState::Closed => branches::move_with(w, assignment.id, BranchMove::Release)?,
    }
    if pull.state != PullRequestState::Open || assignment.status == AssignmentStatus::Cancelled {
        w.execute("DELETE FROM pull_request_watches WHERE assignment_id = $1", values![assignment.id])?;
        return Ok(None);
    }
    let complete = assignment.status == AssignmentStatus::Complete;
    if seen.follow_up.is_some() && !complete {
        // It went on meanwhile: what was asked for is seen again when that is over.
        w.execute("UPDATE pull_request_watches SET due_at = $2 WHERE assignment_id = $1", values![assignment.id, seen.due_at])?;
        return Ok(None);
    }
    let mark = seen.review_mark.as_ref().map(as_json).transpose()?;
    w.execute(
        "UPDATE pull_request_watches SET due_at = $2, failures = $3, review_mark = $4, answered = $5 WHERE assignment_id = $1",
        values![assignment.id, seen.due_at, seen.failures, mark, seen.answered.as_deref()],
    )?;
    let Some((spec, why)) = &seen.follow_up else { return Ok(None) };
    let by = json!({ "by": "windlass", "reason": why });
    moves::move_assignment(w, &mut assignment, AssignmentMove::Activate, None, by.clone())?;
    let last = line::line(w, assignment.id)?.last().map_or(0, |job| job.position);
    let made = line::put_behind(w, &assignment, last, vec![(spec.clone(), None)], &by)?.pop();
    rows::save_assignment(w, &mut assignment)?;
    w.execute("UPDATE pull_request_watches SET follow_ups = follow_ups + 1 WHERE assignment_id = $1", values![assignment.id])?;
    Ok(made)
}

impl Store {
    /// Remembers the pull request that an attempt opened or found, to be looked at from `due_at` on.
    pub async fn set_pull_request(&self, id: JobId, token: Token, attempt: AttemptId, pull: PullRequest, due_at: Timestamp) -> Result<()> {
        self.promise(move |w| opened(w, id, token, attempt, &pull, due_at)).await
    }

    /// The pull requests that are due to be looked at, the longest due first.
    pub async fn pull_requests_due(&self, limit: u32) -> Result<Vec<Watched>> {
        self.read(move |w| due(w, limit)).await
    }

    /// Remembers what a look at a pull request led to, and makes the job that answers it: both or neither. Gives that job. What was seen of
    /// a pull request that an attempt has touched since changes nothing.
    pub async fn saw_pull_request(&self, watched: Watched, now_seen: Seen) -> Result<Option<Job>> {
        self.promise(move |w| seen(w, &watched.assignment, &now_seen)).await
    }
}
