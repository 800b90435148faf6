//! The vocabulary of Windlass: ids, records, states and the pure rules that move them.
//!
//! **Invariant:** no I/O and no async here. Time and randomness come in as arguments; what a rule decides
//! is a value that the store writes and the engine carries out.
//!
//! Start at [`Job`] and [`JobStatus::next`], then [`settle`] (what follows an attempt), [`hold`] (why a job
//! waits) and [`Verdict`] (what a pm job decides).

mod access;
mod activity;
mod agent;
mod assignment;
mod attempt;
mod branch;
mod breaker;
mod budget;
mod count;
mod event;
mod failure;
mod guarded;
mod hold;
mod id;
mod ids;
mod job;
mod lock;
mod network;
mod node;
mod notification;
mod operation;
mod project;
mod pull_request;
mod sandbox;
mod session;
mod settle;
mod task;
mod text_enum;
mod time;
mod verdict;
mod work;

pub use access::{AuditEntry, Credential, CredentialKind, Level, Scope, User, UserRole};
pub use activity::{Activity, ActivityKind, ActivityNote, OpenTool, SUMMARY_MAX, SessionTally, one_line};
pub use agent::{AgentEnd, AgentEvent, Harness, Probe, Problem, RunEnd, Usage};
pub use assignment::{Assignment, AssignmentMove, AssignmentStatus, Block, IllegalAssignmentMove, OnFailure, Policy};
pub use attempt::{
    Attempt, AttemptStatus, Effect, Finding, SecretFinding, Stage, StageRecord, StageStatus, VerdictRecord, is_loop, without_noise,
};
pub use branch::{Branch, BranchMove, BranchStatus, OnClash};
pub use breaker::{Admission, Backend, BackendSign, Breaker, BreakerPolicy, BreakerProbe, BreakerStatus, DEFAULT_ACCOUNT};
pub use budget::{Budget, BudgetCheck, Spent};
pub use count::count;
pub use event::{Event, EventKind};
pub use failure::{Failure, FailureClass, FailureKind};
pub use guarded::{GUARDED, Guard, is_guarded};
pub use hold::{Hold, HoldKind, Slots, World, hold};
pub use id::{AssignmentId, AttemptId, BadId, CredentialId, JobId, NodeId, SessionId, VerdictId};
pub use ids::Ids;
pub use job::{IllegalMove, Job, JobMove, JobSpec, JobStatus, JobType, Lease, Park, Phase, Token};
pub use lock::{BadLock, FileLock, LockConflict, LockPattern, LockStatus, parse_locks};
pub use network::{BadHostRule, HostRule, NetworkMode, is_public, split_port};
pub use node::{Node, NodeWorker, Presence, Role};
pub use notification::{Notification, NotificationKind, NotificationState, Told};
pub use operation::{
    BadOperation, Callback, ErrorContext, FeatureContext, OPERATION_SOURCE, OperationPullRequest, OperationRepository, OperationRequest,
    OperationResult, OperationStatus, OperationType, Texts,
};
pub use project::{Project, ProjectSettings, SCRATCH, is_valid_name, name_from};
pub use pull_request::{ChecksVerdict, PullRequest, PullRequestState, is_forge_repository};
pub use sandbox::{SandboxLevel, SandboxLimits, SandboxMode, is_trusted_source, keeps_network, sandbox_level};
pub use session::{
    AgentMetrics, AgentSession, CurrentTool, HarnessMetrics, IDLE_AFTER_MS, MANUAL, SessionKind, SessionStatus, ToolMetrics, mean,
    session_type, success_rate,
};
pub use settle::{AttemptResult, Counters, LineFacts, LineMove, RetryPolicy, Settlement, settle, why_dead};
pub use task::{Task, TaskStatus, TaskTry, is_valid_task_id};
pub use text_enum::UnknownWord;
pub use time::{Clock, Micros, Timestamp};
pub use verdict::{BadVerdict, Evidence, Verdict, VerdictJob, VerdictRules, is_prefix_of};
pub use work::{Why, WorkItem, WorkJob, WorkStatus, needs_a_person, title_of, why};
