//! A temporary folder that is gone when its test is, also when something still writes into it at that moment.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};
use tempfile::TempDir;

/// Longer than what a test has ended goes on writing.
const WITHIN: Duration = Duration::from_secs(10);
const INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A folder, deleted when it is dropped. A process that a test has killed may have children that end a moment later, and write
/// until then: a single try would leave what they made behind.
#[derive(Debug)]
pub struct TempFolder(Option<TempDir>);

impl TempFolder {
    /// A new one, whose name begins like this.
    ///
    /// # Panics
    ///
    /// When there is no place for it.
    pub fn new(prefix: &str) -> Self {
        Self(Some(TempDir::with_prefix(prefix).unwrap_or_else(|e| panic!("no temporary directory: {e}"))))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Leaves it there, for somebody to look into; gives its path.
    pub fn keep(mut self) -> PathBuf {
        self.0.take().map(TempDir::keep).unwrap_or_default()
    }
}

impl Drop for TempFolder {
    #[expect(clippy::print_stderr, reason = "what is left behind has to be known")]
    fn drop(&mut self) {
        let Some(dir) = self.0.take().map(TempDir::keep) else { return };
        let end = Instant::now() + WITHIN;
        while let Err(e) = std::fs::remove_dir_all(&dir) {
            if e.kind() == io::ErrorKind::NotFound && !dir.exists() {
                return;
            }
            if Instant::now() >= end {
                eprintln!("{} could not be removed: {e}", dir.display());
                return;
            }
            let _ = poll(&mut [], Some(&INTERVAL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_also_when_something_still_writes_into_it() {
        let folder = TempFolder::new("windlass-folder-");
        let path = folder.path().to_owned();
        let (begun, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..500 {
                    let _ = std::fs::write(path.join(number.to_string()), "x");
                    let _ = begun.send(());
                }
            });
            told.recv().unwrap();
            drop(folder);
        });
        assert!(!path.exists());
    }

    #[test]
    fn one_that_is_kept_stays() {
        let kept = TempFolder::new("windlass-folder-").keep();
        assert!(kept.is_dir());
        std::fs::remove_dir(kept).unwrap();
    }
}
