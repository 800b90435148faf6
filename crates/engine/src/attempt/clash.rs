//! The stage `clash`: before a commit is pushed it is merged on trial with what its base branch has become, and with every other branch that
//! is on its way there.
//!
//! **Invariant:** a head is pushed only after it was declared in the registry by somebody who had tried it with all that was declared
//! before. So of two attempts at once, on any two nodes, the second sees the first.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use windlass_store::{Declaration, OtherBranch};
use windlass_types::{AssignmentId, Failure, FailureKind, OnClash, Stage, StageRecord, StageStatus};
use windlass_workspace::workspaces::{Commit, MergeRequest, Merging, Trial, Workspace};

use super::{Attempt, Stop};
use crate::failpoint;

/// The most rounds in which the agent merges, in one attempt.
const ROUNDS_MAX: u32 = 3;
/// The most other branches that one head is tried with.
const OTHERS_MAX: u32 = 64;
/// How often a declaration is offered while others declare theirs in between.
const OFFERS_MAX: u32 = 100;
/// How often, and after which pause, a commit is looked for that another node is about to push.
const LOOKS_MAX: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a merge waits for others to end theirs, and the slow look behind the wake-up.
const TURN_WAIT_MAX: Duration = Duration::from_hours(2);
const TURN_LOOK: Duration = Duration::from_secs(5);
/// The most files that anybody is told of.
const TOLD_MAX: usize = 50;

/// The merges that were given to the agent in this attempt, or in the lost one that it goes on from.
#[derive(Debug, Default)]
pub(crate) struct Merges {
    pub(super) rounds: u32,
    /// The commits that it was told to merge with.
    told: HashSet<String>,
}

impl Merges {
    /// Reads the journal of a lost attempt.
    pub(super) fn from_journal(journal: &[StageRecord]) -> Self {
        let refused = journal.iter().filter(|s| s.stage == Stage::Clash && s.status == StageStatus::Failed);
        let told: Vec<String> = refused.filter_map(|s| s.detail["with"]["commit"].as_str()).map(str::to_owned).collect();
        Self { rounds: u32::try_from(told.len()).unwrap_or(u32::MAX), told: told.into_iter().collect() }
    }
}

/// What a head does not merge with.
#[derive(Debug)]
struct Clash {
    with: MergeRequest,
    files: Vec<String>,
}

impl Attempt {
    /// What the agent is told of a merge that is laid into its tree and that it does not know of: a crash came in between.
    pub(super) async fn untold_merge(&mut self, workspace: &Workspace, iteration: u32) -> Result<Option<String>, Stop> {
        match self.engine.workspaces.merging(workspace)? {
            Some(merging) if !self.merges.told.contains(&merging.commit) => {
                Ok(Some(self.refuse(&merging, &merging.files, false, iteration).await?))
            }
            _ => Ok(None),
        }
    }

    /// What the agent is told of conflict markers that it has left.
    pub(super) async fn left_markers(
        &mut self,
        workspace: &Workspace,
        commit: Option<&Commit>,
        iteration: u32,
    ) -> Result<Option<String>, Stop> {
        let (Some(commit), Some(merging)) = (commit, self.engine.workspaces.merging(workspace)?) else { return Ok(None) };
        let left = self.engine.workspaces.unresolved(workspace, &commit.sha, &merging).await?;
        if left.is_empty() { Ok(None) } else { Ok(Some(self.refuse(&merging, &left, true, iteration).await?)) }
    }

