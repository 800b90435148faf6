//! Making a workspace, or finding it again.

use std::fs;
use std::path::{Path, PathBuf};

use windlass_types::AssignmentId;

use super::inspect::find_branch;
use super::lock::lock;
use super::pool::Ready;
use super::record::{Mark, Record, intact};
use super::{Source, Workspace, Workspaces, blocking, private_dir};
use crate::git::{Call, Commitish, RepoAddress, Skeleton, WorkspaceError, check_branch, remove_tree};

/// What a workspace is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareRequest {
    /// The repository's address.
    pub repo: String,
    /// The project's name: the folder that its workspaces are in.
    pub project: String,
    /// The assignment: the folder of the workspace.
    pub assignment_id: AssignmentId,
    /// The branch to work on; see [`branch_name`](crate::git::branch_name).
    pub branch: String,
    /// The branch to start from.
    pub base_branch: String,
    /// The commit to start from, when it is known; else the base branch's last.
    pub base_commit: Option<String>,
}

/// Folders for a job that has no repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// Where the agent works.
    pub path: PathBuf,
    /// Its HOME.
    pub home: PathBuf,
    /// Its TMPDIR.
    pub tmp: PathBuf,
}

impl Workspaces {
    /// Makes the assignment's workspace, or returns the one that is there, untouched. When the origin already has the branch (work was
    /// pushed from another node), work goes on from there.
    pub async fn prepare(&self, request: &PrepareRequest) -> Result<Workspace, WorkspaceError> {
        check_branch(&request.branch)?;
        check_branch(&request.base_branch)?;
        let base_commit = request.base_commit.as_deref().map(Commitish::parse).transpose()?;
        let repo = RepoAddress::parse(&request.repo)?;
        let engine_git_dir = self.engine_git_dir(&request.assignment_id);
        let _held = lock(&engine_git_dir).await?;

        let folders = self.folders(&request.project, &request.assignment_id)?;
        if let Some(record) = Record::read(&engine_git_dir)? {
            let workspace = workspace(&folders, engine_git_dir, &record);
            // A crash while the agent's `.git` was replaced: it is replaced again.
            if record.next_dot_git.is_some() {
                self.refresh_held(&workspace).await?;
            }
            self.finish_laying(&workspace).await?;
            intact(&workspace)?;
            return Ok(workspace);
        }
        let start = self.start_of(&repo, request, base_commit.as_ref()).await?;
        let mut draft = Draft { repo, start, branch: request.branch.clone(), base_branch: request.base_branch.clone() };
        if !draft.start.mirror.join("HEAD").exists() {
            self.fetch_mirror(&draft.repo, &draft.start.head).await?;
            draft.start.fetched = true;
        }
        let ready = self.ready_tree(&draft.start.mirror).await?;
        // A try that fails uses it up, so the mirror is asked first.
        if ready.is_some() && !draft.start.fetched && !self.commit_exists(Source::Repo(&draft.repo), &draft.start.head).await? {
            self.fetch_mirror(&draft.repo, &draft.start.head).await?;
            draft.start.fetched = true;
        }
        match self.make(&folders, &engine_git_dir, &draft, ready).await {
            // The mirror may not have the commit yet. Had it failed for another reason, it fails again.
            Err(WorkspaceError::Git { .. }) if !draft.start.fetched => {
                self.fetch_mirror(&draft.repo, &draft.start.head).await?;
                draft.start.fetched = true;
                self.make(&folders, &engine_git_dir, &draft, None).await
            }
            other => other,
        }
    }

    /// Folders for a job without a repository; what is in them stays.
    pub fn prepare_scratch(&self, project: &str, assignment_id: &AssignmentId) -> Result<Scratch, WorkspaceError> {
        // A few folders: not worth another thread.
        let folders = self.folders(project, assignment_id)?;
        folders.create()?;
        private_dir(&folders.tree)?;
        Ok(Scratch { path: folders.tree, home: folders.home, tmp: folders.tmp })
    }

    pub(super) fn engine_git_dir(&self, assignment_id: &AssignmentId) -> PathBuf {
        self.data_dir.join("git").join(format!("{assignment_id}.git"))
    }

    pub(super) fn folders(&self, project: &str, assignment_id: &AssignmentId) -> Result<Folders, WorkspaceError> {
        let plain = project.len() <= 128
            && project.starts_with(|c: char| c.is_ascii_alphanumeric())
            && project.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !plain {
            return Err(WorkspaceError::Outside { path: project.chars().take(120).collect() });
        }
        let parent = self.root.join(project).join(assignment_id.to_string());
        Ok(Folders { tree: parent.join("tree"), home: parent.join("home"), tmp: parent.join("tmp"), assignment_id: *assignment_id })
    }

