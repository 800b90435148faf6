//! The list of work: assignments with the job that matters now, and why each stands as it does.
//!
//! Work that wants attention comes first: the list is a row of segments, each in an order that does not change while work goes on.

use std::collections::BTreeMap;

use windlass_types::{
    Assignment, AssignmentId, AssignmentStatus, Harness, Hold, HoldKind, JobStatus, Project, StageStatus, Timestamp, WorkItem, WorkJob,
    WorkStatus, hold, needs_a_person, title_of, why,
};

use super::claim::NodeFacts;
use super::page::{Conditions, Page, bounded};
use super::rows::{self, JobRow};
use super::world::{Ground, project_of, world};
use crate::error::{Result, StoreError};
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// How many titles a search looks at, the newest.
const SEARCH_MAX: i64 = 20_000;

/// Which work a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkFilter {
    /// That of one project.
    pub project: Option<String>,
    /// That of any of these statuses; all, when empty.
    pub status: Vec<WorkStatus>,
    /// That of one source.
    pub source: Option<String>,
    /// That was made at this time or later.
    pub since: Option<Timestamp>,
    /// That was made before this time.
    pub until: Option<Timestamp>,
}

/// The order of a list of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WorkSort {
    /// What is blocked, runs, waits, is idle, and is over, in this order; in each by priority, then the newest first.
    #[default]
    Attention,
    /// The newest first.
    Newest,
}

/// How much work there is of each status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkCounts {
    /// By status; every status is there.
    pub statuses: BTreeMap<WorkStatus, u64>,
    /// Jobs by status; every status is there.
    pub jobs: BTreeMap<JobStatus, u64>,
}

/// What a search looks through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTitle {
    /// Whose.
    pub id: AssignmentId,
    /// Its title, project, branch and source.
    pub text: String,
}

const RUNS: &str = "id IN (SELECT assignment_id FROM jobs WHERE status = 'running')";
const WAITS: &str = "EXISTS (SELECT 1 FROM jobs WHERE assignment_id = assignments.id AND status = 'queued')";

/// SQL for one status.
fn is(status: WorkStatus) -> String {
    match status {
        WorkStatus::Blocked => "status = 'blocked'".to_owned(),
        WorkStatus::Running => format!("status = 'active' AND {RUNS}"),
        WorkStatus::Waiting => format!("status = 'active' AND NOT {RUNS} AND {WAITS}"),
        WorkStatus::Idle => format!("status = 'active' AND NOT {RUNS} AND NOT {WAITS}"),
        WorkStatus::Complete => "status = 'complete'".to_owned(),
        WorkStatus::Cancelled => "status = 'cancelled'".to_owned(),
    }
}

/// The pieces of a list, in its order: the statuses of each, and whether priority counts in it.
fn segments(filter: &WorkFilter, sort: WorkSort) -> Vec<(Vec<WorkStatus>, bool)> {
    let wanted = |status: &WorkStatus| filter.status.is_empty() || filter.status.contains(status);
    let all: &[(&[WorkStatus], bool)] = match sort {
        WorkSort::Attention => &[
            (&[WorkStatus::Blocked], true),
            (&[WorkStatus::Running], true),
            (&[WorkStatus::Waiting], true),
            (&[WorkStatus::Idle], true),
            (&[WorkStatus::Complete, WorkStatus::Cancelled], false),
        ],
        WorkSort::Newest => &[(&WorkStatus::ALL, false)],
    };
    all.iter().map(|(statuses, by_priority)| (statuses.iter().copied().filter(wanted).collect(), *by_priority)).collect()
}

fn conditions(filter: &WorkFilter, statuses: &[WorkStatus]) -> Conditions {
    let mut c = Conditions::default();
    c.and_if("project = ?", filter.project.as_deref());
    c.and_if("source = ?", filter.source.as_deref());
    c.and_if("created_at >= ?", filter.since);
    c.and_if("created_at < ?", filter.until);
    if statuses.len() < WorkStatus::ALL.len() {
        let any: Vec<String> = statuses.iter().map(|status| format!("({})", is(*status))).collect();
        c.and(&format!("({})", any.join(" OR ")), []);
    }
    c
}

