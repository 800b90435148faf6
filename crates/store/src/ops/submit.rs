//! Submission: an assignment and its line in one transaction, once per key.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_types::{
    Assignment, AssignmentId, AssignmentStatus, Budget, EventKind, Ids, Job, JobId, JobSpec, Policy, Spent, is_valid_name,
};

use super::{locks, moves, projects, rows};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};
use crate::store::Store;

/// The most jobs a line can have.
pub(crate) const LINE_MAX: usize = 1000;
/// The longest text somebody may give, in bytes.
const TEXT_MAX: usize = 1024 * 1024;

/// An assignment that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Names it once: a second submission with the same key gives the first one's assignment.
    pub key: Option<String>,
    /// The project; it must exist.
    pub project: String,
    /// What somebody wants.
    pub north_star: String,
    /// Where it came from: `cli`, `api`, `file`, …
    pub source: String,
    /// The rules it is run by.
    pub policy: Policy,
    /// Its limits; those of its project hold where it names none.
    pub budget: Budget,
    /// Limits that hold where neither it nor its project names any.
    pub node_budget: Budget,
    /// Higher runs first.
    pub priority: i32,
    /// The branch its work starts from, if not the project's.
    pub base_branch: Option<String>,
    /// Its line, in order; may be empty.
    pub jobs: Vec<JobSpec>,
    /// Who asks.
    pub by: String,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    /// The assignment, new or known.
    pub assignment: Assignment,
    /// Its line.
    pub jobs: Vec<Job>,
    /// Whether it is new.
    pub created: bool,
}

/// Refuses job specifications that no line can have.
pub(crate) fn check_specs(specs: &[JobSpec]) -> Result<()> {
    for spec in specs {
        if let Some(worker) = &spec.worker
            && !is_valid_name(worker)
        {
            return Err(StoreError::Invalid(format!(
                "{worker:?} cannot be a worker's name: use a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -"
            )));
        }
        let longest = [Some(&spec.context), spec.script.as_ref(), spec.program.as_ref()].into_iter().flatten().map(String::len).max();
        if longest.unwrap_or(0) > TEXT_MAX {
            return Err(StoreError::Invalid(format!("a job's text is longer than {TEXT_MAX} bytes: put it in a file of the repository")));
        }
    }
    Ok(())
}

fn check(submission: &Submission) -> Result<()> {
    if submission.north_star.trim().is_empty() || submission.north_star.len() > TEXT_MAX {
        return Err(StoreError::Invalid(format!("an assignment says what is wanted in 1 to {TEXT_MAX} bytes")));
    }
    if submission.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 512) {
        return Err(StoreError::Invalid("a submission's key has 1 to 512 bytes".to_owned()));
    }
    if submission.jobs.len() > LINE_MAX {
        return Err(StoreError::Invalid(format!("a line has at most {LINE_MAX} jobs: divide it into several assignments")));
    }
    locks::check(&submission.policy)?;
    check_specs(&submission.jobs)
}

fn known(w: &mut Work<'_>, key: &str) -> Result<Option<Submitted>> {
    let Some(assignment) = rows::assignments_where(w, "WHERE submission_key = $1", values![key])?.pop() else {
        return Ok(None);
    };
    let jobs = rows::jobs_where(w, "WHERE assignment_id = $1 ORDER BY position, id", values![assignment.id])?;
    Ok(Some(Submitted { assignment, jobs, created: false }))
}

/// What the submissions of one call share.
pub(crate) struct Batch {
    /// New ids in rising order: what is made at the same instant is claimed and listed in the order in which it was given.
    assignments: std::vec::IntoIter<AssignmentId>,
    jobs: std::vec::IntoIter<JobId>,
    /// The limits of the projects found so far.
    budgets: BTreeMap<String, Budget>,
}

impl Batch {
    pub(crate) fn new<'a>(ids: &Ids, submissions: impl Iterator<Item = &'a Submission> + Clone) -> Self {
        let mut assignments: Vec<_> = submissions.clone().map(|_| ids.assignment()).collect();
        let mut jobs: Vec<_> = submissions.flat_map(|submission| &submission.jobs).map(|_| ids.job()).collect();
        assignments.sort_unstable();
        jobs.sort_unstable();
        Self { assignments: assignments.into_iter(), jobs: jobs.into_iter(), budgets: BTreeMap::new() }
    }

    /// The limits of a project, which must exist.
    fn budget_of(&mut self, w: &mut Work<'_>, project: &str) -> Result<Budget> {
        if let Some(budget) = self.budgets.get(project) {
            return Ok(*budget);
        }
        let found = projects::find(w, project)?.ok_or_else(|| StoreError::not_found("project", project))?;
        self.budgets.insert(project.to_owned(), found.settings.budget);
        Ok(found.settings.budget)
    }
}

pub(crate) fn submit_one(w: &mut Work<'_>, submission: &Submission, batch: &mut Batch) -> Result<Submitted> {
    check(submission)?;
    if let Some(key) = &submission.key
        && let Some(known) = known(w, key)?
    {
        return Ok(known);
    }
    let of_project = batch.budget_of(w, &submission.project)?;
    let now = w.now()?;
    let assignment = Assignment {
        id: batch.assignments.next().unwrap_or_else(|| w.ids.assignment()),
        project: submission.project.clone(),
        north_star: submission.north_star.clone(),
        source: submission.source.clone(),
        status: AssignmentStatus::Active,
        block: None,
        status_reason: None,
        policy: submission.policy.clone(),
        budget: submission.budget.or(of_project).or(submission.node_budget),
        spent: Spent::default(),
        inserted_jobs: 0,
        priority: submission.priority,
        branch: None,
        base_branch: submission.base_branch.clone(),
        base_commit: None,
        head_commit: None,
        pull_request: None,
        created_at: now,
        updated_at: now,
        ended_at: None,
    };
    if !rows::insert_assignment(w, &assignment, submission.key.as_deref())? {
        // Another node was quicker with the same key.
        let key = submission.key.as_deref().unwrap_or_default();
        return known(w, key)?.ok_or_else(|| StoreError::Internal("a known key has no assignment".to_owned()));
    }
    locks::write(w, assignment.id, &assignment.project, &assignment.policy)?;
    let data = json!({ "status": "active", "source": assignment.source, "by": submission.by });
    w.event(moves::about(EventKind::AssignmentCreated, &assignment, data));
    let mut jobs = Vec::with_capacity(submission.jobs.len());
    for (spec, position) in submission.jobs.iter().zip(1..) {
        let id = batch.jobs.next().unwrap_or_else(|| w.ids.job());
        let job = rows::new_job(id, &assignment, position, spec.clone(), None, now);
        moves::put_in_line(w, &job, &assignment.policy, json!({ "by": submission.by }))?;
        jobs.push(job);
    }
    Ok(Submitted { assignment, jobs, created: true })
}

impl Store {
    /// Makes assignments with their lines: all of them or, on an error, none. A known key gives what it made before.
    pub async fn submit(&self, submissions: Vec<Submission>) -> Result<Vec<Submitted>> {
        self.promise(move |w| {
            let mut batch = Batch::new(w.ids, submissions.iter());
            submissions.iter().map(|submission| submit_one(w, submission, &mut batch)).collect()
        })
        .await
    }
}
