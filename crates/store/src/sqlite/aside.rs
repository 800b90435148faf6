//! SQLite beside the writer: a reader of its own for long reads, a new file, and what keeps the file in shape.

use std::time::Duration;

use super::connection::{Connection, Place};
use crate::error::Result;
use crate::sql::Tx;
use crate::store::OpenOptions;

/// Runs `op` over one moment of the database. In WAL mode neither waits for the writer nor holds it up.
pub(crate) fn read_aside<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    let mut connection = one_moment(options)?;
    let result = op(&mut connection);
    connection.command("COMMIT")?;
    result
}

/// A reader of one moment, for as long as it is kept.
fn one_moment(options: &OpenOptions) -> Result<Connection> {
    let mut connection = Connection::open_to_read(&Place::new(&options.url, options.clock.clone())?)?;
    connection.command("BEGIN")?;
    Ok(connection)
}

/// The same, of a file that another one is to take the place of.
pub(crate) fn to_replace(options: &OpenOptions) -> Result<Connection> {
    Place::new(&options.url, options.clock.clone())?.refuse_links()?;
    one_moment(options)
}

/// Runs `op` in one transaction on a file that nobody else has open, and folds everything into that one file.
pub(crate) fn in_new_file<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    let mut connection = Connection::open_to_write(&Place::new(&options.url, options.clock.clone())?)?;
    let result = connection.in_transaction(op)?;
    connection.command("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(result)
}

/// Renews what the planner knows, within bounds, and gives the log's room back if nobody writes just now.
pub(crate) fn optimize(options: &OpenOptions) -> Result<()> {
    let mut connection = Connection::open_beside(&Place::new(&options.url, options.clock.clone())?)?;
    connection.command("PRAGMA analysis_limit = 400")?;
    connection.command("PRAGMA optimize")?;
    connection.command("PRAGMA wal_checkpoint(TRUNCATE)")
}

/// Reads every page: what is wrong, or nothing; `None` when it took longer than `limit`.
pub(crate) fn quick_check(options: &OpenOptions, limit: Duration) -> Result<Option<Vec<String>>> {
    let mut connection = Connection::open_to_read(&Place::new(&options.url, options.clock.clone())?)?;
    let _limit = connection.stop_after(limit);
    let rows = match connection.query("PRAGMA quick_check(10)", &[]) {
        Err(crate::StoreError::Unavailable(_)) => return Ok(None),
        rows => rows?,
    };
    let found: Vec<String> = rows.into_iter().map(|mut row| row.text()).collect::<Result<_>>()?;
    Ok(Some(found.into_iter().filter(|line| line != "ok").collect()))
}
