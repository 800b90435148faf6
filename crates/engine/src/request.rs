//! What people and programs ask of the engine, and what it answers beside the records themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_types::{
    AssignmentId, AssignmentStatus, Attempt, AttemptId, Budget, Harness, Hold, Job, JobSpec, JobType, Policy, Probe, Problem, StageRecord,
    Timestamp,
};

use crate::breakers::BreakerView;

/// A new assignment with its first job: what `windlass run` sends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunGoal {
    /// What is wanted, in the caller's words; at most 1 MiB.
    pub goal: String,
    /// The repository: an absolute path (or a URL, which holds until there is a scanner).
    pub repo: Option<String>,
    /// A known project, in place of `repo`; `scratch` when neither is given.
    pub project: Option<String>,
    /// The branch to start from; the repository's current one by default.
    pub base: Option<String>,
    /// The type of the first job; `implement` by default.
    #[serde(rename = "type")]
    pub job_type: Option<JobType>,
    /// The agent for every job of the assignment.
    pub harness: Option<Harness>,
    /// The agent for each job type, where they differ.
    pub harness_defaults: BTreeMap<String, Harness>,
    /// The program, for harness `command`.
    pub program: Option<String>,
    /// The script as TOML text, for harness `simulated`.
    pub script: Option<String>,
    /// The check the engine runs on every change.
    pub verify: Option<String>,
    /// Whether the branch is proposed as a pull request once its work has passed.
    pub propose: bool,
    /// Whether no pm job judges the work: the assignment is complete when its job succeeds.
    pub no_review: bool,
    /// The model, where the harness lets us choose.
    pub model: Option<String>,
    /// How long one run of the agent may take, in seconds.
    pub timeout_secs: Option<u64>,
    /// How long it may print nothing, in seconds.
    pub idle_timeout_secs: Option<u64>,
    /// How often the agent may be sent back with the check's output.
    pub max_iterations: Option<u32>,
    /// How often a transient failure is tried again.
    pub max_retries: Option<u32>,
    /// Limits of the assignment.
    pub budget: Budget,
    /// Higher runs first.
    pub priority: i32,
    /// The named worker.
    pub worker: Option<String>,
    /// Files that it has to itself while it runs: paths, folders (`src/`) and globs, from the top of the repository; at most 1000.
    pub locks: Vec<String>,
    /// The same key makes the same assignment once, however often it is sent.
    pub key: Option<String>,
    /// Where it comes from: `cli`, `api`, …
    pub source: Option<String>,
}

/// A new assignment without a job: what `windlass create` sends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CreateAssignment {
    /// What is wanted; at most 1 MiB.
    pub north_star: String,
    /// The repository, as in [`RunGoal`].
    pub repo: Option<String>,
    /// A known project, in place of `repo`.
    pub project: Option<String>,
    /// The branch to start from.
    pub base: Option<String>,
    /// The rules it is run by.
    pub policy: Policy,
    /// Its limits.
    pub budget: Budget,
    /// Higher runs first.
    pub priority: i32,
    /// Its jobs, if it should have some at once.
    pub jobs: Vec<JobSpec>,
    /// Idempotency key.
    pub key: Option<String>,
    /// Where it comes from.
    pub source: Option<String>,
}

/// A change to an assignment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateAssignment {
    /// The status to move it to.
    pub status: Option<AssignmentStatus>,
    /// Why; kept with the status until the next one, at most 1 MiB.
    pub reason: Option<String>,
    /// Who has to act (for `blocked`); `person` by default.
    pub owner: Option<String>,
    /// What they have to do (for `blocked`).
    pub action: Option<String>,
    /// New limits.
    pub budget: Option<Budget>,
}

/// How an assignment's workspace is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CleanUp {
    /// What is not on the repository's branch is first written to a bundle; without this, it forbids the removal.
    pub bundle: bool,
}

/// A workspace was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CleanedUp {
    /// Whose it was.
    pub id: AssignmentId,
    /// The git bundle that holds what was nowhere else, if there was any.
    pub bundle: Option<String>,
}

/// A plain answer to "what is it doing, and why?".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The job.
    pub job: Job,
    /// Why it waits, when it does.
    pub hold: Option<Hold>,
    /// The running or last attempt.
    pub attempt: Option<Attempt>,
    /// Its stages so far.
    pub stages: Vec<StageRecord>,
    /// The answer in a sentence or two.
    pub summary: String,
}

