//! Jobs: one agent run wanted, and the only rules by which its status moves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, Budget, Failure, Harness, JobId, Micros, Timestamp, Usage};

/// What kind of run a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// Think first: what has to be done, in what order. Changes nothing.
    Plan,
    /// Do the work. Must leave a change, or say why there is nothing to change.
    Implement,
    /// Read the work with fresh eyes. Changes nothing.
    Review,
    /// Use the result as its user would. Changes nothing.
    Uat,
    /// Write the documentation of what was done. May leave a change.
    Document,
    /// Judge what was done and give a verdict. Changes nothing.
    Pm,
    /// Answer a follow-up in the agent's own session. May leave a change.
    Chat,
}

impl JobType {
    /// Every type.
    pub const ALL: [Self; 7] = [Self::Plan, Self::Implement, Self::Review, Self::Uat, Self::Document, Self::Pm, Self::Chat];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Implement => "implement",
            Self::Review => "review",
            Self::Uat => "uat",
            Self::Document => "document",
            Self::Pm => "pm",
            Self::Chat => "chat",
        }
    }

    /// Whether its changes are kept: the others' are thrown away after the run.
    pub const fn may_change(self) -> bool {
        matches!(self, Self::Implement | Self::Document | Self::Chat)
    }

    /// Whether ending without a change needs the agent's word that there is nothing to change.
    pub const fn must_change(self) -> bool {
        matches!(self, Self::Implement)
    }

    /// The phase that a running job of this type is in until it says otherwise.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Plan | Self::Pm => Phase::Planning,
            Self::Implement | Self::Document | Self::Chat => Phase::Implementing,
            Self::Review | Self::Uat => Phase::Testing,
        }
    }
}

crate::text_enum!(JobType, "job type");

/// Where a job's work is at, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Thinking.
    Planning,
    /// Changing files.
    Implementing,
    /// Checking.
    Testing,
    /// Delivering.
    Deploying,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 4] = [Self::Planning, Self::Implementing, Self::Testing, Self::Deploying];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Implementing => "implementing",
            Self::Testing => "testing",
            Self::Deploying => "deploying",
        }
    }
}

crate::text_enum!(Phase, "phase");

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting to be claimed; entered at submission, after a failure that is tried again, a park, a rescue or a hand-back.
    Queued,
    /// Claimed by a worker under a live lease.
    Running,
    /// Its work passed every gate. Final.
    Succeeded,
    /// A gate, a budget or the agent itself refused it. Final until a person retries it.
    Failed,
    /// Its retries or rescues are spent: a dead letter. Final until a person replays it.
    Dead,
    /// Somebody cancelled it. Final until a person retries it.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Dead, Self::Cancelled];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing but a person moves it on.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The only place that knows which moves are legal.
    pub const fn next(self, by: JobMove) -> Result<Self, IllegalMove> {
        use JobMove as M;
        Ok(match (self, by) {
            (Self::Queued, M::Claim) => Self::Running,
            (Self::Running, M::Requeue) | (Self::Failed | Self::Dead | Self::Cancelled, M::Revive) => Self::Queued,
            (Self::Running, M::Succeed) => Self::Succeeded,
            (Self::Running, M::Fail) => Self::Failed,
            (Self::Running, M::Bury) => Self::Dead,
            (Self::Queued | Self::Running, M::Cancel) => Self::Cancelled,
            (from, by) => return Err(IllegalMove { from, by }),
        })
    }
}

crate::text_enum!(JobStatus, "job status");

/// What may happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobMove {
    /// A worker took it under a new token.
    Claim,
    /// It goes back to the queue: a retry, a park, a rescue, a hand-back.
    Requeue,
    /// Its work passed.
    Succeed,
    /// It was refused for good.
    Fail,
    /// Its retries or rescues are spent.
    Bury,
    /// Somebody cancelled it.
    Cancel,
    /// A person runs it again.
    Revive,
}

impl JobMove {
    /// Every move.
    pub const ALL: [Self; 7] = [Self::Claim, Self::Requeue, Self::Succeed, Self::Fail, Self::Bury, Self::Cancel, Self::Revive];

    /// What it makes of a job, for people.
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::Requeue => "put back in the queue",
            Self::Succeed => "ended well",
            Self::Fail => "failed",
            Self::Bury => "given up",
            Self::Cancel => "cancelled",
            Self::Revive => "retried",
        }
    }
}

/// A move that a status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot be {}", by.participle())]
pub struct IllegalMove {
    /// Where it stands.
    pub from: JobStatus,
    /// What was asked.
    pub by: JobMove,
}

/// The right to act on a job: rises with every claim and is named by every write of the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token {
    /// The boot generation of the store: rises with every start of a node, so that a claim lost to a power cut cannot repeat a token.
    pub generation: i64,
    /// Rises with every claim of the job.
    pub epoch: i64,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.generation, self.epoch)
    }
}

impl std::str::FromStr for Token {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('.')
            .and_then(|(g, e)| Some(Self { generation: g.parse().ok()?, epoch: e.parse().ok()? }))
            .ok_or_else(|| format!("{text:?} is not a token"))
    }
}