    async fn start_of(&self, repo: &RepoAddress, request: &PrepareRequest, base: Option<&Commitish>) -> Result<Start, WorkspaceError> {
        let mirror = self.mirror_path(repo);
        let mut fetched = false;
        let refs = if let Some(path) = repo.local_path() {
            self.local_refs(path, "refs/heads/").await?
        } else {
            self.fetch_mirror(repo, base.map_or("", Commitish::as_str)).await?;
            fetched = true;
            self.local_refs(&mirror, "refs/heads/").await?
        };
        let base_tip = match base {
            Some(base) => base.as_str().to_owned(),
            None => find_branch(&refs, &request.base_branch, repo.as_str().into_owned())?,
        };
        let pushed = refs.into_iter().find(|(name, _)| *name == request.branch).map(|(_, commit)| commit);
        let Some(head) = pushed else {
            return Ok(Start { base_commit: base_tip.clone(), head: base_tip, mirror, fetched });
        };
        if !fetched {
            self.fetch_mirror(repo, &head).await?;
        }
        // Without a recorded base, work started where the branches part.
        let base_commit = match base {
            Some(base) => base.as_str().to_owned(),
            None => self.git.call("merge-base").args([&head, &base_tip]).git_dir(&mirror).run().await?.text(),
        };
        if base_commit.is_empty() || !self.is_ancestor_in(&mirror, &base_commit, &head).await? {
            return Err(WorkspaceError::BranchTaken { branch: request.branch.clone(), repo: repo.as_str().into_owned() });
        }
        Ok(Start { base_commit, head, mirror, fetched: true })
    }

    async fn make(
        &self,
        folders: &Folders,
        engine_git_dir: &Path,
        draft: &Draft,
        ready: Option<Ready>,
    ) -> Result<Workspace, WorkspaceError> {
        let start = &draft.start;
        let is_made = match ready {
            Some(ready) => self.make_from(folders, engine_git_dir, draft, ready).await,
            None => false,
        };
        if !is_made {
            self.lay_out(folders, engine_git_dir, draft, None).await?;
            match self.checkout(engine_git_dir, &folders.tree, &start.head).ok().await {
                Err(WorkspaceError::Git { message, .. }) if start.fetched && message.contains(&format!("tree object {}", start.head)) => {
                    return Err(WorkspaceError::UnknownCommit { commit: start.head.clone(), repo: draft.repo.as_str().into_owned() });
                }
                other => other?,
            };
        }
        let (folders, engine, draft) = (folders.clone(), engine_git_dir.to_owned(), draft.clone());
        blocking(move || {
            let start = &draft.start;
            let dot_git = folders.tree.join(".git");
            agent_git_dir(&dot_git, &engine, &start.mirror, &draft.branch, &start.head, &draft.base_branch, &start.base_commit)?;
            let missing = |what: &Path| WorkspaceError::Tampered { path: what.to_owned(), what: "it vanished".to_owned() };
            let record = Record {
                repo: draft.repo,
                branch: draft.branch,
                base_branch: draft.base_branch,
                base_commit: start.base_commit.clone(),
                mirror: start.mirror.clone(),
                tree: Mark::of(&folders.tree).ok_or_else(|| missing(&folders.tree))?,
                dot_git: Mark::of(&dot_git).ok_or_else(|| missing(&dot_git))?,
                next_dot_git: None,
            };
            record.write(&engine)?;
            Ok(workspace(&folders, engine, &record))
        })
        .await
    }

    /// Makes the tree from a ready one; false when that cannot be used after all.
    async fn make_from(&self, folders: &Folders, engine_git_dir: &Path, draft: &Draft, ready: Ready) -> bool {
        let made = async {
            self.lay_out(folders, engine_git_dir, draft, Some(ready)).await?;
            self.checkout(engine_git_dir, &folders.tree, &draft.start.head).ok().await?;
            self.holds_only_tracked(engine_git_dir, &folders.tree).await
        };
        match made.await {
            Ok(true) => return true,
            Ok(false) => tracing::warn!("a tree of the pool held what nobody checked out there; it is thrown away and a new one is made"),
            Err(error) => tracing::warn!(%error, "a tree of the pool could not be used; a new one is made"),
        }
        false
    }

