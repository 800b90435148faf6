//! Removing a workspace without losing work.

use std::path::PathBuf;

use super::commit::QUARANTINE;
use super::lock::hold;
use super::mirror::TRANSFER_TIMEOUT;
use super::record::{Record, tree_intact};
use super::{Changes, Workspace, Workspaces, blocking};
use crate::git::{WorkspaceError, remove_tree};

/// How many lost commits and files an error names.
const MAX_NAMED: usize = 100;

/// What must hold before a workspace is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Everything is on the origin's branch; else [`WorkspaceError::WouldLose`].
    IfPushed,
    /// What is not on the origin's branch, uncommitted changes included, is first written to a bundle.
    Bundle,
}

/// A workspace was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// The bundle with its work, when one was needed.
    pub bundle: Option<PathBuf>,
}

/// What a workspace holds, and whether it is elsewhere too.
struct Proof {
    head: String,
    /// What is not committed.
    changes: Changes,
    /// The origin has every commit.
    is_pushed: bool,
    /// A commit that no gate passed.
    quarantined: Option<String>,
}

impl Proof {
    fn is_elsewhere(&self) -> bool {
        self.is_pushed && self.changes.is_empty() && self.quarantined.is_none()
    }
}

impl Workspaces {
    /// Removes the workspace, the engine's git directory for it and the agent's HOME.
    pub async fn remove(&self, workspace: &Workspace, removal: Removal) -> Result<Removed, WorkspaceError> {
        let assignment_id = workspace.assignment_id;
        let engine = self.engine_git_dir(&assignment_id);
        let parent = workspace.path.parent().map(PathBuf::from).unwrap_or_default();
        if workspace.engine_git_dir != engine || !parent.starts_with(&self.root) || !parent.ends_with(assignment_id.to_string()) {
            return Err(WorkspaceError::Outside { path: workspace.path.display().to_string() });
        }
        let _held = hold(workspace).await?;
        tree_intact(workspace)?;
        let proof = self.proof(workspace).await?;
        let mut removed = Removed::default();
        if !proof.is_elsewhere() {
            if removal == Removal::IfPushed {
                return Err(self.would_lose(workspace, proof).await?);
            }
            let uncommitted = (!proof.changes.is_empty()).then_some(proof.changes.tree);
            removed.bundle = Some(self.bundle(workspace, &proof.head, uncommitted, proof.quarantined.is_some()).await?);
        }
        blocking(move || {
            // First the record: what a crash leaves of the rest is then a half-made workspace.
            Record::forget(&engine)?;
            remove_tree(&parent)?;
            remove_tree(&engine)
        })
        .await?;
        Ok(removed)
    }

    /// Whether everything in the workspace is on the origin's branch; else [`WorkspaceError::WouldLose`].
    pub async fn would_lose_nothing(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let _held = hold(workspace).await?;
        tree_intact(workspace)?;
        let proof = self.proof(workspace).await?;
        if proof.is_elsewhere() { Ok(()) } else { Err(self.would_lose(workspace, proof).await?) }
    }

    async fn proof(&self, workspace: &Workspace) -> Result<Proof, WorkspaceError> {
        let head = self.head(workspace)?;
        let changes = self.stage(workspace).await?;
        let changes = self.changes_between(workspace, &head, changes).await?;
        let is_pushed = head == workspace.base_commit || self.origin_has(workspace, &head).await?;
        let quarantined = self.quarantined(workspace)?;
        Ok(Proof { head, changes, is_pushed, quarantined })
    }

    async fn would_lose(&self, workspace: &Workspace, proof: Proof) -> Result<WorkspaceError, WorkspaceError> {
        let commits = if proof.is_pushed {
            Vec::new()
        } else {
            self.commits(super::Source::Workspace(workspace), &workspace.base_commit, &proof.head).await?
        };
        Ok(WorkspaceError::WouldLose {
            commits: commits.into_iter().map(|commit| commit.sha).chain(proof.quarantined).take(MAX_NAMED).collect(),
            files: proof.changes.files.into_iter().take(MAX_NAMED).map(|file| file.path).collect(),
        })
    }

    /// Whether the origin's branch holds `head`.
    async fn origin_has(&self, workspace: &Workspace, head: &str) -> Result<bool, WorkspaceError> {
        let branch = format!("refs/heads/{}", workspace.branch);
        // Nearly always the branch there is at our last commit.
        if let Some(path) = workspace.repo.local_path() {
            let tips = self.local_refs(path, &branch).await.unwrap_or_default();
            if tips.iter().any(|(name, commit)| *name == workspace.branch && commit == head) {
                return Ok(true);
            }
        }
        let fetch = self.git.call("fetch").git_dir(&workspace.engine_git_dir).timeout(TRANSFER_TIMEOUT);
        let fetch = fetch.args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance"]);
        let fetch = self.with_transport(fetch, &workspace.repo, "upload-pack");
        let fetch = fetch.arg("--").args([workspace.repo.as_str().as_ref(), &format!("+{branch}:refs/windlass/origin")]);
        // Any failure means that we do not know that it is there.
        if fetch.run().await?.code != Some(0) {
            return Ok(false);
        }
        self.is_ancestor_in(&workspace.engine_git_dir, head, "refs/windlass/origin").await
    }

    async fn bundle(
        &self,
        workspace: &Workspace,
        head: &str,
        uncommitted: Option<String>,
        is_quarantined: bool,
    ) -> Result<PathBuf, WorkspaceError> {
        let path = self.data_dir.join("bundles").join(format!("{}.bundle", workspace.assignment_id));
        let new = path.with_extension("bundle.new");
        let mut refs = vec![format!("refs/heads/{}", workspace.branch)];
        if let Some(tree) = uncommitted {
            let name = "refs/windlass/uncommitted".to_owned();
            let snapshot = self.engine_call(workspace, "commit-tree").args([&tree, "-p", head, "-m", "Changes that were not committed"]);
            let sha = snapshot.env("GIT_AUTHOR_DATE", "@0 +0000").env("GIT_COMMITTER_DATE", "@0 +0000").ok().await?.text();
            self.engine_call(workspace, "update-ref").args([&name, &sha]).ok().await?;
            refs.push(name);
        }
        if is_quarantined {
            refs.push(format!("refs/heads/{QUARANTINE}"));
        }
        if head == workspace.base_commit {
            refs.remove(0);
        }
        let not_base = format!("^{}", workspace.base_commit);
        self.engine_call(workspace, "bundle").args(["create", "--quiet"]).arg(&new).args(&refs).arg(not_base).ok().await?;
        let done = path.clone();
        blocking(move || {
            let failed = || WorkspaceError::io(format!("writing {}", done.display()));
            std::fs::File::open(&new).and_then(|file| file.sync_all()).map_err(failed())?;
            std::fs::rename(&new, &done).map_err(failed())
        })
        .await?;
        Ok(path)
    }
}
