//! Assignments: looked at, moved by people, limited.

use serde_json::json;
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, Block, Budget, EventKind, Job, JobMove, JobStatus, JobType, Task,
    VerdictRecord,
};

use super::page::{Conditions, Page, bounded, page, parse_cursor};
use super::rows::{self, JobRow};
use super::{line, moves, tasks, verdicts};
use crate::error::{Result, StoreError};
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// Which assignments a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignmentFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of any of these statuses; all, when empty.
    pub status: Vec<AssignmentStatus>,
    /// Those whose north star has this text, in any case.
    pub text: Option<String>,
}

fn list(w: &mut Work<'_>, filter: &AssignmentFilter, cursor: Option<&str>, limit: u32) -> Result<Page<Assignment>> {
    let limit = bounded(limit);
    let mut conditions = Conditions::default();
    conditions.and_if("project = ?", filter.project.as_deref());
    conditions.one_of("status", filter.status.iter().map(|s| s.as_str()));
    if let Some(text) = &filter.text {
        let pattern = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        conditions.and("LOWER(north_star) LIKE LOWER(?) ESCAPE '\\'", [Value::Text(format!("%{pattern}%"))]);
    }
    conditions.and_if("id < ?", parse_cursor::<AssignmentId>(cursor)?);
    let size = conditions.push(Value::from(limit + 1));
    let rest = format!("{} ORDER BY id DESC LIMIT {size}", conditions.text());
    Ok(page(rows::assignments_where(w, &rest, &conditions.params)?, limit, |a| a.id.to_string()))
}

/// Cancels a queued job, or asks the worker of a running one to stop.
pub(crate) fn cancel(w: &mut Work<'_>, row: &mut JobRow, by: &str) -> Result<()> {
    if row.job.status == JobStatus::Running {
        if row.job.cancel_requested {
            return Ok(());
        }
        row.job.cancel_requested = true;
        let data = json!({ "status": "running", "cancel_requested": true, "by": by });
        w.event(moves::about_job(EventKind::JobStatus, &row.job, data));
    } else {
        moves::move_job(w, &mut row.job, JobMove::Cancel, json!({ "by": by }))?;
        row.job.park = None;
    }
    rows::save_job(w, row)
}

/// The job that a pm job should judge when a line that has come to rest is opened again.
fn last_ended(line: &[Job]) -> Option<&Job> {
    let ended = |job: &&Job| job.status.is_final();
    line.iter().rev().filter(ended).find(|job| job.spec.job_type != JobType::Pm).or_else(|| line.iter().rev().find(ended))
}

fn move_by_person(
    w: &mut Work<'_>,
    id: AssignmentId,
    mv: AssignmentMove,
    block: Option<&Block>,
    reason: Option<&str>,
    by: &str,
) -> Result<Assignment> {
    let mut assignment = rows::lock_assignment(w, id)?;
    if mv == AssignmentMove::Block && block.is_none() {
        return Err(StoreError::Invalid("a block says who has to act, and on what".to_owned()));
    }
    moves::move_assignment(w, &mut assignment, mv, block.cloned(), json!({ "by": by, "reason": reason }))?;
    assignment.status_reason = reason.map(str::to_owned);
    rows::save_assignment(w, &mut assignment)?;
    match mv {
        AssignmentMove::Cancel => {
            let rest = format!("WHERE assignment_id = $1 AND status IN ('queued', 'running') ORDER BY position, id{}", w.dialect().lock());
            for mut row in rows::job_rows(w, &rest, values![id])? {
                cancel(w, &mut row, by)?;
            }
        }
        AssignmentMove::Activate if assignment.policy.review => {
            let line = line::line(w, id)?;
            let at_rest = line.iter().all(|job| job.status.is_final());
            if let (true, Some(ended), Some(last)) = (at_rest, last_ended(&line), line.last()) {
                line::put_review(w, &assignment, last.position, ended.id)?;
            }
        }
        AssignmentMove::Activate | AssignmentMove::Block | AssignmentMove::Complete => {}
    }
    Ok(assignment)
}

fn limit(w: &mut Work<'_>, id: AssignmentId, budget: Budget, by: &str) -> Result<Assignment> {
    let mut assignment = rows::lock_assignment(w, id)?;
    assignment.budget = budget;
    rows::save_assignment(w, &mut assignment)?;
    let data = json!({ "status": assignment.status.as_str(), "budget": budget, "by": by });
    w.event(moves::about(EventKind::AssignmentStatus, &assignment, data));
    Ok(assignment)
}

/// An assignment with what belongs to it, all of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeAssignment {
    /// The assignment.
    pub assignment: Assignment,
    /// Its jobs, by place in the line.
    pub jobs: Vec<Job>,
    /// The verdicts applied so far.
    pub verdicts: Vec<VerdictRecord>,
    /// The task file that it was made of, if it was.
    pub task: Option<Task>,
}

impl Store {
    /// One assignment with its line, its verdicts and its task, as they were at one moment.
    pub async fn whole_assignment(&self, id: AssignmentId) -> Result<WholeAssignment> {
        self.read(move |w| {
            let assignment = rows::assignment(w, id)?;
            let task = if assignment.source == "file" { tasks::of(w, id)? } else { None };
            Ok(WholeAssignment { jobs: line::line(w, id)?, verdicts: verdicts::all(w, id)?, assignment, task })
        })
        .await
    }

    /// One assignment.
    pub async fn assignment(&self, id: AssignmentId) -> Result<Assignment> {
        self.read(move |w| rows::assignment(w, id)).await
    }

    /// Assignments, the newest first.
    pub async fn assignments(&self, filter: AssignmentFilter, cursor: Option<String>, limit: u32) -> Result<Page<Assignment>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// Moves an assignment by a person's word. Cancelling ends its queued jobs and asks a running one to stop; activating one that has
    /// come to rest and is reviewed inserts a pm job.
    pub async fn move_assignment(&self, id: AssignmentId, by_move: AssignmentMove, block: Option<Block>, by: String) -> Result<Assignment> {
        self.promise(move |w| move_by_person(w, id, by_move, block.as_ref(), None, &by)).await
    }

    /// The same for one that is not blocked by it, with what the person says of why: it is kept until the next move.
    pub async fn move_assignment_because(
        &self,
        id: AssignmentId,
        by_move: AssignmentMove,
        reason: Option<String>,
        by: String,
    ) -> Result<Assignment> {
        self.promise(move |w| move_by_person(w, id, by_move, None, reason.as_deref(), &by)).await
    }

    /// Gives an assignment other limits.
    pub async fn set_budget(&self, id: AssignmentId, budget: Budget, by: String) -> Result<Assignment> {
        self.promise(move |w| limit(w, id, budget, &by)).await
    }
}
