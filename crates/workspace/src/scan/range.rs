//! Commits are scanned as they are read, one piece at a time.

use std::sync::Arc;

use windlass_secrets::{Allowed, Finding, Scanner};

use super::{ALLOW_LIST, HEADERS, MESSAGE, Report, ScanError, beside, look_again, with_list};
use crate::git::{Commitish, Repository};
use crate::outgoing::{CommitText, Content, FileVersion, Piece, Range};
use crate::workspaces::ContentLimits;

/// Looks for secrets in everything that a range brings: messages, names, and every version of every file.
///
/// `base` is the commit whose list and comments count; `allowed` is what the caller allows besides.
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
                if let (false, Some(base), Content::File(_, bytes)) = (found.is_empty(), base, file.content)
                    && let Some(commented) = outgoing.at(base, &file.path).await?
                {
                    found = beside(move || look_again(&scanner, &path, &bytes, &allowed, &commented, found)).await?;
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
