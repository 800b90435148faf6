//! An assignment's line: what stands in it, and what is put into it.

use serde_json::json;
use windlass_types::{Assignment, AssignmentId, AssignmentMove, AssignmentStatus, Harness, Job, JobId, JobSpec, JobType};

use super::claim::NodeFacts;
use super::submit::{LINE_MAX, check_specs};
use super::{moves, rows, world};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};
use crate::store::Store;

/// The line, by position.
pub(crate) fn line(w: &mut Work<'_>, id: AssignmentId) -> Result<Vec<Job>> {
    rows::jobs_where(w, "WHERE assignment_id = $1 ORDER BY position, id", values![id])
}

/// Whether anything of the assignment is queued or runs, one job left out.
pub(crate) fn has_live_job_beside(w: &mut Work<'_>, id: AssignmentId, beside: Option<JobId>) -> Result<bool> {
    let beside = beside.map(|job| job.to_string()).unwrap_or_default();
    let found = w.first(
        "SELECT 1 FROM jobs WHERE assignment_id = $1 AND id <> $2 AND status IN ('queued', 'running') LIMIT 1",
        values![id, beside],
    )?;
    Ok(found.is_some())
}

/// Puts jobs behind `position`, moving later ones on.
pub(crate) fn put_behind(
    w: &mut Work<'_>,
    assignment: &Assignment,
    position: i64,
    specs: Vec<(JobSpec, Option<JobId>)>,
    data: &serde_json::Value,
) -> Result<Vec<Job>> {
    let count = match w.first("SELECT COUNT(*) FROM jobs WHERE assignment_id = $1", values![assignment.id])? {
        Some(mut row) => row.int::<usize>()?,
        None => 0,
    };
    if count.saturating_add(specs.len()) > LINE_MAX {
        return Err(StoreError::Conflict(format!("the line has {count} jobs and may have {LINE_MAX}: submit another assignment")));
    }
    let now = w.now()?;
    w.execute(
        "UPDATE jobs SET position = position + $3 WHERE assignment_id = $1 AND position > $2",
        values![assignment.id, position, i64::try_from(specs.len()).unwrap_or(i64::MAX)],
    )?;
    let mut inserted = Vec::with_capacity(specs.len());
    for ((spec, reviews), offset) in specs.into_iter().zip(1..) {
        let job = rows::new_job(w.ids.job(), assignment, position + offset, spec, reviews, now);
        moves::put_in_line(w, &job, &assignment.policy, data.clone())?;
        inserted.push(job);
    }
    Ok(inserted)
}

/// Puts a pm job that judges `reviewed` behind `position`.
pub(crate) fn put_review(w: &mut Work<'_>, assignment: &Assignment, position: i64, reviewed: JobId) -> Result<Vec<Job>> {
    let spec = JobSpec { job_type: windlass_types::JobType::Pm, ..JobSpec::default() };
    put_behind(w, assignment, position, vec![(spec, Some(reviewed))], &json!({ "by": "windlass", "reviews": reviewed }))
}

fn insert(w: &mut Work<'_>, id: AssignmentId, after: Option<JobId>, specs: &[JobSpec], by: &str) -> Result<Vec<Job>> {
    check_specs(specs)?;
    let assignment = rows::lock_assignment(w, id)?;
    if matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled) {
        return Err(StoreError::Conflict(format!("the assignment is {}; set it active before jobs are put into it", assignment.status)));
    }
    let line = line(w, id)?;
    let position = match after {
        None => line.last().map_or(0, |job| job.position),
        Some(after) => {
            line.iter().find(|job| job.id == after).ok_or_else(|| StoreError::not_found("job of this assignment", after))?.position
        }
    };
    if let Some(started) = line.iter().find(|job| job.position > position && job.started_at.is_some()) {
        return Err(StoreError::Conflict(format!("{} has started and nothing can be put before it; put it behind that job", started.id)));
    }
    put_behind(w, &assignment, position, specs.iter().map(|spec| (spec.clone(), None)).collect(), &json!({ "by": by }))
}