/// Where a page ended: its segment, and the last row's priority and id.
struct Place {
    segment: usize,
    priority: i32,
    id: AssignmentId,
}

fn place(cursor: &str) -> Option<Place> {
    let mut parts = cursor.splitn(3, '.');
    let (segment, priority, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Place { segment: segment.parse().ok()?, priority: priority.parse().ok()?, id: id.parse().ok()? })
}

fn list(
    w: &mut Work<'_>,
    filter: &WorkFilter,
    sort: WorkSort,
    facts: &NodeFacts,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<WorkItem>> {
    let limit = bounded(limit) as usize;
    let from = match cursor {
        Some(text) => {
            Some(place(text).ok_or_else(|| StoreError::Invalid("the cursor is not one of this list: begin without one".to_owned()))?)
        }
        None => None,
    };
    let mut found: Vec<(usize, Assignment)> = Vec::new();
    let first = from.as_ref().map_or(0, |place| place.segment);
    for (number, (statuses, by_priority)) in segments(filter, sort).into_iter().enumerate().skip(first) {
        if statuses.is_empty() {
            continue;
        }
        let mut c = conditions(filter, &statuses);
        if let Some(place) = from.as_ref().filter(|place| place.segment == number) {
            if by_priority {
                c.and("(priority < ? OR (priority = ? AND id < ?))", [place.priority.into(), place.priority.into(), place.id.into()]);
            } else {
                c.and("id < ?", [place.id.into()]);
            }
        }
        let size = c.push(Value::Int((limit + 1 - found.len()) as i64));
        let order = if by_priority { "priority DESC, id DESC" } else { "id DESC" };
        let rest = format!("{} ORDER BY {order} LIMIT {size}", c.text());
        found.extend(rows::assignments_where(w, &rest, &c.params)?.into_iter().map(|assignment| (number, assignment)));
        if found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(|(segment, last)| format!("{segment}.{}.{}", last.priority, last.id));
    let mut maker = Maker::new(w, facts)?;
    let items = found.into_iter().map(|(_, assignment)| maker.item(w, assignment)).collect::<Result<_>>()?;
    Ok(Page { items, next_cursor })
}

/// Makes rows, remembering what many of them share.
struct Maker<'a> {
    facts: &'a NodeFacts,
    ground: Ground,
    projects: BTreeMap<String, Project>,
}

impl<'a> Maker<'a> {
    fn new(w: &mut Work<'_>, facts: &'a NodeFacts) -> Result<Self> {
        Ok(Self { facts, ground: Ground::read(w)?, projects: BTreeMap::new() })
    }

    fn item(&mut self, w: &mut Work<'_>, assignment: Assignment) -> Result<WorkItem> {
        let id = assignment.id;
        let next = "WHERE assignment_id = $1 ORDER BY CASE status WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, \
             CASE WHEN status IN ('running', 'queued') THEN position ELSE -position END LIMIT 1";
        let row = rows::brief_job_rows(w, next, values![id])?.pop();
        let counted = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN status IN ('queued', 'running') THEN 0 ELSE 1 END), 0) FROM jobs WHERE assignment_id = $1";
        let (jobs_total, jobs_over) = match w.first(counted, values![id])? {
            Some(mut row) => (row.int()?, row.int()?),
            None => (0, 0),
        };
        let status = WorkStatus::of(assignment.status, row.as_ref().map(|row| row.job.status));
        let hold = match &row {
            Some(row) if status == WorkStatus::Waiting => self.hold(w, row, &assignment)?,
            _ => None,
        };
        let job = row.map(|row| work_job(w, row)).transpose()?;
        let last_word = match (&assignment.status_reason, status) {
            (Some(reason), _) => Some(reason.clone()),
            (None, WorkStatus::Complete) => last_word(w, id)?,
            (None, _) => None,
        };
        let why = why(status, assignment.block.as_ref(), job.as_ref(), hold.as_ref(), last_word.as_deref());
        Ok(WorkItem {
            kind: "assignment".to_owned(),
            id,
            title: title_of(&assignment.north_star),
            project: assignment.project,
            source: assignment.source,
            status,
            priority: assignment.priority,
            summary: why.summary,
            until: why.until,
            action: why.action,
            needs_you: status == WorkStatus::Blocked || hold.as_ref().is_some_and(|hold| needs_a_person(hold.kind)),
            hold: hold.map(|hold| hold.kind),
            job,
            jobs_total,
            jobs_over,
            branch: assignment.branch,
            pull_request: assignment.pull_request,
            spent: assignment.spent,
            budget: assignment.budget,
            created_at: assignment.created_at,
            updated_at: assignment.updated_at,
            ended_at: assignment.ended_at,
        })
    }

    fn hold(&mut self, w: &mut Work<'_>, row: &JobRow, assignment: &Assignment) -> Result<Option<Hold>> {
        // Jobs are many and projects few.
        if !self.projects.contains_key(&row.job.project) {
            self.projects.insert(row.job.project.clone(), project_of(w, row)?);
        }
        let Some(project) = self.projects.get(&row.job.project) else { return Ok(None) };
        Ok(hold(&world(w, self.facts, &self.ground, row, assignment, project)?))
    }
}

