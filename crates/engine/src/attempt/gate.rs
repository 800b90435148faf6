//! The stages before and after the agent: `prepare` (the workspace) and `verify` (the project's own check).
//!
//! **Invariant:** the engine's own run of the check decides, under the same launcher and environment as the agent.

use serde_json::json;
use windlass_types::{BudgetCheck, Failure, FailureKind, ProjectSettings, Stage, StageStatus};
use windlass_workspace::git::branch_name;
use windlass_workspace::workspaces::{PrepareRequest, Removal, Source, Workspace};

use super::{Attempt, Stop, prompt};
use crate::pool;
use crate::repository_file;
use crate::settings::Effective;

const CHECK_OUTPUT_MAX: usize = 64 * 1024;

/// What the check said.
#[derive(Debug)]
pub(crate) enum Verified {
    /// There is no check.
    NoCheck,
    /// It is green.
    Passed,
    /// It is red.
    Failed {
        /// Its output, cut from the middle.
        output: String,
        /// How it ended, in a sentence.
        summary: String,
    },
}

impl Attempt {
    /// Makes the workspace ready, or finds the one that is there. `scratch` work has none.
    pub(crate) async fn stage_prepare(&mut self, effective: &mut Effective) -> Result<Option<Workspace>, Stop> {
        let Some(repo) = self.claimed.project.repo.clone() else { return Ok(None) };
        let number = self.stage_started(Stage::Prepare, 1).await?;
        let result = match self.check_forge() {
            Ok(()) => self.prepare(&repo, effective).await,
            Err(stop) => Err(stop),
        };
        let result = match result {
            Ok((workspace, detail)) => self.set_up(effective, &workspace).await.map(|()| (workspace, detail)),
            Err(stop) => Err(stop),
        };
        let workspace = self.stage_result(Stage::Prepare, number, result).await?;
        Ok(Some(workspace))
    }

    /// Runs the project's set-up command once in a workspace; a changed command runs again.
    async fn set_up(&mut self, effective: &Effective, workspace: &Workspace) -> Result<(), Stop> {
        let Some(setup) = &effective.setup else { return Ok(()) };
        let mark = workspace.home.join(".windlass").join("setup");
        let hash = crate::hash::hex(setup.as_bytes());
        if std::fs::read_to_string(&mark).is_ok_and(|done| done == hash) {
            return Ok(());
        }
        let end = self.run_command(effective, Some(workspace), setup).await?;
        if end.code != Some(0) {
            let output = prompt::cut_middle(end.output.trim(), 4000);
            return Err(Failure::new(FailureKind::BadConfiguration, format!("the set-up command `{setup}` failed: {output}"))
                .hint("mend the project's setup command")
                .into());
        }
        std::fs::write(&mark, hash)
            .map_err(|e| Failure::new(FailureKind::DiskFull, format!("{} could not be written: {e}", mark.display())).into())
    }

    async fn prepare(&mut self, repo: &str, effective: &mut Effective) -> Result<(Workspace, serde_json::Value), Stop> {
        let assignment = &self.claimed.assignment;
        let branch = assignment.branch.clone().unwrap_or_else(|| branch_name(&assignment.id, &assignment.north_star));
        let base_branch = match assignment.base_branch.clone().or_else(|| self.claimed.project.default_branch.clone()) {
            Some(branch) => branch,
            None => self.engine.workspaces.inspect(repo, None).await?.base_branch,
        };
        let workspaces = &self.engine.workspaces;
        let request = PrepareRequest {
            repo: repo.to_owned(),
            project: assignment.project.clone(),
            assignment_id: assignment.id,
            branch,
            base_branch,
            base_commit: assignment.base_commit.clone(),
        };
        let mut workspace = workspaces.prepare(&request).await?;
        if let Some(head) = &assignment.head_commit
            && self.engine.store.is_postgres()
        {
            let here = workspaces.head(&workspace)?;
            // The work has gone on from another machine: what is here is older than the branch that it was pushed to.
            if here != *head && !workspaces.is_ancestor(Source::Workspace(&workspace), head, &here).await.unwrap_or(false) {
                workspaces.remove(&workspace, Removal::Bundle).await?;
                workspace = workspaces.prepare(&request).await?;
            }
        }
        if assignment.base_commit.is_none() {
            self.engine
                .store
                .set_branch(
                    self.claimed.job.id,
                    self.token(),
                    workspace.branch.clone(),
                    workspace.base_branch.clone(),
                    workspace.base_commit.clone(),
                )
                .await?;
            self.claimed.assignment.base_commit = Some(workspace.base_commit.clone());
            pool::fill(&self.engine, &workspace);
        }
        let file = repository_file::read(&self.engine.workspaces, &workspace).await?;
        if let Some(file) = file {
            let trusted = self.claimed.project.trusted.as_deref() == Some(file.hash.as_str());
            self.apply_repository_file(effective, &file.settings, trusted).await?;
        }
        let detail = json!({"branch": workspace.branch, "base": workspace.base_branch, "base_commit": workspace.base_commit, "path": workspace.path});
        Ok((workspace, detail))
    }

