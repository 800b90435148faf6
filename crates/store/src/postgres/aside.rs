//! PostgreSQL beside the queue: a connection of its own for what takes long.

use super::connection::{Connection, Server};
use crate::error::Result;
use crate::sql::Tx;
use crate::store::OpenOptions;

/// Reading a backup out waits for the disk that it is written to.
const PATIENT: &str = "SET LOCAL idle_in_transaction_session_timeout = '10min'";

/// Runs `op` over one moment of the database.
pub(crate) fn read_aside<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    let mut connection = Connection::connect(&Server::parse(&options.url)?)?;
    connection.in_transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", |tx| {
        tx.batch(PATIENT)?;
        op(tx)
    })
}

/// Runs `op` in one transaction.
pub(crate) fn write_aside<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    let mut connection = Connection::connect(&Server::parse(&options.url)?)?;
    connection.in_transaction("BEGIN", |tx| {
        tx.batch(PATIENT)?;
        op(tx)
    })
}
