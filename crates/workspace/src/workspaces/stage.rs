//! Taking what an agent left in its tree as content: nothing of its git directory, no nested repository, no link followed.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::lock::hold;
use super::record::intact;
use super::{ContentLimits, Workspace, Workspaces, blocking};
use crate::git::{Call, Commitish, WorkspaceError};

/// What changed in a tree since the branch's last commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Each changed file.
    pub files: Vec<FileChange>,
    /// SHA-256 of the change's content: paths, modes and blobs, before and after. The same change has the same hash.
    pub diff_hash: String,
    /// The hash of the whole tree's content.
    pub tree: String,
}

impl Changes {
    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path in the tree; bytes that are not UTF-8 are shown as `�`.
    pub path: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Lines added; 0 for a binary file.
    pub insertions: u64,
    /// Lines removed; 0 for a binary file.
    pub deletions: u64,
    /// It is not text.
    pub binary: bool,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content or mode changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It became another kind of file (a link).
    TypeChanged,
}

/// A diff as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The text, in git's format.
    pub text: String,
    /// It was longer than wanted; the rest is missing.
    pub truncated: bool,
}

impl Workspaces {
    /// What the tree's content changes, against the branch's last commit. While an agent runs in the tree the answer is a guess, and a
    /// hostile one could swap a folder for a link under git's hands: what is committed is looked at after its end.
    pub async fn changes(&self, workspace: &Workspace) -> Result<Changes, WorkspaceError> {
        let _held = hold(workspace).await?;
        intact(workspace)?;
        let head = self.head(workspace)?;
        let tree = self.stage(workspace).await?;
        self.changes_between(workspace, &head, tree).await
    }

    /// The diff from commit `from` to commit `to`, or to the tree's present content; cut at `max_bytes`.
    pub async fn patch(&self, workspace: &Workspace, from: &str, to: Option<&str>, max_bytes: usize) -> Result<Patch, WorkspaceError> {
        let from = Commitish::parse(from)?;
        let to = if let Some(to) = to {
            Commitish::parse(to)?.as_str().to_owned()
        } else {
            let _held = hold(workspace).await?;
            intact(workspace)?;
            self.stage(workspace).await?
        };
        let diff = diff_tree(self.engine_call(workspace, "diff-tree")).args(["-p", "--find-renames", "--no-color"]);
        let output = diff.args([from.as_str(), &to]).cut_at(max_bytes).ok().await?;
        Ok(Patch { text: String::from_utf8_lossy(&output.stdout).into_owned(), truncated: output.truncated })
    }

    pub(super) fn engine_call(&self, workspace: &Workspace, verb: &str) -> Call<'_> {
        self.git.call(verb).git_dir(&workspace.engine_git_dir).env("GIT_WORK_TREE", &workspace.path).in_folder(&workspace.path)
    }

    /// Brings the engine's index to the tree's content and writes it as a tree object.
    ///
    /// Not `git add`: that would run git inside repositories that the agent made in the tree, with their configuration.
    pub(super) async fn stage(&self, workspace: &Workspace) -> Result<String, WorkspaceError> {
        let list = self.engine_call(workspace, "ls-files").args(["-z", "--others", "--modified", "--deleted", "--exclude-standard"]);
        let list = list.ok().await?;
        if let Some(what) = list.complaint.lines().find(|line| line.contains("could not open directory")) {
            return Err(WorkspaceError::Unreadable { what: what.trim_start_matches("warning: ").to_owned() });
        }
        let listed = list.stdout;
        let (tree, limits, hash_len) = (workspace.path.clone(), self.limits, workspace.base_commit.len());
        let paths = blocking(move || sort_paths(&tree, &listed, hash_len, limits)).await?;
        if !paths.gone.is_empty() {
            let update = self.engine_call(workspace, "update-index").args(["-z", "--index-info"]);
            update.stdin(paths.gone).ok().await?;
        }
        if !paths.present_or_deleted.is_empty() {
            let update = self.engine_call(workspace, "update-index").args(["-z", "--add", "--remove", "--replace", "--stdin"]);
            update.stdin(paths.present_or_deleted).ok().await?;
        }
        Ok(self.engine_call(workspace, "write-tree").ok().await?.text())
    }

    pub(super) async fn changes_between(&self, workspace: &Workspace, from: &str, tree: String) -> Result<Changes, WorkspaceError> {
        let diff = diff_tree(self.engine_call(workspace, "diff-tree")).args(["-r", "-z", "--raw", "--numstat", "--no-renames"]);
        let output = diff.args([from, &tree]).ok().await?;
        let (files, raw) = parse_diff(&output.stdout);
        let mut diff_hash = String::new();
        for byte in Sha256::digest(raw) {
            let _ = write!(diff_hash, "{byte:02x}");
        }
        Ok(Changes { files, diff_hash, tree })
    }
}

