//! What can go wrong with a repository or a workspace.

use std::io;
use std::path::PathBuf;

use windlass_types::{Failure, FailureKind};

/// A repository or workspace is not usable, or git failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The address of a repository is not of an allowed form.
    #[error("{address:?} is not a repository that Windlass can use: {reason}")]
    BadAddress {
        /// What was given, cut to what can be printed.
        address: String,
        /// Why not.
        reason: &'static str,
    },
    /// A branch name is not possible, or not safe.
    #[error("{name:?} is not a possible branch name: {reason}")]
    BadBranch {
        /// What was given.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A commit is not named by its full hash.
    #[error("{0:?} is not a full commit hash")]
    BadCommit(String),
    /// There is no repository.
    #[error("{path} is not a git repository")]
    NotARepository {
        /// Where it was looked for.
        path: String,
    },
    /// The repository has no commit yet.
    #[error("{repo} has no commit yet")]
    Empty {
        /// Which repository.
        repo: String,
    },
    /// No branch is checked out, so there is none to start from.
    #[error("{repo} has no branch checked out (detached HEAD)")]
    DetachedHead {
        /// Which repository.
        repo: String,
    },
    /// The base branch is not there.
    #[error("the branch {name:?} does not exist in {repo}")]
    UnknownBranch {
        /// The name looked for.
        name: String,
        /// Which repository.
        repo: String,
        /// Some that exist.
        known: Vec<String>,
    },
    /// The base commit is not there.
    #[error("the commit {commit} is not in {repo}")]
    UnknownCommit {
        /// Its hash.
        commit: String,
        /// Which repository.
        repo: String,
    },
    /// The assignment's branch exists already with somebody else's work on it.
    #[error("the branch {branch} of {repo} does not start at the assignment's base commit")]
    BranchTaken {
        /// The branch.
        branch: String,
        /// Which repository.
        repo: String,
    },
    /// The origin did not take the branch; nothing was changed there.
    #[error("{repo} did not take {branch}: {reason}")]
    PushRefused {
        /// The branch.
        branch: String,
        /// Which repository.
        repo: String,
        /// What it said.
        reason: String,
    },
    /// The workspace is not what Windlass left.
    #[error("the workspace {path} is not as Windlass left it: {what}")]
    Tampered {
        /// The workspace's tree.
        path: PathBuf,
        /// What is different.
        what: String,
    },
    /// The work is larger than is accepted.
    #[error("{what} is larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The file, or what else is too large.
        what: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// There is more of something than is accepted.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Removing the workspace would lose work.
    #[error("removing the workspace would lose {} commits and {} changed files", commits.len(), files.len())]
    WouldLose {
        /// Commits that are nowhere else.
        commits: Vec<String>,
        /// Files with uncommitted changes.
        files: Vec<String>,
    },
    /// Something in the tree cannot be read, so nobody knows what is in it.
    #[error("the tree cannot be looked through: {what}")]
    Unreadable {
        /// git's words.
        what: String,
    },
    /// A path leads out of the tree, or is not a plain file.
    #[error("{path:?} is not a file inside the workspace")]
    Outside {
        /// The path.
        path: String,
    },
    /// A range of commits reaches to where a shallow clone ends.
    #[error(
        "this clone is shallow: what comes before its commit {commit} is not here, so it cannot be looked through; `git fetch --unshallow` \
         brings it"
    )]
    Shallow {
        /// The first commit that is here.
        commit: String,
    },
    /// git said no.
    #[error("git {verb} failed: {message}")]
    Git {
        /// The verb.
        verb: String,
        /// The end of what it printed.
        message: String,
    },
    /// git took too long and was killed.
    #[error("git {verb} did not end within {secs} seconds")]
    Timeout {
        /// The verb.
        verb: String,
        /// The limit.
        secs: u64,
    },
    /// git is not installed.
    #[error("git was not found")]
    NoGit,
    /// The file system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, to what.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl WorkspaceError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The failure of the job, with its class and what to do.
    pub fn failure(&self) -> Failure {
        let message = self.to_string();
        let failure = |kind| Failure::new(kind, message.clone());
        match self {
            Self::BadAddress { .. } => failure(FailureKind::BadConfiguration).hint("use an absolute path, https://… or ssh://…"),
            Self::BadBranch { .. } | Self::BadCommit(_) => failure(FailureKind::BadConfiguration),
            Self::NotARepository { path } => {
                failure(FailureKind::BadRepository).hint(format!("run `git init` in {path}, or name its top folder"))
            }
            Self::Empty { .. } => failure(FailureKind::BadRepository).hint("make a first commit"),
            Self::DetachedHead { .. } => failure(FailureKind::UnknownBaseBranch).hint("name a branch with --base"),
            Self::UnknownBranch { known, .. } if known.is_empty() => failure(FailureKind::UnknownBaseBranch),
            Self::UnknownBranch { known, .. } => {
                failure(FailureKind::UnknownBaseBranch).hint(format!("known branches: {}", known.join(", ")))
            }
            Self::UnknownCommit { .. } => failure(FailureKind::UnknownBaseBranch).hint("was the base branch rewritten?"),
            Self::BranchTaken { branch, .. } => failure(FailureKind::BadConfiguration).hint(format!("rename or delete {branch}")),
            Self::PushRefused { branch, .. } => failure(FailureKind::BadConfiguration)
                .hint(format!("look at {branch} there: Windlass never overwrites commits that are not its own")),
            Self::Tampered { .. } => failure(FailureKind::WorkspaceTampered).hint("the agent replaced it; start the assignment anew"),
            Self::TooLarge { .. } | Self::TooMany { .. } => failure(FailureKind::AgentFailed).hint("ignore generated files in .gitignore"),
            Self::Shallow { .. } => failure(FailureKind::BadRepository),
            Self::Unreadable { .. } => failure(FailureKind::AgentFailed).hint("files and folders have to be readable by their owner"),
            Self::Outside { .. } => failure(FailureKind::AgentFailed),
            Self::WouldLose { .. } => failure(FailureKind::BadConfiguration).hint("push the branch first, or keep it in a bundle"),
            Self::Git { verb, message } if verb == "update-index" && message.contains("Permission denied") => {
                failure(FailureKind::AgentFailed).hint("files and folders have to be readable by their owner")
            }
            Self::Git { message, .. } if message.contains("No space left on device") => failure(FailureKind::DiskFull),
            Self::Git { verb, .. } if matches!(verb.as_str(), "ls-remote" | "fetch" | "clone") => {
                failure(FailureKind::GitFailed).hint("check the repository's address, and that this machine reaches it and may read it")
            }
            Self::Git { .. } | Self::Timeout { .. } => failure(FailureKind::GitFailed),
            Self::NoGit => failure(FailureKind::NotInstalled).hint("install git"),
            Self::Io { source, .. } => failure(match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::QuotaExceeded => FailureKind::DiskFull,
                _ => FailureKind::GitFailed,
            }),
        }
    }
}

impl From<&WorkspaceError> for Failure {
    fn from(error: &WorkspaceError) -> Self {
        error.failure()
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        error.failure()
    }
}