    async fn apply_repository_file(&self, effective: &mut Effective, file: &ProjectSettings, trusted: bool) -> Result<(), Stop> {
        let brings: Vec<&str> =
            [("verify", file.verify.is_some()), ("setup", file.setup.is_some()), ("templates", !file.templates.is_empty())]
                .into_iter()
                .filter_map(|(name, brings)| brings.then_some(name))
                .collect();
        if !trusted && !brings.is_empty() {
            let text = format!("the repository's .windlass/project.toml brings {}, which nobody has trusted", brings.join(", "));
            // A check given by a person stands in for the repository's; without one, going on would skip the repository's own gate.
            if file.verify.is_some() && effective.verify.is_none() {
                let hint = format!(
                    "look at it and trust it: windlass trust {}; or give a check yourself with --verify",
                    self.claimed.project.name
                );
                return Err(Failure::new(FailureKind::Untrusted, text).hint(hint).into());
            }
            self.notice(json!({"what": "untrusted", "text": format!("{text}: left out")})).await?;
        }
        let worker = self.engine.worker(&self.claimed.job.worker);
        effective.add_repository(file, trusted, worker.as_ref(), &self.claimed);
        if let Some(failure) = file.budget.refuses(&self.claimed.assignment.spent, BudgetCheck::DuringRun) {
            return Err(failure.into());
        }
        Ok(())
    }

    /// Runs the project's check on what the agent left.
    pub(crate) async fn stage_verify(
        &mut self,
        effective: &Effective,
        workspace: Option<&Workspace>,
        iteration: u32,
    ) -> Result<Verified, Stop> {
        let Some(check) = effective.verify.clone() else { return Ok(Verified::NoCheck) };
        let number = self.stage_started(Stage::Verify, iteration).await?;
        match self.run_command(effective, workspace, &check).await {
            Ok(end) => {
                let output = prompt::cut_middle(&end.output, CHECK_OUTPUT_MAX);
                let passed = end.code == Some(0);
                let summary = match (end.code, end.signal) {
                    (Some(0), _) => format!("the check `{check}` passed"),
                    // 126 and 127 are the shell's own words for a program that cannot be run.
                    (Some(code @ (126 | 127)), _) => {
                        self.stage_ended(
                            Stage::Verify,
                            number,
                            StageStatus::Failed,
                            json!({"command": check, "exit_code": code, "output": output}),
                        )
                        .await?;
                        let what = if code == 127 { "was not found" } else { "cannot be run" };
                        return Err(Failure::new(FailureKind::VerifyMissing, format!("the check `{check}` {what}: {}", output.trim()))
                            .hint("mend the verify command, or install what it needs")
                            .into());
                    }
                    (Some(code), _) => format!("the check `{check}` failed with exit code {code}"),
                    (None, signal) => format!("the check `{check}` was ended by signal {}", signal.unwrap_or_default()),
                };
                let status = if passed { StageStatus::Passed } else { StageStatus::Failed };
                let detail = json!({"command": check, "exit_code": end.code, "signal": end.signal, "output": output, "summary": summary, "tree": self.tree_of(workspace).await?});
                self.stage_ended(Stage::Verify, number, status, detail).await?;
                Ok(if passed { Verified::Passed } else { Verified::Failed { output, summary } })
            }
            Err(stop) => self.stage_result(Stage::Verify, number, Err(stop)).await,
        }
    }

    async fn tree_of(&self, workspace: Option<&Workspace>) -> Result<Option<String>, Stop> {
        match workspace {
            Some(workspace) => Ok(Some(self.engine.workspaces.changes(workspace).await?.tree)),
            None => Ok(None),
        }
    }
}
