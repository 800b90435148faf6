//! Code operations: each an assignment with its request beside it, made in one transaction.

use std::collections::BTreeSet;

use windlass_types::{
    Assignment, AssignmentId, AssignmentStatus, FailureClass, FailureKind, Job, JobType, OPERATION_SOURCE, OperationRequest,
    OperationStatus, Stage, StageRecord, StageStatus,
};

use super::page::{Conditions, Page, bounded, parse_cursor};
use super::submit::{Batch, submit_one};
use super::{journal, line, rows};
use crate::Submission;
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, json, values};
use crate::store::Store;

/// How many pieces of the list one call looks through for a rare status.
const LOOKS_MAX: usize = 10;
/// The most attempts that are looked at for what an operation did.
const ATTEMPTS_MAX: u32 = 1000;

/// A code operation that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOperation {
    /// The request as it was sent; its callback's secret is kept apart from it.
    pub request: OperationRequest,
    /// Tells it from another request under the same key.
    pub fingerprint: String,
    /// What its assignment is.
    pub work: Submission,
}

/// A code operation as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its assignment, whose id is its own.
    pub assignment: Assignment,
    /// The assignment's line.
    pub jobs: Vec<Job>,
    /// What was asked for, without the callback's secret.
    pub request: OperationRequest,
    /// Tells it from another request under the same key.
    pub fingerprint: String,
}

impl Operation {
    /// Where it stands.
    pub fn status(&self) -> OperationStatus {
        OperationStatus::of(self.assignment.status, &self.jobs)
    }
}

/// Which operations a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Those of one organization.
    pub organization: Option<String>,
    /// Those of one session.
    pub session: Option<String>,
    /// Those of any of these statuses; all, when empty.
    pub status: Vec<OperationStatus>,
}

/// What the journal tells of an operation's work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationTrace {
    /// Rounds that an agent ran to their end.
    pub rounds: u32,
    /// Whether its branch was pushed.
    pub pushed: bool,
    /// The commits, the first first.
    pub commits: Vec<String>,
    /// The files that they changed, as far as they are noted.
    pub files: BTreeSet<String>,
}

const COLUMNS: &str = "assignment_id, fingerprint, request";

fn record(w: &mut Work<'_>, mut row: Row) -> Result<Operation> {
    let (id, fingerprint, request): (AssignmentId, String, OperationRequest) = (row.word()?, row.text()?, row.json()?);
    Ok(Operation { assignment: rows::assignment(w, id)?, jobs: line::line(w, id)?, request, fingerprint })
}

fn find(w: &mut Work<'_>, id: AssignmentId) -> Result<Option<Operation>> {
    let found = w.first(&format!("SELECT {COLUMNS} FROM operations WHERE assignment_id = $1"), values![id])?;
    found.map(|row| record(w, row)).transpose()
}

fn by_key(w: &mut Work<'_>, key: &str) -> Result<Option<Operation>> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE assignment_id = (SELECT id FROM assignments WHERE submission_key = $1)");
    let found = w.first(&sql, values![key])?;
    found.map(|row| record(w, row)).transpose()
}

fn submit(w: &mut Work<'_>, new: &NewOperation) -> Result<(Operation, bool)> {
    let mut batch = Batch::new(w.ids, std::iter::once(&new.work));
    let submitted = submit_one(w, &new.work, &mut batch)?;
    let id = submitted.assignment.id;
    if !submitted.created {
        return match find(w, id)? {
            Some(known) if known.fingerprint == new.fingerprint => Ok((known, false)),
            _ => Err(StoreError::Conflict(format!("the same key was used before for another request, which is {id}"))),
        };
    }
    let request = new.request.without_secret();
    let callback = new.request.callback.as_ref();
    w.execute(
        "INSERT INTO operations (assignment_id, operation_type, organization_id, session_id, request, fingerprint, callback_url, \
         callback_secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![
            id,
            request.operation_type.as_str(),
            &request.organization_id,
            &request.session_id,
            json(&request)?,
            &new.fingerprint,
            callback.map(|c| &c.url),
            callback.and_then(|c| c.secret.as_ref()),
        ],
    )?;
    let operation = Operation { assignment: submitted.assignment, jobs: submitted.jobs, request, fingerprint: new.fingerprint.clone() };
    Ok((operation, true))
}

/// The assignment statuses that an operation of these statuses can have.
fn assignment_words(status: &[OperationStatus]) -> BTreeSet<&'static str> {
    let word = |status: &OperationStatus| match status {
        OperationStatus::Queued | OperationStatus::Running => AssignmentStatus::Active,
        OperationStatus::Blocked | OperationStatus::Failed => AssignmentStatus::Blocked,
        OperationStatus::Succeeded => AssignmentStatus::Complete,
        OperationStatus::Cancelled => AssignmentStatus::Cancelled,
    };
    status.iter().map(|status| word(status).as_str()).collect()
}

