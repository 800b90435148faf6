//! File locks: written with the submission, held while a job of their assignment that may change files runs.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_types::{
    AssignmentId, AttemptId, EventKind, FileLock, Job, JobId, JobType, LockConflict, LockPattern, LockStatus, Policy, Timestamp, Token,
    count, parse_locks,
};

use super::page::{Conditions, Page, bounded, page};
use super::{attempts, guard};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, values};
use crate::store::Store;

/// The most files that one assignment's agents can add to its locks.
const TOUCHED_MAX: i64 = 2000;
/// The most files that a notice names.
const NAMED_MAX: usize = 50;

/// Which locks a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of one assignment.
    pub assignment: Option<AssignmentId>,
}

/// Refuses patterns that cannot be locked.
pub(crate) fn check(policy: &Policy) -> Result<()> {
    parse_locks(policy.locks.iter().map(String::as_str)).map(drop).map_err(|e| StoreError::Invalid(e.to_string()))
}

/// Writes a new assignment's locks.
pub(crate) fn write(w: &mut Work<'_>, id: AssignmentId, project: &str, policy: &Policy) -> Result<()> {
    for (number, pattern) in (1_i64..).zip(&policy.locks) {
        insert(w, id, number, project, false, pattern)?;
    }
    Ok(())
}

fn insert(w: &mut Work<'_>, id: AssignmentId, number: i64, project: &str, touched: bool, pattern: &str) -> Result<()> {
    w.execute(
        "INSERT INTO file_locks (assignment_id, number, project, touched, pattern) VALUES ($1, $2, $3, $4, $5)",
        values![id, number, project, touched, pattern],
    )?;
    Ok(())
}

/// Whether anybody locks anything: where nobody does, nothing more is asked.
pub(crate) fn are_used(w: &mut Work<'_>) -> Result<bool> {
    Ok(w.first("SELECT 1 FROM file_locks LIMIT 1", &[])?.is_some())
}

fn read_pattern(row: &mut Row) -> Result<Option<LockPattern>> {
    let (touched, text) = (row.flag()?, row.text()?);
    // A later version may know patterns that this one does not.
    Ok(if touched { Some(LockPattern::of_path(&text)) } else { LockPattern::parse(&text).ok() })
}

/// The locks of some assignments.
pub(crate) fn of(w: &mut Work<'_>, assignments: &[AssignmentId]) -> Result<BTreeMap<AssignmentId, Vec<LockPattern>>> {
    let mut found: BTreeMap<AssignmentId, Vec<LockPattern>> = BTreeMap::new();
    for some in assignments.chunks(500) {
        let places = (1..=some.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT assignment_id, touched, pattern FROM file_locks WHERE assignment_id IN ({places}) ORDER BY assignment_id, number"
        );
        let params: Vec<Value> = some.iter().map(|id| Value::from(*id)).collect();
        for mut row in w.query(&sql, &params)? {
            let id = row.word()?;
            found.entry(id).or_default().extend(read_pattern(&mut row)?);
        }
    }
    Ok(found)
}

/// Locks of running jobs.
#[derive(Debug, Default)]
pub(crate) struct Held(BTreeMap<String, Vec<HeldBy>>);

#[derive(Debug)]
struct HeldBy {
    assignment: AssignmentId,
    job: JobId,
    pattern: LockPattern,
}

impl Held {
    /// All that is held; of one project, where only that matters.
    pub(crate) fn read(w: &mut Work<'_>, project: Option<&str>) -> Result<Self> {
        let of_project = if project.is_some() { " AND j.project = $1" } else { "" };
        let sql = format!(
            "SELECT j.project, j.assignment_id, j.id, j.job_type, l.touched, l.pattern FROM jobs j{} CROSS JOIN file_locks l \
             WHERE j.status = 'running'{of_project} AND l.assignment_id = j.assignment_id ORDER BY j.assignment_id, l.number",
            w.dialect().by_index("jobs_one_running")
        );
        let mut held = Self::default();
        let params: Vec<Value> = project.into_iter().map(Value::from).collect();
        for mut row in w.query(&sql, &params)? {
            let (project, assignment, job): (String, AssignmentId, JobId) = (row.text()?, row.word()?, row.word()?);
            if row.word::<JobType>()?.may_change()
                && let Some(pattern) = read_pattern(&mut row)?
            {
                held.0.entry(project).or_default().push(HeldBy { assignment, job, pattern });
            }
        }
        Ok(held)
    }

