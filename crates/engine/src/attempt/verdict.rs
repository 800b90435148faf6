//! A pm job: the agent judges, the engine looks up every piece of evidence, and only then the verdict counts.

use serde_json::json;
use windlass_types::{
    BadVerdict, Evidence, Failure, FailureKind, Harness, Job, JobStatus, JobType, Stage, StageStatus, Verdict, VerdictRules,
};
use windlass_workspace::workspaces::{Source, Workspace};

use super::{Attempt, Done, Stop, Work, prompt};
use crate::engine::Inner;
use crate::settings::Effective;

/// The largest file that can be evidence, in bytes.
const FILE_MAX: u64 = 16 * 1024 * 1024;
/// How often a pm is asked: once, and once more when its verdict is missing or refused.
const ROUNDS: u32 = 2;
/// Agents that a verdict may name. Never `command`: a program is a person's choice.
const ALLOWED: [Harness; 4] = [Harness::Claude, Harness::Codex, Harness::Gemini, Harness::Simulated];

impl Attempt {
    /// Runs the pm's agent until it gives a verdict that holds, or blocks for a person.
    pub(crate) async fn judge(&mut self, effective: &Effective, workspace: Option<&Workspace>, done: Done) -> Result<Work, Stop> {
        let mut feedback: Option<String> = None;
        let mut session = done.session;
        let mut ran = done.ran;
        let mut last = BadVerdict::Missing;
        for iteration in done.iteration.min(ROUNDS)..=ROUNDS {
            let text = match ran.take() {
                Some(text) => text,
                None => {
                    let extra = self.pm_context(effective).await?;
                    let asked =
                        self.stage_prompt_with(effective, workspace, iteration, feedback.as_deref(), session.is_some(), extra).await?;
                    let (text, new_session) = self.stage_run(effective, workspace, iteration, asked, session.take()).await?;
                    session = new_session;
                    text
                }
            };
            self.output = Some(text.clone());
            self.changes_left(workspace, false).await?;
            match self.find_verdict(effective, workspace, &text).await? {
                Ok(verdict) => return Ok(Work { output: Some(text), commit: None, verdict: Some(verdict) }),
                Err(bad) => {
                    self.engine.store.refuse_verdict(self.claimed.job.id, self.token(), self.claimed.attempt.id, bad.to_string()).await?;
                    feedback = Some(bad.to_string());
                    last = bad;
                }
            }
        }
        let kind = if last == BadVerdict::Missing { FailureKind::NoVerdict } else { FailureKind::BadEvidence };
        Err(Failure::new(kind, format!("the pm gave no verdict that holds: {last}"))
            .hint("decide yourself: windlass insert-job, or windlass update-assignment --status complete")
            .into())
    }

    /// The verdict sent by `windlass verdict`, else the one in the final message; with all its evidence found.
    async fn find_verdict(
        &self,
        effective: &Effective,
        workspace: Option<&Workspace>,
        text: &str,
    ) -> Result<Result<Verdict, BadVerdict>, Stop> {
        let sent = self.engine.store.proposed_verdict(self.claimed.attempt.id).await?;
        let verdict = match sent {
            Some(verdict) => verdict,
            None => match Verdict::from_message(text) {
                Ok(verdict) => verdict,
                Err(bad) => return Ok(Err(bad)),
            },
        };
        let line = self.engine.store.line(self.claimed.job.assignment_id).await?;
        if let Err(bad) = verdict.check(&rules(&self.claimed.assignment, &line, effective.verify.is_some())) {
            return Ok(Err(bad));
        }
        for evidence in verdict.evidence() {
            if let Err(why) = self.look_up(workspace, &line, evidence, matches!(verdict, Verdict::Complete { .. })).await? {
                return Ok(Err(BadVerdict::Refused(why)));
            }
        }
        Ok(Ok(verdict))
    }

    /// Looks one piece of evidence up; the inner error says what is not true.
    async fn look_up(
        &self,
        workspace: Option<&Workspace>,
        line: &[Job],
        evidence: &Evidence,
        completes: bool,
    ) -> Result<Result<(), String>, Stop> {
        let find = |id| line.iter().find(|j| j.id == id).ok_or_else(|| format!("{id} is not a job of this assignment"));
        Ok(match evidence {
            Evidence::Commit { sha } => match workspace {
                Some(workspace) if self.engine.workspaces.is_own_commit(workspace, sha).await? => Ok(()),
                Some(workspace) => Err(format!("commit {sha:?} is not on the branch {}", workspace.branch)),
                None => Err("this assignment has no repository, so no commits".to_owned()),
            },
            Evidence::Check { job } => match find(*job) {
                Err(why) => Err(why),
                Ok(job) => self.check_was_green(line, job, completes).await?,
            },
            Evidence::Job { job, status } => find(*job).and_then(|found| {
                if found.status == *status { Ok(()) } else { Err(format!("{} is {}, not {status}", found.id, found.status)) }
            }),
            Evidence::File { path } => match workspace {
                Some(workspace) => {
                    let head = self.claimed.assignment.head_commit.clone().unwrap_or_else(|| workspace.base_commit.clone());
                    match self.engine.workspaces.read_at(Source::Workspace(workspace), &head, path, FILE_MAX).await? {
                        Some(_) => Ok(()),
                        None => Err(format!("there is no file {path:?} at the branch's head")),
                    }
                }
                None => Err("this assignment has no repository, so no files".to_owned()),
            },
        })
    }

