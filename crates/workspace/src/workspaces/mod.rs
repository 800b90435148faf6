//! An assignment's own clone, and what the engine does with it.
//!
//! **Invariant:** the engine commits and pushes with its own git directory (`<data>/git/<assignment>.git`) and index; the agent's `.git`
//! is never read as configuration and its commits are taken as content only. The origin is only ever fetched from, and pushed to by one
//! explicit refspec. Nothing outside the workspace root and the data directory is written, but that one branch.

mod audit;
mod commit;
mod files;
mod inspect;
mod inventory;
mod left_out;
mod lock;
mod lookup;
mod merging;
mod mirror;
mod pool;
mod prepare;
mod push;
mod read;
mod record;
mod remove;
mod stage;
mod trial;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub use audit::RefMove;
pub use commit::{Commit, CommitRequest, QUARANTINE};
pub use inspect::{RepoFacts, RepoKind};
pub use inventory::{Found, size_of};
pub use merging::{MergeRequest, Merging};
pub use pool::{PoolPolicy, PoolTree};
pub use prepare::{PrepareRequest, Scratch};
pub use push::Pushed;
pub use read::{ChangedPath, LoggedCommit, Source};
pub use remove::{Removal, Removed};
pub use stage::{ChangeKind, Changes, FileChange, Patch};
pub use trial::Trial;

use windlass_types::AssignmentId;

use crate::git::{Commitish, Git, Identity, Login, RepoAddress, WorkspaceError};

/// The largest file, and the largest sum of changed files, that is taken from an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLimits {
    /// One file.
    pub max_file_bytes: u64,
    /// All changed files together.
    pub max_total_bytes: u64,
    /// How many may have changed.
    pub max_files: usize,
}

impl Default for ContentLimits {
    fn default() -> Self {
        Self { max_file_bytes: 100 * 1024 * 1024, max_total_bytes: 1024 * 1024 * 1024, max_files: 100_000 }
    }
}

/// All workspaces of a node.
#[derive(Debug, Clone)]
pub struct Workspaces {
    root: PathBuf,
    data_dir: PathBuf,
    git: Git,
    limits: ContentLimits,
    pool: PoolPolicy,
}

/// An assignment's workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Whose it is.
    pub assignment_id: AssignmentId,
    /// The tree that the agent works in.
    pub path: PathBuf,
    /// The agent's own HOME, mode 0700.
    pub home: PathBuf,
    /// The agent's own TMPDIR, mode 0700.
    pub tmp: PathBuf,
    /// The engine's git directory for it.
    pub engine_git_dir: PathBuf,
    /// Object folders outside the tree that the agent's git reads; a sandbox binds them read-only.
    pub object_dirs: Vec<PathBuf>,
    /// Where the repository came from and the branch is pushed to.
    pub repo: RepoAddress,
    /// The assignment's branch.
    pub branch: String,
    /// The branch that it started from.
    pub base_branch: String,
    /// The commit that it started from.
    pub base_commit: String,
}

impl Workspaces {
    /// Workspaces under `root`, with mirrors and the engine's git directories under `data_dir`; git is found on `path` (as in `$PATH`).
    pub fn open(root: impl Into<PathBuf>, data_dir: impl Into<PathBuf>, path: &str, identity: Identity) -> Result<Self, WorkspaceError> {
        let (root, data_dir) = (root.into(), data_dir.into());
        for folder in
            [&root, &data_dir, &data_dir.join("git"), &data_dir.join("mirrors"), &data_dir.join("bundles"), &data_dir.join("pool")]
        {
            private_dir(folder)?;
        }
        let real = |folder: &Path| folder.canonicalize().map_err(WorkspaceError::io(format!("finding {}", folder.display())));
        let (root, data_dir) = (real(&root)?, real(&data_dir)?);
        let git = Git::open(&data_dir.join("git-home"), path, identity)?;
        let pool = PoolPolicy { size: 0, ..PoolPolicy::default() };
        Ok(Self { root, data_dir, git, limits: ContentLimits::default(), pool })
    }

    /// The same, logged in at the host of a forge: fetches from there and pushes to there bear its token.
    #[must_use]
    pub fn logged_in(mut self, login: Login) -> Self {
        self.git = self.git.logged_in(login);
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: ContentLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The largest content that is taken.
    pub fn limits(&self) -> ContentLimits {
        self.limits
    }

    /// The branch's last commit: the base commit, or the engine's last.
    pub fn head(&self, workspace: &Workspace) -> Result<String, WorkspaceError> {
        let missing = || WorkspaceError::io(format!("looking for the branch {}", workspace.branch))(std::io::ErrorKind::NotFound.into());
        tip(workspace, &workspace.branch)?.ok_or_else(missing)
    }
}

/// Where a branch of the engine's git directory stands; `None` when there is none.
fn tip(workspace: &Workspace, branch: &str) -> Result<Option<String>, WorkspaceError> {
    tip_at(workspace, &format!("refs/heads/{branch}"))
}

/// Where a ref of the engine's git directory stands; `None` when there is none.
fn tip_at(workspace: &Workspace, name: &str) -> Result<Option<String>, WorkspaceError> {
    let file = workspace.engine_git_dir.join(name);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(Commitish::parse(text.trim_end())?.as_str().to_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(WorkspaceError::io(format!("reading {}", file.display()))(e)),
    }
}

/// Makes a folder that only its owner can enter; one that exists stays as it is.
pub(crate) fn private_dir(folder: &Path) -> Result<(), WorkspaceError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(WorkspaceError::io(format!("creating {}", folder.display())))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static) -> Result<T, WorkspaceError> {
    let lost =
        |error: tokio::task::JoinError| WorkspaceError::Io { what: "working on files".to_owned(), source: std::io::Error::other(error) };
    tokio::task::spawn_blocking(work).await.map_err(lost)?
}