    /// A job was claimed.
    pub(crate) fn add(&mut self, job: &Job, locks: &[LockPattern]) {
        let held = |pattern: &LockPattern| HeldBy { assignment: job.assignment_id, job: job.id, pattern: pattern.clone() };
        self.0.entry(job.project.clone()).or_default().extend(locks.iter().map(held));
    }

    fn first(&self, project: &str, assignment: AssignmentId, locks: &[LockPattern]) -> Option<(&HeldBy, LockPattern)> {
        let mut held = self.0.get(project)?.iter().filter(|held| held.assignment != assignment);
        held.find_map(|held| Some((held, locks.iter().find(|ours| ours.overlaps(&held.pattern))?.clone())))
    }

    /// Whether another assignment's lock is in the way of these.
    pub(crate) fn forbids(&self, project: &str, assignment: AssignmentId, locks: &[LockPattern]) -> bool {
        !locks.is_empty() && self.first(project, assignment, locks).is_some()
    }

    fn conflict(&self, w: &mut Work<'_>, project: &str, assignment: AssignmentId, locks: &[LockPattern]) -> Result<Option<LockConflict>> {
        let Some((held, ours)) = self.first(project, assignment, locks) else { return Ok(None) };
        let (holder, theirs, ours) = (held.assignment, held.pattern.as_str().to_owned(), ours.as_str().to_owned());
        Ok(Some(LockConflict { holder, theirs, ours, since: since(w, held.job)? }))
    }
}

/// Since when a job runs.
fn since(w: &mut Work<'_>, job: JobId) -> Result<Timestamp> {
    match w.first("SELECT started_at FROM attempts WHERE job_id = $1 ORDER BY number DESC LIMIT 1", values![job])? {
        Some(mut row) => row.time(),
        None => w.now(),
    }
}

/// The first lock of a running assignment that is in the way of a job's own.
pub(crate) fn in_the_way(w: &mut Work<'_>, job: &Job) -> Result<Option<LockConflict>> {
    if !job.spec.job_type.may_change() {
        return Ok(None);
    }
    let Some(own) = of(w, &[job.assignment_id])?.remove(&job.assignment_id) else { return Ok(None) };
    Held::read(w, Some(&job.project))?.conflict(w, &job.project, job.assignment_id, &own)
}

/// Whether the files that an attempt changed have to be looked at: somebody in the project locks something.
pub(crate) fn matter_in(w: &mut Work<'_>, project: &str) -> Result<bool> {
    Ok(w.first("SELECT 1 FROM file_locks WHERE project = $1 LIMIT 1", values![project])?.is_some())
}

fn touch(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, files: &[String]) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    let job = &row.job;
    let (mut last, mut touched, mut own) = (0, 0, Vec::new());
    let known = "SELECT number, touched, pattern FROM file_locks WHERE assignment_id = $1 ORDER BY number";
    for mut row in w.query(known, values![job.assignment_id])? {
        last = row.int()?;
        let is_touched = row.flag()?;
        touched += i64::from(is_touched);
        let text = row.text()?;
        own.extend(if is_touched { Some(LockPattern::of_path(&text)) } else { LockPattern::parse(&text).ok() });
    }
    let asked = last > touched;
    let held = Held::read(w, Some(&job.project))?;
    let (mut outside, mut holders) = (Vec::new(), Vec::new());
    for file in files {
        let path = [LockPattern::of_path(file)];
        if own.iter().any(|own| own.overlaps(&path[0])) {
            continue;
        }
        let holder = held.first(&job.project, job.assignment_id, &path).map(|(by, _)| (by.assignment, by.pattern.as_str().to_owned()));
        // Who asked for no files is told only of those that somebody else has.
        if !asked && holder.is_none() {
            continue;
        }
        if touched < TOUCHED_MAX {
            (last, touched) = (last + 1, touched + 1);
            insert(w, job.assignment_id, last, &job.project, true, file)?;
        }
        outside.push(file.as_str());
        holders.extend(holder.map(|(holder, theirs)| json!({ "file": file, "holder": holder, "pattern": theirs })));
    }
    if outside.is_empty() {
        return Ok(());
    }
    let text = match holders.first() {
        Some(first) => format!(
            "the agent changed {} that its assignment has not locked; {} has {} locked",
            count(outside.len(), "file"),
            first["holder"].as_str().unwrap_or_default(),
            first["file"].as_str().unwrap_or_default()
        ),
        None => {
            format!(
                "the agent changed {} that its assignment has not locked: locked with the rest from now on",
                count(outside.len(), "file")
            )
        }
    };
    let count = outside.len();
    outside.truncate(NAMED_MAX);
    holders.truncate(NAMED_MAX);
    let data = json!({ "what": "touched_unlocked", "text": text, "count": count, "files": outside, "held": holders });
    attempts::leave_event(w, EventKind::AttemptNotice, job, attempt, data);
    Ok(())
}

