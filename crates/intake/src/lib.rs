//! The file intake: a shared directory in which tasks are files, served without a change to what writes and reads it.
//!
//! `tasks/<worker>/*.json` become assignments of one job; `triggers/`, `results/`, `heartbeats/` and `dlq/` tell what becomes of them.
//! Everything in the directory is somebody else's: names are checked, links never followed, sizes bounded.
//!
//! **Invariant:** a task is taken once: its row, its assignment and its job are one transaction, keyed by what the file is.
//! **Invariant:** a task file leaves `tasks/` only after its result is on disk, and then only the very file that was taken.
//! **Invariant:** events only say where to look; a look through everything, at the start, after lost events and every 30 s, finds the rest.
//! **Invariant:** of all daemons that know the directory, whatever their databases, one takes its files: who holds the lock on it.
//!
//! Start at [`IntakeDuty::start`], then `take` (files become rows) and `report` (rows become files).

mod claim;
mod config;
mod duty;
mod figures;
mod finished;
mod heartbeat;
mod intake;
mod look;
mod outside;
mod pending;
mod pipes;
mod places;
mod report;
mod result;
mod strict;
mod take;
mod task;
mod watch;

pub use config::{FileWorker, FilesConfig, FilesMode};
pub use duty::{IntakeDuty, IntakeState};
pub use figures::{FilesStatus, FilesWorker, LATENCY_BOUNDS_MS, Latency, Outside};
pub use intake::Intake;
