//! Callbacks: who is told of an operation's end, written with the end itself and sent until it is taken.

use serde_json::json;
use windlass_types::{Assignment, AssignmentId, AssignmentStatus, EventKind, OPERATION_SOURCE, Timestamp};

use super::{moves, rows};
use crate::error::Result;
use crate::sql::{Work, values};
use crate::store::Store;

/// A callback that is due.
#[derive(Clone, PartialEq, Eq)]
pub struct DueCallback {
    /// The operation.
    pub assignment: AssignmentId,
    /// Which of its callbacks.
    pub number: i64,
    /// Names it to the receiver, however often it is sent.
    pub delivery: String,
    /// When the operation came to its end.
    pub created_at: Timestamp,
    /// How often it was sent in vain.
    pub tries: u32,
    /// What is sent, once it was made.
    pub body: Option<String>,
    /// Where to.
    pub url: String,
    /// What it is signed with, where that is not the daemon's own.
    pub secret: Option<String>,
}

impl std::fmt::Debug for DueCallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DueCallback").field("assignment", &self.assignment).field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

/// How the last callback of an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackState {
    /// Names it to the receiver.
    pub delivery: String,
    /// How often it was sent.
    pub tries: u32,
    /// When it is sent next; nothing when that is over.
    pub due_at: Option<Timestamp>,
    /// Why the last try failed; nothing when it was taken.
    pub problem: Option<String>,
}

/// What became of sending one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackEnd {
    /// It was taken.
    Delivered,
    /// It was not: why, and in how many milliseconds it is sent again.
    Again(String, i64),
    /// It was not, and is not sent again: why.
    GivenUp(String),
    /// The operation goes on, so there is nothing to tell.
    TakenBack,
}

/// An assignment has come to its end: if it is an operation with a callback, somebody is told.
pub(crate) fn ended(w: &mut Work<'_>, a: &Assignment) -> Result<()> {
    if a.source != OPERATION_SOURCE || a.status == AssignmentStatus::Active {
        return Ok(());
    }
    let (now, delivery) = (w.now()?, w.ids.uuid().to_string());
    let made = w.execute(
        "INSERT INTO callbacks (assignment_id, number, delivery, created_at, due_at, tries) \
         SELECT o.assignment_id, (SELECT COUNT(*) + 1 FROM callbacks c WHERE c.assignment_id = o.assignment_id), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($3 AS BIGINT), 0 \
         FROM operations o WHERE o.assignment_id = $1 AND o.callback_url IS NOT NULL",
        values![a.id, delivery.clone(), now],
    )?;
    if made > 0 {
        // It wakes up who sends it.
        w.event(moves::about(EventKind::OperationCallback, a, json!({ "status": "due", "delivery": delivery, "tries": 0 })));
    }
    Ok(())
}

fn due(w: &mut Work<'_>, limit: u32) -> Result<Vec<DueCallback>> {
    let now = w.now()?;
    let rows = w.query(
        "SELECT c.assignment_id, c.number, c.delivery, c.created_at, c.tries, c.body, o.callback_url, o.callback_secret FROM callbacks c \
         JOIN operations o ON o.assignment_id = c.assignment_id WHERE c.due_at <= $1 ORDER BY c.due_at LIMIT $2",
        values![now, limit],
    )?;
    rows.into_iter()
        .map(|mut r| {
            Ok(DueCallback {
                assignment: r.word()?,
                number: r.int()?,
                delivery: r.text()?,
                created_at: r.time()?,
                tries: r.int()?,
                body: r.opt_text()?,
                url: r.text()?,
                secret: r.opt_text()?,
            })
        })
        .collect()
}

fn end(w: &mut Work<'_>, id: AssignmentId, number: i64, end: &CallbackEnd) -> Result<()> {
    let (due_at, problem, word) = match end {
        CallbackEnd::Delivered => (None, None, Some("delivered")),
        CallbackEnd::Again(why, wait_ms) => (Some(w.now()?.plus_ms(*wait_ms)), Some(why), None),
        CallbackEnd::GivenUp(why) => (None, Some(why), Some("dead")),
        CallbackEnd::TakenBack => (None, None, None),
    };
    let changed = w.execute(
        "UPDATE callbacks SET due_at = $3, problem = $4, tries = tries + 1 WHERE assignment_id = $1 AND number = $2 AND due_at IS NOT NULL",
        values![id, number, due_at, problem],
    )?;
    if let Some(word) = word.filter(|_| changed > 0) {
        let assignment = rows::assignment(w, id)?;
        let mut row = w.first("SELECT delivery, tries FROM callbacks WHERE assignment_id = $1 AND number = $2", values![id, number])?;
        let (delivery, tries): (Option<String>, i64) = match &mut row {
            Some(row) => (Some(row.text()?), row.int()?),
            None => (None, 0),
        };
        let data = json!({ "status": word, "delivery": delivery, "tries": tries, "problem": problem });
        w.event(moves::about(EventKind::OperationCallback, &assignment, data));
    }
    Ok(())
}

impl Store {
    /// The callbacks that are due, the longest first; and in how many milliseconds the next one is that is not due yet.
    pub async fn due_callbacks(&self, limit: u32) -> Result<(Vec<DueCallback>, Option<i64>)> {
        self.read(move |w| {
            let now = w.now()?;
            let next = match w.first("SELECT MIN(due_at) FROM callbacks WHERE due_at > $1", values![now])? {
                Some(mut row) => row.opt_time()?.map(|at| at.since_ms(now)),
                None => None,
            };
            Ok((due(w, limit)?, next))
        })
        .await
    }

    /// How the last callback of an operation stands, if it has come to one.
    pub async fn last_callback(&self, id: AssignmentId) -> Result<Option<CallbackState>> {
        self.read(move |w| {
            let sql = "SELECT delivery, tries, due_at, problem FROM callbacks WHERE assignment_id = $1 ORDER BY number DESC LIMIT 1";
            let Some(mut r) = w.first(sql, values![id])? else { return Ok(None) };
            Ok(Some(CallbackState { delivery: r.text()?, tries: r.int()?, due_at: r.opt_time()?, problem: r.opt_text()? }))
        })
        .await
    }

    /// Remembers what a callback sends, so that it is the same each time.
    pub async fn callback_body(&self, id: AssignmentId, number: i64, body: String) -> Result<()> {
        self.promise(move |w| {
            w.execute("UPDATE callbacks SET body = $3 WHERE assignment_id = $1 AND number = $2", values![id, number, &body]).map(drop)
        })
        .await
    }

    /// Remembers what became of sending a callback; an event tells when that is over.
    pub async fn callback_sent(&self, id: AssignmentId, number: i64, what: CallbackEnd) -> Result<()> {
        self.promise(move |w| end(w, id, number, &what)).await
    }
}