    /// Tries the head with everything that it has to merge with, and declares it. Gives what the agent is told where it does not merge: the
    /// merge is laid into its tree then. Where nothing else is on its way there is nothing to try, and no stage.
    pub(super) async fn stage_clash(&mut self, workspace: &Workspace, head: &str, iteration: u32) -> Result<Option<String>, Stop> {
        let base = self.engine.workspaces.base_head(workspace).await?;
        let base = match base {
            Some(base) if base != workspace.base_commit && !self.engine.workspaces.has_commit(workspace, head, &base, None).await? => {
                Some(base)
            }
            _ => None,
        };
        if base.is_none() && self.offer(head, None).await? == Declaration::Declared {
            failpoint::hit("clash.declared");
            return Ok(None);
        }
        let number = self.stage_started(Stage::Clash, iteration).await?;
        let mut found = self.try_all(workspace, head, base.clone()).await;
        if matches!(found, Ok((_, _, Some(_)))) && self.on_clash() == OnClash::Rebase {
            found = match self.wait_for_turn().await {
                Ok(false) => found,
                // Meanwhile others have merged, and are to be merged with.
                Ok(true) => self.try_all(workspace, head, base).await,
                Err(stop) => Err(stop),
            };
        }
        match found {
            Ok((tried, left_out, None)) => {
                failpoint::hit("clash.declared");
                self.stage_ended(Stage::Clash, number, StageStatus::Passed, json!({"commit": head, "tried": tried, "left_out": left_out}))
                    .await?;
                Ok(None)
            }
            Ok((_, _, Some(clash))) => match self.lay_out(workspace, &clash).await {
                Ok(merging) => {
                    let told = told(&merging, &merging.files, false);
                    self.merges.rounds += 1;
                    self.merges.told.insert(merging.commit.clone());
                    let summary = format!("it does not merge with {}", name(&merging.branch, merging.assignment));
                    let detail = json!({"summary": summary, "with": clash_json(&clash), "output": told});
                    self.stage_ended(Stage::Clash, number, StageStatus::Failed, detail).await?;
                    Ok(Some(told))
                }
                Err(stop) => self.stage_result(Stage::Clash, number, Err(stop)).await,
            },
            Err(stop) => self.stage_result(Stage::Clash, number, Err(stop)).await,
        }
    }

    fn on_clash(&self) -> OnClash {
        self.claimed.project.settings.on_clash.unwrap_or_default()
    }

