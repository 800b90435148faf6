//! What is old enough to go: events from their beginning, and assignments that are over with all that belongs to them.
//!
//! **Invariants:** each call changes at most a bounded number of rows, so that nobody waits for it; the last event stays, because numbers
//! go on from it; active and blocked assignments, and those with a dead letter, stay.

use windlass_types::{AssignmentId, AssignmentStatus, JobStatus, SessionId, Timestamp};

use super::{activities, rows};
use crate::error::Result;
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// The most rows that one transaction deletes.
const ROWS_MAX: i64 = 500;

/// An assignment whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// Which.
    pub id: AssignmentId,
    /// Its project.
    pub project: String,
}

/// What became of an assignment that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// It is gone.
    Gone,
    /// It was large: a piece of it is gone, and the next call takes another.
    More,
    /// It stays: somebody opened it again.
    Stays,
}

fn prune_events(w: &mut Work<'_>, before: Timestamp) -> Result<u64> {
    let oldest = w.query("SELECT seq, at, earlier_count FROM events ORDER BY seq LIMIT $1", values![ROWS_MAX + 1])?;
    let mut last = None;
    let mut events = 0;
    // All but the last row read, which may be the last there is.
    for mut row in oldest.into_iter().rev().skip(1).rev() {
        let (seq, at, earlier): (i64, Timestamp, u64) = (row.int()?, row.time()?, row.int()?);
        if at >= before {
            break;
        }
        last = Some(seq);
        events += 1 + earlier;
    }
    if let Some(last) = last {
        w.execute("DELETE FROM events WHERE seq <= $1", values![last])?;
    }
    Ok(events)
}

/// Ids begin with the time they were made at, so an id says what cannot have ended before then.
fn made_before(before: Timestamp) -> String {
    format!("asg_{:012x}", before.0.max(0))
}

const OVER: &str = "status IN ('complete', 'cancelled') AND ended_at < $1 AND id < $2 AND id > $3 \
     AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.assignment_id = assignments.id AND jobs.status IN ('queued', 'running', 'dead')) \
     AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.assignment_id = assignments.id AND tasks.status = 'live')";

fn overdue(w: &mut Work<'_>, before: Timestamp, after: Option<AssignmentId>, limit: u32) -> Result<Vec<Overdue>> {
    let after = after.map_or_else(String::new, |id| id.to_string());
    w.query(
        &format!("SELECT id, project FROM assignments WHERE {OVER} ORDER BY id LIMIT $4"),
        values![before, made_before(before), after, limit],
    )?
    .into_iter()
    .map(|mut row| Ok(Overdue { id: row.word()?, project: row.text()? }))
    .collect()
}

/// What belongs to an assignment, in the order in which it can go.
const PARTS: &[(&str, &str)] = &[
    ("tasks", "key IN (SELECT key FROM tasks WHERE assignment_id = $1 AND status = 'done' LIMIT $2)"),
    (
        "stages",
        "(attempt_id, number) IN (SELECT s.attempt_id, s.number FROM stages s JOIN attempts a ON a.id = s.attempt_id WHERE a.assignment_id = $1 LIMIT $2)",
    ),
    ("verdicts", "id IN (SELECT id FROM verdicts WHERE assignment_id = $1 LIMIT $2)"),
    ("effects", "(assignment_id, number) IN (SELECT assignment_id, number FROM effects WHERE assignment_id = $1 LIMIT $2)"),
    ("findings", "(assignment_id, number) IN (SELECT assignment_id, number FROM findings WHERE assignment_id = $1 LIMIT $2)"),
    (
        "pull_request_watches",
        "assignment_id = $1 AND assignment_id IN (SELECT assignment_id FROM pull_request_watches WHERE assignment_id = $1 LIMIT $2)",
    ),
    ("callbacks", "(assignment_id, number) IN (SELECT assignment_id, number FROM callbacks WHERE assignment_id = $1 LIMIT $2)"),
    ("operations", "assignment_id IN (SELECT assignment_id FROM operations WHERE assignment_id = $1 LIMIT $2)"),
    ("file_locks", "(assignment_id, number) IN (SELECT assignment_id, number FROM file_locks WHERE assignment_id = $1 LIMIT $2)"),
    ("branches", "assignment_id IN (SELECT assignment_id FROM branches WHERE assignment_id = $1 LIMIT $2)"),
    (
        "activities",
        "(session_id, number) IN (SELECT v.session_id, v.number FROM activities v JOIN sessions s ON s.id = v.session_id WHERE s.assignment_id = $1 LIMIT $2)",
    ),
    (
        "session_tools",
        "(session_id, tool) IN (SELECT t.session_id, t.tool FROM session_tools t JOIN sessions s ON s.id = t.session_id WHERE s.assignment_id = $1 LIMIT $2)",
    ),
    ("sessions", "id IN (SELECT id FROM sessions WHERE assignment_id = $1 LIMIT $2)"),
    ("attempts", "id IN (SELECT a.id FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.assignment_id = $1 LIMIT $2)"),
    ("jobs", "id IN (SELECT id FROM jobs WHERE assignment_id = $1 LIMIT $2)"),
];

