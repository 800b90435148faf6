//! Commits are scanned as they are read, one piece at a time.

use std::collections::HashMap;
use std::sync::Arc;

use windlass_secrets::{Allowed, Finding, Scanner};

use super::{ALLOW_LIST, HEADERS, MESSAGE, Report, ScanError, beside, with_list};
use crate::git::{Commitish, Repository};
use crate::outgoing::{CommitText, Content, FileVersion, Outgoing, Piece, Range};
use crate::workspaces::ContentLimits;

/// Looks for secrets in everything that a range brings: messages, names, and every version of every file.
///
/// `base` is the commit whose list and comments count, and what its versions of the files hold already is not brought again; `allowed` is
/// what the caller allows besides.
pub async fn scan_range(
    repository: &Repository,
    range: &Range,
    base: Option<&Commitish>,
    scanner: &Scanner,
    allowed: Allowed,
    limits: ContentLimits,
) -> Result<Report, ScanError> {
    let mut outgoing = repository.outgoing(range, limits).await?;
    let allowed = match base {
        Some(base) => with_list(allowed, outgoing.at(base, ALLOW_LIST.as_bytes()).await?, base)?,
        None => allowed,
    };
    let allowed = Arc::new(allowed);
    let mut report = Report::default();
    let mut commit = None;
    let mut before = Before::default();
    while let Some(piece) = outgoing.next().await? {
        let (scanner, allowed) = (scanner.clone(), Arc::clone(&allowed));
        match piece {
            Piece::Commit(text) => {
                report.commits += 1;
                commit = Some(text.sha.clone());
                report.add(commit.as_deref(), beside(move || scan_text(&scanner, &text, &allowed)).await?);
            }
            Piece::File(file) => {
                report.files += u64::from(matches!(file.content, Content::File(..) | Content::Link(..)));
                let path = String::from_utf8_lossy(&file.path).into_owned();
                let (file, mut found) = beside({
                    let (scanner, allowed, path) = (scanner.clone(), Arc::clone(&allowed), path.clone());
                    move || {
                        let found = scan_file(&scanner, &path, &file, &allowed);
                        (file, found)
                    }
                })
                .await?;
                if let (false, Some(base)) = (found.is_empty(), base)
                    && let Some(before) = before.of(repository, range, base, commit.as_deref(), &file.path, &mut outgoing).await?
                {
                    found = beside(move || look_again(&scanner, &path, &file, &allowed, &before)).await?;
                }
                report.add(commit.as_deref(), found);
            }
        }
    }
    report.bytes = outgoing.bytes();
    Ok(report)
}

fn scan_text(scanner: &Scanner, text: &CommitText, allowed: &Allowed) -> Vec<Finding> {
    let mut found = scanner.scan_text(MESSAGE, &String::from_utf8_lossy(&text.message), allowed);
    found.extend(scanner.scan_text(HEADERS, &String::from_utf8_lossy(&text.headers), allowed));
    found
}

fn scan_file(scanner: &Scanner, path: &str, file: &FileVersion, allowed: &Allowed) -> Vec<Finding> {
    match &file.content {
        Content::File(_, bytes) | Content::Link(_, bytes) => scanner.scan_bytes(path, bytes, allowed),
        Content::Submodule | Content::Gone => scanner.scan_name(path, allowed),
    }
}

/// What a file was in the base.
struct Version {
    bytes: Vec<u8>,
    /// It had another path there.
    is_renamed: bool,
}

/// Looks files up in the base. What was renamed is asked for only when something was found in a file that the base does not have, and
/// once for each commit.
#[derive(Default)]
struct Before {
    commit: Option<String>,
    renames: Option<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Before {
    async fn of(
        &mut self,
        repository: &Repository,
        range: &Range,
        base: &Commitish,
        commit: Option<&str>,
        path: &[u8],
        outgoing: &mut Outgoing,
    ) -> Result<Option<Version>, ScanError> {
        if let Some(bytes) = outgoing.at(base, path).await? {
            return Ok(Some(Version { bytes, is_renamed: false }));
        }
        if self.commit.as_deref() != commit {
            self.renames = None;
            self.commit = commit.map(str::to_owned);
        }
        let renames = match self.renames.take() {
            Some(renames) => renames,
            None => repository.renames(base, range, commit).await?,
        };
        let old = renames.get(path).cloned();
        self.renames = Some(renames);
        let Some(old) = old else { return Ok(None) };
        Ok(outgoing.at(base, &old).await?.map(|bytes| Version { bytes, is_renamed: true }))
    }
}

/// Scans a file in which something was found once more, for what it holds beyond its version in the base. What the comments there allow
/// is allowed under the same name only.
fn look_again(scanner: &Scanner, path: &str, file: &FileVersion, allowed: &Allowed, before: &Version) -> Vec<Finding> {
    let bytes = match &file.content {
        Content::File(_, bytes) | Content::Link(_, bytes) => bytes.as_slice(),
        Content::Submodule | Content::Gone => &[],
    };
    let comments = match file.content {
        Content::File(..) if !before.is_renamed => scanner.allowed_by_comments(path, &before.bytes),
        _ => Vec::new(),
    };
    scanner.scan_change(path, bytes, &before.bytes, before.is_renamed, &allowed.clone().with_fingerprints(comments))
}
