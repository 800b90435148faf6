//! One row of work: what somebody wants, how it stands, and why, in words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    AssignmentId, AssignmentStatus, AttemptId, Block, Budget, Harness, Hold, HoldKind, JobId, JobStatus, JobType, Phase, PullRequest,
    Spent, Stage, Timestamp,
};

/// How a piece of work stands, for people: an assignment's status, and of an active one what its jobs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkStatus {
    /// Somebody has to act first.
    Blocked,
    /// A job of it runs.
    Running,
    /// A job of it waits.
    Waiting,
    /// It is active, and no job of it runs or waits.
    Idle,
    /// Done.
    Complete,
    /// Called off.
    Cancelled,
}

impl WorkStatus {
    /// Every status, in the order in which they want attention.
    pub const ALL: [Self; 6] = [Self::Blocked, Self::Running, Self::Waiting, Self::Idle, Self::Complete, Self::Cancelled];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
        }
    }

    /// That of an assignment whose next job (the one that runs, or else waits) stands so.
    pub const fn of(assignment: AssignmentStatus, next: Option<JobStatus>) -> Self {
        match (assignment, next) {
            (AssignmentStatus::Blocked, _) => Self::Blocked,
            (AssignmentStatus::Complete, _) => Self::Complete,
            (AssignmentStatus::Cancelled, _) => Self::Cancelled,
            (AssignmentStatus::Active, Some(JobStatus::Running)) => Self::Running,
            (AssignmentStatus::Active, Some(JobStatus::Queued)) => Self::Waiting,
            (AssignmentStatus::Active, _) => Self::Idle,
        }
    }
}

crate::text_enum!(WorkStatus, "status of work");

/// The job of a piece of work that a row shows: the one that runs, else the next, else the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkJob {
    /// Its id.
    pub id: JobId,
    /// What kind of run.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The worker it waits for.
    pub worker: String,
    /// The agent of its last attempt, or the one it names.
    pub harness: Option<Harness>,
    /// Where it stands.
    pub status: JobStatus,
    /// Where the work is at.
    pub phase: Phase,
    /// Progress, 0 to 100.
    pub progress: u8,
    /// The agent's last word on what it is doing.
    pub message: Option<String>,
    /// Attempts started.
    pub attempts: u32,
    /// Its last attempt.
    pub attempt_id: Option<AttemptId>,
    /// The stage that its attempt is in, while it runs, and in which round.
    pub stage: Option<Stage>,
    /// The round of that stage, from 1.
    pub iteration: Option<u32>,
    /// When its last attempt began: what it waited between two is not its work.
    pub started_at: Option<Timestamp>,
    /// When it became final.
    pub ended_at: Option<Timestamp>,
}

/// One row of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkItem {
    /// What it is; `assignment`; a list may come to hold other kinds, which a client passes over.
    pub kind: String,
    /// Its id.
    pub id: AssignmentId,
    /// Its project.
    pub project: String,
    /// The first line of what is wanted, cut to 200 characters.
    pub title: String,
    /// Where it came from: `cli`, `api`, `file`, …
    pub source: String,
    /// How it stands.
    pub status: WorkStatus,
    /// Higher runs first.
    pub priority: i32,
    /// What it does, or why it waits, stands still or ended, in a sentence.
    pub summary: String,
    /// When the wait ends by itself, where that is known.
    pub until: Option<Timestamp>,
    /// What a person can do about it, where they can.
    pub action: Option<String>,
    /// What holds its next job, while one waits.
    pub hold: Option<HoldKind>,
    /// Whether nothing goes on until a person acts.
    pub needs_you: bool,
    /// The job that runs, else the next, else the last.
    pub job: Option<WorkJob>,
    /// How many jobs it has.
    pub jobs_total: u32,
    /// How many of them are over.
    pub jobs_over: u32,
    /// The branch that its work is delivered on.
    pub branch: Option<String>,
    /// The pull request of that branch, as it was last seen.
    pub pull_request: Option<PullRequest>,
    /// What it has used.
    pub spent: Spent,
    /// Its limits.
    pub budget: Budget,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it became complete or cancelled.
    pub ended_at: Option<Timestamp>,
}

