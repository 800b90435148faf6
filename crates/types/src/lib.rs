//! The vocabulary of Windlass: ids, records, states and the pure rules that move them.
//!
//! **Invariant:** no I/O and no async here. Time and randomness come in as arguments; what a rule decides
//! is a value that the store writes and the engine carries out.
//!
//! Start at [`Job`] and [`JobStatus::next`], then [`settle`] (what follows an attempt), [`hold`] (why a job
//! waits) and [`Verdict`] (what a pm job decides).

mod agent;
mod failure;
mod id;
mod text_enum;
mod time;

pub use agent::{AgentEnd, AgentEvent, Harness, Probe, Problem, RunEnd, Usage};
pub use failure::{Failure, FailureClass, FailureKind};
pub use id::{AssignmentId, AttemptId, BadId, JobId, NodeId, VerdictId};
pub use text_enum::UnknownWord;
pub use time::{Clock, Micros, Timestamp};
