//! Reading and writing single files of a tree without ever leaving it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

use super::{Workspace, Workspaces, blocking};
use crate::git::WorkspaceError;

impl Workspaces {
    /// The content of a plain file in the tree; `None` when there is none. Links that lead out of the tree, and what is not a plain file,
    /// are refused.
    pub async fn read_file(&self, workspace: &Workspace, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let (tree, path) = (workspace.path.clone(), path.to_owned());
        blocking(move || {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let Some(file) = open_beneath(&tree, &path, flags, Mode::empty())? else { return Ok(None) };
            let mut bytes = Vec::new();
            file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(WorkspaceError::io(format!("reading {path}")))?;
            if bytes.len() as u64 > max_bytes {
                return Err(WorkspaceError::TooLarge { what: path, limit_bytes: max_bytes });
            }
            Ok(Some(bytes))
        })
        .await
    }

    /// Writes a plain file in the tree; its folder must exist. No link is followed out of the tree.
    pub async fn write_file(&self, workspace: &Workspace, path: &str, content: &[u8]) -> Result<(), WorkspaceError> {
        let (tree, path, content) = (workspace.path.clone(), path.to_owned(), content.to_owned());
        blocking(move || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let mut file = open_beneath(&tree, &path, flags, Mode::from_raw_mode(0o644))?
                .ok_or_else(|| WorkspaceError::Outside { path: path.clone() })?;
            file.set_len(0).and_then(|()| file.write_all(&content)).map_err(WorkspaceError::io(format!("writing {path}")))
        })
        .await
    }
}

fn open_beneath(tree: &Path, path: &str, flags: OFlags, mode: Mode) -> Result<Option<File>, WorkspaceError> {
    use rustix::io::Errno;
    let outside = || WorkspaceError::Outside { path: path.chars().take(200).collect() };
    let folder = openat(CWD, tree, OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| WorkspaceError::io(format!("opening {}", tree.display()))(error.into()))?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // The kernel asks for another try when the tree was renamed under it.
    let mut tries = 0;
    let opened = loop {
        match openat2(&folder, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < 100 => tries += 1,
            other => break other,
        }
    };
    let file = match opened {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::XDEV | Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::INVAL | Errno::AGAIN) => return Err(outside()),
        Err(error) => return Err(WorkspaceError::io(format!("opening {path}"))(error.into())),
    };
    if file.metadata().is_ok_and(|meta| meta.is_file()) { Ok(Some(file)) } else { Err(outside()) }
}