    /// Whether the engine's own run of the check passed for this job's last attempt, and, to complete, on the branch's head.
    async fn check_was_green(&self, line: &[Job], job: &Job, completes: bool) -> Result<Result<(), String>, Stop> {
        let mut green = false;
        if let Some(last) = self.engine.store.attempts(job.id).await?.last() {
            // A crash between the check and the commit leaves the check in an earlier attempt's journal.
            for attempt in self.engine.store.attempts(job.id).await?.iter().rev() {
                let journal = self.engine.store.journal(attempt.id).await?;
                if let Some(check) = journal.iter().rev().find(|s| s.stage == Stage::Verify) {
                    green = check.status == StageStatus::Passed;
                    break;
                }
                if attempt.id != last.id && attempt.status != windlass_types::AttemptStatus::Lost {
                    break;
                }
            }
        }
        if !green || job.status != JobStatus::Succeeded {
            return Ok(Err(format!("the check was not green for {}", job.id)));
        }
        let newest = line.iter().rev().find(|j| j.commit.is_some());
        if completes
            && let Some(newest) = newest
            && newest.id != job.id
        {
            return Ok(Err(format!(
                "the check of {} was green, but {} changed the branch after it: name the check of that job",
                job.id, newest.id
            )));
        }
        Ok(Ok(()))
    }

    async fn pm_context(&self, effective: &Effective) -> Result<serde_json::Value, Stop> {
        let line = self.engine.store.line(self.claimed.job.assignment_id).await?;
        let reviewed = self
            .claimed
            .job
            .reviews
            .and_then(|id| line.iter().find(|j| j.id == id))
            .or_else(|| line.iter().rev().find(|j| j.spec.job_type != JobType::Pm && j.status.is_final()));
        let nonce = self.nonce();
        let mut check_result = "not run for this job".to_owned();
        let reviewed = match reviewed {
            Some(job) => {
                if let Some(attempt) = self.engine.store.attempts(job.id).await?.last()
                    && let Some(check) = self.engine.store.journal(attempt.id).await?.iter().rev().find(|s| s.stage == Stage::Verify)
                {
                    check.detail["summary"].as_str().unwrap_or("it ran").clone_into(&mut check_result);
                    if check.status != StageStatus::Passed {
                        check_result.push('\n');
                        check_result.push_str(&prompt::fence("check", check.detail["output"].as_str().unwrap_or_default(), 8000, &nonce));
                    }
                }
                json!({
                    "id": job.id, "type": job.spec.job_type, "status": job.status,
                    "output": job.output.as_deref().map(|o| prompt::fence("agent", o, 12_000, &nonce)).unwrap_or_default(),
                    "failure": job.failure.as_ref().map(|f| f.message.clone()).filter(|_| job.status != JobStatus::Succeeded).unwrap_or_default(),
                })
            }
            None => json!({"id": "none", "type": "none", "status": "none", "output": "", "failure": ""}),
        };
        let rules = rules(&self.claimed.assignment, &line, effective.verify.is_some());
        Ok(json!({
            "reviewed": reviewed,
            "check_result": check_result,
            "head": self.claimed.assignment.head_commit.clone().unwrap_or_default(),
            "jobs_left": rules.jobs_left,
            "more_queued": rules.more_queued,
            // Its read-only sandbox lets no program reach the daemon.
            "command": self.claimed.harness != Harness::Codex,
        }))
    }
}

/// What a verdict may ask for, here and now.
fn rules(assignment: &windlass_types::Assignment, line: &[Job], has_check: bool) -> VerdictRules {
    VerdictRules {
        jobs_left: assignment.policy.max_inserted_jobs.saturating_sub(assignment.inserted_jobs),
        harnesses: ALLOWED.to_vec(),
        more_queued: line.iter().any(|j| j.status == JobStatus::Queued),
        head_commit: assignment.head_commit.clone(),
        has_check,
    }
}

/// Checks at once, while the pm's agent still runs, what can be checked without the workspace.
pub(crate) async fn check_at_once(
    inner: &Inner,
    job: &Job,
    verdict: &Verdict,
) -> Result<Result<(), BadVerdict>, windlass_store::StoreError> {
    let assignment = inner.store.assignment(job.assignment_id).await?;
    let line = inner.store.line(job.assignment_id).await?;
    let has_check = assignment.policy.verify.is_some();
    Ok(verdict.check(&rules(&assignment, &line, has_check)))
}
