//! What can go wrong at the store's border: what happened, to what, and what to do next.

use windlass_types::{IllegalAssignmentMove, IllegalMove, JobId};

/// A store operation that did not happen. Nothing was changed, except where [`StoreError::Unavailable`] says that it is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such row.
    #[error("there is no {what} {id:?}; list them to see which there are")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The name or id that was given.
        id: String,
    },
    /// The token of a worker's write is no longer valid: stop the attempt and drop its result.
    #[error("the lease on {job} is lost: another attempt may own it; stop this one and drop its result")]
    Stale {
        /// The job it acted on.
        job: JobId,
    },
    /// The row's state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The row is no longer what the caller has seen.
    #[error("{0}")]
    Changed(String),
    /// What was asked can never be allowed.
    #[error("{0}")]
    Invalid(String),
    /// Some of the events asked for are no longer kept: they were older than the retention.
    #[error("events up to {} are no longer kept; read on from event {first}", first - 1)]
    Pruned {
        /// The first event that is kept.
        first: i64,
    },
    /// The disk, or a quota, is full.
    #[error("the database cannot grow: {0}; free some space, then work goes on by itself")]
    Full(String),
    /// The database cannot be written by this process.
    #[error("the database cannot be written: {0}; check the owner and the permissions of its folder")]
    ReadOnly(String),
    /// The database does not answer now, or the connection was cut. Whether a write that was under way happened is not known.
    #[error("the database is not available: {0}; check that it runs, then try again")]
    Unavailable(String),
    /// The database was changed by a later version in a way that this one does not understand.
    #[error("the database needs schema {min_binary} and this binary knows {binary}; install a later windlass")]
    TooNew {
        /// The lowest schema number a binary must know.
        min_binary: i64,
        /// The highest this binary knows.
        binary: i64,
    },
    /// The database holds somebody else's tables.
    #[error("the database is not Windlass's and not empty: {0}; give an empty one")]
    Foreign(String),
    /// The database's file has several names: whoever opens it by another one is not seen.
    #[error(
        "the database {path} is a file with {links} names (hard links): who works with it by another one is not seen, and both would \
         damage it; stop whoever does, then remove the other names (`find / -samefile {path}` shows them), or put a copy in its place"
    )]
    Linked {
        /// The name that it was to be opened by.
        path: String,
        /// How many it has.
        links: u64,
    },
    /// The server is not one that Windlass can use.
    #[error("{0}")]
    Unsupported(String),
    /// A row or the file cannot be read.
    #[error("the database is damaged: {0}; stop, keep a copy of it, and restore a backup")]
    Corrupt(String),
    /// A fault of Windlass itself.
    #[error("internal fault in the store: {0}; please report it")]
    Internal(String),
}

/// The result of every store operation.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string().chars().take(200).collect() }
    }
}

impl From<IllegalMove> for StoreError {
    fn from(illegal: IllegalMove) -> Self {
        Self::Conflict(format!("{illegal}; look at the job's status first"))
    }
}

impl From<IllegalAssignmentMove> for StoreError {
    fn from(illegal: IllegalAssignmentMove) -> Self {
        Self::Conflict(format!("{illegal}; look at the assignment's status first"))
    }
}
