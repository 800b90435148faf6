//! Reading commits and what is in them.

use std::path::{Component, Path, PathBuf};

use super::{Workspace, Workspaces};
use crate::git::{Commitish, RepoAddress, Repository, WorkspaceError};
use crate::outgoing::change::{Change, FORMAT, Kind};

/// How many commits a log lists at most.
const MAX_COMMITS: usize = 10_000;
/// No link leads further.
const LINK_MAX: u64 = 4096;

/// Where to read from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A workspace: its base and the engine's commits.
    Workspace(&'a Workspace),
    /// A repository's mirror, as it was when last fetched.
    Repo(&'a RepoAddress),
}

/// A commit in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCommit {
    /// Its hash.
    pub sha: String,
    /// Its first line.
    pub subject: String,
    /// Its whole message.
    pub message: String,
}

/// A path that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPath {
    /// Where it is; bytes that are no text are replaced.
    pub path: String,
    /// Its mode and the hash of its content afterwards: `100644 <hash>`; `gone` where it was removed.
    pub content: String,
}

impl Workspaces {
    /// The paths that differ between two commits of a workspace, by path.
    pub async fn changed_paths(&self, workspace: &Workspace, from: &str, to: &str) -> Result<Vec<ChangedPath>, WorkspaceError> {
        let (from, to) = (Commitish::parse(from)?, Commitish::parse(to)?);
        let call = self.git.call("diff-tree").git_dir(&workspace.engine_git_dir).args(["-r"]).args(FORMAT);
        let output = call.args([from.as_str(), to.as_str(), "--"]).ok().await?;
        let mut fields = output.stdout.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        let mut paths = Vec::new();
        while let (Some(change), Some(path)) = (fields.next(), fields.next()) {
            let change = Change::parse(change).ok_or_else(|| WorkspaceError::Git {
                verb: "diff-tree".to_owned(),
                message: "a line of it is not understood".to_owned(),
            })?;
            let content = if change.kind == Kind::Gone { "gone".to_owned() } else { format!("{:o} {}", change.mode, change.blob) };
            paths.push(ChangedPath { path: String::from_utf8_lossy(path).into_owned(), content });
        }
        Ok(paths)
    }

    /// Where those of these paths lead that are links in a commit, as paths from the tree's top. What leads out of the tree is left out.
    pub async fn links_among(&self, workspace: &Workspace, commit: &str, paths: &[&str]) -> Result<Vec<String>, WorkspaceError> {
        let commit = Commitish::parse(commit)?;
        let call = self.git.call("ls-tree").git_dir(&workspace.engine_git_dir).args(["-z", commit.as_str(), "--"]).args(paths);
        let listed = call.ok().await?.stdout;
        let mut targets = Vec::new();
        for entry in listed.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"120000 ")) {
            let Some(path) = std::str::from_utf8(entry).ok().and_then(|entry| entry.split_once('\t')).map(|(_, path)| path) else {
                continue;
            };
            let target = self.read_at(Source::Workspace(workspace), commit.as_str(), path, LINK_MAX).await?.unwrap_or_default();
            targets.extend(std::str::from_utf8(&target).ok().and_then(|target| beneath(Path::new(path).parent()?, Path::new(target))));
        }
        Ok(targets)
    }

    fn git_dir_of(&self, source: Source<'_>) -> PathBuf {
        match source {
            Source::Workspace(workspace) => workspace.engine_git_dir.clone(),
            Source::Repo(repo) => self.mirror_path(repo),
        }
    }

    /// The workspace's commits, to be read as they will be pushed.
    pub fn repository(&self, workspace: &Workspace) -> Repository {
        Repository::own(self.git.clone(), &workspace.engine_git_dir)
    }

    /// The content of a file in a commit; `None` when there is no such file. A link's content is its target: it is never followed.
    pub async fn read_at(&self, source: Source<'_>, commit: &str, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let commit = Commitish::parse(commit)?;
        if path.is_empty() || path.contains(['\0', '\n']) {
            return Err(WorkspaceError::Outside { path: path.chars().take(200).collect() });
        }
        // git would read such a path as relative to a folder.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Ok(None);
        }
        let name = format!("{}:{path}\n", commit.as_str());
        let git_dir = self.git_dir_of(source);
        let check = self.git.call("cat-file").arg("--batch-check=%(objecttype) %(objectsize) %(objectname)").git_dir(&git_dir).stdin(name);
        let answer = check.ok().await?.text();
        let mut words = answer.split(' ');
        let (Some("blob"), Some(size), Some(hash)) = (words.next(), words.next().and_then(|size| size.parse::<u64>().ok()), words.next())
        else {
            return Ok(None);
        };
        if size > max_bytes {
            return Err(WorkspaceError::TooLarge { what: path.to_owned(), limit_bytes: max_bytes });
        }
        let blob = self.git.call("cat-file").args(["blob", hash]).git_dir(&git_dir);
        Ok(Some(blob.ok().await?.stdout))
    }

    /// Whether the commit is there.
    pub async fn commit_exists(&self, source: Source<'_>, commit: &str) -> Result<bool, WorkspaceError> {
        let commit = Commitish::parse(commit)?;
        let git_dir = self.git_dir_of(source);
        if !git_dir.join("HEAD").exists() {
            return Ok(false);
        }
        let name = format!("{}^{{commit}}", commit.as_str());
        Ok(self.git.call("cat-file").args(["-e", &name]).git_dir(&git_dir).run().await?.code == Some(0))
    }

    /// Whether `ancestor` is `descendant` or comes before it.
    pub async fn is_ancestor(&self, source: Source<'_>, ancestor: &str, descendant: &str) -> Result<bool, WorkspaceError> {
        let (ancestor, descendant) = (Commitish::parse(ancestor)?, Commitish::parse(descendant)?);
        self.is_ancestor_in(&self.git_dir_of(source), ancestor.as_str(), descendant.as_str()).await
    }

    pub(super) async fn is_ancestor_in(&self, git_dir: &Path, ancestor: &str, descendant: &str) -> Result<bool, WorkspaceError> {
        if ancestor == descendant {
            return Ok(true);
        }
        let output = self.git.call("merge-base").args(["--is-ancestor", ancestor, descendant]).git_dir(git_dir).run().await?;
        Ok(output.code == Some(0))
    }

    /// The commits of `base..head`, oldest first.
    pub async fn commits(&self, source: Source<'_>, base: &str, head: &str) -> Result<Vec<LoggedCommit>, WorkspaceError> {
        let (base, head) = (Commitish::parse(base)?, Commitish::parse(head)?);
        let range = format!("{}..{}", base.as_str(), head.as_str());
        let log = self.git.call("log").args(["-z", "--format=%H%n%B", "--reverse", "--topo-order", "--no-show-signature"]);
        let log = log.args([format!("--max-count={MAX_COMMITS}"), range, "--".to_owned()]).git_dir(&self.git_dir_of(source));
        let output = log.ok().await?;
        let one = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let (sha, message) = text.split_once('\n')?;
            let message = message.trim_end_matches('\n');
            Some(LoggedCommit {
                sha: sha.to_owned(),
                subject: message.lines().next().unwrap_or_default().to_owned(),
                message: message.to_owned(),
            })
        };
        Ok(output.stdout.split(|byte| *byte == 0).filter_map(one).collect())
    }
}

/// A link's target from the tree's top, by its words alone; `None` where they lead out of the tree.
fn beneath(folder: &Path, target: &Path) -> Option<String> {
    let mut path = folder.to_owned();
    for part in target.components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    path.to_str().filter(|path| !path.is_empty()).map(str::to_owned)
}
