//! A repository of a user's, workspaces over it, and what both look like byte for byte.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use windlass_types::{AssignmentId, Timestamp};
use windlass_workspace::git::{Identity, WorkspaceError, branch_name};
use windlass_workspace::workspaces::{Commit, CommitRequest, PrepareRequest, Workspace, Workspaces};

pub(crate) const ASSIGNMENT: &str = "asg_01990000000070008000000000badcaf";

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) repo: PathBuf,
    pub(crate) workspaces: Workspaces,
}

impl World {
    /// A user's repository with two commits on `main`, and nothing else.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let repo = root.join("repo");
        std::fs::create_dir(&repo).unwrap();
        git(&repo, &["init", "-q", "-b", "main"]);
        write(&repo, "README.md", "hello\n");
        write(&repo, "src/lib.rs", "pub fn f() {}\n");
        write(&repo, ".gitignore", "target/\n");
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-q", "-m", "first"]);
        write(&repo, "README.md", "hello\nworld\n");
        git(&repo, &["commit", "-q", "-am", "second"]);
        let workspaces = open(&root);
        Self { dir, repo, workspaces }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn request(&self, assignment: &str) -> PrepareRequest {
        let assignment_id: AssignmentId = assignment.parse().unwrap();
        PrepareRequest {
            repo: self.repo.display().to_string(),
            project: "demo".into(),
            assignment_id,
            branch: branch_name(&assignment_id, "Do the work"),
            base_branch: "main".into(),
            base_commit: None,
        }
    }

    pub(crate) async fn prepare(&self) -> Workspace {
        self.workspaces.prepare(&self.request(ASSIGNMENT)).await.unwrap()
    }
}

pub(crate) fn open(root: &Path) -> Workspaces {
    Workspaces::open(root.join("workspaces"), root.join("data"), &std::env::var("PATH").unwrap(), Identity::default()).unwrap()
}

/// Makes a commit and puts it on the branch at once.
pub(crate) trait CommitAtOnce {
    async fn commit(&self, workspace: &Workspace, request: &CommitRequest) -> Result<Option<Commit>, WorkspaceError>;
}

impl CommitAtOnce for Workspaces {
    async fn commit(&self, workspace: &Workspace, request: &CommitRequest) -> Result<Option<Commit>, WorkspaceError> {
        let made = self.make_commit(workspace, request).await?;
        if let Some(commit) = &made {
            self.adopt(workspace, commit).await?;
        }
        Ok(made)
    }
}

pub(crate) fn commit_request() -> CommitRequest {
    CommitRequest {
        subject: "Do the work".into(),
        body: "Because.".into(),
        trailers: vec![("Windlass-Attempt".into(), "att_1".into())],
        now: Timestamp(1_700_000_000_123),
    }
}

/// git as a user or an agent would run it.
pub(crate) fn git(repo: &Path, args: &[&str]) -> String {
    let (code, text) = try_git(repo, args);
    assert_eq!(code, Some(0), "git {args:?}: {text}");
    text
}

pub(crate) fn try_git(repo: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=User", "-c", "user.email=user@example.org"]).args(args).current_dir(repo);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned() + String::from_utf8_lossy(&output.stderr).trim();
    (output.status.code(), text)
}

pub(crate) fn write(dir: &Path, name: &str, content: &str) {
    let file = dir.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}

pub(crate) fn write_script(file: &Path, script: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, script).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A made-up secret that no other number gives: drawn here, so that no file of ours holds one.
pub(crate) fn secret(number: u64) -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let drawn = (0..40).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
    });
    ["sk", "_live_"].concat() + &drawn.collect::<String>()
}

/// Every file below `dir` with its content, mode and modification time; links are not followed.
pub(crate) fn snapshot(dir: &Path) -> BTreeMap<PathBuf, String> {
    use std::os::unix::fs::MetadataExt;
    let mut all = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                let content = if meta.is_file() { std::fs::read(entry.path()).unwrap() } else { Vec::new() };
                let mut hash = std::hash::DefaultHasher::new();
                std::hash::Hash::hash(&content, &mut hash);
                all.insert(entry.path(), format!("{:o} {} {:x}", meta.mode(), meta.mtime_nsec(), std::hash::Hasher::finish(&hash)));
            }
        }
    }
    all
}