fn work_job(w: &mut Work<'_>, row: JobRow) -> Result<WorkJob> {
    let job = row.job;
    let last = "SELECT id, harness, started_at FROM attempts WHERE job_id = $1 ORDER BY number DESC LIMIT 1";
    let (attempt_id, harness, started_at) = match w.first(last, values![job.id])? {
        Some(mut row) => (Some(row.word()?), Some(row.word::<Harness>()?), Some(row.time()?)),
        None => (None, job.spec.harness, None),
    };
    let mut stage = None;
    if let Some(attempt) = attempt_id.filter(|_: &windlass_types::AttemptId| job.status == JobStatus::Running) {
        let running = format!(
            "SELECT stage, iteration FROM stages WHERE attempt_id = $1 AND status = '{}' ORDER BY number DESC LIMIT 1",
            StageStatus::Running
        );
        stage = w.first(&running, values![attempt])?.map(|mut row| Ok::<_, StoreError>((row.word()?, row.int()?))).transpose()?;
    }
    Ok(WorkJob {
        id: job.id,
        job_type: job.spec.job_type,
        worker: job.worker,
        harness,
        status: job.status,
        phase: job.phase,
        progress: job.progress,
        message: job.message,
        attempts: job.attempts,
        attempt_id,
        stage: stage.map(|(stage, _)| stage),
        iteration: stage.map(|(_, iteration)| iteration),
        started_at,
        ended_at: job.ended_at,
    })
}

/// The reason of the assignment's last verdict.
fn last_word(w: &mut Work<'_>, id: AssignmentId) -> Result<Option<String>> {
    Ok(super::verdicts::all(w, id)?.pop().map(|record| record.verdict.reason().to_owned()))
}

fn counts(w: &mut Work<'_>, project: Option<&str>) -> Result<WorkCounts> {
    let mut counts = WorkCounts {
        statuses: WorkStatus::ALL.into_iter().map(|status| (status, 0)).collect(),
        jobs: JobStatus::ALL.into_iter().map(|status| (status, 0)).collect(),
    };
    let mut c = Conditions::default();
    c.and_if("project = ?", project);
    let mut active = 0;
    for mut row in w.query(&format!("SELECT status, COUNT(*) FROM assignments{} GROUP BY status", c.text()), &c.params)? {
        let (status, count): (AssignmentStatus, u64) = (row.word()?, row.int()?);
        match WorkStatus::of(status, None) {
            WorkStatus::Idle => active = count,
            status => drop(counts.statuses.insert(status, count)),
        }
    }
    for mut row in w.query(&format!("SELECT status, COUNT(*) FROM jobs{} GROUP BY status", c.text()), &c.params)? {
        counts.jobs.insert(row.word()?, row.int()?);
    }
    for status in [WorkStatus::Running, WorkStatus::Waiting] {
        let filter = WorkFilter { project: project.map(str::to_owned), ..WorkFilter::default() };
        let c = conditions(&filter, &[status]);
        let found = w.first(&format!("SELECT COUNT(*) FROM assignments{}", c.text()), &c.params)?;
        let count = found.map_or(Ok(0), |mut row| row.int::<u64>())?;
        counts.statuses.insert(status, count);
        active -= count.min(active);
    }
    counts.statuses.insert(WorkStatus::Idle, active);
    Ok(counts)
}

