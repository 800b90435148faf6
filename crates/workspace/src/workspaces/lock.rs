//! Locks between tasks and processes, by `flock` on a file beside what is locked.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{Workspace, blocking};
use crate::git::{WorkspaceError, remove_tree};

/// Waits for the lock of `path` (the file `<path>.lock`); it is held while the file or a duplicate of it is open.
pub(super) async fn lock(path: &Path) -> Result<File, WorkspaceError> {
    let name = name(path);
    blocking(move || {
        let file = open(&name)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(&name)(error.into()))?;
        Ok(file)
    })
    .await
}

/// The same without waiting: `None` while somebody else holds it.
pub(super) async fn try_lock(path: &Path) -> Result<Option<File>, WorkspaceError> {
    let name = name(path);
    blocking(move || {
        let file = open(&name)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed(&name)(error.into())),
        }
    })
    .await
}

fn name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn open(name: &Path) -> Result<File, WorkspaceError> {
    File::options().create(true).truncate(false).write(true).read(true).open(name).map_err(failed(name))
}

fn failed(name: &Path) -> impl FnOnce(std::io::Error) -> WorkspaceError {
    WorkspaceError::io(format!("locking {}", name.display()))
}

/// Waits until nobody else works with the engine's git directory of this workspace. A lock file of git's that is in it then is what a
/// crash or a call that was given up has left.
pub(super) async fn hold(workspace: &Workspace) -> Result<File, WorkspaceError> {
    let held = lock(&workspace.engine_git_dir).await?;
    clear(workspace).await?;
    Ok(held)
}

/// Removes what a crash has left; for who holds the lock.
pub(super) async fn clear(workspace: &Workspace) -> Result<(), WorkspaceError> {
    for name in ["index.lock".to_owned(), format!("refs/heads/{}.lock", workspace.branch)] {
        let file = workspace.engine_git_dir.join(name);
        if file.exists() {
            blocking(move || remove_tree(&file)).await?;
        }
    }
    Ok(())
}
