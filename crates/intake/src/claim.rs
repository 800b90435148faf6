//! The claim on a shared directory: of all daemons that know it, whatever their databases, one takes its files.
//!
//! **Invariant:** an intake runs only while it holds the lock on the root's lock file, which the kernel takes back when its holder dies. The file
//! stays: removing it would let two daemons each lock their own.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, flock, fstat, openat, statat};
use rustix::io::Errno;

/// The lock file's name.
const FILE: &str = ".windlass.lock";

/// The lock, held while this lives. `None` where the file system knows no locks.
#[derive(Debug)]
pub(crate) struct Claim(Option<OwnedFd>);

/// Why there is no claim.
#[derive(Debug)]
pub(crate) enum Unclaimed {
    /// Somebody else has it.
    Held,
    /// The lock file cannot be used.
    Failed(io::Error),
}

impl From<Errno> for Unclaimed {
    fn from(e: Errno) -> Self {
        Self::Failed(e.into())
    }
}

impl Claim {
    /// Takes the claim on a root, or says why not. Does not wait.
    pub(crate) fn take(root: &Path) -> Result<Self, Unclaimed> {
        let root = open_root(root)?;
        // The root is anybody's to write in: neither a link is followed nor a pipe waited for.
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&root, FILE, flags, Mode::from_raw_mode(0o600))?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(Unclaimed::Failed(io::Error::other("it is no regular file")));
        }
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(Some(file))),
            Err(Errno::WOULDBLOCK) => Err(Unclaimed::Held),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                tracing::warn!("the file system of the shared directory knows no locks: see to it that no other daemon takes its files");
                Ok(Self(None))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Whether the lock is still the one that others would find. A root that is gone for now is nobody else's.
    pub(crate) fn is_valid(&self, root: &Path) -> bool {
        let Some(ours) = self.0.as_ref().and_then(|file| fstat(file).ok()) else { return true };
        let Ok(root) = open_root(root) else { return true };
        match statat(root.as_fd(), FILE, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino),
            Err(e) => e != Errno::NOENT,
        }
    }
}

fn open_root(root: &Path) -> rustix::io::Result<OwnedFd> {
    openat(rustix::fs::CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_claimed_by_one_and_free_when_that_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Claim::take(dir.path()).unwrap();
        assert!(matches!(Claim::take(dir.path()), Err(Unclaimed::Held)));
        drop(first);
        Claim::take(dir.path()).unwrap();
    }

    #[test]
    fn a_claim_whose_file_was_removed_or_replaced_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let claim = Claim::take(dir.path()).unwrap();
        assert!(claim.is_valid(dir.path()));
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        assert!(!claim.is_valid(dir.path()));
        let _next = Claim::take(dir.path()).unwrap();
        assert!(!claim.is_valid(dir.path()));
        assert!(claim.is_valid(Path::new("/nowhere")), "a volume that comes back");
    }

    #[test]
    fn a_link_a_pipe_and_a_folder_in_the_locks_place_are_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, elsewhere) = (dir.path().join(FILE), dir.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &lock).unwrap();
        assert!(matches!(Claim::take(dir.path()), Err(Unclaimed::Failed(_))));
        assert!(!elsewhere.exists());
        std::fs::remove_file(&lock).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &lock, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        assert!(matches!(Claim::take(dir.path()), Err(Unclaimed::Failed(_))));
        std::fs::remove_file(&lock).unwrap();
        std::fs::create_dir(&lock).unwrap();
        assert!(matches!(Claim::take(dir.path()), Err(Unclaimed::Failed(_))));
    }
}
