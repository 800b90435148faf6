//! Reading events: in their order, from a number on.

use windlass_types::{AssignmentId, Event, EventKind, JobId};

use super::page::{Conditions, bounded};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work};
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
    /// Those of these kinds; all, when empty.
    pub kinds: Vec<EventKind>,
}

fn row(mut r: Row) -> Result<Event> {
    let r = &mut r;
    Ok(Event {
        seq: r.int()?,
        at: r.time()?,
        // A later version beside this one has kinds of its own: the number still counts.
        kind: r.text()?.parse().unwrap_or(EventKind::Other),
        project: r.opt_text()?,
        assignment_id: r.opt_word()?,
        job_id: r.opt_word()?,
        attempt_id: r.opt_word()?,
        data: r.json()?,
    })
}

fn after(w: &mut Work<'_>, seq: i64, filter: &EventFilter, limit: u32) -> Result<Vec<Event>> {
    // In the same read: what is pruned between two pages must not look like silence.
    if seq > 0
        && let Some(first) = first_seq(w)?
        && seq + 1 < first
    {
        return Err(StoreError::Pruned { first });
    }
    let mut conditions = Conditions::default();
    conditions.and("seq > ?", [Value::Int(seq)]);
    conditions.and_if("project = ?", filter.project.as_deref());
    conditions.and_if("assignment_id = ?", filter.assignment);
    if let Some(job) = filter.job {
        // By the index on the assignment.
        conditions.and("assignment_id = (SELECT assignment_id FROM jobs WHERE id = ?) AND job_id = ?", [job.into(), job.into()]);
    }
    conditions.one_of("kind", filter.kinds.iter().map(|k| k.as_str()));
    let size = conditions.push(Value::from(bounded(limit)));
    let sql = format!(
        "SELECT seq, at, kind, project, assignment_id, job_id, attempt_id, data FROM events{} ORDER BY seq LIMIT {size}",
        conditions.text()
    );
    w.query(&sql, &conditions.params)?.into_iter().map(row).collect()
}

/// The lowest number kept.
fn first_seq(w: &mut Work<'_>) -> Result<Option<i64>> {
    match w.first("SELECT MIN(seq) FROM events", &[])? {
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