/// Puts a follow-up behind what runs or ran last, in the session of the last job that had one; an assignment that is over or blocked goes on.
fn follow_up(w: &mut Work<'_>, id: AssignmentId, text: &str, key: Option<&str>, facts: &NodeFacts, by: &str) -> Result<(Job, bool)> {
    let mut assignment = rows::lock_assignment(w, id)?;
    if key.is_some_and(|key| key.is_empty() || key.len() > 512) {
        return Err(StoreError::Invalid("a message's key has 1 to 512 bytes".to_owned()));
    }
    if let Some(key) = key
        && let Some(job) = rows::jobs_where(w, "WHERE assignment_id = $1 AND replay_key = $2", values![id, key])?.pop()
    {
        return Ok((job, false));
    }
    let line = line(w, id)?;
    let begun = || line.iter().filter(|job| job.started_at.is_some());
    // What is waiting with words of its own may come first: nothing is put before what has started.
    let position = begun().map(|job| job.position).max().unwrap_or(0);
    let mut spec = JobSpec { job_type: JobType::Chat, context: text.to_owned(), ..JobSpec::default() };
    for job in begun().rev().filter(|job| job.spec.job_type != JobType::Pm) {
        let attempts =
            rows::attempts_where(w, "WHERE job_id = $1 AND session_id IS NOT NULL ORDER BY number DESC LIMIT 1", values![job.id])?;
        let Some(attempt) = attempts.into_iter().next() else { continue };
        spec = JobSpec {
            harness: Some(attempt.harness),
            worker: Some(job.worker.clone()),
            model: job.spec.model.clone(),
            program: job.spec.program.clone(),
            script: job.spec.script.clone(),
            timeout_secs: job.spec.timeout_secs,
            idle_timeout_secs: job.spec.idle_timeout_secs,
            resumes: Some(job.id),
            ..spec
        };
        break;
    }
    check_specs(std::slice::from_ref(&spec))?;
    if world::harness_of(w, facts, &spec, &assignment)? == Harness::Command {
        return Err(StoreError::Conflict(format!(
            "the agent of {id} is a program (harness command), which cannot be spoken to: it would run once more from its beginning; \
             run its job again with windlass retry, or insert a job for another agent with windlass insert-job"
        )));
    }
    if assignment.status != AssignmentStatus::Active {
        moves::move_assignment(w, &mut assignment, AssignmentMove::Activate, None, json!({ "by": by }))?;
        rows::save_assignment(w, &mut assignment)?;
    }
    let job = put_behind(w, &assignment, position, vec![(spec, None)], &json!({ "by": by }))?.pop();
    let job = job.ok_or_else(|| StoreError::Internal("the follow-up was not put into the line".to_owned()))?;
    if let Some(key) = key {
        w.execute("UPDATE jobs SET replay_key = $2 WHERE id = $1", values![job.id, key])?;
    }
    Ok((job, true))
}

impl Store {
    /// Asks the assignment's agent something more: a `chat` job in the session of its last job that had one. An assignment that is over or
    /// blocked goes on with it. The same key asks once; gives the job, and whether it was made now. Refused where the agent, on a node with
    /// these facts, would be a program.
    pub async fn follow_up(
        &self,
        id: AssignmentId,
        text: String,
        key: Option<String>,
        facts: NodeFacts,
        by: String,
    ) -> Result<(Job, bool)> {
        self.promise(move |w| follow_up(w, id, &text, key.as_deref(), &facts, &by)).await
    }

    /// An assignment's jobs, by position.
    pub async fn line(&self, id: AssignmentId) -> Result<Vec<Job>> {
        self.read(move |w| {
            rows::assignment(w, id)?;
            line(w, id)
        })
        .await
    }

    /// Puts jobs into a line: behind `after`, or at its end.
    pub async fn insert_jobs(&self, id: AssignmentId, after: Option<JobId>, specs: Vec<JobSpec>, by: String) -> Result<Vec<Job>> {
        self.promise(move |w| insert(w, id, after, &specs, &by)).await
    }
}
