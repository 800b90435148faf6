//! Locks between tasks and processes, by `flock` on a file beside what is locked.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::{Workspace, blocking};
use crate::git::{WorkspaceError, remove_tree};

/// Waits for the lock of `path` (the file `<path>.lock`); it is held while the file or a duplicate of it is open.
pub(super) async fn lock(path: &Path) -> Result<File, WorkspaceError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    blocking(move || {
        let failed = || WorkspaceError::io(format!("locking {}", Path::new(&name).display()));
        let file = File::options().create(true).truncate(false).write(true).read(true).open(&name).map_err(failed())?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed()(error.into()))?;
        Ok(file)
    })
    .await
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
