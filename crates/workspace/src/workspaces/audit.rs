//! What an agent did to its own git directory, and giving it a pristine one.

use super::lock::hold;
use super::merging::forget_merge;
use super::prepare::{agent_git_dir, agent_refs};
use super::record::{Mark, intact, tree_intact};
use super::{Workspace, Workspaces, blocking};
use crate::git::{WorkspaceError, read_refs, remove_tree};

/// A ref of the agent's clone that is not as it was handed out. It has no effect outside the clone; it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMove {
    /// Its full name.
    pub name: String,
    /// What it was; `None` when it is new.
    pub before: Option<String>,
    /// What it is; `None` when it was deleted.
    pub after: Option<String>,
}

impl Workspaces {
    /// Refs that the agent moved, made or deleted in its clone, other than its own branch. A workspace whose folder or `.git` is not the
    /// one that was handed out is [`WorkspaceError::Tampered`].
    pub async fn audit_refs(&self, workspace: &Workspace) -> Result<Vec<RefMove>, WorkspaceError> {
        let record = intact(workspace)?;
        let head = self.head(workspace)?;
        let path = workspace.path.clone();
        blocking(move || {
            let mut after = read_refs(&path.join(".git")).map_err(|what| WorkspaceError::Tampered { path, what })?;
            let own = format!("refs/heads/{}", record.branch);
            after.remove(&own);
            let mut moves = Vec::new();
            for (name, before) in agent_refs(&record.branch, &head, &record.base_branch, &record.base_commit) {
                let now = after.remove(&name);
                if name != own && now.as_ref() != Some(&before) {
                    moves.push(RefMove { name, before: Some(before), after: now });
                }
            }
            moves.extend(after.into_iter().map(|(name, value)| RefMove { name, before: None, after: Some(value) }));
            Ok(moves)
        })
        .await
    }

    /// Gives the agent a pristine `.git` at the branch's last commit: its own configuration, hooks, refs and commits are gone. The files
    /// of the tree stay.
    pub async fn refresh(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let _held = hold(workspace).await?;
        self.refresh_held(workspace).await
    }

    pub(super) async fn refresh_held(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let mut record = tree_intact(workspace)?;
        let head = self.head(workspace)?;
        let workspace = workspace.clone();
        blocking(move || {
            let (tree, engine) = (&workspace.path, &workspace.engine_git_dir);
            let fresh = tree.with_file_name("fresh.git");
            remove_tree(&fresh)?;
            agent_git_dir(&fresh, engine, &record.mirror, &record.branch, &head, &record.base_branch, &record.base_commit)?;
            let dot_git = tree.join(".git");
            let next = Mark::of(&fresh).ok_or_else(|| WorkspaceError::Tampered { path: fresh.clone(), what: "it vanished".to_owned() })?;
            record.next_dot_git = Some(next);
            record.write(engine)?;
            swap(&fresh, &dot_git).map_err(WorkspaceError::io(format!("replacing {}", dot_git.display())))?;
            record.dot_git = next;
            record.next_dot_git = None;
            record.write(engine)?;
            remove_tree(&fresh)
        })
        .await
    }

    /// Throws away what is not committed, ignored files excepted, and gives the agent a pristine `.git`.
    pub async fn reset(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let _held = hold(workspace).await?;
        tree_intact(workspace)?;
        let head = self.head(workspace)?;
        forget_merge(workspace)?;
        self.engine_call(workspace, "clean").args(["-ffdq"]).ok().await?;
        self.engine_call(workspace, "read-tree").args(["--reset", "-u", &head]).ok().await?;
        self.refresh_held(workspace).await
    }
}

/// Puts `fresh` in the place of `old`, in one step where the file system can; what was there is at `fresh` then, or gone.
fn swap(fresh: &std::path::Path, old: &std::path::Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    if std::fs::symlink_metadata(old).is_ok() && renameat_with(CWD, fresh, CWD, old, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    remove_tree(old).map_err(std::io::Error::other)?;
    std::fs::rename(fresh, old)
}
