//! Files below an assignment's home, written so that a link planted there leads nowhere.
//!
//! **Invariant:** the agents of earlier runs could write in that home. No component below it is followed when it is a
//! symbolic link, and a file is replaced, never opened for writing.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// An open folder at or below a home.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    fd: OwnedFd,
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl PrivateDir {
    /// Opens the home itself; it exists.
    pub(crate) fn open(home: &Path) -> io::Result<Self> {
        Ok(Self { fd: rustix::fs::openat(CWD, home, DIRECTORY, Mode::empty())? })
    }

    /// Opens the folder `name`, making it if need be. What is there and is no folder is removed.
    pub(crate) fn dir(&self, name: &str) -> io::Result<Self> {
        for last in [false, true] {
            match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            match rustix::fs::openat(&self.fd, name, DIRECTORY, Mode::empty()) {
                Ok(fd) => return Ok(Self { fd }),
                Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) if !last => self.remove(name)?,
                Err(e) => return Err(e.into()),
            }
        }
        Err(io::Error::other("the folder could not be made"))
    }

    /// Writes a file of mode 0600 in place of whatever has that name.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        self.remove(&new)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, new.as_str(), flags, Mode::RUSR | Mode::WUSR)?;
        std::fs::File::from(fd).write_all(bytes)?;
        Ok(rustix::fs::renameat(&self.fd, new.as_str(), &self.fd, name)?)
    }

    /// Puts a symbolic link in place of whatever has that name.
    pub(crate) fn link(&self, name: &str, target: &Path) -> io::Result<()> {
        if let Ok(there) = rustix::fs::readlinkat(&self.fd, name, Vec::new())
            && there.as_bytes() == std::os::unix::ffi::OsStrExt::as_bytes(target.as_os_str())
        {
            return Ok(());
        }
        self.remove(name)?;
        Ok(rustix::fs::symlinkat(target, &self.fd, name)?)
    }

    /// Removes a file or link; what is not there is fine, and a folder is left.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::ISDIR) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

/// Reads a file that an agent could write, up to `max` bytes. A pipe or a device planted there is refused, not waited for.
pub(crate) fn read_planted(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let fd = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let file = std::fs::File::from(fd);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_planted_in_the_home_is_replaced_and_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), home.path().join(".claude")).unwrap();
        std::fs::write(outside.path().join("victim"), "mine").unwrap();
        std::os::unix::fs::symlink(outside.path().join("victim"), home.path().join("file")).unwrap();

        let root = PrivateDir::open(home.path()).unwrap();
        root.dir(".claude").unwrap().write("settings.json", b"{}").unwrap();
        root.write("file", b"new").unwrap();

        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(outside.path().join("victim")).unwrap(), "mine");
        assert_eq!(std::fs::read_to_string(home.path().join(".claude/settings.json")).unwrap(), "{}");
        assert_eq!(std::fs::read_to_string(home.path().join("file")).unwrap(), "new");
    }

    #[test]
    fn a_pipe_in_place_of_a_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert!(read_planted(&path, 10).is_err());
        std::fs::write(dir.path().join("file"), "longer than that").unwrap();
        assert_eq!(read_planted(&dir.path().join("file"), 6).unwrap(), b"longer");
    }

    #[test]
    fn a_home_that_is_a_link_is_refused() {
        let real = tempfile::tempdir().unwrap();
        let link = real.path().join("link");
        std::os::unix::fs::symlink(real.path(), &link).unwrap();
        assert!(PrivateDir::open(&link).is_err());
    }
}