fn list(w: &mut Work<'_>, filter: &OperationFilter, cursor: Option<&str>, limit: u32) -> Result<Page<Operation>> {
    let limit = bounded(limit);
    let mut after = parse_cursor::<AssignmentId>(cursor)?;
    let mut items = Vec::new();
    for _ in 0..LOOKS_MAX {
        let mut c = Conditions::default();
        c.and_if("organization_id = ?", filter.organization.as_deref());
        c.and_if("session_id = ?", filter.session.as_deref());
        if !filter.status.is_empty() {
            let mut inner = Vec::new();
            let places = assignment_words(&filter.status).into_iter().map(|word| {
                inner.push(Value::from(word));
                "?"
            });
            let places = places.collect::<Vec<_>>().join(", ");
            c.and(&format!("EXISTS (SELECT 1 FROM assignments a WHERE a.id = operations.assignment_id AND a.status IN ({places}))"), inner);
        }
        c.and_if("assignment_id < ?", after);
        let size = c.push(Value::from(limit + 1));
        let sql = format!("SELECT {COLUMNS} FROM operations{} ORDER BY assignment_id DESC LIMIT {size}", c.text());
        let mut found = w.query(&sql, &c.params)?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        for row in found {
            if items.len() == limit as usize {
                return Ok(Page { items, next_cursor: after.map(|id| id.to_string()) });
            }
            let operation = record(w, row)?;
            after = Some(operation.assignment.id);
            // The rest of what decides it is in the jobs.
            if filter.status.is_empty() || filter.status.contains(&operation.status()) {
                items.push(operation);
            }
        }
        if !more {
            return Ok(Page { items, next_cursor: None });
        }
    }
    // Few of many have that status: the page is short, and the next one goes on from here.
    Ok(Page { items, next_cursor: after.map(|id| id.to_string()) })
}

/// Whether an agent ran, to whatever end: not when one could not even be started.
fn has_run(stage: &StageRecord) -> bool {
    let kind = stage.detail["failure"]["kind"].as_str().and_then(|kind| kind.parse::<FailureKind>().ok());
    match stage.status {
        StageStatus::Passed => true,
        StageStatus::Failed => kind.is_none_or(|kind| kind.class() != FailureClass::Configuration),
        _ => false,
    }
}

fn trace(w: &mut Work<'_>, id: AssignmentId) -> Result<OperationTrace> {
    let mut trace = OperationTrace::default();
    let line = line::line(w, id)?;
    let judged: BTreeSet<_> = line.iter().filter(|job| job.spec.job_type == JobType::Pm).map(|job| job.id).collect();
    for attempt in rows::attempts_where(w, "WHERE assignment_id = $1 ORDER BY id LIMIT $2", values![id, ATTEMPTS_MAX])? {
        if judged.contains(&attempt.job_id) {
            continue;
        }
        for stage in journal::stages_of(w, attempt.id)? {
            match stage.stage {
                Stage::Run if has_run(&stage) => trace.rounds += 1,
                Stage::Push if stage.status == StageStatus::Passed => trace.pushed = true,
                Stage::Commit => {
                    trace.commits.extend(stage.detail["commit"].as_str().map(str::to_owned));
                    let files = stage.detail["files"].as_array().into_iter().flatten();
                    trace.files.extend(files.filter_map(|file| file.as_str().map(str::to_owned)));
                }
                _ => {}
            }
        }
    }
    Ok(trace)
}

impl Store {
    /// Makes an operation; whether it is new. A known key gives what it made before, or is refused for another request.
    pub async fn submit_operation(&self, new: NewOperation) -> Result<(Operation, bool)> {
        self.promise(move |w| submit(w, &new)).await
    }

    /// One operation.
    pub async fn operation(&self, id: AssignmentId) -> Result<Operation> {
        self.read(move |w| find(w, id)?.ok_or_else(|| StoreError::not_found(OPERATION_SOURCE, id))).await
    }

    /// What an operation was asked for with; nothing for other work.
    pub async fn operation_request(&self, id: AssignmentId) -> Result<Option<OperationRequest>> {
        self.read(move |w| match w.first("SELECT request FROM operations WHERE assignment_id = $1", values![id])? {
            Some(mut row) => row.opt_json(),
            None => Ok(None),
        })
        .await
    }

    /// The operation that a key made.
    pub async fn operation_by_key(&self, key: String) -> Result<Option<Operation>> {
        self.read(move |w| by_key(w, &key)).await
    }

    /// Operations, the newest first. A page may be short though there are more: its cursor says so.
    pub async fn operations(&self, filter: OperationFilter, cursor: Option<String>, limit: u32) -> Result<Page<Operation>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// What the journal tells of an operation's work.
    pub async fn operation_trace(&self, id: AssignmentId) -> Result<OperationTrace> {
        self.read(move |w| trace(w, id)).await
    }
}
