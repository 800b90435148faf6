//! Files on disk are scanned as they are, by all processors.

use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::OFlags;
use windlass_secrets::{Allowed, Finding, Scanner};

use super::{ALLOW_LIST, Report, ScanError, beside, look_again, with_list};
use crate::git::{Commitish, Objects, Repository, WorkspaceError};
use crate::workspaces::ContentLimits;

/// A file to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDisk {
    /// Where it is.
    pub at: PathBuf,
    /// Its path from the top of its repository, by which findings and lists name it.
    pub path: PathBuf,
}

/// What there is of a file.
enum Read {
    Bytes(Vec<u8>),
    /// It has only a name: a folder, a socket.
    Name,
    /// It is gone.
    Nothing,
}

/// What was found in one file.
struct Looked {
    bytes: u64,
    is_read: bool,
    found: Result<Vec<Finding>, String>,
}

/// Looks for secrets in files on disk. Links are not followed: their target's name is their content.
///
/// With a `base`, its list and comments count; without one the files' own comments do, since whoever scans files on disk can change them.
pub async fn scan_files(
    files: Vec<OnDisk>,
    base: Option<(&Repository, &Commitish)>,
    scanner: &Scanner,
    allowed: Allowed,
    limits: ContentLimits,
) -> Result<Report, ScanError> {
    let (mut objects, allowed) = match base {
        Some((repository, commit)) => {
            let mut objects = Objects::open(repository)?;
            let list = objects.at(commit, ALLOW_LIST.as_bytes(), limits.max_file_bytes).await?;
            (Some((objects, commit)), with_list(allowed, list, commit)?)
        }
        None => (None, allowed),
    };
    let own_comments = objects.is_none();
    let (files, looked) = beside({
        let (scanner, allowed) = (scanner.clone(), allowed.clone());
        move || {
            let looked = look_at_all(&files, &scanner, &allowed, own_comments, limits.max_file_bytes);
            looked.map(|looked| (files, looked))
        }
    })
    .await??;
    let mut report = Report::default();
    for (file, looked) in files.into_iter().zip(looked) {
        report.bytes += looked.bytes;
        report.files += u64::from(looked.is_read);
        let mut found = match looked.found {
            Ok(found) => found,
            Err(why) => {
                report.unread.push(why);
                continue;
            }
        };
        if let (false, Some((objects, commit))) = (found.is_empty(), &mut objects)
            && let Some(commented) = objects.at(commit, file.path.as_os_str().as_bytes(), limits.max_file_bytes).await?
        {
            let (scanner, allowed) = (scanner.clone(), allowed.clone());
            found = beside(move || match read(&file.at, limits.max_file_bytes) {
                Ok(Read::Bytes(bytes)) => look_again(&scanner, &file.path.to_string_lossy(), &bytes, &allowed, &commented, found),
                _ => found,
            })
            .await?;
        }
        report.add(None, found);
    }
    Ok(report)
}

/// Every file below a folder, but for git's own; links are not followed.
pub fn walk(folder: &Path, limits: ContentLimits) -> Result<Vec<PathBuf>, WorkspaceError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = || WorkspaceError::io(format!("reading {}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if entry.file_name() == ".git" {
                continue;
            }
            if entry.file_type().map_err(failed())?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
            if files.len() + folders.len() > limits.max_files {
                return Err(WorkspaceError::TooMany { what: "files", limit: limits.max_files });
            }
        }
    }
    files.sort();
    Ok(files)
}

fn look_at_all(
    files: &[OnDisk],
    scanner: &Scanner,
    allowed: &Allowed,
    own_comments: bool,
    max_bytes: u64,
) -> Result<Vec<Looked>, ScanError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut looked = Vec::new();
        while let Some((at, file)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).map(|file| (at, file))
        } {
            looked.push((at, look_at(file, scanner, allowed, own_comments, max_bytes)));
        }
        looked
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut looked = Vec::with_capacity(files.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            looked.extend(thread.join().map_err(|_| ScanError::CutShort("a thread of it died".to_owned()))?);
        }
        Ok::<_, ScanError>(())
    })?;
    looked.sort_unstable_by_key(|(at, _)| *at);
    Ok(looked.into_iter().map(|(_, looked)| looked).collect())
}

fn look_at(file: &OnDisk, scanner: &Scanner, allowed: &Allowed, own_comments: bool, max_bytes: u64) -> Looked {
    let path = file.path.to_string_lossy();
    let nothing = |found| Looked { bytes: 0, is_read: false, found };
    match read(&file.at, max_bytes) {
        Ok(Read::Bytes(bytes)) => {
            let mut found = scanner.scan_bytes(&path, &bytes, allowed);
            if own_comments && !found.is_empty() {
                found = look_again(scanner, &path, &bytes, allowed, &bytes, found);
            }
            Looked { bytes: bytes.len() as u64, is_read: true, found: Ok(found) }
        }
        Ok(Read::Name) => nothing(Ok(scanner.scan_name(&path, allowed))),
        Ok(Read::Nothing) => nothing(Ok(Vec::new())),
        Err(error) => nothing(Err(error.to_string())),
    }
}

fn read(path: &Path, max_bytes: u64) -> Result<Read, WorkspaceError> {
    let failed = || WorkspaceError::io(format!("reading {}", path.display()));
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Read::Nothing),
        other => other.map_err(failed())?.file_type(),
    };
    if kind.is_symlink() {
        return Ok(Read::Bytes(fs::read_link(path).map_err(failed())?.into_os_string().into_encoded_bytes()));
    }
    if !kind.is_file() {
        return Ok(Read::Name);
    }
    // What has taken its place meanwhile is neither followed nor waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).map_err(failed())?;
    let size = file.metadata().map_err(failed())?.len();
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    if size <= max_bytes {
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed())?;
    }
    if size.max(bytes.len() as u64) > max_bytes {
        return Err(WorkspaceError::TooLarge { what: path.display().to_string(), limit_bytes: max_bytes });
    }
    Ok(Read::Bytes(bytes))
}
