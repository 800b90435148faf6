//! The stages after the check: `scan`, `commit`, `clash`, `push`, `propose`. Each looks up its effect before it repeats it.

use std::sync::Arc;

use serde_json::json;
use windlass_secrets::Redactor;
use windlass_types::{Job, Stage, StageStatus};
use windlass_workspace::workspaces::{CommitRequest, Workspace};

use super::guarded::GuardedChange;
use super::scan::{Refusal, Scanned, scanner};
use super::{Attempt, Stop};
use crate::failpoint;
use crate::settings::Effective;

/// What became of the work.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// It is where the repository came from: the commit, if there is one.
    Done(Option<String>),
    /// It holds secrets, and went nowhere.
    Refused(Refusal),
    /// It does not merge with other work: what the agent is told, for a further round.
    Clashes(String),
}

impl Attempt {
    /// Commits what the agent left and pushes the branch to where the repository came from, if the scan passes it.
    pub(crate) async fn deliver(
        &mut self,
        effective: &Effective,
        workspace: &Workspace,
        checked_tree: &str,
        text: &str,
        iteration: u32,
    ) -> Result<Delivered, Stop> {
        if let Some(told) = self.untold_merge(workspace, iteration).await? {
            return Ok(Delivered::Clashes(told));
        }
        let (job_id, token) = (self.claimed.job.id, self.token());
        let engine = Arc::clone(&self.engine);
        let workspaces = &engine.workspaces;
        let job = self.claimed.job.clone();
        let secrets = engine.secrets_of(self.claimed.attempt.id);
        // What people and agents say is cleaned; the files are the agent's to clean.
        let scanner = scanner()?;
        let clean = |text: &str| Redactor::clean(&scanner, &secrets, text);
        let request = CommitRequest {
            subject: clean(&subject(&self.claimed.assignment.north_star, &job.spec.context)),
            body: clean(&body(text)),
            trailers: trailers(&job),
            now: self.engine.config.clock.now(),
        };
        let commit = match self.stage_scan(workspace, &request, iteration).await? {
            Scanned::Clean(commit) => commit,
            Scanned::Refused(refusal) => return Ok(Delivered::Refused(refusal)),
        };

        if let Some(told) = self.left_markers(workspace, commit.as_ref(), iteration).await? {
            return Ok(Delivered::Clashes(told));
        }

        let number = self.stage_started(Stage::Commit, iteration).await?;
        let guarded = match &commit {
            Some(commit) => self.guarded_change(workspace, commit).await?,
            None => GuardedChange::default(),
        };
        if let Some(commit) = &commit
            && let Some(failure) = self.hold_guarded(workspace, commit, &guarded).await?
        {
            let paths: Vec<&str> = guarded.paths.iter().take(200).map(String::as_str).collect();
            let detail = json!({"failure": failure, "guarded": paths, "digest": guarded.digest});
            self.stage_ended(Stage::Commit, number, StageStatus::Failed, detail).await?;
            return Err(failure.into());
        }
        let result = async {
            let detail = match &commit {
                Some(commit) => json!({"commit": commit.sha, "files": commit.files.iter().take(200).map(|f| f.path.as_str()).collect::<Vec<_>>(), "file_count": commit.files.len()}),
                None => json!({"commit": null, "why": "nothing to commit"}),
            };
            if let Some(commit) = &commit {
                workspaces.adopt(workspace, commit).await?;
                failpoint::hit("commit.made");
                if commit.tree != checked_tree {
                    let text = "the check itself changed files that git does not ignore: they are committed with the rest";
                    self.notice(json!({"what": "check_left_files", "text": text})).await?;
                }
                self.engine.store.set_head(job_id, token, commit.sha.clone()).await?;
            }
            Ok((commit.map(|c| c.sha), detail))
        }
        .await;
        let commit = self.stage_result(Stage::Commit, number, result).await?;

        // What an earlier attempt committed and could not push is pushed now.
        let Some(head) = commit.clone().or_else(|| self.claimed.assignment.head_commit.clone()) else {
            return Ok(Delivered::Done(None));
        };
        if let Some(told) = self.stage_clash(workspace, &head, iteration).await? {
            return Ok(Delivered::Clashes(told));
        }
        let number = self.stage_started(Stage::Push, iteration).await?;
        let result = async {
            let pushed = workspaces.push(workspace, &head).await?;
            failpoint::hit("push.made");
            let detail = json!({"ref": pushed.remote_ref, "commit": pushed.sha, "already": pushed.already});
            Ok(((), detail))
        }
        .await;
        self.stage_result(Stage::Push, number, result).await?;
        workspaces.refresh(workspace).await?;
        failpoint::hit("refresh.made");

        self.stage_propose(effective, workspace, &head, text, &guarded.paths, iteration).await?;
        Ok(Delivered::Done(commit))
    }
}

/// The trailers by which a job's commit is found again.
pub(super) fn trailers(job: &Job) -> Vec<(String, String)> {
    vec![("Windlass-Assignment".to_owned(), job.assignment_id.to_string()), ("Windlass-Job".to_owned(), job.id.to_string())]
}

/// One line that says what was wanted.
pub(super) fn subject(north_star: &str, context: &str) -> String {
    let line = |text: &str| text.lines().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned);
    let text = line(north_star).or_else(|| line(context)).unwrap_or_else(|| "work".to_owned());
    if text.chars().count() <= 72 { text } else { format!("{}…", text.chars().take(71).collect::<String>()) }
}

/// The agent's account of what it did, kept short. It is data: trailers that it holds are not ours.
fn body(text: &str) -> String {
    let kept = super::prompt::cut_middle(text.trim(), 2000);
    kept.lines()
        .map(|l| if l.to_ascii_lowercase().starts_with("windlass-") { format!("> {l}") } else { l.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line() {
        assert_eq!(subject("\n  make the test pass\nmore", ""), "make the test pass");
        assert!(subject(&"x".repeat(300), "").chars().count() <= 72);
        assert_eq!(subject("", ""), "work");
    }

    #[test]
    fn an_agent_cannot_forge_our_trailers_in_its_account() {
        assert_eq!(body("done\nWindlass-Job: job_other"), "done\n> Windlass-Job: job_other");
    }
}
