//! The audit log: who did, or tried, what. Lines are added and grow old; nothing changes them.

use windlass_types::{AuditEntry, Timestamp};

use super::page::{Conditions, Page, bounded, page};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, values};
use crate::store::Store;

/// The most rows that one transaction deletes.
const ROWS_MAX: i64 = 500;

/// Which lines a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of one name.
    pub who: Option<String>,
    /// Those of one action.
    pub action: Option<String>,
    /// Those of this time or later.
    pub since: Option<Timestamp>,
    /// Those before this time.
    pub until: Option<Timestamp>,
}

fn row(mut r: Row) -> Result<AuditEntry> {
    let r = &mut r;
    Ok(AuditEntry {
        id: r.text()?,
        at: r.time()?,
        who: r.text()?,
        via: r.text()?,
        action: r.text()?,
        method: r.text()?,
        path: r.text()?,
        status: r.int()?,
        peer: r.text()?,
    })
}

/// Adds a line; its id and time are the store's.
pub(crate) fn add(w: &mut Work<'_>, entry: &AuditEntry) -> Result<()> {
    let (id, now) = (format!("aud_{}", w.ids.uuid().simple()), w.now()?);
    w.execute(
        "INSERT INTO audit (id, at, who, via, action, method, path, status, peer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![id, now, &entry.who, &entry.via, &entry.action, &entry.method, &entry.path, i64::from(entry.status), &entry.peer],
    )?;
    Ok(())
}

fn list(w: &mut Work<'_>, filter: &AuditFilter, cursor: Option<String>, limit: u32) -> Result<Page<AuditEntry>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and_if("who = ?", filter.who.as_deref());
    c.and_if("action = ?", filter.action.as_deref());
    c.and_if("at >= ?", filter.since);
    c.and_if("at < ?", filter.until);
    // An id of this list: `aud_` and a UUID.
    let is_ours =
        |cursor: &String| cursor.strip_prefix("aud_").is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    if cursor.as_ref().is_some_and(|cursor| !is_ours(cursor)) {
        return Err(StoreError::Invalid("the cursor is not one of this list: begin without one".to_owned()));
    }
    c.and_if("id < ?", cursor);
    let size = c.push(Value::from(limit + 1));
    let sql = format!("SELECT id, at, who, via, action, method, path, status, peer FROM audit{} ORDER BY id DESC LIMIT {size}", c.text());
    let found = w.query(&sql, &c.params)?.into_iter().map(row).collect::<Result<_>>()?;
    Ok(page(found, limit, |entry: &AuditEntry| entry.id.clone()))
}

impl Store {
    /// Adds a line; its id and time are the store's.
    pub async fn audit(&self, entry: AuditEntry) -> Result<()> {
        self.ride(move |w| add(w, &entry)).await
    }

    /// Lines, the newest first.
    pub async fn audit_log(&self, filter: AuditFilter, cursor: Option<String>, limit: u32) -> Result<Page<AuditEntry>> {
        self.read(move |w| list(w, &filter, cursor.clone(), limit)).await
    }

    /// How many lines [`Store::prune_audit`] would delete.
    pub async fn audit_before(&self, before: Timestamp) -> Result<u64> {
        self.read(move |w| w.first("SELECT COUNT(*) FROM audit WHERE at < $1", values![before])?.map_or(Ok(0), |mut row| row.int())).await
    }

    /// Deletes some of the lines from before `before`; how many. 0 when there is nothing left to delete.
    pub async fn prune_audit(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| {
            w.execute("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY id LIMIT $2)", values![before, ROWS_MAX])
        })
        .await
    }
}