    /// Lays the folders and the engine's git directory out, the tree empty or a ready one.
    async fn lay_out(&self, folders: &Folders, engine_git_dir: &Path, draft: &Draft, ready: Option<Ready>) -> Result<(), WorkspaceError> {
        let (folders, engine, draft) = (folders.clone(), engine_git_dir.to_owned(), draft.clone());
        blocking(move || {
            let start = &draft.start;
            // Without a record nothing in here was ever shown to anybody.
            remove_tree(&engine)?;
            remove_tree(&folders.tree)?;
            folders.create()?;
            let refs = [(format!("refs/heads/{}", draft.branch), start.head.clone())];
            let alternates = [start.mirror.join("objects")];
            let (head_branch, shallow) = (draft.branch.as_str(), Self::shallow_of(&start.mirror));
            let shallow = shallow.as_deref();
            Skeleton { bare: true, head_branch, alternates: &alternates, refs: &refs, sample_hash: &start.head, shallow }
                .create(&engine)?;
            match ready {
                Some(ready) => ready.move_to(&folders.tree, &engine),
                None => private_dir(&folders.tree),
            }
        })
        .await
    }

    /// Brings a tree, and the index of it that is in `git_dir`, to a commit. Each file of the tree is looked at, and made again if it is not as git left it.
    pub(super) fn checkout(&self, git_dir: &Path, tree: &Path, commit: &str) -> Call<'_> {
        let checkout = self.git.call("read-tree").args(["--reset", "-u", commit]).git_dir(git_dir).env("GIT_WORK_TREE", tree);
        checkout.timeout(super::mirror::TRANSFER_TIMEOUT)
    }
}

/// Writes a pristine `.git` for the agent, with the engine's index, so that its `git status` is right and quick.
pub(super) fn agent_git_dir(
    dot_git: &Path,
    engine_git_dir: &Path,
    mirror: &Path,
    branch: &str,
    head: &str,
    base_branch: &str,
    base_commit: &str,
) -> Result<(), WorkspaceError> {
    let refs = agent_refs(branch, head, base_branch, base_commit);
    let alternates = [mirror.join("objects"), engine_git_dir.join("objects")];
    let shallow = Workspaces::shallow_of(mirror);
    Skeleton { bare: false, head_branch: branch, alternates: &alternates, refs: &refs, sample_hash: head, shallow: shallow.as_deref() }
        .create(dot_git)?;
    let index = dot_git.join("index");
    fs::copy(engine_git_dir.join("index"), &index).map_err(WorkspaceError::io(format!("writing {}", index.display())))?;
    Ok(())
}

/// The refs that an agent's clone starts with.
pub(super) fn agent_refs(branch: &str, head: &str, base_branch: &str, base_commit: &str) -> Vec<(String, String)> {
    let mut refs =
        vec![(format!("refs/heads/{branch}"), head.to_owned()), (format!("refs/remotes/origin/{base_branch}"), base_commit.to_owned())];
    // Git cannot have the branches `a` and `a/b` at once.
    let clash = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    if !clash(branch, base_branch) && !clash(base_branch, branch) {
        refs.push((format!("refs/heads/{base_branch}"), base_commit.to_owned()));
    }
    refs
}

pub(super) fn workspace(folders: &Folders, engine_git_dir: PathBuf, record: &Record) -> Workspace {
    Workspace {
        assignment_id: folders.assignment_id,
        path: folders.tree.clone(),
        home: folders.home.clone(),
        tmp: folders.tmp.clone(),
        object_dirs: vec![record.mirror.join("objects"), engine_git_dir.join("objects")],
        engine_git_dir,
        repo: record.repo.clone(),
        branch: record.branch.clone(),
        base_branch: record.base_branch.clone(),
        base_commit: record.base_commit.clone(),
    }
}

#[derive(Debug, Clone)]
struct Draft {
    repo: RepoAddress,
    start: Start,
    branch: String,
    base_branch: String,
}

#[derive(Debug, Clone)]
struct Start {
    mirror: PathBuf,
    base_commit: String,
    head: String,
    /// The mirror was fetched for this.
    fetched: bool,
}

/// The folders of one assignment.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    assignment_id: AssignmentId,
    pub(super) tree: PathBuf,
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
}

impl Folders {
    fn create(&self) -> Result<(), WorkspaceError> {
        private_dir(&self.home)?;
        private_dir(&self.tmp)
    }
}
