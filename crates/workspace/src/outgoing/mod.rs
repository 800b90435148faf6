//! What commits bring: every message and every version of every file, as somebody who fetches them gets it.
//!
//! **Invariant:** nothing is passed over in silence. What is missing, too large or too much is an error, and a reader that ends without
//! one has given everything: files that a later commit removes again, what a merge has from none of its parents, the whole of a
//! commit's own text.

pub(crate) mod change;
mod range;
mod renames;

use std::collections::HashSet;

use sha2::{Digest, Sha256};

pub use range::Range;

use crate::git::{Commitish, Objects, Repository, Stream, WorkspaceError};
use crate::workspaces::ContentLimits;
use change::{Change, Kind};

/// One thing that a range brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A commit; the files up to the next are its own.
    Commit(CommitText),
    /// A file that it adds, changes or removes.
    File(FileVersion),
}

/// A commit's own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitText {
    /// Its hash.
    pub sha: String,
    /// Its lines before the message: author, committer, signature and whatever else somebody wrote there.
    pub headers: Vec<u8>,
    /// The message.
    pub message: Vec<u8>,
}

/// A file as a commit leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// Its path from the top, as bytes: any but zero.
    pub path: Vec<u8>,
    /// Its mode as git writes it; 0 for one that is gone.
    pub mode: u32,
    /// What is in it.
    pub content: Content,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A plain file: its hash and bytes.
    File(String, Vec<u8>),
    /// A link: its hash and target.
    Link(String, Vec<u8>),
    /// Another repository's commit. Nothing of it is brought but its name.
    Submodule,
    /// It was removed, or is called otherwise now.
    Gone,
}

/// Reads what a range brings, one piece at a time, the oldest commit first.
///
/// The same content at the same path is given once, where it comes first. Content that is at two paths is given for both: what is
/// allowed goes by path.
pub struct Outgoing {
    objects: Objects,
    commits: std::vec::IntoIter<String>,
    diff: Option<Stream>,
    /// Hashes of paths and contents.
    seen: HashSet<[u8; 16]>,
    limits: ContentLimits,
    bytes: u64,
    files: usize,
}

impl Repository {
    /// Begins to read what a range brings, within limits of one blob, of all bytes and of how many files.
    pub async fn outgoing(&self, range: &Range, limits: ContentLimits) -> Result<Outgoing, WorkspaceError> {
        let commits = self.list(range).await?;
        let diff = match range {
            Range::Staged { index } => {
                let against = self.against_staged().await?;
                let diff = self.call("diff-index").args(["--cached", "-r"]).args(change::FORMAT).arg(against);
                let diff = index.iter().fold(diff, |diff, index| diff.env("GIT_INDEX_FILE", index));
                diff.stream()?
            }
            Range::Commits { .. } | Range::Commit(_) => {
                // Of a merge what differs from every parent; the rest is what the parents bring.
                let diff = self.call("diff-tree").args(["--stdin", "--always", "--root", "-r", "-c"]).args(change::FORMAT);
                let asked: String = commits.iter().flat_map(|commit| [commit.as_str(), "\n"]).collect();
                diff.stdin(asked).stream()?
            }
        };
        let (objects, commits) = (Objects::open(self)?, commits.into_iter());
        Ok(Outgoing { objects, commits, diff: Some(diff), seen: HashSet::new(), limits, bytes: 0, files: 0 })
    }
}

impl Outgoing {
    /// The next piece; `None` when everything was given.
    pub async fn next(&mut self) -> Result<Option<Piece>, WorkspaceError> {
        while let Some(diff) = &mut self.diff {
            let Some(field) = diff.field(0).await? else {
                // A git that failed ends its output too.
                if let Some(diff) = self.diff.take() {
                    diff.end().await?;
                }
                return if self.commits.next().is_none() { Ok(None) } else { Err(odd("commits are missing")) };
            };
            if !field.starts_with(b":") {
                return Ok(Some(Piece::Commit(self.commit(&field).await?)));
            }
            let path = diff.field(0).await?.ok_or_else(|| odd("a path is missing"))?;
            let change = Change::parse(&field).ok_or_else(|| odd("its output cannot be understood"))?;
            if self.is_new(&change, &path) {
                return Ok(Some(Piece::File(self.file(change, path).await?)));
            }
        }
        Ok(None)
    }

    /// The file at a path of some commit, the base say; `None` when there is none.
    pub async fn at(&mut self, commit: &Commitish, path: &[u8]) -> Result<Option<Vec<u8>>, WorkspaceError> {
        self.objects.at(commit, path, self.limits.max_file_bytes).await
    }

    /// How many bytes were given.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    async fn commit(&mut self, mark: &[u8]) -> Result<CommitText, WorkspaceError> {
        let sha = self.commits.next().filter(|sha| sha.as_bytes() == mark).ok_or_else(|| odd("its commits are not those asked for"))?;
        let whole = self.objects.read("commit", &sha, &format!("the commit {sha}"), self.limits.max_file_bytes).await?;
        self.count(whole.len())?;
        let message = whole.windows(2).position(|pair| pair == b"\n\n").map_or(whole.len(), |end| end + 2);
        let (headers, message) = whole.split_at(message);
        Ok(CommitText { sha, headers: headers.to_vec(), message: message.to_vec() })
    }

    fn is_new(&mut self, change: &Change, path: &[u8]) -> bool {
        let mut hash = Sha256::new();
        hash.update(change.blob.as_bytes());
        hash.update([change.kind as u8]);
        hash.update(path);
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        self.seen.insert(key)
    }

    async fn file(&mut self, change: Change, path: Vec<u8>) -> Result<FileVersion, WorkspaceError> {
        self.files += 1;
        if self.files > self.limits.max_files {
            return Err(WorkspaceError::TooMany { what: "changed files", limit: self.limits.max_files });
        }
        let shown = String::from_utf8_lossy(&path).into_owned();
        if change.kind == Kind::Unmerged {
            return Err(WorkspaceError::Git { verb: "diff-index".to_owned(), message: format!("{shown:?} is not merged yet") });
        }
        let content = if matches!(change.kind, Kind::File | Kind::Link) {
            let bytes = self.objects.read("blob", &change.blob, &shown, self.limits.max_file_bytes).await?;
            self.count(bytes.len())?;
            if change.kind == Kind::Link { Content::Link(change.blob, bytes) } else { Content::File(change.blob, bytes) }
        } else if change.kind == Kind::Submodule {
            Content::Submodule
        } else {
            Content::Gone
        };
        Ok(FileVersion { path, mode: change.mode, content })
    }

    fn count(&mut self, len: usize) -> Result<(), WorkspaceError> {
        self.bytes = self.bytes.saturating_add(len as u64);
        if self.bytes > self.limits.max_total_bytes {
            return Err(WorkspaceError::TooLarge {
                what: "the sum of the changed files".to_owned(),
                limit_bytes: self.limits.max_total_bytes,
            });
        }
        Ok(())
    }
}

fn odd(message: &str) -> WorkspaceError {
    WorkspaceError::Git { verb: "diff".to_owned(), message: message.to_owned() }
}
