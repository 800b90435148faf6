//! The secret scan of commits and of files.
//!
//! It stands here, beside what reads them, so that its two users (the engine's gate and `windlass scan`) cannot come to differ in what
//! they let pass. `windlass-secrets` does no I/O, and of this crate nothing else knows about secrets.
//!
//! **Invariant:** what is allowed is what the base allows (its list, and the comments in its versions of the files) and what the caller
//! says; never what the scanned commits say of themselves. **Invariant:** a scan that could not read everything is an error.

mod files;
mod range;

use std::collections::HashSet;

use serde::Serialize;
use windlass_secrets::{AllowError, AllowList, Allowed, Finding, Fingerprint, Scanner};

pub use files::{OnDisk, scan_files, walk};
pub use range::scan_range;

use crate::git::{Commitish, WorkspaceError};

/// Where a repository keeps its list of allowed secrets.
pub const ALLOW_LIST: &str = ".windlass/secrets-allow.toml";
/// The name of a finding's place in a commit's message.
pub const MESSAGE: &str = "(commit message)";
/// The name of a finding's place in a commit's other lines: its author, say.
pub const HEADERS: &str = "(commit header)";
/// More findings say nothing more.
const MAX_FINDINGS: usize = 10_000;

/// What a scan found, and of how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each secret where it comes first: a file that keeps one through many commits is told once.
    pub findings: Vec<FindingAt>,
    /// How many findings there were beyond those that are told.
    pub left_out: u64,
    /// Commits that were looked through.
    pub commits: u64,
    /// Versions of files that were looked through.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files on disk that could not be read, and why. They may hold anything.
    pub unread: Vec<String>,
    #[serde(skip)]
    told: HashSet<Fingerprint>,
}

/// A secret in a commit, or in a file on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingAt {
    /// The commit that brings it.
    pub commit: Option<String>,
    /// The secret's kind and place.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Why there is no report. Nothing is known to be clean then.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The commits cannot be read, or are more than is accepted.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The base's list of what is allowed cannot be used.
    #[error("{ALLOW_LIST} of the commit {commit}: {source}; mend it there")]
    List {
        /// The base.
        commit: String,
        /// What is wrong with it.
        source: AllowError,
    },
    /// The base's list is no text.
    #[error("{ALLOW_LIST} of the commit {commit} is not UTF-8 text; mend it there")]
    NotText {
        /// The base.
        commit: String,
    },
    /// A thread of it died.
    #[error("the scan for secrets was cut short: {0}")]
    CutShort(String),
}

impl Report {
    /// A text by itself, which is its own base.
    pub fn of_text(name: &str, bytes: &[u8], scanner: &Scanner, allowed: Allowed) -> Self {
        let mut report = Self { files: 1, bytes: bytes.len() as u64, ..Self::default() };
        let found = scanner.scan_bytes(name, bytes, &allowed);
        report.add(None, look_again(scanner, name, bytes, &allowed, bytes, found));
        report
    }

    fn add(&mut self, commit: Option<&str>, mut findings: Vec<Finding>) {
        findings.retain(|finding| !self.told.contains(&finding.fingerprint));
        for finding in findings {
            if self.findings.len() >= MAX_FINDINGS {
                self.left_out += 1;
                continue;
            }
            self.told.insert(finding.fingerprint.clone());
            self.findings.push(FindingAt { commit: commit.map(str::to_owned), finding });
        }
    }
}

/// Scans a file in which something was `found` once more, without what the comments of its `commented` version allow: what is allowed
/// must not stand in the way of what is not.
fn look_again(scanner: &Scanner, path: &str, bytes: &[u8], allowed: &Allowed, commented: &[u8], found: Vec<Finding>) -> Vec<Finding> {
    let comments = scanner.allowed_by_comments(path, commented);
    if comments.is_empty() { found } else { scanner.scan_bytes(path, bytes, &allowed.clone().with_fingerprints(comments)) }
}

/// What the list in a commit allows, beside what is allowed already.
fn with_list(allowed: Allowed, list: Option<Vec<u8>>, commit: &Commitish) -> Result<Allowed, ScanError> {
    let Some(list) = list else { return Ok(allowed) };
    let commit = || commit.as_str().to_owned();
    let list = String::from_utf8(list).map_err(|_| ScanError::NotText { commit: commit() })?;
    let list = AllowList::parse(&list).map_err(|source| ScanError::List { commit: commit(), source })?;
    Ok(allowed.with_list(list))
}

/// Does work that takes the processor for a while beside the runtime.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ScanError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ScanError::CutShort(error.to_string()))
}
