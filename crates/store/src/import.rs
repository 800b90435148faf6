//! Writing a database that was read out into an empty one, of either kind.
//!
//! **Invariants:** a token that was given after the backup was taken is never given again; numbers of events that were told after it are
//! never given again; who may do what is decided by [`access`] before anybody sees it.

use std::io::BufRead;

use serde_json::{Value as Json, json};
use windlass_types::{AuditEntry, EventKind, Timestamp};

use crate::access::{self, Access, Replaced};
use crate::error::{Result, StoreError};
use crate::export::ExportedTable;
use crate::ops::add_audit_line;
use crate::sql::{NewEvent, Tx, Value, Work, values};
use crate::store::OpenOptions;
use crate::tables::{plain, tables};
use crate::{aside, migrate, postgres, sqlite};

/// By how much the boot generation rises: more starts than there can have been since the backup.
const GENERATION_STEP: i64 = 1_000_000;
/// By how much the numbers of events rise: more events than there can have been since the backup.
const EVENT_STEP: i64 = 1_000_000_000;

/// A database that was read out.
pub struct Import<'a> {
    /// Its schema number.
    pub schema: i64,
    /// Its tables, those that others refer to first.
    pub tables: &'a [ExportedTable],
    /// Opens a table's rows: a JSON array a line.
    pub rows: &'a mut dyn FnMut(&str) -> std::io::Result<Box<dyn BufRead>>,
    /// Where it comes from, for the event that tells of it.
    pub from: String,
    /// The moment that it shows.
    pub made_at: Timestamp,
    /// The line of the audit log that tells of it; its id and time are the store's.
    pub line: AuditEntry,
    /// On PostgreSQL the schema that is made for the tables that are there already, and are replaced. Without it there must be none.
    pub aside: Option<String>,
    /// On SQLite the path of the file that is replaced: it is read, and left as it is.
    pub replaced: Option<String>,
}

/// The highest schema number that can be imported.
pub const fn known_schema() -> i64 {
    migrate::binary()
}

fn cell(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(flag),
        Json::String(text) => Value::from(text),
        Json::Number(n) => n.as_i64().map(Value::Int).or_else(|| n.as_f64().map(Value::Real)).unwrap_or(Value::Null),
        Json::Array(_) | Json::Object(_) => return Err(StoreError::Corrupt("a row of the backup holds a list".to_owned())),
    })
}

