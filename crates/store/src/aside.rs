//! Connections beside the queue, for what takes long: they hold up nobody's write.

use crate::error::Result;
use crate::sql::Tx;
use crate::store::OpenOptions;
use crate::{postgres, sqlite};

/// Whether a database address names PostgreSQL.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Runs `op` over one moment of the database, on a connection of its own. Blocks.
pub(crate) fn read_aside<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    if is_postgres(&options.url) { postgres::read_aside(options, op) } else { sqlite::read_aside(options, op) }
}
