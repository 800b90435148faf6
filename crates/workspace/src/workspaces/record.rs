//! What the engine remembers of a workspace, beside its git directory, where no agent's configuration reaches.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::git::{RepoAddress, WorkspaceError, write_atomic};

const FILE: &str = "windlass.json";

/// Written last by prepare: without it a workspace is half made and was never shown to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) repo: RepoAddress,
    pub(super) branch: String,
    pub(super) base_branch: String,
    pub(super) base_commit: String,
    pub(super) mirror: std::path::PathBuf,
    /// The tree's own folder.
    pub(super) tree: Mark,
    /// The agent's `.git`.
    pub(super) dot_git: Mark,
    /// The one that is about to take its place: a crash in between must not look like tampering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_dot_git: Option<Mark>,
}

/// Which folder it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
}

impl Mark {
    /// The mark of a real folder; `None` when there is none or it is a link or file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir).map(|meta| Self { device: meta.dev(), inode: meta.ino() })
    }
}

impl Record {
    pub(super) fn read(engine_git_dir: &Path) -> Result<Option<Self>, WorkspaceError> {
        let file = engine_git_dir.join(FILE);
        let text = match fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(WorkspaceError::io(format!("reading {}", file.display())))?,
        };
        let what = || WorkspaceError::Tampered { path: file.clone(), what: "the record is damaged".to_owned() };
        serde_json::from_slice(&text).map(Some).map_err(|_| what())
    }

    pub(super) fn write(&self, engine_git_dir: &Path) -> Result<(), WorkspaceError> {
        let file = engine_git_dir.join(FILE);
        let bytes = serde_json::to_vec(self).map_err(|error| WorkspaceError::io(format!("writing {}", file.display()))(error.into()))?;
        write_atomic(&file, &bytes)
    }

    pub(super) fn forget(engine_git_dir: &Path) -> Result<(), WorkspaceError> {
        crate::git::remove_tree(&engine_git_dir.join(FILE))
    }
}

/// The record of a workspace whose tree is still the folder that we made.
pub(super) fn tree_intact(workspace: &Workspace) -> Result<Record, WorkspaceError> {
    let tampered = |what: &str| WorkspaceError::Tampered { path: workspace.path.clone(), what: what.to_owned() };
    let record = Record::read(&workspace.engine_git_dir)?.ok_or_else(|| tampered("its record is missing"))?;
    if Mark::of(&workspace.path) != Some(record.tree) {
        return Err(tampered("its folder was removed or replaced"));
    }
    Ok(record)
}

/// The same, and its `.git` too.
pub(super) fn intact(workspace: &Workspace) -> Result<Record, WorkspaceError> {
    let record = tree_intact(workspace)?;
    let found = Mark::of(&workspace.path.join(".git"));
    if found.is_none() || (found != Some(record.dot_git) && found != record.next_dot_git) {
        let what = "its .git was removed, replaced or re-pointed".to_owned();
        return Err(WorkspaceError::Tampered { path: workspace.path.clone(), what });
    }
    Ok(record)
}
