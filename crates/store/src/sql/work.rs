//! What an operation works with: the transaction, the store's time, new ids, and the events it leaves.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use windlass_types::{AssignmentId, AttemptId, EventKind, Ids, JobId, Timestamp};

use super::{Dialect, Row, Tx, Value, json, values};
use crate::error::Result;
use crate::queue::Numbered;

/// The key of the lock under which PostgreSQL numbers events ("windlass" in hex digits, cut to 63 bits).
const EVENT_LOCK: i64 = 0x7769_6e64_6c61_7373;

/// The most rows of events that one statement writes.
const ROWS_AT_ONCE: usize = 8;
const EVENT_COLUMNS: usize = 10;
/// The most events of one row.
const EVENTS_OF_A_ROW: usize = 32;

/// The statement that writes so many rows of events at once, by their number.
static EVENT_INSERTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..=ROWS_AT_ONCE)
        .map(|count| {
            let row = |n: usize| {
                let places: Vec<String> = (1..=EVENT_COLUMNS).map(|column| format!("${}", n * EVENT_COLUMNS + column)).collect();
                format!("({})", places.join(", "))
            };
            let rows: Vec<String> = (0..count).map(row).collect();
            format!(
                "INSERT INTO events (seq, at, kind, project, assignment_id, job_id, attempt_id, data, earlier, earlier_count) VALUES {}",
                rows.join(", ")
            )
        })
        .collect()
});

/// An event that is numbered when its transaction ends.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) kind: EventKind,
    pub(crate) project: Option<String>,
    pub(crate) assignment: Option<AssignmentId>,
    pub(crate) job: Option<JobId>,
    pub(crate) attempt: Option<AttemptId>,
    pub(crate) data: serde_json::Value,
}

/// One operation's transaction.
pub(crate) struct Work<'a> {
    tx: &'a mut dyn Tx,
    pub(crate) ids: &'a Ids,
    /// This boot's generation.
    pub(crate) generation: i64,
    now: Option<Timestamp>,
    events: Vec<NewEvent>,
    /// The highest event number, where it is known without asking.
    last_seq: Option<i64>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(tx: &'a mut dyn Tx, ids: &'a Ids, generation: i64) -> Self {
        Self { tx, ids, generation, now: None, events: Vec::new(), last_seq: None }
    }

    /// Goes on from a known event number: one that this transaction has given.
    pub(crate) fn after_seq(mut self, last: Option<i64>) -> Self {
        self.last_seq = last;
        self
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.tx.execute(sql, params)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.tx.query(sql, params)
    }

    /// The first row, if any.
    pub(crate) fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.tx.query(sql, params)?.into_iter().next())
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.tx.dialect()
    }

    /// Whether other processes use the database too.
    pub(crate) fn is_shared(&self) -> bool {
        self.tx.is_shared()
    }

    /// The store's time: one for the whole operation.
    pub(crate) fn now(&mut self) -> Result<Timestamp> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = self.tx.now()?;
        self.now = Some(now);
        Ok(now)
    }

    /// Leaves an event with this transaction.
    pub(crate) fn event(&mut self, event: NewEvent) {
        self.events.push(event);
    }

    /// Numbers and writes the events; the highest numbers.
    ///
    /// **Invariant:** on PostgreSQL the lock is held until after the commit, so numbers become visible in their order.
    pub(crate) fn finish(&mut self) -> Result<Numbered> {
        let mut numbered = Numbered::default();
        if self.events.is_empty() {
            return Ok(numbered);
        }
        if self.dialect() == Dialect::Postgres {
            self.query("SELECT pg_advisory_xact_lock($1)", values![EVENT_LOCK])?;
        }
        let now = self.now()?;
        let mut seq = match self.last_seq {
            Some(seq) => seq,
            None => match self.first("SELECT MAX(seq) FROM events", &[])? {
                Some(mut row) => row.opt_int()?.unwrap_or(0),
                None => 0,
            },
        };
        let mut events = std::mem::take(&mut self.events).into_iter().peekable();
        let mut params = Vec::with_capacity(EVENT_COLUMNS);
        let mut earlier = Vec::new();
        while let Some(event) = events.next() {
            seq += 1;
            numbered.last = seq;
            if may_free_a_job(event.kind) {
                numbered.last_ready = seq;
            }
            if event.kind == EventKind::OperationCallback {
                numbered.last_callback = seq;
            }
            let goes_on = |next: &NewEvent| next.assignment == event.assignment && next.project == event.project;
            if earlier.len() + 1 < EVENTS_OF_A_ROW && events.peek().is_some_and(goes_on) {
                earlier.push(EarlierEvent {
                    kind: event.kind.as_str().into(),
                    job_id: event.job,
                    attempt_id: event.attempt,
                    data: event.data,
                });
                continue;
            }
            params.extend([
                seq.into(),
                now.into(),
                event.kind.as_str().into(),
                event.project.into(),
                event.assignment.into(),
                event.job.into(),
                event.attempt.into(),
                event.data.to_string().into(),
                if earlier.is_empty() { Value::Null } else { json(&earlier)?.into() },
                Value::Int(earlier.len() as i64),
            ]);
            earlier.clear();
            if events.peek().is_none() || params.len() == ROWS_AT_ONCE * EVENT_COLUMNS {
                if let Some(sql) = EVENT_INSERTS.get(params.len() / EVENT_COLUMNS) {
                    self.tx.execute(sql, &params)?;
                }
                params.clear();
            }
        }
        Ok(numbered)
    }
}

/// An event in the row of a later one of the same operation, about the same assignment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EarlierEvent {
    pub(crate) kind: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<JobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt_id: Option<AttemptId>,
    pub(crate) data: serde_json::Value,
}

/// SQL for whether a row of events may hold one of these kinds. What it finds too many is in the data of an earlier event.
pub(crate) fn may_hold(kinds: impl IntoIterator<Item = EventKind>) -> String {
    let either = |kind: EventKind| format!("kind = '{kind}' OR earlier LIKE '%\"kind\":\"{kind}\"%'", kind = kind.as_str());
    format!("({})", kinds.into_iter().map(either).collect::<Vec<_>>().join(" OR "))
}

/// SQL for whether a row of events may hold one that [`may_free_a_job`].
pub(crate) fn may_hold_ready() -> String {
    may_hold(EventKind::ALL.into_iter().filter(|kind| may_free_a_job(*kind)))
}

/// SQL for whether a row of events may hold one about a callback.
pub(crate) fn may_hold_callback() -> String {
    may_hold([EventKind::OperationCallback])
}

/// Whether a job that waits may be free to run after such an event.
const fn may_free_a_job(kind: EventKind) -> bool {
    match kind {
        EventKind::AssignmentCreated
        | EventKind::AssignmentStatus
        | EventKind::JobInserted
        | EventKind::JobStatus
        | EventKind::HarnessParked
        | EventKind::BreakerChanged
        | EventKind::Resumed
        | EventKind::Restored
        | EventKind::ProjectChanged => true,
        EventKind::AssignmentBranch
        | EventKind::BranchChanged
        | EventKind::JobProgress
        | EventKind::AttemptStarted
        | EventKind::StageStarted
        | EventKind::StageEnded
        | EventKind::AttemptEnded
        | EventKind::VerdictApplied
        | EventKind::VerdictRefused
        | EventKind::AttemptNotice
        | EventKind::Paused
        | EventKind::PullRequestChanged
        | EventKind::OperationCallback
        | EventKind::SessionStarted
        | EventKind::SessionActivity
        | EventKind::SessionEnded
        | EventKind::Other => false,
    }
}