fn list(w: &mut Work<'_>, filter: &LockFilter, cursor: Option<&str>, limit: u32) -> Result<Page<FileLock>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and("a.status IN ('active', 'blocked')", []);
    c.and_if("l.project = ?", filter.project.as_deref());
    c.and_if("l.assignment_id = ?", filter.assignment.map(|id| id.to_string()));
    if let Some(cursor) = cursor {
        let (id, number) = super::findings::parse(cursor)
            .ok_or_else(|| StoreError::Invalid("the cursor is not one of this list: begin without one".to_owned()))?;
        c.and(
            "(l.assignment_id < ? OR (l.assignment_id = ? AND l.number > ?))",
            [id.to_string().into(), id.to_string().into(), number.into()],
        );
    }
    let size = c.push(Value::from(limit + 1));
    let sql = format!(
        "SELECT l.assignment_id, l.number, l.project, EXISTS (SELECT 1 FROM jobs j WHERE j.assignment_id = a.id AND j.status = 'queued'), \
         l.touched, l.pattern FROM file_locks l JOIN assignments a ON a.id = l.assignment_id{} ORDER BY l.assignment_id DESC, l.number LIMIT {size}",
        c.text()
    );
    let held = Held::read(w, filter.project.as_deref())?;
    let mut items = Vec::new();
    for mut row in w.query(&sql, &c.params)? {
        let (assignment_id, number, project, is_queued): (AssignmentId, i64, String, bool) =
            (row.word()?, row.int()?, row.text()?, row.flag()?);
        let (touched, pattern) = (row.flag()?, row.text()?);
        let own = if touched { Some(LockPattern::of_path(&pattern)) } else { LockPattern::parse(&pattern).ok() };
        let by = held.0.get(&project).and_then(|held| held.iter().find(|held| held.assignment == assignment_id)).map(|held| held.job);
        let since = by.map(|job| since(w, job)).transpose()?;
        let waits_for = match own {
            Some(own) if since.is_none() && is_queued => held.conflict(w, &project, assignment_id, &[own])?,
            _ => None,
        };
        let status = match (&since, &waits_for) {
            (Some(_), _) => LockStatus::Held,
            (None, Some(_)) => LockStatus::Waiting,
            (None, None) => LockStatus::Free,
        };
        items.push(FileLock { assignment_id, number, project, pattern, touched, status, since, waits_for });
    }
    Ok(page(items, limit, |item: &FileLock| format!("{}.{}", item.assignment_id, item.number)))
}

impl Store {
    /// Looks at the files that a running attempt changed: those outside its assignment's locks join them, and are noticed with whoever
    /// holds them.
    pub async fn touch_files(&self, id: JobId, token: Token, attempt: AttemptId, files: Vec<String>) -> Result<()> {
        self.ride(move |w| touch(w, id, token, attempt, &files)).await
    }

    /// The locks of assignments that are not over, those of the newest first.
    pub async fn locks(&self, filter: LockFilter, cursor: Option<String>, limit: u32) -> Result<Page<FileLock>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }
}
