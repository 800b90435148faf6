//! Committing what an agent left, as the engine: the commit is made, looked at, and only then put on the branch.
//!
//! **Invariant:** a commit that no gate has passed is on no branch that is ever pushed.

use windlass_types::Timestamp;

use super::lock::hold;
use super::record::intact;
use super::{FileChange, Workspace, Workspaces, tip};
use crate::git::{WorkspaceError, commit_message, has_trailers};

/// What to write on a commit. All of it may be untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// The first line.
    pub subject: String,
    /// The rest; may be empty.
    pub body: String,
    /// Name and value; at least one must name the attempt, so that a repeated commit is recognised.
    pub trailers: Vec<(String, String)>,
    /// The commit's time.
    pub now: Timestamp,
}

/// The branch of the engine's git directory that holds work which a gate refused. It is never pushed.
pub const QUARANTINE: &str = "windlass-quarantine";

/// A commit of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub sha: String,
    /// The commit before it.
    pub parent: String,
    /// The hash of its tree.
    pub tree: String,
    /// What it changed.
    pub files: Vec<FileChange>,
}

impl Workspaces {
    /// Makes a commit of the tree's content (with both parents, where a merge is laid into it) and puts it on no branch yet ([`Workspaces::adopt`] does); `None` when there is nothing to
    /// commit. Repeated after a crash, it finds the commit that is on the branch already.
    pub async fn make_commit(&self, workspace: &Workspace, request: &CommitRequest) -> Result<Option<Commit>, WorkspaceError> {
        let _held = hold(workspace).await?;
        intact(workspace)?;
        let head = self.head(workspace)?;
        let tree = self.stage(workspace).await?;
        let changes = self.changes_between(workspace, &head, tree).await?;
        let merging = self.merging(workspace)?;
        if changes.is_empty() && merging.is_none() {
            return self.made_before(workspace, head, &request.trailers).await;
        }
        let message = commit_message(&request.subject, &request.body, &request.trailers);
        let date = format!("@{} +0000", request.now.0.div_euclid(1000));
        let commit = self.engine_call(workspace, "commit-tree").args([&changes.tree, "-p", &head]);
        let commit = merging.iter().fold(commit, |commit, merging| commit.args(["-p", &merging.commit]));
        let commit = commit.args(["-F", "-"]).stdin(message);
        let sha = commit.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date).ok().await?.text();
        Ok(Some(Commit { sha, parent: head, tree: changes.tree, files: changes.files }))
    }

    /// Puts a commit on the assignment's branch, and drops what of it is in quarantine. Repeated, it changes nothing.
    pub async fn adopt(&self, workspace: &Workspace, commit: &Commit) -> Result<(), WorkspaceError> {
        let _held = hold(workspace).await?;
        if self.head(workspace)? != commit.sha {
            let merging = self.merging(workspace)?;
            let branch = format!("refs/heads/{}", workspace.branch);
            self.engine_call(workspace, "update-ref").args([&branch, &commit.sha, &commit.parent]).ok().await?;
            if let Some(merging) = merging {
                self.end_merge(workspace, &merging).await?;
            }
        }
        self.release(workspace).await
    }

    /// Keeps a commit that may not go on the branch, on [`QUARANTINE`] in the engine's git directory.
    pub async fn quarantine(&self, workspace: &Workspace, commit: &Commit) -> Result<(), WorkspaceError> {
        let _held = hold(workspace).await?;
        let branch = format!("refs/heads/{QUARANTINE}");
        self.engine_call(workspace, "update-ref").args([&branch, &commit.sha]).ok().await?;
        Ok(())
    }

    /// Drops what is in quarantine: it was mended.
    pub(super) async fn release(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        if self.quarantined(workspace)?.is_some() {
            let branch = format!("refs/heads/{QUARANTINE}");
            self.engine_call(workspace, "update-ref").args(["-d", &branch]).ok().await?;
        }
        Ok(())
    }

    /// The commit that is in quarantine.
    pub fn quarantined(&self, workspace: &Workspace) -> Result<Option<String>, WorkspaceError> {
        tip(workspace, QUARANTINE)
    }

    /// The commit at `head`, when it carries these trailers: this very request was carried out before.
    async fn made_before(
        &self,
        workspace: &Workspace,
        head: String,
        trailers: &[(String, String)],
    ) -> Result<Option<Commit>, WorkspaceError> {
        if head == workspace.base_commit {
            return Ok(None);
        }
        let text = self.engine_call(workspace, "cat-file").args(["commit", &head]).ok().await?;
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        let Some((header, message)) = text.split_once("\n\n") else { return Ok(None) };
        if !has_trailers(message, trailers) {
            return Ok(None);
        }
        let field = |name: &str| header.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let (Some(tree), Some(parent)) = (field("tree "), field("parent ")) else { return Ok(None) };
        let changes = self.changes_between(workspace, &parent, tree).await?;
        Ok(Some(Commit { sha: head, parent, tree: changes.tree, files: changes.files }))
    }
}