fn titles(w: &mut Work<'_>, filter: &WorkFilter) -> Result<Vec<WorkTitle>> {
    let statuses = if filter.status.is_empty() { WorkStatus::ALL.to_vec() } else { filter.status.clone() };
    let mut c = conditions(filter, &statuses);
    let size = c.push(Value::Int(SEARCH_MAX));
    let sql = format!(
        "SELECT id, SUBSTR(north_star, 1, 400), project, branch, source FROM assignments{} ORDER BY id DESC LIMIT {size}",
        c.text()
    );
    w.query(&sql, &c.params)?
        .into_iter()
        .map(|mut row| {
            let (id, north_star): (AssignmentId, String) = (row.word()?, row.text()?);
            let (project, branch, source) = (row.text()?, row.opt_text()?.unwrap_or_default(), row.text()?);
            Ok(WorkTitle { text: format!("{} {project} {branch} {source} {id}", title_of(&north_star)), id })
        })
        .collect()
}

/// Waiting work that nothing but a person gets going, of the first that are due.
fn stuck(w: &mut Work<'_>, facts: &NodeFacts, project: Option<&str>, limit: u32) -> Result<Vec<(WorkItem, HoldKind)>> {
    let mut c = Conditions::default();
    c.and("status = 'queued'", []);
    c.and_if("project = ?", project);
    let size = c.push(Value::from(limit));
    let rest = format!("{} ORDER BY due_at, id LIMIT {size}", c.text());
    let mut maker = Maker::new(w, facts)?;
    let mut found = Vec::new();
    for row in rows::brief_job_rows(w, &rest, &c.params)? {
        let assignment = rows::assignment(w, row.job.assignment_id)?;
        if assignment.status != AssignmentStatus::Active {
            continue;
        }
        let Some(hold) = maker.hold(w, &row, &assignment)? else { continue };
        if needs_a_person(hold.kind) {
            found.push((maker.item(w, assignment)?, hold.kind));
        }
    }
    Ok(found)
}

impl Store {
    /// A page of work, each with the reason why it stands as it does on these nodes.
    pub async fn work(
        &self,
        filter: WorkFilter,
        sort: WorkSort,
        facts: NodeFacts,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page<WorkItem>> {
        self.read(move |w| list(w, &filter, sort, &facts, cursor.as_deref(), limit)).await
    }

    /// These pieces of work, in this order; those that are gone are left out.
    pub async fn work_of(&self, ids: Vec<AssignmentId>, facts: NodeFacts) -> Result<Vec<WorkItem>> {
        self.read(move |w| {
            let mut maker = Maker::new(w, &facts)?;
            let mut items = Vec::with_capacity(ids.len());
            for id in &ids {
                if let Some(assignment) = rows::assignments_where(w, "WHERE id = $1", values![*id])?.pop() {
                    items.push(maker.item(w, assignment)?);
                }
            }
            Ok(items)
        })
        .await
    }

    /// What a search looks through: the newest 20,000 pieces of work that pass the filter.
    pub async fn work_titles(&self, filter: WorkFilter) -> Result<Vec<WorkTitle>> {
        self.read(move |w| titles(w, &filter)).await
    }

    /// How much work there is of each status.
    pub async fn work_counts(&self, project: Option<String>) -> Result<WorkCounts> {
        self.read(move |w| counts(w, project.as_deref())).await
    }

    /// Waiting work that nothing but a person gets going, and what holds it, of the first `limit` jobs that are due.
    pub async fn stuck_work(&self, facts: NodeFacts, project: Option<String>, limit: u32) -> Result<Vec<(WorkItem, HoldKind)>> {
        self.read(move |w| stuck(w, &facts, project.as_deref(), limit)).await
    }
}