    /// Takes the project's turn to merge; whether somebody else had it first.
    async fn wait_for_turn(&self) -> Result<bool, Stop> {
        let (job, token) = (self.claimed.job.id, self.token());
        let (mut changes, mut control) = (self.engine.store.subscribe_ready(), self.control.clone());
        let until = tokio::time::Instant::now() + TURN_WAIT_MAX;
        let mut waited = false;
        loop {
            changes.borrow_and_update();
            if self.patiently(|| self.engine.store.take_merge_turn(job, token)).await? {
                return Ok(waited);
            }
            waited = true;
            self.check_control()?;
            if tokio::time::Instant::now() >= until {
                return Err(Failure::new(FailureKind::GitFailed, "another assignment of the project has been merging for too long").into());
            }
            // Its turn ends with its job, which everybody hears of.
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                _ = control.changed() => {}
                () = tokio::time::sleep(TURN_LOOK) => {}
            }
        }
    }

    async fn offer(&self, head: &str, seen: Option<i64>) -> Result<Declaration, Stop> {
        let (job, token) = (self.claimed.job.id, self.token());
        self.patiently(|| self.engine.store.declare_head(job, token, head.to_owned(), seen, OTHERS_MAX)).await
    }

    /// Tries the head with its base and with the others, until it is declared: how many were tried, and how many are too many to try.
    async fn try_all(&self, workspace: &Workspace, head: &str, base: Option<String>) -> Result<(usize, u64, Option<Clash>), Stop> {
        let workspaces = &self.engine.workspaces;
        let mut tried = HashSet::new();
        if let Some(base) = &base {
            tried.insert(base.clone());
            if let Trial::Clash { files, .. } = workspaces.trial_merge(workspace, head, base, None).await? {
                let with = MergeRequest { commit: base.clone(), branch: workspace.base_branch.clone(), assignment: None };
                return Ok((tried.len(), 0, Some(Clash { with, files })));
            }
        }
        let (mut seen, mut untried) = (None, 0);
        for _ in 0..OFFERS_MAX {
            self.check_control()?;
            match self.offer(head, seen).await? {
                Declaration::Declared => return Ok((tried.len(), untried, None)),
                Declaration::Others { version, others, left_out } => {
                    let others: Vec<OtherBranch> = others.into_iter().filter(|other| tried.insert(other.commit.clone())).collect();
                    if let Some(clash) = self.try_with(workspace, head, base.as_deref(), &others).await? {
                        return Ok((tried.len(), left_out, Some(clash)));
                    }
                    (seen, untried) = (Some(version), left_out);
                }
            }
        }
        Err(Failure::new(
            FailureKind::GitFailed,
            "other branches of the project were declared again and again while this one was tried with them",
        )
        .into())
    }

    /// Tries the head with others: the first that it does not merge with.
    async fn try_with(&self, workspace: &Workspace, head: &str, base: Option<&str>, others: &[OtherBranch]) -> Result<Option<Clash>, Stop> {
        let workspaces = &self.engine.workspaces;
        let wanted: Vec<_> = others.iter().map(|other| (other.commit.clone(), Some(other.assignment_id))).collect();
        let trials = workspaces.trial_merges(workspace, head, &wanted).await?;
        for (other, mut trial) in others.iter().zip(trials) {
            let (mut commit, lender) = (other.commit.clone(), Some(&other.assignment_id));
            if trial == Trial::Missing
                && let Some(found) = self.find_commit(workspace, other).await?
            {
                trial = workspaces.trial_merge(workspace, head, &found, lender).await?;
                commit = found;
            }
            let Trial::Clash { files, .. } = trial else { continue };
            if let Some(base) = base
                && workspaces.has_commit(workspace, base, &commit, lender).await?
            {
                // The base was tried, and brings it along.
                self.engine.store.branch_merged(other.assignment_id, commit).await?;
                continue;
            }
            let with = MergeRequest { commit, branch: other.name.clone(), assignment: Some(other.assignment_id) };
            return Ok(Some(Clash { with, files }));
        }
        Ok(None)
    }

    /// The commit of another branch that counts: the declared one, which another node may be about to push, or where nobody will, the last
    /// that was. `None` when nothing of it is anywhere.
    async fn find_commit(&self, workspace: &Workspace, other: &OtherBranch) -> Result<Option<String>, Stop> {
        let workspaces = &self.engine.workspaces;
        let lender = Some(&other.assignment_id);
        for look in 0..LOOKS_MAX {
            if workspaces.is_reachable(workspace, &other.commit, lender).await? {
                return Ok(Some(other.commit.clone()));
            }
            if !other.is_running {
                return match &other.pushed {
                    Some(pushed) if workspaces.is_reachable(workspace, pushed, lender).await? => Ok(Some(pushed.clone())),
                    _ => Ok(None),
                };
            }
            self.check_control()?;
            if look + 1 < LOOKS_MAX {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        let text = format!("{} has declared {}, which is not on the remote yet", name(&other.name, lender.copied()), short(&other.commit));
        Err(Failure::new(FailureKind::GitFailed, text).into())
    }

    /// Lays the merge into the tree for the agent, where it may still try; else a person decides.
    async fn lay_out(&self, workspace: &Workspace, clash: &Clash) -> Result<Merging, Stop> {
        let other = name(&clash.with.branch, clash.with.assignment);
        let files: Vec<&str> = clash.files.iter().take(TOLD_MAX).map(String::as_str).collect();
        let text = format!("the work does not merge with {other}: {}", files.join(", "));
        self.notice(json!({"what": "branch_clash", "text": text, "with": clash_json(clash)})).await?;
        let on_clash = self.on_clash();
        if on_clash == OnClash::Hold || self.merges.rounds >= ROUNDS_MAX {
            return Err(self.failure(clash, on_clash).into());
        }
        let merging = self.engine.workspaces.begin_merge(workspace, &clash.with).await?;
        failpoint::hit("clash.laid");
        Ok(merging)
    }

    fn failure(&self, clash: &Clash, on_clash: OnClash) -> Failure {
        let other = name(&clash.with.branch, clash.with.assignment);
        let first: Vec<&str> = clash.files.iter().take(5).map(String::as_str).collect();
        let more = if clash.files.len() > first.len() { format!(" and {} more", clash.files.len() - first.len()) } else { String::new() };
        let rounds = if on_clash == OnClash::Rebase { format!(" (after {} rounds of merging)", self.merges.rounds) } else { String::new() };
        let text = format!("the work does not merge with {other}: {}{more}; it was not pushed{rounds}", first.join(", "));
        let job = self.claimed.job.id;
        let hint = match clash.with.assignment {
            Some(other) => format!(
                "merge or close {} first (windlass branches merged {other}, or windlass branches release {other}), then windlass retry {job}",
                clash.with.branch
            ),
            None => format!("say in other words how to go on from the present {}: windlass retry {job} --context TEXT", clash.with.branch),
        };
        Failure::new(FailureKind::BranchClash, text).hint(hint)
    }

    /// Refuses a round for a merge that is laid out and not done.
    async fn refuse(&mut self, merging: &Merging, files: &[String], left_over: bool, iteration: u32) -> Result<String, Stop> {
        let with = MergeRequest { commit: merging.commit.clone(), branch: merging.branch.clone(), assignment: merging.assignment };
        let clash = Clash { with, files: files.to_vec() };
        let number = self.stage_started(Stage::Clash, iteration).await?;
        if self.merges.rounds >= ROUNDS_MAX {
            let failure = self.failure(&clash, OnClash::Rebase);
            return self.stage_result(Stage::Clash, number, Err(failure.into())).await;
        }
        self.merges.rounds += 1;
        self.merges.told.insert(merging.commit.clone());
        let told = told(merging, files, left_over);
        let summary = format!("the merge with {} is not done", name(&merging.branch, merging.assignment));
        let detail = json!({"summary": summary, "with": clash_json(&clash), "output": told});
        self.stage_ended(Stage::Clash, number, StageStatus::Failed, detail).await?;
        Ok(told)
    }
}

fn clash_json(clash: &Clash) -> serde_json::Value {
    let files: Vec<&str> = clash.files.iter().take(TOLD_MAX).map(String::as_str).collect();
    json!({"commit": clash.with.commit, "branch": clash.with.branch, "assignment": clash.with.assignment, "files": files, "file_count": clash.files.len()})
}

fn name(branch: &str, assignment: Option<AssignmentId>) -> String {
    match assignment {
        Some(assignment) => format!("the branch {branch} of {assignment}"),
        None => format!("what {branch} has become"),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// What the agent has to do. It stands inside a fence like every text that holds names of files.
fn told(merging: &Merging, files: &[String], left_over: bool) -> String {
    let other = name(&merging.branch, merging.assignment);
    let mut text = if left_over {
        format!("The merge with {other} is not done: conflict markers are left in these files.\n")
    } else {
        format!(
            "Your work is good and does not merge with {other} (commit {}). The merge is laid into your working tree now: it holds both works, \
             and these files are in conflict.\n",
            short(&merging.commit)
        )
    };
    text.push_str(
        "Make each of them say what both works want, and remove every line that begins with <<<<<<<, ======= or >>>>>>>. A file that one side has \
         removed has no such lines: keep it or remove it. Change nothing else. Windlass commits the merge; do not run git merge or git commit.\n\n",
    );
    for file in files.iter().take(TOLD_MAX) {
        let _ = writeln!(text, "{}", file.escape_debug());
    }
    if files.len() > TOLD_MAX {
        let _ = writeln!(text, "and {} more", files.len() - TOLD_MAX);
    }
    text
}
