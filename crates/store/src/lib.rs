//! All SQL of Windlass: one set of operations over SQLite and PostgreSQL.
//!
//! An operation is a plain function over an open transaction (`ops`), written once. Two implementations of one small trait run it:
//! for SQLite one thread that owns the connection and commits what has queued up as one group, for PostgreSQL a few threads with a
//! connection each. The async face is [`Store`]: it sends the operation to such a thread and waits for the answer.
//!
//! **Invariants:** an answer is given after the commit; a status changes only by the pure rules of the types crate, with its event in
//! the same transaction; a worker's write names its token, and an old one changes no row; events are numbered in the order in which
//! readers can see them.

mod access;
mod aside;
mod error;
mod export;
mod figures;
mod harness;
mod import;
mod migrate;
mod ops;
mod postgres;
mod queue;
#[cfg(feature = "simulation")]
pub mod simulation;
mod sql;
mod sqlite;
mod store;
mod tables;
mod upkeep;

pub use access::{Access, AccessOf};
pub use aside::{is_postgres, sqlite_file};
pub use error::{Result, StoreError};
pub use export::{Exported, ExportedTable};
pub use figures::Spread;
pub use harness::resolve_harness;
pub use import::{Import, import, known_schema};
pub use ops::{
    AgentNews, AssignmentFilter, AuditFilter, Beat, BeatState, BlockedWork, BranchFilter, CallbackEnd, CallbackState, ChannelRecord,
    Charted, ChartsFilter, Claimed, Claims, Cost, Counts, DeadLetterFilter, Declaration, Due, DueCallback, DueNotification, EventFilter,
    FindingFilter, HarnessPark, Held, HeldDuty, HookNews, JobEdit, JobFilter, KnownNotification, Lasting, LockFilter, NewCredential,
    NewNotification, NewOperation, NewTask, NodeFacts, NotificationEnd, Operation, OperationFilter, OperationTrace, OtherBranch, Overdue,
    Page, Present, Pruning, Replay, Seen, SessionFilter, SettleRequest, Settled, StageEnd, StageNote, Submission, Submitted, TaskOutcome,
    TaskTaken, UserChange, Watched, WholeAssignment, WorkCounts, WorkFilter, WorkSort, WorkTitle, WorkerSlots,
};
pub use store::{OpenOptions, Stats, Store};
pub use upkeep::{DatabaseFacts, QuickCheck};