fn write_table(tx: &mut dyn Tx, table: &ExportedTable, lines: Box<dyn BufRead>) -> Result<()> {
    let damaged = |why: String| StoreError::Corrupt(format!("table {} of the backup: {why}", table.name));
    let name = plain(table.name.clone())?;
    let columns = table.columns.iter().cloned().map(plain).collect::<Result<Vec<_>>>()?;
    let places = (1..=columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO {name} ({}) VALUES ({places})", columns.join(", "));
    let mut written = 0;
    for line in lines.lines() {
        let line = line.map_err(|e| damaged(e.to_string()))?;
        let row: Vec<Json> = serde_json::from_str(&line).map_err(|e| damaged(e.to_string()))?;
        if row.len() != columns.len() {
            return Err(damaged(format!("a row has {} values for {} columns", row.len(), columns.len())));
        }
        let row = row.into_iter().map(cell).collect::<Result<Vec<_>>>()?;
        tx.execute(&insert, &row)?;
        written += 1;
    }
    if written == table.rows { Ok(()) } else { Err(damaged(format!("{written} rows are there in place of {}", table.rows))) }
}

fn write(tx: &mut dyn Tx, options: &OpenOptions, backup: &mut Import<'_>, replaced: Replaced) -> Result<Access> {
    migrate::migrate_to(tx, backup.schema)?;
    // The schema comes with rows of its own; the backup has them as they became.
    for table in tables(tx)?.iter().rev() {
        tx.execute(&format!("DELETE FROM {}", table.name), &[])?;
    }
    for table in backup.tables {
        let lines = (backup.rows)(&table.name).map_err(|e| StoreError::Corrupt(format!("table {} of the backup: {e}", table.name)))?;
        write_table(tx, table, lines)?;
    }
    migrate::migrate(tx)?;
    let access = access::settle(&mut Work::new(tx, &options.ids, 0), replaced, backup.made_at)?;
    part_from_the_past(tx, options, backup)?;
    Ok(access)
}

/// What was promised after the backup must not be mistaken for what is promised from now on.
fn part_from_the_past(tx: &mut dyn Tx, options: &OpenOptions, backup: &Import<'_>) -> Result<()> {
    tx.execute("UPDATE control SET value = value + $1 WHERE name = 'generation'", values![GENERATION_STEP])?;
    // Its rows were read before it was finished: they know only of an earlier one.
    tx.execute("UPDATE control SET value = $1 WHERE name = 'backed_up_at'", values![backup.made_at])?;
    // Whoever ran them is gone: they are free to be rescued at once.
    tx.execute("UPDATE jobs SET lease_expires_at = 0 WHERE status = 'running'", &[])?;
    let mut work = Work::new(tx, &options.ids, 0);
    add_audit_line(&mut work, &backup.line)?;
    let data = json!({ "from": backup.from });
    work.event(NewEvent { kind: EventKind::Restored, project: None, assignment: None, job: None, attempt: None, data });
    let numbered = work.finish()?;
    work.execute("UPDATE events SET seq = seq + $2 WHERE seq = $1", values![numbered.last, EVENT_STEP])?;
    Ok(())
}

/// Whether other nodes use a PostgreSQL database.
fn are_others_connected(tx: &mut dyn Tx) -> Result<bool> {
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'windlass%' \
                  AND pid <> pg_backend_pid()";
    match tx.query(others, &[])?.into_iter().next() {
        Some(mut row) => Ok(row.int::<i64>()? > 0),
        None => Ok(false),
    }
}

/// Moves the tables of a PostgreSQL database, if there are any, into a schema of their own, where they can be read.
fn set_aside(tx: &mut dyn Tx, aside: String) -> Result<Replaced> {
    let aside = plain(aside)?;
    let names = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema() \
                 AND table_type = 'BASE TABLE' ORDER BY 1 LIMIT 1000";
    let names = tx.query(names, &[])?.into_iter().map(|mut row| row.text()).collect::<Result<Vec<_>>>()?;
    if names.is_empty() {
        return Ok(Replaced::Nothing);
    }
    tx.batch(&format!("CREATE SCHEMA {aside}"))?;
    for name in names {
        tx.batch(&format!("ALTER TABLE {} SET SCHEMA {aside}", plain(name)?))?;
    }
    Ok(Replaced::Schema(aside))
}

/// SQLite's file that is replaced.
fn file(options: &OpenOptions, path: Option<String>) -> Result<Replaced> {
    let Some(url) = path else { return Ok(Replaced::Nothing) };
    match sqlite::to_replace(&OpenOptions { url, ..options.clone() }) {
        Ok(connection) => Ok(Replaced::File(Box::new(connection))),
        // Somebody may be at work in it by another name: what they have revoked is not all in the file.
        Err(e @ StoreError::Linked { .. }) => Err(e),
        Err(e) => Ok(Replaced::Unreadable(e)),
    }
}

/// Writes a database that was read out into an empty one, in one transaction. Blocks. Nobody else may use it meanwhile.
///
/// On SQLite the file is new. On PostgreSQL the tables that are there move aside in the same transaction, so that a crash leaves all as it
/// was; without a place for them they are a [`StoreError::Conflict`].
pub fn import(options: &OpenOptions, mut backup: Import<'_>) -> Result<Access> {
    if backup.schema > known_schema() {
        return Err(StoreError::TooNew { min_binary: backup.schema, binary: known_schema() });
    }
    if !aside::is_postgres(&options.url) {
        let replaced = file(options, backup.replaced.take())?;
        return sqlite::in_new_file(options, |tx| write(tx, options, &mut backup, replaced));
    }
    postgres::write_aside(options, |tx| {
        if are_others_connected(tx)? {
            return Err(StoreError::Conflict("other nodes are connected to the database: stop them first".to_owned()));
        }
        let replaced = match backup.aside.take() {
            Some(aside) => set_aside(tx, aside)?,
            None if !tables(tx)?.is_empty() => return Err(StoreError::Conflict("the database is not empty".to_owned())),
            None => Replaced::Nothing,
        };
        write(tx, options, &mut backup, replaced)
    })
}