/// Longest title, in characters.
const TITLE_MAX: usize = 200;

/// The first line that says anything of a text, cut to what a row can show.
pub fn title_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= TITLE_MAX {
        return line.to_owned();
    }
    line.chars().take(TITLE_MAX - 1).chain(['…']).collect()
}

/// Whether a hold lasts until a person acts.
pub const fn needs_a_person(hold: HoldKind) -> bool {
    matches!(hold, HoldKind::Blocked | HoldKind::Budget | HoldKind::NoWorker | HoldKind::Storage)
}

/// The words of a row: why it is as it is, when that ends by itself, and what a person can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Why {
    /// What it does, or why it waits, stands still or ended.
    pub summary: String,
    /// When the wait ends by itself.
    pub until: Option<Timestamp>,
    /// What a person can do about it.
    pub action: Option<String>,
}

/// Says why a piece of work stands as it does. `last_word`: what the person who moved it said of why, else the reason of its last verdict.
pub fn why(status: WorkStatus, block: Option<&Block>, job: Option<&WorkJob>, hold: Option<&Hold>, last_word: Option<&str>) -> Why {
    let said = last_word.map(title_of).filter(|said| !said.is_empty());
    match status {
        WorkStatus::Blocked => match block {
            Some(block) if block.owner == "person" => {
                Why { summary: block.reason.clone(), until: None, action: Some(block.action.clone()) }
            }
            Some(block) => {
                Why { summary: format!("waits for {}: {}", block.owner, block.reason), until: None, action: Some(block.action.clone()) }
            }
            None => Why { summary: "blocked".to_owned(), ..Why::default() },
        },
        WorkStatus::Running => Why { summary: job.map_or_else(String::new, doing), ..Why::default() },
        WorkStatus::Waiting => match hold {
            Some(hold) => Why { summary: hold.reason.clone(), until: hold.until, action: hold.hint.clone() },
            None => Why { summary: "a worker is about to take it".to_owned(), ..Why::default() },
        },
        WorkStatus::Idle => Why {
            summary: "no job of it waits or runs".to_owned(),
            until: None,
            action: Some("put a job in its line, or complete or cancel it".to_owned()),
        },
        WorkStatus::Complete => {
            let passed = job.is_none_or(|job| job.status == JobStatus::Succeeded);
            let plain = if passed { "its jobs passed their gates" } else { "somebody said that it is complete" };
            Why { summary: said.unwrap_or_else(|| plain.to_owned()), ..Why::default() }
        }
        WorkStatus::Cancelled => {
            Why { summary: said.map_or_else(|| "called off".to_owned(), |said| format!("called off: {said}")), ..Why::default() }
        }
    }
}

/// What a running job does.
fn doing(job: &WorkJob) -> String {
    let who = job.harness.map_or_else(|| "an agent".to_owned(), |harness| harness.to_string());
    let round = match job.iteration {
        Some(round) if round > 1 => format!(", round {round}"),
        _ => String::new(),
    };
    let begun = match job.stage {
        Some(Stage::Run) | None => format!("{who} runs {}{round}", job.job_type),
        Some(stage) => format!("{} of {}{round}", stage_words(stage), job.job_type),
    };
    match job.message.as_deref().map(str::trim) {
        Some(message) if !message.is_empty() => format!("{begun}: {}", title_of(message)),
        _ => begun,
    }
}

const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Prepare => "preparing the workspace",
        Stage::Prompt => "writing the prompt",
        Stage::Run => "running the agent",
        Stage::Verify => "checking the work",
        Stage::Scan => "scanning for secrets",
        Stage::Commit => "committing the work",
        Stage::Clash => "merging on trial with other branches",
        Stage::Push => "pushing the branch",
        Stage::Propose => "proposing the pull request",
    }
}