/// What an assignment's branch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// The commit it starts from.
    pub base: String,
    /// The commit it ends at; `None` when uncommitted work is shown.
    pub head: Option<String>,
    /// The branch.
    pub branch: String,
    /// The changed files.
    pub files: Vec<DiffFile>,
    /// The patch, cut at a bound.
    pub patch: String,
    /// Whether the patch was cut.
    pub truncated: bool,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffFile {
    /// Its path in the repository.
    pub path: String,
    /// `added`, `modified`, `deleted`, `renamed` or `type_changed`.
    pub change: String,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

/// A piece of an attempt's transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptPage {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// Its records from the asked number on.
    pub items: Vec<TranscriptItem>,
    /// The number to ask for next.
    pub next: u64,
    /// Whether the attempt has ended and all of it was read.
    pub ended: bool,
}

/// One record of a transcript: a line as the agent printed it (known secrets redacted) and what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptItem {
    /// Its number, from 0 up.
    pub number: u64,
    /// When it was read.
    pub at: Timestamp,
    /// `stdout`, `stderr` or `windlass`.
    pub stream: String,
    /// The line.
    pub line: String,
    /// What it means, mapped now by the agent's own mapping.
    pub events: Vec<windlass_types::AgentEvent>,
}

/// What trusting a project would trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustCandidate {
    /// The project.
    pub project: String,
    /// The commit the file is read from.
    pub commit: String,
    /// The hash that names all that would be trusted (settings and templates).
    pub hash: String,
    /// Whether that hash is the trusted one already.
    pub trusted: bool,
    /// The files, by path.
    pub files: BTreeMap<String, String>,
}

/// What is installed, logged in and missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doctor {
    /// Each agent.
    pub harnesses: Vec<HarnessLook>,
    /// The machine: git, isolation, store, disk.
    pub checks: Vec<DoctorCheck>,
}

/// An agent as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HarnessLook {
    /// What is known of it.
    #[serde(flatten)]
    pub probe: Probe,
    /// Whether anything is configured to run it here: a worker, a default, a project, or a table of its own. What an agent lacks
    /// that is not used stands in nobody's way.
    #[serde(default = "yes")]
    pub used: bool,
}

const fn yes() -> bool {
    true
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorCheck {
    /// What was looked at.
    pub name: String,
    /// What was found.
    pub found: String,
    /// What is wrong with it, if anything.
    pub problem: Option<Problem>,
}

/// What the daemon is, for `/api/v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its node id.
    pub node: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Whether recovery is over and jobs are claimed.
    pub ready: bool,
    /// Whether a person has paused everything.
    pub paused: bool,
    /// The sandbox level that this node reaches: `bubblewrap`, `landlock`, `rlimits` or `off`.
    pub isolation: String,
    /// `sqlite` or `postgres`.
    pub store: String,
    /// Why new work is refused, if it is (disk full, read-only).
    pub storage_problem: Option<String>,
    /// Whether it takes no more work because it is about to end.
    #[serde(default)]
    pub stopping: bool,
    /// Jobs by status.
    pub jobs: BTreeMap<String, u64>,
    /// Assignments by status.
    pub assignments: BTreeMap<String, u64>,
    /// Each worker's slots.
    pub workers: Vec<WorkerStatus>,
    /// Harnesses that a quota has parked.
    pub harness_parks: Vec<HarnessParked>,
    /// Circuit breakers that are not closed.
    #[serde(default)]
    pub breakers: Vec<BreakerView>,
}

/// One worker and its slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerStatus {
    /// Its name.
    pub name: String,
    /// Jobs it runs.
    pub running: u32,
    /// Jobs it may run.
    pub limit: u32,
    /// Jobs that wait for it.
    pub queued: u64,
}

/// A harness that a quota has parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HarnessParked {
    /// Which.
    pub harness: Harness,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// What an agent inside a job may know of its own place, by its scoped token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentIdentity {
    /// Its assignment.
    pub assignment_id: AssignmentId,
    /// Its job.
    pub job: Job,
    /// Its attempt.
    pub attempt: Attempt,
}
