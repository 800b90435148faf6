//! Temporary git repositories, shut off from the user's git configuration.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::TempFolder;

/// The check of [`TempRepo::failing_check`]: it fails until `answer.txt` says 42.
const CHECK: &str = "#!/bin/sh
answer=$(cat answer.txt 2>/dev/null)
if [ \"$answer\" = 42 ]; then
  echo 'ok: the answer is 42'
else
  echo \"FAILED: answer.txt says '$answer', want '42'\" >&2
  exit 1
fi
";

/// A repository with a work tree, on branch `main`, deleted when it is dropped.
///
/// Reads like a [`Git`].
#[derive(Debug)]
pub struct TempRepo {
    dir: TempFolder,
    work: Git,
}

/// A repository at a place: bare or with a work tree.
#[derive(Debug, Clone)]
pub struct Git {
    path: PathBuf,
}

impl TempRepo {
    /// An empty repository without commits.
    pub fn new() -> Self {
        let dir = TempFolder::new("windlass-repo-");
        let work = Git { path: dir.path().join("work") };
        fs::create_dir(&work.path).unwrap_or_else(|e| panic!("cannot create {}: {e}", work.path.display()));
        work.git(&["init", "--quiet", "--initial-branch=main"]);
        Self { dir, work }
    }

    /// A repository with one commit: `./check.sh` fails until `answer.txt` says 42.
    pub fn failing_check() -> Self {
        Self::new()
            .with_file("README.md", "# Sample\n\nRun `./check.sh`.\n")
            .with_executable("check.sh", CHECK)
            .with_file("answer.txt", "41\n")
            .commit("A check that fails")
    }

    /// Writes a file into the work tree.
    pub fn with_file(self, path: &str, content: &str) -> Self {
        self.write(path, content);
        self
    }

    /// Writes a file that can be run.
    pub fn with_executable(self, path: &str, content: &str) -> Self {
        let file = self.write(path, content);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap_or_else(|e| panic!("cannot change {}: {e}", file.display()));
        self
    }

    /// Commits everything in the work tree. [`Git::head`] tells the commit.
    pub fn commit(self, message: &str) -> Self {
        self.commit_all(message);
        self
    }

    /// Adds a bare remote `origin` that has the present `main`.
    pub fn with_remote(self) -> Self {
        let remote = self.add_remote("origin");
        if self.work.rev("HEAD").is_some() {
            self.work.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        }
        remote.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
        self
    }

    /// Adds an empty bare remote of this name.
    pub fn add_remote(&self, name: &str) -> Git {
        let remote = self.remote_named(name);
        self.work.git(&["init", "--quiet", "--bare", "--initial-branch=main", &remote.path.to_string_lossy()]);
        self.work.git(&["remote", "add", name, &remote.path.to_string_lossy()]);
        remote
    }

    /// The remote `origin`.
    pub fn remote(&self) -> Git {
        self.remote_named("origin")
    }

    fn remote_named(&self, name: &str) -> Git {
        Git { path: self.dir.path().join(format!("{name}.git")) }
    }

    /// Writes a file into the work tree, its folders included, and gives its full path.
    pub fn write(&self, path: &str, content: &str) -> PathBuf {
        let file = self.work.path.join(path);
        let parent = file.parent().unwrap_or(&self.work.path);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, content))
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", file.display()));
        file
    }

    /// Commits everything in the work tree and gives the commit's id.
    pub fn commit_all(&self, message: &str) -> String {
        self.work.git(&["add", "--all"]);
        self.work.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// A folder beside the work tree for whatever else a test wants deleted with the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Default for TempRepo {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TempRepo {
    type Target = Git;

    fn deref(&self) -> &Git {
        &self.work
    }
}

impl Git {
    /// A repository that is there already.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its folder: the work tree, or the bare repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `file://…`, by which it can be cloned as a remote is.
    pub fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Runs git here and gives what it prints.
    ///
    /// # Panics
    ///
    /// When git fails.
    pub fn git(&self, args: &[&str]) -> String {
        self.try_git(args).unwrap_or_else(|stderr| panic!("git {args:?} in {} failed: {stderr}", self.path.display()))
    }

    /// Runs git here: what it prints, or its complaint.
    pub fn try_git(&self, args: &[&str]) -> Result<String, String> {
        let output = isolated_git().args(args).current_dir(&self.path).output().map_err(|e| format!("git cannot be run: {e}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The commit that is checked out, or that a bare repository's default branch points to.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "--verify", "HEAD"]).trim().to_owned()
    }

    /// The commit of a branch, tag or other revision.
    pub fn rev(&self, revision: &str) -> Option<String> {
        let commit = self.try_git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")]).ok()?;
        Some(commit.trim().to_owned())
    }

    /// Every ref with its object, by full name.
    pub fn refs(&self) -> BTreeMap<String, String> {
        let lines = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        lines.lines().filter_map(|l| l.split_once(' ')).map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
    }

    /// The names of the branches.
    pub fn branches(&self) -> Vec<String> {
        self.refs().keys().filter_map(|name| name.strip_prefix("refs/heads/")).map(str::to_owned).collect()
    }

    /// A file's content at a revision.
    pub fn file_at(&self, revision: &str, path: &str) -> Option<String> {
        self.try_git(&["cat-file", "blob", &format!("{revision}:{path}")]).ok()
    }

    /// The paths of all files at a revision.
    pub fn files_at(&self, revision: &str) -> Vec<String> {
        self.git(&["ls-tree", "-r", "-z", "--name-only", revision]).split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect()
    }

    /// The subjects of the commits of a revision (or range), newest first.
    pub fn log(&self, revision: &str) -> Vec<String> {
        self.git(&["log", "--format=%s", revision, "--"]).lines().map(str::to_owned).collect()
    }

    /// What is changed and not committed, as `git status` prints it for programs.
    pub fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }
}

/// A git command that reads no configuration of the user or the machine, and knows an author.
pub fn isolated_git() -> Command {
    let mut git = Command::new("git");
    for inherited in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES", "GIT_OBJECT_DIRECTORY"] {
        git.env_remove(inherited);
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    for (role, name) in [("AUTHOR", "A Tester"), ("COMMITTER", "A Tester")] {
        git.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "tester@example.invalid");
    }
    git
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_fails_until_the_answer_is_42() {
        let repo = TempRepo::failing_check();
        let check = || Command::new("./check.sh").current_dir(repo.path()).output().unwrap();
        assert!(!check().status.success());
        repo.write("answer.txt", "42\n");
        assert!(check().status.success());
        assert_eq!(repo.status(), " M answer.txt\n");
    }

    #[test]
    fn a_remote_has_what_was_pushed() {
        let repo = TempRepo::new().with_file("src/a.txt", "one\n").commit("One").with_remote();
        let remote = repo.remote();
        assert_eq!(remote.head(), repo.head());
        assert_eq!(remote.branches(), ["main"]);
        repo.git(&["switch", "--quiet", "--create", "work"]);
        repo.write("src/a.txt", "two\n");
        let two = repo.commit_all("Two");
        repo.git(&["push", "--quiet", "origin", "work"]);
        assert_eq!(remote.rev("work"), Some(two));
        assert_eq!(remote.file_at("work", "src/a.txt").as_deref(), Some("two\n"));
        assert_eq!(remote.file_at("main", "src/a.txt").as_deref(), Some("one\n"));
        assert_eq!(remote.file_at("main", "none"), None);
        assert_eq!(remote.files_at("work"), ["src/a.txt"]);
        assert_eq!(remote.log("main..work"), ["Two"]);
        assert_eq!(remote.rev("elsewhere"), None);
    }
}