fn diff_tree(call: Call<'_>) -> Call<'_> {
    call.args(["--no-ext-diff", "--no-textconv", "--full-index"])
}

#[derive(Debug, Default)]
struct Paths {
    /// For `update-index --stdin`.
    present_or_deleted: Vec<u8>,
    /// For `update-index --index-info`: what lies behind a link now, or is no file any more, so is gone from the tree.
    gone: Vec<u8>,
}

impl Paths {
    fn remove(&mut self, path: &[u8], hash_len: usize) {
        self.gone.extend_from_slice(b"0 ");
        self.gone.resize(self.gone.len() + hash_len, b'0');
        self.gone.push(b'\t');
        self.gone.extend_from_slice(path);
        self.gone.push(0);
    }
}

fn sort_paths(tree: &Path, listed: &[u8], hash_len: usize, limits: ContentLimits) -> Result<Paths, WorkspaceError> {
    let mut paths = Paths::default();
    let mut links: HashMap<PathBuf, bool> = HashMap::new();
    let (mut total, mut count) = (0_u64, 0_usize);
    let mut seen = std::collections::HashSet::new();
    for path in listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        // A trailing slash is a repository of the agent's inside the tree.
        if path.ends_with(b"/") || !seen.insert(path) {
            continue;
        }
        let relative = Path::new(std::ffi::OsStr::from_bytes(path));
        if behind_link(tree, relative, &mut links) {
            paths.remove(path, hash_len);
            continue;
        }
        count += 1;
        let too_large = |what: String, limit_bytes| Err(WorkspaceError::TooLarge { what, limit_bytes });
        if let Ok(meta) = fs::symlink_metadata(tree.join(relative)) {
            if meta.is_dir() {
                // A submodule's folder, or files in place of a file: those are listed themselves.
                continue;
            }
            if !meta.is_file() && !meta.is_symlink() {
                paths.remove(path, hash_len);
                continue;
            }
            total = total.saturating_add(meta.len());
            if meta.len() > limits.max_file_bytes {
                return too_large(relative.display().to_string(), limits.max_file_bytes);
            }
        }
        if total > limits.max_total_bytes {
            return too_large("the sum of the changed files".to_owned(), limits.max_total_bytes);
        }
        if count > limits.max_files {
            return too_large(format!("the list of changed files (more than {})", limits.max_files), limits.max_files as u64);
        }
        paths.present_or_deleted.extend_from_slice(path);
        paths.present_or_deleted.push(0);
    }
    Ok(paths)
}

/// Whether a folder on the way to `relative` is a link.
fn behind_link(tree: &Path, relative: &Path, known: &mut HashMap<PathBuf, bool>) -> bool {
    let Some(parent) = relative.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return false };
    if let Some(answer) = known.get(parent) {
        return *answer;
    }
    let is_link = fs::symlink_metadata(tree.join(parent)).is_ok_and(|meta| meta.is_symlink());
    let answer = is_link || behind_link(tree, parent, known);
    known.insert(parent.to_owned(), answer);
    answer
}

/// Reads `diff-tree -z --raw --numstat --no-renames`; also returns the raw part, which identifies the change.
fn parse_diff(bytes: &[u8]) -> (Vec<FileChange>, &[u8]) {
    let mut files: Vec<FileChange> = Vec::new();
    let mut by_path: HashMap<&[u8], usize> = HashMap::new();
    let mut raw_end = 0;
    let mut offset = 0;
    let mut fields = bytes.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        offset += field.len() + 1;
        if field.starts_with(b":") {
            let Some(path) = fields.next() else { break };
            offset += path.len() + 1;
            raw_end = offset.min(bytes.len());
            let kind = match field.last() {
                Some(b'A') => ChangeKind::Added,
                Some(b'D') => ChangeKind::Deleted,
                Some(b'T') => ChangeKind::TypeChanged,
                _ => ChangeKind::Modified,
            };
            by_path.insert(path, files.len());
            let path = String::from_utf8_lossy(path).into_owned();
            files.push(FileChange { path, kind, insertions: 0, deletions: 0, binary: false });
        } else {
            let mut parts = field.splitn(3, |byte| *byte == b'\t');
            let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
            if let Some(file) = by_path.get(path).and_then(|index| files.get_mut(*index)) {
                file.insertions = number(added).unwrap_or(0);
                file.deletions = number(removed).unwrap_or(0);
                file.binary = added == b"-";
            }
        }
    }
    (files, &bytes[..raw_end])
}
