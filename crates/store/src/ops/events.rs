//! Reading events: in their order, from a number on.

use windlass_types::{AssignmentId, Event, EventKind, JobId, SessionId};

use super::page::{Conditions, bounded};
use crate::error::{Result, StoreError};
use crate::sql::{EarlierEvent, Row, Value, Work, may_hold};
use crate::store::Store;

/// Which events a reader wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of one assignment.
    pub assignment: Option<AssignmentId>,
    /// Those of one job.
    pub job: Option<JobId>,
    /// Those about one agent's session.
    pub session: Option<SessionId>,
    /// Those of these kinds; all, when empty.
    pub kinds: Vec<EventKind>,
}

impl EventFilter {
    /// Whether an event is one of those that are wanted.
    pub fn passes(&self, event: &Event) -> bool {
        self.project.as_ref().is_none_or(|project| event.project.as_ref() == Some(project))
            && self.assignment.is_none_or(|assignment| event.assignment_id == Some(assignment))
            && self.takes(event)
    }

    fn takes(&self, event: &Event) -> bool {
        let is_of = |session: SessionId| event.data["session_id"].as_str() == Some(session.to_string().as_str());
        self.job.is_none_or(|job| event.job_id == Some(job))
            && self.session.is_none_or(is_of)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}

/// A later version beside this one has kinds of its own: the number still counts.
fn kind(word: &str) -> EventKind {
    word.parse().unwrap_or(EventKind::Other)
}

/// The events of a row, in order.
fn row(mut r: Row) -> Result<Vec<Event>> {
    let r = &mut r;
    let last = Event {
        seq: r.int()?,
        at: r.time()?,
        kind: kind(&r.text()?),
        project: r.opt_text()?,
        assignment_id: r.opt_word()?,
        job_id: r.opt_word()?,
        attempt_id: r.opt_word()?,
        data: r.json()?,
    };
    let earlier: Vec<EarlierEvent> = r.opt_json()?.unwrap_or_default();
    let first = last.seq - i64::try_from(earlier.len()).unwrap_or(0);
    let mut events: Vec<Event> = (first..)
        .zip(earlier)
        .map(|(seq, event)| Event {
            seq,
            at: last.at,
            kind: kind(&event.kind),
            project: last.project.clone(),
            assignment_id: last.assignment_id,
            job_id: event.job_id,
            attempt_id: event.attempt_id,
            data: event.data,
        })
        .collect();
    events.push(last);
    Ok(events)
}

fn after(w: &mut Work<'_>, seq: i64, filter: &EventFilter, limit: u32) -> Result<Vec<Event>> {
    // In the same read: what is pruned between two pages must not look like silence.
    if seq > 0
        && let Some(first) = first_seq(w)?
        && seq + 1 < first
    {
        return Err(StoreError::Pruned { first });
    }
    let limit = bounded(limit);
    let mut found = Vec::new();
    let mut last = seq;
    loop {
        let rows = rows_after(w, last, filter, limit)?;
        let is_end = rows.len() < limit as usize;
        for events in rows {
            last = events.last().map_or(last, |event| event.seq);
            found.extend(events.into_iter().filter(|event| event.seq > seq && filter.takes(event)));
        }
        if is_end || found.len() >= limit as usize {
            found.truncate(limit as usize);
            return Ok(found);
        }
    }
}

/// The rows after that number that may hold what the filter takes.
fn rows_after(w: &mut Work<'_>, seq: i64, filter: &EventFilter, limit: u32) -> Result<Vec<Vec<Event>>> {
    let mut conditions = Conditions::default();
    conditions.and("seq > ?", [Value::Int(seq)]);
    conditions.and_if("project = ?", filter.project.as_deref());
    conditions.and_if("assignment_id = ?", filter.assignment);
    if let Some(job) = filter.job {
        // By the index on the assignment.
        conditions.and("assignment_id = (SELECT assignment_id FROM jobs WHERE id = ?)", [job.into()]);
        conditions.and("(job_id = ? OR earlier LIKE ?)", [job.into(), format!("%\"{job}\"%").into()]);
    }
    if let Some(session) = filter.session {
        let text: Value = format!("%\"{session}\"%").into();
        conditions.and("(data LIKE ? OR earlier LIKE ?)", [text.clone(), text]);
    }
    if !filter.kinds.is_empty() {
        conditions.and(&may_hold(filter.kinds.iter().copied()), []);
    }
    let size = conditions.push(Value::from(limit));
    let sql = format!(
        "SELECT seq, at, kind, project, assignment_id, job_id, attempt_id, data, earlier FROM events{} ORDER BY seq LIMIT {size}",
        conditions.text()
    );
    w.query(&sql, &conditions.params)?.into_iter().map(row).collect()
}

/// The lowest number kept.
fn first_seq(w: &mut Work<'_>) -> Result<Option<i64>> {
    match w.first("SELECT seq - earlier_count FROM events ORDER BY seq LIMIT 1", &[])? {
        Some(mut row) => row.opt_int(),
        None => Ok(None),
    }
}

/// The highest number given.
pub(crate) fn last_seq(w: &mut Work<'_>) -> Result<i64> {
    match w.first("SELECT MAX(seq) FROM events", &[])? {
        Some(mut row) => Ok(row.opt_int()?.unwrap_or(0)),
        None => Ok(0),
    }
}

impl Store {
    /// Events numbered higher than `seq`, in order, at most 500; after 0 from the first that is kept. Where some between `seq` and the
    /// first kept one are gone, [`StoreError::Pruned`].
    pub async fn events_after(&self, seq: i64, filter: EventFilter, limit: u32) -> Result<Vec<Event>> {
        self.read(move |w| after(w, seq, &filter, limit)).await
    }

    /// The lowest number that is kept; 0 when there is no event.
    pub async fn first_seq(&self) -> Result<i64> {
        self.read(|w| Ok(first_seq(w)?.unwrap_or(0))).await
    }

    /// The highest number given so far; 0 when there is no event.
    pub async fn last_seq(&self) -> Result<i64> {
        self.read(last_seq).await
    }
}
