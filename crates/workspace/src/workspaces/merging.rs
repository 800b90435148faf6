//! An unfinished merge: another branch's work laid into the tree, conflict markers and all, for the agent to resolve.
//!
//! What is merged is written down before the tree is touched, so that after a crash the tree is laid out again and the next commit has both
//! parents. **Invariant:** between the two nobody works in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windlass_types::AssignmentId;

use super::lock::{clear, hold};
use super::mirror::TRANSFER_TIMEOUT;
use super::record::tree_intact;
use super::{Trial, Workspace, Workspaces, tip_at};
use crate::git::{Commitish, RepoAddress, WorkspaceError, check_branch, check_pristine, remove_tree, write_atomic};

const FILE: &str = "windlass-merging.json";
/// The newest commit of the base branch that was merged in.
const BASE_REF: &str = "refs/windlass/base";

/// What is to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// The commit.
    pub commit: String,
    /// The branch that it is on.
    pub branch: String,
    /// The assignment of that branch; `None` for the base branch.
    pub assignment: Option<AssignmentId>,
}

/// A merge that is laid into the tree and not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merging {
    /// The commit that is merged in.
    pub commit: String,
    /// The branch that it is on.
    pub branch: String,
    /// The assignment of that branch; `None` for the base branch.
    pub assignment: Option<AssignmentId>,
    /// The files in conflict.
    pub files: Vec<String>,
    /// The branch's last commit when it was begun: on any other it is over.
    onto: String,
    /// What is laid into the tree.
    tree: String,
    /// It is in the tree.
    is_laid: bool,
}

impl Workspaces {
    /// Lays the merge of another commit into the tree, whose content must be the branch's last commit. What the agent leaves is committed
    /// with both as parents.
    pub async fn begin_merge(&self, workspace: &Workspace, wanted: &MergeRequest) -> Result<Merging, WorkspaceError> {
        let held = hold(workspace).await?;
        tree_intact(workspace)?;
        let onto = self.head(workspace)?;
        if !self.is_here(workspace, &wanted.commit, None).await? {
            self.take_over(workspace, wanted).await?;
        }
        let (files, tree) = match self.trial_merge(workspace, &onto, &wanted.commit, None).await? {
            Trial::Clash { files, tree } => (files, tree),
            Trial::Clean | Trial::Missing => {
                return Err(WorkspaceError::Git { verb: "merge-tree".to_owned(), message: "there is no conflict".to_owned() });
            }
        };
        let MergeRequest { commit, branch, assignment } = wanted.clone();
        let mut merging = Merging { commit, branch, assignment, files, onto, tree, is_laid: false };
        merging.write(workspace)?;
        self.lay(workspace, &mut merging).await?;
        drop(held);
        Ok(merging)
    }

    /// The merge that is laid into the tree and not committed, if there is one.
    pub fn merging(&self, workspace: &Workspace) -> Result<Option<Merging>, WorkspaceError> {
        let file = file(&workspace.engine_git_dir);
        let bytes = match fs::read(&file) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(WorkspaceError::io(format!("reading {}", file.display())))?,
        };
        let damaged = || WorkspaceError::Tampered { path: file.clone(), what: "the record of a merge is damaged".to_owned() };
        let merging: Merging = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        Ok((merging.onto == self.head(workspace)?).then_some(merging))
    }

    /// After a crash between the two halves of [`Workspaces::begin_merge`]: the second again.
    pub(super) async fn finish_laying(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        match self.merging(workspace)? {
            Some(mut merging) if !merging.is_laid => {
                clear(workspace).await?;
                self.lay(workspace, &mut merging).await
            }
            _ => Ok(()),
        }
    }

    async fn lay(&self, workspace: &Workspace, merging: &mut Merging) -> Result<(), WorkspaceError> {
        self.engine_call(workspace, "read-tree").args(["--reset", "-u", &merging.tree]).timeout(TRANSFER_TIMEOUT).ok().await?;
        self.refresh_held(workspace).await?;
        merging.is_laid = true;
        merging.write(workspace)
    }

    /// The files of a commit in which markers of this merge's conflicts are left.
    pub async fn unresolved(&self, workspace: &Workspace, commit: &str, merging: &Merging) -> Result<Vec<String>, WorkspaceError> {
        let commit = Commitish::parse(commit)?;
        let (ours, theirs) = (format!("<<<<<<< {}", merging.onto), format!(">>>>>>> {}", merging.commit));
        let grep = self.git.call("grep").git_dir(&workspace.engine_git_dir).env("GIT_LITERAL_PATHSPECS", "1");
        let grep = grep.args(["-z", "-l", "-a", "-F", "--no-textconv", "-e", &ours, "-e", &theirs, commit.as_str(), "--"]);
        let output = grep.args(&merging.files).run().await?;
        if !matches!(output.code, Some(0 | 1)) {
            return Err(WorkspaceError::Git { verb: "grep".to_owned(), message: output.complaint });
        }
        let path = |name: &[u8]| String::from_utf8_lossy(name).split_once(':').map(|(_, path)| path.to_owned());
        Ok(output.stdout.split(|byte| *byte == 0).filter_map(path).collect())
    }

    /// The newest commit of the base branch that was merged in after the start. The remote has it.
    pub fn merged_base(&self, workspace: &Workspace) -> Result<Option<String>, WorkspaceError> {
        tip_at(workspace, BASE_REF)
    }

    /// The merge is committed.
    pub(super) async fn end_merge(&self, workspace: &Workspace, merging: &Merging) -> Result<(), WorkspaceError> {
        if merging.assignment.is_none() {
            self.engine_call(workspace, "update-ref").args([BASE_REF, &merging.commit]).ok().await?;
        }
        forget_merge(workspace)
    }

    /// Takes another assignment's commit over from its workspace on this machine: it may be nowhere else yet.
    async fn take_over(&self, workspace: &Workspace, wanted: &MergeRequest) -> Result<(), WorkspaceError> {
        let unknown = || WorkspaceError::UnknownCommit { commit: wanted.commit.clone(), repo: workspace.repo.as_str().into_owned() };
        let lender = self.engine_git_dir(wanted.assignment.as_ref().ok_or_else(unknown)?);
        check_pristine(&lender)?;
        let fetch = self.git.call("fetch").git_dir(&workspace.engine_git_dir).timeout(TRANSFER_TIMEOUT);
        let fetch = fetch.args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]);
        let fetch = self.with_transport(fetch, &RepoAddress::Local(lender.clone()), "upload-pack");
        let refspec = format!("+refs/heads/{}:refs/windlass/other", check_branch(&wanted.branch)?);
        fetch.arg("--").arg(&lender).arg(refspec).ok().await?;
        if self.is_here(workspace, &wanted.commit, None).await? { Ok(()) } else { Err(unknown()) }
    }
}

/// What was laid into the tree is committed, or thrown away.
pub(super) fn forget_merge(workspace: &Workspace) -> Result<(), WorkspaceError> {
    remove_tree(&file(&workspace.engine_git_dir))
}

impl Merging {
    fn write(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let file = file(&workspace.engine_git_dir);
        let bytes = serde_json::to_vec(self).map_err(|error| WorkspaceError::io(format!("writing {}", file.display()))(error.into()))?;
        write_atomic(&file, &bytes)
    }
}

fn file(engine_git_dir: &Path) -> PathBuf {
    engine_git_dir.join(FILE)
}
