//! Every operation, once, as a plain function over an open transaction; one file per aggregate.
//!
//! **Invariants:** a status moves only through `moves`; whatever changes something of an assignment locks the assignment's row first,
//! then the job's (one order, so no two transactions wait for each other); a worker's write passes `guard` before it changes anything.

mod activities;
mod assignments;
mod attempts;
mod audit;
mod blocked;
mod branches;
mod breakers;
mod callbacks;
mod candidates;
mod charts;
mod claim;
mod control;
mod credentials;
mod dead_letters;
mod duties;
mod events;
mod findings;
mod guard;
mod jobs;
mod journal;
mod line;
mod locks;
mod moves;
mod nodes;
mod notifications;
mod operations;
mod page;
#[cfg(test)]
mod plans;
mod projects;
mod pull_requests;
mod recover;
mod retention;
mod rows;
mod sessions;
mod settle;
mod submit;
mod tasks;
mod users;
mod verdicts;
mod work;
mod world;

pub(crate) use audit::add as add_audit_line;
pub(crate) use control::next_generation;
pub(crate) use events::last_seq;
pub(crate) use projects::make_scratch;

pub use activities::{AgentNews, HookNews};
pub use assignments::{AssignmentFilter, WholeAssignment};
pub use audit::AuditFilter;
pub use blocked::BlockedWork;
pub use branches::{BranchFilter, Declaration, OtherBranch};
pub use callbacks::{CallbackEnd, CallbackState, DueCallback};
pub use charts::{Charted, ChartsFilter, Cost};
pub use claim::{Claimed, Claims, NodeFacts, WorkerSlots};
pub use control::{Counts, HarnessPark};
pub use credentials::{Lasting, NewCredential};
pub use dead_letters::{DeadLetterFilter, Replay};
pub use duties::HeldDuty;
pub use events::EventFilter;
pub use findings::FindingFilter;
pub use jobs::{Due, JobEdit, JobFilter};
pub use journal::{StageEnd, StageNote};
pub use locks::LockFilter;
pub use nodes::Present;
pub use notifications::{ChannelRecord, DueNotification, KnownNotification, NewNotification, NotificationEnd};
pub use operations::{NewOperation, Operation, OperationFilter, OperationTrace};
pub use page::Page;
pub use pull_requests::{Seen, Watched};
pub use recover::{Beat, BeatState};
pub use retention::{Overdue, Pruning};
pub use sessions::SessionFilter;
pub use settle::{SettleRequest, Settled};
pub use submit::{Submission, Submitted};
pub use tasks::{NewTask, TaskOutcome, TaskTaken};
pub use users::UserChange;
pub use work::{WorkCounts, WorkFilter, WorkSort, WorkTitle};
pub use world::Held;