impl TryFrom<String> for Token {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.to_string()
    }
}

impl utoipa::PartialSchema for Token {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <String as utoipa::PartialSchema>::schema()
    }
}

impl ToSchema for Token {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("Token")
    }
}

/// What a job is asked to be. The parts a person or a verdict chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobSpec {
    /// What kind of run.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Which agent; by default the assignment's, the worker's, then the project's for this type.
    pub harness: Option<Harness>,
    /// What the agent is told beside the north star.
    pub context: String,
    /// Which named worker runs it; `default` when none is named.
    pub worker: Option<String>,
    /// The model, where the harness lets us choose.
    pub model: Option<String>,
    /// The program, for harness `command`.
    pub program: Option<String>,
    /// The script as TOML text, for harness `simulated`.
    pub script: Option<String>,
    /// How long one run of the agent may take, in seconds.
    pub timeout_secs: Option<u64>,
    /// How long it may print nothing, in seconds.
    pub idle_timeout_secs: Option<u64>,
    /// How often a transient failure is tried again.
    pub max_retries: Option<u32>,
    /// The job's own limits, inside the assignment's.
    pub budget: Budget,
    /// Attempts up to this one were asked something else: no later one goes on in their sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_after: Option<u32>,
    /// The job in whose agent's session a `chat` job goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<JobId>,
}

impl Default for JobSpec {
    fn default() -> Self {
        Self {
            job_type: JobType::Implement,
            harness: None,
            context: String::new(),
            worker: None,
            model: None,
            program: None,
            script: None,
            timeout_secs: None,
            idle_timeout_secs: None,
            max_retries: None,
            budget: Budget::default(),
            fresh_after: None,
            resumes: None,
        }
    }
}

/// Who holds a running job, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lease {
    /// The node's id.
    pub node: String,
    /// The token that every write of the holder names.
    pub token: Token,
    /// When the right ends, by the store's clock.
    pub expires_at: Timestamp,
}

/// Why a queued job waits for a time: set when a provider's quota ends a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Park {
    /// What ended the run.
    pub failure: Failure,
    /// When it is looked at again.
    pub until: Timestamp,
}

/// A job as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The assignment whose line it stands in.
    pub assignment_id: AssignmentId,
    /// The assignment's project.
    pub project: String,
    /// Its place in the line, from 1 up. Insertions move later jobs on.
    pub position: i64,
    /// Where it stands.
    pub status: JobStatus,
    /// What it is asked to be.
    pub spec: JobSpec,
    /// The worker it waits for.
    pub worker: String,
    /// Higher runs first; ageing keeps lower from starving.
    pub priority: i32,
    /// The job whose result a pm job judges.
    pub reviews: Option<JobId>,
    /// Where the work is at, for people.
    pub phase: Phase,
    /// Progress, 0 to 100.
    pub progress: u8,
    /// The last word on what it is doing.
    pub message: Option<String>,
    /// Attempts started.
    pub attempts: u32,
    /// Transient failures so far.
    pub failures: u32,
    /// Runs lost to crashes and lost leases so far.
    pub rescues: u32,
    /// Times it was parked so far.
    pub parks: u32,
    /// Not claimed before this time.
    pub due_at: Timestamp,
    /// Why it waits until then, when a quota is the reason.
    pub park: Option<Park>,
    /// The last failure.
    pub failure: Option<Failure>,
    /// The agent's final text.
    pub output: Option<String>,
    /// The commit it left, if any.
    pub commit: Option<String>,
    /// Who runs it now.
    pub lease: Option<Lease>,
    /// A cancel was asked for and reaches the worker with its next heartbeat.
    pub cancel_requested: bool,
    /// Tokens and money over all attempts, as far as known.
    pub usage: Usage,
    /// Money over all attempts, as far as known.
    pub cost_micros: Micros,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = JobStatus> {
        proptest::sample::select(JobStatus::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn only_a_revival_leaves_a_final_status(from in status(), by in proptest::sample::select(JobMove::ALL.to_vec())) {
            if from.is_final() {
                prop_assert_eq!(from.next(by).is_ok(), by == JobMove::Revive && from != JobStatus::Succeeded);
            }
        }

        #[test]
        fn running_is_entered_only_by_a_claim(from in status(), by in proptest::sample::select(JobMove::ALL.to_vec())) {
            if from.next(by) == Ok(JobStatus::Running) {
                prop_assert_eq!((from, by), (JobStatus::Queued, JobMove::Claim));
            }
        }
    }

    #[test]
    fn every_status_prints_a_word_that_parses_back() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("running ".parse::<JobStatus>().is_err());
    }

    #[test]
    fn a_token_prints_and_parses_back_and_orders_by_generation_first() {
        let token = Token { generation: 3, epoch: 7 };
        assert_eq!(token.to_string().parse(), Ok(token));
        assert!(token < Token { generation: 4, epoch: 1 });
        assert!("3".parse::<Token>().is_err());
    }
}
