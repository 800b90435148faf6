//! Locks between tasks and processes, by `flock` on a file beside what is locked.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::blocking;
use crate::git::WorkspaceError;

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
