//! Connections beside the queue, for what takes long: they hold up nobody's write.

use std::path::Path;

use crate::error::Result;
use crate::sql::Tx;
use crate::store::OpenOptions;
use crate::{postgres, sqlite};

/// Whether a database address names PostgreSQL.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The file that a database address names; `None` of PostgreSQL's, and of one that names no file.
pub fn sqlite_file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    let is_file = !path.is_empty() && !path.starts_with(":memory:") && !path.contains("://");
    is_file.then(|| Path::new(path))
}

/// Runs `op` over one moment of the database, on a connection of its own. Blocks.
pub(crate) fn read_aside<T>(options: &OpenOptions, op: impl FnOnce(&mut dyn Tx) -> Result<T>) -> Result<T> {
    if is_postgres(&options.url) { postgres::read_aside(options, op) } else { sqlite::read_aside(options, op) }
}
