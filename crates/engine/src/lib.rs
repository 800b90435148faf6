//! The engine: claims jobs, carries attempts out, settles them, and answers what it is doing and why.
//!
//! Data flows one way: a command or a claim changes the store in one transaction; the change wakes the dispatcher;
//! the dispatcher converges on what the store says. A wake-up carries no data, so a restarted engine and a signalled
//! one take the same path.
//!
//! **Invariant:** what runs is decided by `windlass_types::hold` inside the claim's own transaction.
//! **Invariant:** an orphan of an earlier life is seen dead before its job may be claimed again.
//!
//! Start at [`Engine::start`], then `dispatch`, then `attempt`.

mod attempt;
mod backup;
mod branches;
mod breakers;
mod callbacks;
mod command;
mod config;
mod dead_letters;
mod dispatch;
mod doctor;
mod duty;
mod engine;
mod error;
mod explain;
pub mod failpoint;
mod forge;
mod hash;
mod health;
mod hooks;
mod housekeeping;
mod lease;
mod notify;
mod now;
mod observe;
mod operations;
mod outbound;
mod pool;
mod presence;
mod pull_requests;
mod recover;
mod repository_file;
mod request;
mod settings;
mod storage;
mod tasks;
mod transcript;
mod work;

pub use backup::{
    Backup, MakeBackup, Manifest, RESTORE_UNFINISHED, RestoreBackup, RestoreOutcome, RestoreTarget, Restored, Restorer, restore,
    write_outcome,
};
pub use breakers::BreakerView;
pub use callbacks::CallbackConfig;
pub use config::{EngineConfig, ForgeWatch, Isolation, SandboxConfig, WorkerConfig};
pub use dead_letters::{DeadLetter, DeadLetterDetail, DeadLetterPage, ReplayOutcome, ReplayPage, ReplayWhich, Replayed};
pub use doctor::{sandbox_check, used_harnesses};
pub use engine::Engine;
pub use error::{EngineError, ErrorKind};
pub use housekeeping::{Housekeeping, HousekeepingRun, Kept, Removed, Retention};
pub use notify::{Channel, ChannelKind, NotificationChannel, Notifications, NotifyConfig, PageUrl};
pub use operations::{CallbackView, OperationLinks, OperationProgress, OperationView};
pub use request::{
    AgentIdentity, CleanUp, CleanedUp, CreateAssignment, Diff, DiffFile, Doctor, DoctorCheck, Explanation, HarnessLook, HarnessParked,
    RunGoal, Status, TranscriptItem, TranscriptPage, TrustCandidate, UpdateAssignment, WorkerStatus,
};
pub use tasks::{TaskFile, TaskWork, WorkerFigures};
pub use windlass_store::{DeadLetterFilter, JobEdit, Submitted, TaskTaken};
pub use work::{AgentCounts, Bucket, Charts, CostOf, Durations, FailureCount, Need, NeedKind, Throughput, WorkStats};

/// The built-in prompt template for a job type.
pub const fn builtin_template(job_type: windlass_types::JobType) -> &'static str {
    attempt::builtin_template(job_type)
}