/// Removes some of an assignment, or the rest of it.
fn prune_assignment(w: &mut Work<'_>, id: AssignmentId, before: Timestamp) -> Result<Pruning> {
    let assignment = rows::lock_assignment(w, id)?;
    let over = matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled);
    let line = w.query("SELECT DISTINCT status FROM jobs WHERE assignment_id = $1", values![id])?;
    let mut at_rest = true;
    for mut row in line {
        let status: JobStatus = row.word()?;
        at_rest &= status.is_final() && status != JobStatus::Dead;
    }
    // Somebody may have opened it again meanwhile.
    if !over || !at_rest || assignment.ended_at.is_none_or(|at| at >= before) {
        return Ok(Pruning::Stays);
    }
    let mut left = ROWS_MAX;
    for (table, rows) in PARTS {
        let deleted = w.execute(&format!("DELETE FROM {table} WHERE {rows}"), &[id.into(), Value::Int(left)])?;
        left -= i64::try_from(deleted).unwrap_or(left);
        if left <= 0 {
            return Ok(Pruning::More);
        }
    }
    w.execute("DELETE FROM assignments WHERE id = $1", values![id])?;
    Ok(Pruning::Gone)
}

/// The most sessions that end, or go, in one transaction.
const SESSIONS_MAX: i64 = 50;

/// What people's sessions did before `before` is old, and they with it.
const OLD_SESSIONS: &str = "kind = 'manual' AND last_activity_at < $1";

/// Removes some of people's old sessions; how many.
fn prune_sessions(w: &mut Work<'_>, before: Timestamp) -> Result<u64> {
    let old =
        w.query(&format!("SELECT id, activities FROM sessions WHERE {OLD_SESSIONS} ORDER BY id LIMIT $2"), values![before, SESSIONS_MAX])?;
    let (mut count, mut rows) = (0, 0);
    for mut row in old {
        let (id, activities): (SessionId, i64) = (row.word()?, row.int()?);
        rows += activities;
        // Always one, so that there is an end.
        if count > 0 && rows > ROWS_MAX {
            break;
        }
        activities::remove(w, id)?;
        count += 1;
    }
    Ok(count)
}

impl Store {
    /// Ends some of people's sessions of which nothing was heard since `before`; how many. 0 when there is none left.
    pub async fn end_silent_sessions(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| activities::end_silent(w, before, SESSIONS_MAX)).await
    }

    /// How many sessions [`Store::prune_sessions`] would delete.
    pub async fn sessions_before(&self, before: Timestamp) -> Result<u64> {
        self.read(move |w| {
            w.first(&format!("SELECT COUNT(*) FROM sessions WHERE {OLD_SESSIONS}"), values![before])?.map_or(Ok(0), |mut row| row.int())
        })
        .await
    }

    /// Deletes some of the sessions of people that did nothing since `before`; how many. 0 when there is nothing left to delete. Those of
    /// attempts go with their assignments.
    pub async fn prune_sessions(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| prune_sessions(w, before)).await
    }

    /// How many events [`Store::prune_events`] would delete.
    pub async fn events_before(&self, before: Timestamp) -> Result<u64> {
        self.read(move |w| {
            let counted = "SELECT CAST(COALESCE(SUM(earlier_count + 1), 0) AS BIGINT) FROM events WHERE at < $1 AND seq < (SELECT MAX(seq) FROM events)";
            w.first(counted, values![before])?.map_or(Ok(0), |mut row| row.int())
        })
        .await
    }

    /// Deletes some of the events from before `before`, the oldest first; how many. 0 when there is nothing left to delete.
    pub async fn prune_events(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| prune_events(w, before)).await
    }

    /// Assignments that ended before `before`, the oldest first from `after` on: complete or cancelled, and without a dead letter.
    pub async fn overdue(&self, before: Timestamp, after: Option<AssignmentId>, limit: u32) -> Result<Vec<Overdue>> {
        self.read(move |w| overdue(w, before, after, limit)).await
    }

    /// Deletes an assignment that ended before `before` with all its rows, a bounded number of them at a time.
    pub async fn prune_assignment(&self, id: AssignmentId, before: Timestamp) -> Result<Pruning> {
        self.ride(move |w| prune_assignment(w, id, before)).await
    }

    /// When a backup was last finished.
    pub async fn backed_up_at(&self) -> Result<Option<Timestamp>> {
        self.read(|w| match w.first("SELECT value FROM control WHERE name = 'backed_up_at'", &[])? {
            Some(mut row) => Ok(Some(row.time()?).filter(|at| at.0 > 0)),
            None => Ok(None),
        })
        .await
    }

    /// Remembers that a backup was finished.
    pub async fn set_backed_up(&self, at: Timestamp) -> Result<()> {
        self.promise(move |w| w.execute("UPDATE control SET value = $1 WHERE name = 'backed_up_at'", values![at]).map(drop)).await
    }
}
