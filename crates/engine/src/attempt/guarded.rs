//! Guarded paths: a change of what runs elsewhere or steers agents is held for a person.

use std::fmt::Write as _;

use serde_json::json;
use windlass_types::{Failure, FailureKind, GUARDED, Guard, is_guarded};
use windlass_workspace::workspaces::{Commit, QUARANTINE, Workspace};

use super::{Attempt, Stop};

/// A change of guarded paths.
#[derive(Debug, Default)]
pub(super) struct GuardedChange {
    pub(super) paths: Vec<String>,
    /// Names the change: the paths and what they are after it.
    pub(super) digest: String,
}

impl Attempt {
    /// What of the branch with this commit on it changes guarded paths.
    pub(super) async fn guarded_change(&self, workspace: &Workspace, commit: &Commit) -> Result<GuardedChange, Stop> {
        let settings = &self.claimed.project.settings;
        if settings.guard == Some(Guard::Allow) {
            return Ok(GuardedChange::default());
        }
        let changed = self.engine.workspaces.changed_paths(workspace, &workspace.base_commit, &commit.sha).await?;
        // What lies behind a link in a guarded place is guarded where it lies.
        let places: Vec<&str> = GUARDED.iter().map(|entry| entry.trim_end_matches('/')).collect();
        let behind = self.engine.workspaces.links_among(workspace, &commit.sha, &places).await?;
        let behind = behind.into_iter().flat_map(|target| [format!("{target}/"), target]);
        let more: Vec<String> = settings.guarded_paths.iter().cloned().chain(behind).collect();
        let mut guarded: Vec<_> = changed.into_iter().filter(|c| is_guarded(&c.path, &more)).collect();
        if !guarded.is_empty()
            && let Some(base) = self.engine.workspaces.base_head(workspace).await?
            && base != workspace.base_commit
            && self.engine.workspaces.has_commit(workspace, &commit.sha, &base, None).await?
        {
            // What the base branch has become was merged in: what it brings is its own.
            let beyond = self.engine.workspaces.changed_paths(workspace, &base, &commit.sha).await?;
            guarded.retain(|c| beyond.contains(c));
        }
        if guarded.is_empty() {
            return Ok(GuardedChange::default());
        }
        let mut text = String::new();
        for change in &guarded {
            let _ = writeln!(text, "{}\0{}", change.path, change.content);
        }
        Ok(GuardedChange { digest: crate::hash::hex(text.as_bytes()), paths: guarded.into_iter().map(|c| c.path).collect() })
    }

    /// Whether a person has to let the change through first. What is only flagged leaves a notice.
    pub(super) async fn hold_guarded(
        &self,
        workspace: &Workspace,
        commit: &Commit,
        change: &GuardedChange,
    ) -> Result<Option<Failure>, Stop> {
        if change.paths.is_empty() || self.claimed.assignment.policy.approved_changes.contains(&change.digest) {
            return Ok(None);
        }
        let shown: Vec<&str> = change.paths.iter().take(20).map(String::as_str).collect();
        let flagged = self.claimed.project.settings.guard == Some(Guard::Flag);
        let text = format!(
            "the work changes {}, which runs elsewhere or steers agents{}",
            named(&change.paths),
            if flagged { "" } else { ": a person has to let it through" }
        );
        self.notice(json!({ "what": "guarded_change", "text": text, "paths": shown, "digest": change.digest })).await?;
        if flagged {
            return Ok(None);
        }
        self.engine.workspaces.quarantine(workspace, commit).await?;
        let hint = format!(
            "look at it: git --git-dir {} show {QUARANTINE}. Let it through with `windlass approve {}`, or retry the job with other words",
            workspace.engine_git_dir.display(),
            self.claimed.job.id
        );
        Ok(Some(Failure::new(FailureKind::GuardedChange, text).hint(hint)))
    }
}

fn named(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "nothing".to_owned(),
    }
}
