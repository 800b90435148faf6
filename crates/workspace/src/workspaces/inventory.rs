//! What workspaces a node has, what room they take, and the upkeep of the mirrors they borrow from.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use windlass_types::AssignmentId;

use super::lock::lock;
use super::mirror::TRANSFER_TIMEOUT;
use super::{Workspace, Workspaces, blocking};
use crate::git::{WorkspaceError, remove_tree};

/// A mirror with more packs than this is packed anew: each fetch leaves one.
const PACKS_MAX: usize = 50;

/// An assignment's folder on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub assignment_id: AssignmentId,
    /// The project that it is filed under.
    pub project: String,
    /// The folder.
    pub path: PathBuf,
}

impl Workspaces {
    /// Every assignment's folder under the root, with a repository or without. What is not one of ours is passed over.
    pub async fn inventory(&self) -> Result<Vec<Found>, WorkspaceError> {
        let root = self.root.clone();
        blocking(move || {
            let mut found = Vec::new();
            for project in folders(&root)? {
                for (name, path) in folders(&project.1)? {
                    if let Ok(assignment_id) = name.parse() {
                        found.push(Found { assignment_id, project: project.0.clone(), path });
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    /// The room that an assignment's folder and the engine's git directory for it take, in bytes.
    pub async fn size(&self, found: &Found) -> u64 {
        let places = [found.path.clone(), self.engine_git_dir(&found.assignment_id)];
        blocking(move || Ok(places.iter().map(|place| size_of(place)).sum())).await.unwrap_or(0)
    }

    /// Removes the folder of an assignment without a repository: nothing in it was to be delivered.
    pub async fn remove_scratch(&self, found: &Found) -> Result<(), WorkspaceError> {
        let parent = self.root.join(&found.project).join(found.assignment_id.to_string());
        if parent != found.path || self.find(&found.project, &found.assignment_id)?.is_some() {
            return Err(WorkspaceError::Outside { path: found.path.display().to_string() });
        }
        blocking(move || remove_tree(&parent)).await
    }

    /// Writes a bundle of the assignment's commits that are not known to be on its repository's branch; whether there were any.
    pub async fn bundle_unpushed(&self, workspace: &Workspace, to: &Path) -> Result<bool, WorkspaceError> {
        let head = self.head(workspace)?;
        if head == workspace.base_commit {
            return Ok(false);
        }
        let branch = format!("refs/heads/{}", workspace.branch);
        if let Some(path) = workspace.repo.local_path() {
            let tips = self.local_refs(path, &branch).await.unwrap_or_default();
            if tips.iter().any(|(name, commit)| *name == workspace.branch && *commit == head) {
                return Ok(false);
            }
        }
        let bundle = self.git.call("bundle").git_dir(&workspace.engine_git_dir).args(["create", "--quiet"]).arg(to);
        bundle.arg(branch).arg(format!("^{}", workspace.base_commit)).ok().await?;
        Ok(true)
    }

    /// Packs the mirrors that many fetches have left in pieces; how many. Every object stays: workspaces borrow them.
    pub async fn pack_mirrors(&self) -> Result<usize, WorkspaceError> {
        let root = self.data_dir.join("mirrors");
        let mirrors = blocking(move || folders(&root)).await?;
        let mut packed = 0;
        for (_, mirror) in mirrors {
            let packs = fs::read_dir(mirror.join("objects/pack")).into_iter().flatten().flatten();
            if packs.filter(|file| file.path().extension().is_some_and(|end| end == "pack")).count() <= PACKS_MAX {
                continue;
            }
            let held = lock(&mirror).await?;
            let repack = self.git.call("repack").git_dir(&mirror).holding(held).timeout(TRANSFER_TIMEOUT);
            repack.args(["-a", "-d", "--keep-unreachable", "--quiet"]).ok().await?;
            packed += 1;
        }
        Ok(packed)
    }
}

/// The folders in a folder, by name; links are none.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, WorkspaceError> {
    let failed = || WorkspaceError::io(format!("reading {}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The room that a tree takes on the disk, in bytes. Never follows a link; what cannot be read counts nothing.
pub fn size_of(root: &Path) -> u64 {
    let mut bytes = 0u64;
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(meta.blocks().saturating_mul(512));
            if meta.is_dir() {
                left.push(entry.path());
            }
        }
    }
    bytes
}
