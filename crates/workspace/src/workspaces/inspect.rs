//! Looking at a repository before any work is done for it. Nothing in it is changed.

use std::path::Path;

use super::{Workspaces, mirror::TRANSFER_TIMEOUT};
use crate::git::{RepoAddress, WorkspaceError, check_branch};

/// How many branch names an error names.
const MAX_KNOWN: usize = 20;

/// Where a repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RepoKind {
    /// On this machine.
    Local,
    /// Reached over a network.
    Remote,
}

/// What a repository is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoFacts {
    /// Where it is.
    pub kind: RepoKind,
    /// The branch that its HEAD names, if any.
    pub default_branch: Option<String>,
    /// The branch to start from.
    pub base_branch: String,
    /// Its commit.
    pub base_commit: String,
    /// The user has changes there that are not committed, and so are not part of the work.
    pub dirty: bool,
    /// No branch is checked out there.
    pub detached: bool,
}

impl Workspaces {
    /// What the repository is like, and where work on it would start: at `base`, or at the branch that is checked out.
    pub async fn inspect(&self, repo: &str, base: Option<&str>) -> Result<RepoFacts, WorkspaceError> {
        let base = base.map(check_branch).transpose()?;
        let address = RepoAddress::parse(repo)?;
        match &address {
            RepoAddress::Local(path) => self.inspect_local(path, base).await,
            RepoAddress::Remote(url) => self.inspect_remote(url, base).await,
        }
    }

    async fn inspect_local(&self, path: &Path, base: Option<&str>) -> Result<RepoFacts, WorkspaceError> {
        let repo = path.display().to_string();
        let branches = self.local_refs(path, "refs/heads/").await?;
        let head = self.git.call("symbolic-ref").args(["-q", "HEAD"]).in_foreign(path).run().await?;
        let current = head.text().strip_prefix("refs/heads/").map(str::to_owned);
        if branches.is_empty() {
            return Err(WorkspaceError::Empty { repo });
        }
        let detached = current.is_none();
        let Some(base_branch) = base.map(str::to_owned).or_else(|| current.clone()) else {
            return Err(WorkspaceError::DetachedHead { repo });
        };
        let base_commit = find_branch(&branches, &base_branch, repo)?;
        let dirty = self.is_dirty(path).await;
        Ok(RepoFacts { kind: RepoKind::Local, default_branch: current, base_branch, base_commit, dirty, detached })
    }

    async fn inspect_remote(&self, url: &str, base: Option<&str>) -> Result<RepoFacts, WorkspaceError> {
        let list = self.git.call("ls-remote").args(["--quiet", "--symref", "--", url, "HEAD", "refs/heads/*"]);
        let list = list.by_the_user_at(url).timeout(TRANSFER_TIMEOUT / 10).ok().await?;
        let mut default_branch = None;
        let mut branches = Vec::new();
        for line in list.text().lines() {
            let Some((value, name)) = line.split_once('\t') else { continue };
            if let Some(target) = value.strip_prefix("ref: refs/heads/").filter(|_| name == "HEAD") {
                default_branch = Some(target.to_owned());
            } else if let Some(branch) = name.strip_prefix("refs/heads/") {
                branches.push((branch.to_owned(), value.to_owned()));
            }
        }
        let repo = url.to_owned();
        if branches.is_empty() {
            return Err(WorkspaceError::Empty { repo });
        }
        let detached = default_branch.is_none();
        let Some(base_branch) = base.map(str::to_owned).or_else(|| default_branch.clone()) else {
            return Err(WorkspaceError::DetachedHead { repo });
        };
        let base_commit = find_branch(&branches, &base_branch, repo)?;
        Ok(RepoFacts { kind: RepoKind::Remote, default_branch, base_branch, base_commit, dirty: false, detached })
    }

    /// Branches of a local repository below `prefix`, without `refs/heads/`, and their commits.
    pub(super) async fn local_refs(&self, path: &Path, prefix: &str) -> Result<Vec<(String, String)>, WorkspaceError> {
        let missing = || WorkspaceError::NotARepository { path: path.display().to_string() };
        if !path.is_dir() {
            return Err(missing());
        }
        let list = self.git.call("for-each-ref").arg("--format=%(objectname) %(refname)").arg(prefix).in_foreign(path).run().await?;
        if list.code != Some(0) {
            return Err(if list.complaint.contains("not a git repository") {
                missing()
            } else {
                WorkspaceError::Git { verb: "for-each-ref".to_owned(), message: list.complaint }
            });
        }
        let line = |line: &str| line.split_once(" refs/heads/").map(|(hash, name)| (name.to_owned(), hash.to_owned()));
        Ok(list.text().lines().filter_map(line).collect())
    }

    /// Whether the user's own checkout has changes. Its configuration's filters are switched off, so that looking runs nothing.
    async fn is_dirty(&self, path: &Path) -> bool {
        let filters = self.git.call("config").args(["-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"]);
        let Ok(filters) = filters.in_foreign(path).run().await else { return false };
        let mut status = self.git.call("status").args(["--porcelain=v2", "-z", "--ignore-submodules=all", "--untracked-files=normal"]);
        for name in filters.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let Ok(name) = std::str::from_utf8(name) else { return false };
            let off = if name.ends_with(".required") { "false" } else { "" };
            // A name with `=` cannot be overridden this way; then we do not look.
            if name.contains('=') {
                return false;
            }
            status = status.setting(&format!("{name}={off}"));
        }
        status.in_foreign(path).cut_at(1).run().await.is_ok_and(|status| !status.stdout.is_empty())
    }
}

pub(super) fn find_branch(branches: &[(String, String)], name: &str, repo: String) -> Result<String, WorkspaceError> {
    branches.iter().find(|(branch, _)| branch == name).map(|(_, commit)| commit.clone()).ok_or_else(|| WorkspaceError::UnknownBranch {
        name: name.to_owned(),
        repo,
        known: branches.iter().take(MAX_KNOWN).map(|(branch, _)| branch.clone()).collect(),
    })
}
