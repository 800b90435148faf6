//! Attempts, their stages, and the memory by which a loop is seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, AttemptId, Failure, Harness, JobId, Timestamp, Token, Usage, Verdict, VerdictId};

/// A step of an attempt, safe to repeat. They run in this order; `verify` loops back to `run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The workspace: clone, branch.
    Prepare,
    /// The prompt is made from its template.
    Prompt,
    /// The agent runs.
    Run,
    /// The project's own check runs.
    Verify,
    /// What is to be delivered is searched for secrets.
    Scan,
    /// The engine commits what the agent left.
    Commit,
    /// The commit is merged on trial with what else is on its way into the base branch.
    Clash,
    /// The branch is pushed to where the repository came from.
    Push,
    /// A pull request is made.
    Propose,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 9] =
        [Self::Prepare, Self::Prompt, Self::Run, Self::Verify, Self::Scan, Self::Commit, Self::Clash, Self::Push, Self::Propose];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Prompt => "prompt",
            Self::Run => "run",
            Self::Verify => "verify",
            Self::Scan => "scan",
            Self::Commit => "commit",
            Self::Clash => "clash",
            Self::Push => "push",
            Self::Propose => "propose",
        }
    }
}

crate::text_enum!(Stage, "stage");

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// It began and has not ended.
    Running,
    /// It ended well.
    Passed,
    /// It ended and refused the work.
    Failed,
    /// It did not apply.
    Skipped,
    /// Its attempt ended first: the worker was lost, or the run was stopped.
    Interrupted,
}

impl StageStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Running, Self::Passed, Self::Failed, Self::Skipped, Self::Interrupted];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

crate::text_enum!(StageStatus, "stage status");

/// One entry of an attempt's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageRecord {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// Its place in the journal, from 1 up.
    pub number: i64,
    /// Which stage.
    pub stage: Stage,
    /// Which round of run and verify, from 1 up.
    pub iteration: u32,
    /// How it stands.
    pub status: StageStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The particulars, by stage: exit code, output, diff, commit, …
    pub detail: serde_json::Value,
}

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// Under way.
    Running,
    /// Its work passed.
    Succeeded,
    /// It did not.
    Failed,
    /// Its worker was lost.
    Lost,
    /// It was handed back or cancelled.
    Stopped,
}

impl AttemptStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Running, Self::Succeeded, Self::Failed, Self::Lost, Self::Stopped];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
        }
    }
}

crate::text_enum!(AttemptStatus, "attempt status");

/// One try at a job by one worker under one lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The job.
    pub job_id: JobId,
    /// The job's assignment.
    pub assignment_id: AssignmentId,
    /// Which try, from 1 up.
    pub number: u32,
    /// The token it acts under.
    pub token: Token,
    /// The node that runs it.
    pub node: String,
    /// The agent that runs.
    pub harness: Harness,
    /// How it stands.
    pub status: AttemptStatus,
    /// The agent's own session id: what a later attempt resumes.
    pub session_id: Option<String>,
    /// The launcher's process id, while one runs.
    pub pid: Option<u32>,
    /// That process's start time in clock ticks since boot, so that a reused id is not taken for it.
    pub pid_start: Option<u64>,
    /// The sandbox level at which its programs ran: `bubblewrap`, `landlock`, `rlimits` or `off`. Earlier versions wrote `namespace` and
    /// `subreaper`.
    pub isolation: Option<String>,
    /// What it used, as far as known.
    pub usage: Option<Usage>,
    /// How it failed.
    pub failure: Option<Failure>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A verdict as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerdictRecord {
    /// Its id.
    pub id: VerdictId,
    /// The assignment it is about.
    pub assignment_id: AssignmentId,
    /// The pm job that gave it.
    pub job_id: JobId,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// When it was applied.
    pub at: Timestamp,
}

/// What one round of work left behind: a repeat of a failing one is a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The job that left it.
    pub job_id: JobId,
    /// In which of its rounds. A round that is done again after a crash is the same round.
    pub iteration: u32,
    /// The hash of the whole change against the branch's base.
    pub diff_hash: String,
    /// The hash of the failing check's output, with what differs from run to run (times, addresses) taken out.
    pub check_hash: String,
}

/// Something that looks like a secret in an assignment's work. It says where and of which kind, and holds no more of it than its first letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretFinding {
    /// The rule that found it.
    pub rule: String,
    /// The file, or in brackets the part of the commit, that it stands in.
    pub path: String,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// The character of that line, from 1.
    pub column: u64,
    /// At most its first four characters.
    pub redacted: String,
    /// What an allow-list names it by.
    pub fingerprint: String,
    /// The commit that would have brought it; it is in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A secret that stands in the way of an assignment's work: the scan's, until one passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Whose work it is in.
    pub assignment_id: AssignmentId,
    /// Its number in that, from 1.
    pub number: i64,
    /// The assignment's project.
    pub project: String,
    /// The job that left it.
    pub job_id: JobId,
    /// When it was found.
    pub found_at: Timestamp,
    /// What and where it is.
    #[serde(flatten)]
    pub finding: SecretFinding,
}

/// Whether the newest effect repeats an earlier one: the same change, failing the same check in the same way.
pub fn is_loop(earlier: &[Effect], newest: &Effect) -> bool {
    earlier.iter().any(|e| {
        (e.job_id, e.iteration) != (newest.job_id, newest.iteration) && e.diff_hash == newest.diff_hash && e.check_hash == newest.check_hash
    })
}

/// A check's output with what differs from run to run taken out, so that two failures can be compared: digits become `0`.
pub fn without_noise(output: &str) -> String {
    let mut text = String::with_capacity(output.len());
    let mut in_number = false;
    for c in output.chars() {
        if c.is_ascii_digit() {
            if !in_number {
                text.push('0');
            }
            in_number = true;
        } else {
            in_number = false;
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_change_with_the_same_failure_is_a_loop_and_a_new_failure_is_not() {
        let job_id = JobId::from_uuid(uuid::Uuid::nil());
        let effect = |iteration, d: &str, c: &str| Effect { job_id, iteration, diff_hash: d.to_owned(), check_hash: c.to_owned() };
        let earlier = [effect(1, "d1", "c1"), effect(2, "d2", "c1")];
        assert!(is_loop(&earlier, &effect(3, "d1", "c1")));
        assert!(!is_loop(&earlier, &effect(3, "d1", "c2")));
        assert!(!is_loop(&earlier, &effect(3, "d3", "c1")));
        assert!(!is_loop(&earlier, &effect(2, "d2", "c1")), "the same round, done again after a crash");
    }

    #[test]
    fn two_runs_of_a_check_that_differ_in_times_only_compare_equal() {
        assert_eq!(without_noise("1 failed in 0.31 s"), without_noise("1 failed in 12.07 s"));
        assert_ne!(without_noise("test a failed"), without_noise("test b failed"));
    }
}
