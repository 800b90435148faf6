//! The one place where a status changes: by the pure rule, with its event in the same transaction.

use serde_json::{Value as Json, json};
use windlass_types::{Assignment, AssignmentMove, AssignmentStatus, Block, EventKind, Job, JobMove, Policy};

use super::rows::insert_job;
use super::{blocked, branches, callbacks};
use crate::error::Result;
use crate::sql::{NewEvent, Work};

/// An event about an assignment.
pub(crate) fn about(kind: EventKind, assignment: &Assignment, data: Json) -> NewEvent {
    NewEvent { kind, project: Some(assignment.project.clone()), assignment: Some(assignment.id), job: None, attempt: None, data }
}

/// An event about a job.
pub(crate) fn about_job(kind: EventKind, job: &Job, data: Json) -> NewEvent {
    NewEvent { kind, project: Some(job.project.clone()), assignment: Some(job.assignment_id), job: Some(job.id), attempt: None, data }
}

/// Puts `more`'s fields into `data`.
pub(crate) fn with(mut data: Json, more: Json) -> Json {
    if let (Json::Object(data), Json::Object(more)) = (&mut data, more) {
        data.extend(more.into_iter().filter(|(_, v)| !v.is_null()));
    }
    data
}

/// Moves a job; the caller saves it.
pub(crate) fn move_job(w: &mut Work<'_>, job: &mut Job, by: JobMove, data: Json) -> Result<()> {
    let from = job.status;
    job.status = from.next(by)?;
    job.ended_at = if job.status.is_final() { Some(w.now()?) } else { None };
    let base = json!({ "status": job.status.as_str(), "from": from.as_str() });
    let event = about_job(EventKind::JobStatus, job, with(base, data));
    w.event(event);
    Ok(())
}

/// Moves an assignment; the caller saves it.
pub(crate) fn move_assignment(w: &mut Work<'_>, a: &mut Assignment, by: AssignmentMove, block: Option<Block>, data: Json) -> Result<()> {
    let from = a.status;
    a.status = from.next(by)?;
    let before = std::mem::replace(&mut a.block, block.filter(|_| a.status == AssignmentStatus::Blocked));
    a.status_reason = None;
    blocked::follow(w, a, before.as_ref())?;
    a.ended_at = match a.status {
        AssignmentStatus::Complete | AssignmentStatus::Cancelled => Some(w.now()?),
        AssignmentStatus::Active | AssignmentStatus::Blocked => None,
    };
    let mut base = json!({ "status": a.status.as_str(), "from": from.as_str() });
    if let Some(block) = &a.block {
        base = with(base, json!({ "block": block }));
    }
    let event = about(EventKind::AssignmentStatus, a, with(base, data));
    w.event(event);
    if a.status != from {
        callbacks::ended(w, a)?;
    }
    branches::follow(w, a, by)
}

/// Puts a new job in the line.
pub(crate) fn put_in_line(w: &mut Work<'_>, job: &Job, policy: &Policy, data: Json) -> Result<()> {
    insert_job(w, job, policy)?;
    let base = json!({
        "status": job.status.as_str(),
        "type": job.spec.job_type.as_str(),
        "position": job.position,
        "worker": job.worker,
    });
    w.event(about_job(EventKind::JobInserted, job, with(base, data)));
    Ok(())
}
