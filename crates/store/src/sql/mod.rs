//! The one seam between operations and databases: a transaction that runs SQL text with `$n` placeholders.

mod row;
mod value;
mod work;

pub(crate) use row::Row;
pub(crate) use value::{Value, json, values};
pub(crate) use work::{EarlierEvent, NewEvent, Work, may_hold, may_hold_callback, may_hold_ready};

use windlass_types::Timestamp;

use crate::error::Result;

/// Which database runs the SQL; for the few clauses that only one of them has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// One writer: nothing needs a lock of its own.
    Sqlite,
    /// Many writers: rows that are decided on are locked.
    Postgres,
}

impl Dialect {
    /// Locks the rows read until the transaction ends.
    pub(crate) const fn lock(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE",
        }
    }

    /// Locks the rows read, leaving out those that another transaction holds.
    pub(crate) const fn lock_or_skip(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR NO KEY UPDATE SKIP LOCKED",
        }
    }

    /// Behind a table's name: reads it by this index. PostgreSQL decides that by itself.
    pub(crate) fn by_index(self, index: &str) -> String {
        match self {
            Self::Sqlite => format!(" INDEXED BY {index}"),
            Self::Postgres => String::new(),
        }
    }
}

/// An open transaction.
pub(crate) trait Tx {
    /// Runs a statement and tells how many rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;
    /// Runs a statement and gives its rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;
    /// Runs several statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<()>;
    /// Which database this is.
    fn dialect(&self) -> Dialect;
    /// Whether other processes use the database too.
    fn is_shared(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }
    /// The store's time: leases are compared by it and by nothing else.
    fn now(&mut self) -> Result<Timestamp>;
}
