//! Committing what an agent left, as the engine.

use windlass_types::Timestamp;

use super::lock::hold;
use super::record::intact;
use super::{FileChange, Workspace, Workspaces};
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

/// A commit of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub sha: String,
    /// The hash of its tree.
    pub tree: String,
    /// What it changed.
    pub files: Vec<FileChange>,
}

impl Workspaces {
    /// Commits the tree's content on the assignment's branch; `None` when there is nothing to commit. Repeated after a crash, it finds
    /// the commit that was made.
    pub async fn commit(&self, workspace: &Workspace, request: &CommitRequest) -> Result<Option<Commit>, WorkspaceError> {
        let _held = hold(workspace).await?;
        intact(workspace)?;
        let head = self.head(workspace)?;
        let tree = self.stage(workspace).await?;
        let changes = self.changes_between(workspace, &head, tree).await?;
        if changes.is_empty() {
            return self.made_before(workspace, head, &request.trailers).await;
        }
        let message = commit_message(&request.subject, &request.body, &request.trailers);
        let date = format!("@{} +0000", request.now.0.div_euclid(1000));
        let commit = self.engine_call(workspace, "commit-tree").args([&changes.tree, "-p", &head, "-F", "-"]).stdin(message);
        let sha = commit.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date).ok().await?.text();
        let branch = format!("refs/heads/{}", workspace.branch);
        self.engine_call(workspace, "update-ref").args([&branch, &sha, &head]).ok().await?;
        Ok(Some(Commit { sha, tree: changes.tree, files: changes.files }))
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
        Ok(Some(Commit { sha: head, tree: changes.tree, files: changes.files }))
    }
}
