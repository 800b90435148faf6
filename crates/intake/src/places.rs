//! The shared directory's folders, opened so that nothing in them leads elsewhere.
//!
//! **Invariant:** beneath the root every component is opened by itself and never through a symbolic link; what the operator names
//! (the root, or a folder in place of one under it) is taken as it is.
//! **Invariant:** a file appears under its name whole and on disk: written aside, synchronised, renamed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};

/// From how many files on one synchronisation of the file system is cheaper than one for each.
const SYNC_TOGETHER: usize = 16;
/// How many refused files of one name are numbered.
const NUMBERED_MAX: u32 = 100;
/// What Windlass's own files aside are named like.
const ASIDE: &str = ".windlass-";
/// What a task file on its way out is named like, its inode behind it.
const OUT: &str = ".windlass-out-";

/// The folders of the worker layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Folder {
    Tasks,
    Triggers,
    Results,
    Heartbeats,
    DeadLetters,
    Pipes,
    ExecutionMeta,
}

impl Folder {
    const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Triggers => "triggers",
            Self::Results => "results",
            Self::Heartbeats => "heartbeats",
            Self::DeadLetters => "dlq",
            Self::Pipes => "pipes",
            Self::ExecutionMeta => "execution_meta",
        }
    }
}

/// Where they are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: PathBuf,
    instead: HashMap<Folder, PathBuf>,
}

/// What tells a file from every other, and from itself after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stamp {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    /// When it last changed, in nanoseconds since 1970.
    pub(crate) ctime_ns: i128,
    /// When its content last changed.
    pub(crate) mtime_ns: i128,
    pub(crate) size: u64,
}

impl Stamp {
    fn of(stat: &rustix::fs::Stat) -> Self {
        // The types of these differ between machines.
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
        Self {
            dev: stat.st_dev as u64,
            ino: stat.st_ino as u64,
            ctime_ns: i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec),
            mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            size: u64::try_from(stat.st_size).unwrap_or(0),
        }
    }

    pub(crate) const fn same_file(&self, other: &Self) -> bool {
        self.dev == other.dev && self.ino == other.ino
    }

    /// Whether it is the same file and was not written to meanwhile. A new mode or owner changes no content.
    pub(crate) const fn unwritten(&self, other: &Self) -> bool {
        self.same_file(other) && self.mtime_ns == other.mtime_ns && self.size == other.size
    }

    pub(crate) fn ctime_ms(&self) -> i64 {
        i64::try_from(self.ctime_ns / 1_000_000).unwrap_or(0)
    }

    pub(crate) fn mtime_ms(&self) -> i64 {
        i64::try_from(self.mtime_ns / 1_000_000).unwrap_or(0)
    }
}

/// What was found under a name.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file, whole.
    File(Vec<u8>, Stamp),
    /// It changed while it was read: look again.
    Changing,
    /// A link, pipe, device, socket or folder.
    NotRegular,
    /// More than the limit.
    TooLarge(u64),
    /// It cannot be read, and why.
    Unreadable(String),
    /// Nothing.
    Gone,
}

/// A file to be written.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) folder: Folder,
    pub(crate) sub: Option<String>,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether it may take the place of another file.
    pub(crate) replaces: bool,
}

impl Write {
    /// A file that takes the place of one of its name.
    pub(crate) fn over(folder: Folder, sub: Option<&str>, name: String, bytes: Vec<u8>) -> Self {
        Self { folder, sub: sub.map(str::to_owned), name, bytes, replaces: true }
    }

    /// A file that is not written where there is one of its name.
    pub(crate) fn fresh(folder: Folder, sub: Option<&str>, name: String, bytes: Vec<u8>) -> Self {
        Self { replaces: false, ..Self::over(folder, sub, name, bytes) }
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn aside() -> String {
    format!("{ASIDE}{}-{}.tmp", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn open_dir(at: BorrowedFd<'_>, name: impl rustix::path::Arg, follow: bool) -> rustix::io::Result<OwnedFd> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if !follow {
        flags |= OFlags::NOFOLLOW;
    }
    rustix::fs::openat(at, name, flags, Mode::empty())
}

fn stat(dir: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<rustix::fs::Stat> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn is_regular(stat: &rustix::fs::Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

impl Places {
    pub(crate) fn new(root: PathBuf, instead: HashMap<Folder, PathBuf>) -> Self {
        Self { root, instead }
    }

    /// A path to show; nothing is opened by it.
    pub(crate) fn shown(&self, folder: Folder, sub: Option<&str>, name: &str) -> PathBuf {
        let mut path = self.instead.get(&folder).cloned().unwrap_or_else(|| self.root.join(folder.name()));
        path.extend(sub);
        path.join(name)
    }

    /// Opens a folder, or one in it. With `make` what is missing is made, but never the root: it may be a volume that is not mounted.
    fn dir(&self, folder: Folder, sub: Option<&str>, make: bool) -> io::Result<OwnedFd> {
        let step = |at: BorrowedFd<'_>, name: &str| match open_dir(at, name, false) {
            Err(rustix::io::Errno::NOENT) if make => {
                match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                    Err(e) => return Err(e),
                }
                rustix::fs::fsync(at)?;
                open_dir(at, name, false)
            }
            opened => opened,
        };
        let mut dir = match self.instead.get(&folder) {
            Some(path) => {
                if make {
                    std::fs::create_dir_all(path)?;
                }
                open_dir(rustix::fs::CWD, path, true)?
            }
            None => {
                let root = open_dir(rustix::fs::CWD, &self.root, true)?;
                step(root.as_fd(), folder.name())?
            }
        };
        if let Some(sub) = sub {
            dir = step(dir.as_fd(), sub)?;
        }
        Ok(dir)
    }

    pub(crate) fn open(&self, folder: Folder, sub: Option<&str>) -> io::Result<OwnedFd> {
        self.dir(folder, sub, false)
    }

    pub(crate) fn make(&self, folder: Folder, sub: Option<&str>) -> io::Result<OwnedFd> {
        self.dir(folder, sub, true)
    }

    /// Makes a folder and looks after what a crash left aside in it.
    pub(crate) fn make_tidy(&self, folder: Folder, sub: Option<&str>) -> io::Result<()> {
        let dir = self.make(folder, sub)?;
        for name in names(dir.as_fd(), |name| name.starts_with(ASIDE))? {
            let removable = match name.strip_prefix(OUT) {
                // One on its way out is removed if it is the one that was meant, else it goes back.
                Some(ino) => stat(dir.as_fd(), OsStr::new(&name)).is_ok_and(|s| Stamp::of(&s).ino.to_string() == ino),
                None => true,
            };
            if removable {
                rustix::fs::unlinkat(&dir, &name, AtFlags::empty())?;
            } else if name.starts_with(OUT) {
                put_back(dir.as_fd(), &name, &format!("{}.json", &name[1..]));
            }
        }
        Ok(())
    }

    /// Reads a file that somebody else wrote.
    pub(crate) fn read(&self, folder: Folder, sub: Option<&str>, name: &OsStr, max: u64) -> Found {
        match self.open(folder, sub) {
            Ok(dir) => read_in(dir.as_fd(), name, max),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Found::Gone,
            Err(e) => Found::Unreadable(e.to_string()),
        }
    }

    /// The stamp of a regular file, if there is one.
    pub(crate) fn stamp(&self, folder: Folder, sub: Option<&str>, name: &str) -> Option<Stamp> {
        let dir = self.open(folder, sub).ok()?;
        stat(dir.as_fd(), OsStr::new(name)).ok().filter(is_regular).map(|s| Stamp::of(&s))
    }

    /// Whether anything is there under a name.
    pub(crate) fn is_there(&self, folder: Folder, name: &str) -> bool {
        self.open(folder, None).is_ok_and(|dir| stat(dir.as_fd(), OsStr::new(name)).is_ok())
    }

    /// Writes files, each whole and on disk before it has its name; an answer for each.
    pub(crate) fn write(&self, files: &[Write]) -> Vec<io::Result<()>> {
        let mut dirs: Dirs<'_> = HashMap::new();
        for file in files {
            dirs.entry((file.folder, file.sub.as_deref())).or_insert_with(|| self.make(file.folder, file.sub.as_deref()));
        }
        let together = files.len() >= SYNC_TOGETHER;
        let mut written: Vec<io::Result<String>> =
            files.iter().map(|file| write_aside(dir_of(&dirs, file)?, &file.bytes, !together)).collect();
        if together && let Err(e) = dirs.values().flatten().try_for_each(rustix::fs::syncfs) {
            for (file, aside) in files.iter().zip(&mut written) {
                if let (Ok(name), Ok(dir)) = (&aside, dir_of(&dirs, file)) {
                    let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
                }
                *aside = Err(e.into());
            }
        }
        let mut answers: Vec<io::Result<()>> = files
            .iter()
            .zip(written)
            .map(|(file, aside)| {
                let (aside, dir) = (aside?, dir_of(&dirs, file)?);
                let named = if file.replaces {
                    rustix::fs::renameat(dir, &aside, dir, &file.name)
                } else {
                    rename_beside(dir, OsStr::new(&aside), dir, &file.name)
                };
                named.inspect_err(|_| {
                    let _ = rustix::fs::unlinkat(dir, &aside, AtFlags::empty());
                })?;
                Ok(())
            })
            .collect();
        for (place, dir) in &dirs {
            if let Ok(dir) = dir
                && let Err(e) = rustix::fs::fsync(dir)
            {
                for (file, answer) in files.iter().zip(&mut answers) {
                    if (file.folder, file.sub.as_deref()) == *place {
                        *answer = Err(e.into());
                    }
                }
            }
        }
        answers
    }

    /// Removes the task file that was taken, and no other that has its name by now, nor itself when it was written to since: whether
    /// one is left there.
    pub(crate) fn remove_taken(&self, worker: &str, name: &str, taken: &Stamp) -> io::Result<bool> {
        let dir = match self.open(Folder::Tasks, Some(worker)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            dir => dir?,
        };
        match stat(dir.as_fd(), OsStr::new(name)) {
            Ok(now) if Stamp::of(&now).unwritten(taken) => {}
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::NOENT) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
        // Whoever drops the next task under this name may do so at this very moment: what was got hold of is looked at again.
        let out = format!("{OUT}{}", taken.ino);
        match rustix::fs::renameat(&dir, name, &dir, &out) {
            Ok(()) => {}
            Err(rustix::io::Errno::NOENT) => return Ok(false),
            Err(e) => return Err(e.into()),
        }
        if stat(dir.as_fd(), OsStr::new(&out)).is_ok_and(|s| Stamp::of(&s).unwritten(taken)) {
            rustix::fs::unlinkat(&dir, &out, AtFlags::empty()).inspect_err(|_| put_back(dir.as_fd(), &out, name))?;
            return Ok(false);
        }
        put_back(dir.as_fd(), &out, name);
        Ok(true)
    }

    /// Removes a file of our own.
    pub(crate) fn remove(&self, folder: Folder, sub: Option<&str>, name: &str) {
        if let Ok(dir) = self.open(folder, sub) {
            let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
        }
    }

    /// Moves a bad task file to the dead letters, with the reason beside it; gives the name that it has there. `unique` is in its name
    /// where there are very many of that name.
    pub(crate) fn reject(&self, worker: &str, name: &OsStr, reason: &str, unique: &str) -> io::Result<String> {
        let from = self.open(Folder::Tasks, Some(worker))?;
        let to = self.make(Folder::DeadLetters, Some(worker))?;
        let wanted = plain_name(name);
        let stem = wanted.strip_suffix(".json").unwrap_or(&wanted).to_owned();
        let numbered = (1..=NUMBERED_MAX).map(|n| if n == 1 { format!("{stem}.json") } else { format!("{stem}.{n}.json") });
        for new in numbered.chain([format!("{stem}.{unique}.json")]) {
            if stat(to.as_fd(), OsStr::new(&reason_of(&new))).is_ok() {
                continue;
            }
            match rename_beside(from.as_fd(), name, to.as_fd(), &new) {
                Ok(()) => {}
                Err(rustix::io::Errno::EXIST) => continue,
                Err(rustix::io::Errno::XDEV) => copy_over(from.as_fd(), name, to.as_fd(), &new)?,
                Err(e) => return Err(e.into()),
            }
            self.reason(worker, &new, reason)?;
            return Ok(new);
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("there are too many dead letters named like {wanted}")))
    }

    /// Whether a dead letter may have a name: nothing has it, and no reason of a refused file is beside it.
    pub(crate) fn letter_free(&self, worker: &str, name: &str) -> bool {
        let there = |name: &str| match self.open(Folder::DeadLetters, Some(worker)) {
            Ok(dir) => stat(dir.as_fd(), OsStr::new(name)).is_ok(),
            Err(_) => false,
        };
        !there(name) && !there(&reason_of(name))
    }

    /// Writes why something was refused.
    pub(crate) fn reason(&self, worker: &str, name: &str, reason: &str) -> io::Result<()> {
        let bytes = format!("{reason}\n").into_bytes();
        self.write(&[Write::over(Folder::DeadLetters, Some(worker), reason_of(name), bytes)]).remove(0)
    }
}

/// What the reason beside a refused file is named.
pub(crate) fn reason_of(name: &str) -> String {
    format!("{name}.error.txt")
}

/// Renames a file where nothing has the new name.
fn rename_beside(from: BorrowedFd<'_>, name: &OsStr, to: BorrowedFd<'_>, new: &str) -> rustix::io::Result<()> {
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        // Some file systems cannot forbid to replace.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => match stat(to, OsStr::new(new)) {
            Ok(_) => Err(rustix::io::Errno::EXIST),
            Err(_) => rustix::fs::renameat(from, name, to, new),
        },
        answer => answer,
    }
}

/// Open folders, by what they are.
type Dirs<'a> = HashMap<(Folder, Option<&'a str>), io::Result<OwnedFd>>;

fn dir_of<'a>(dirs: &'a Dirs<'_>, file: &'a Write) -> io::Result<BorrowedFd<'a>> {
    match dirs.get(&(file.folder, file.sub.as_deref())) {
        Some(Ok(dir)) => Ok(dir.as_fd()),
        Some(Err(e)) => Err(io::Error::new(e.kind(), e.to_string())),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A file's name with what has no place in a plain one replaced, cut to leave room for what is put behind it.
fn plain_name(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }).take(180).collect();
    if plain.starts_with(|c: char| c.is_ascii_alphanumeric()) { plain } else { format!("x{plain}") }
}

/// Gives a file its name back, or another if that is taken by now.
fn put_back(dir: BorrowedFd<'_>, out: &str, name: &str) {
    if rename_beside(dir, OsStr::new(out), dir, name).is_err() {
        let other = format!("{}-{}.json", name.strip_suffix(".json").unwrap_or(name), out.trim_start_matches(OUT));
        if let Err(e) = rename_beside(dir, OsStr::new(out), dir, &other) {
            tracing::error!(error = %e, "the task file {out} could not be given its name {name} back: rename it by hand");
        }
    }
}

/// The names in a folder that are wanted and valid text.
pub(crate) fn names(dir: BorrowedFd<'_>, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        if let Ok(name) = entry?.file_name().to_str()
            && wanted(name)
        {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

pub(crate) fn read_in(dir: BorrowedFd<'_>, name: &OsStr, max: u64) -> Found {
    let refused = |e: rustix::io::Errno| match e {
        rustix::io::Errno::NOENT => Found::Gone,
        rustix::io::Errno::LOOP => Found::NotRegular,
        e => Found::Unreadable(e.to_string()),
    };
    // A device may act when it is opened: looked at first, and again once it is open.
    match stat(dir, name) {
        Ok(s) if !is_regular(&s) => return Found::NotRegular,
        Ok(_) => {}
        Err(e) => return refused(e),
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(e) => return refused(e),
    };
    let before = match rustix::fs::fstat(&file) {
        Ok(s) if !is_regular(&s) => return Found::NotRegular,
        Ok(s) => Stamp::of(&s),
        Err(e) => return refused(e),
    };
    if before.size > max {
        return Found::TooLarge(before.size);
    }
    let mut file = std::fs::File::from(file);
    let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0) + 1);
    match (&mut file).take(max + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > max => Found::TooLarge(bytes.len() as u64),
        Ok(_) => match rustix::fs::fstat(&file) {
            Ok(after) if Stamp::of(&after) == before && bytes.len() as u64 == before.size => Found::File(bytes, before),
            Ok(_) => Found::Changing,
            Err(e) => refused(e),
        },
        Err(e) => Found::Unreadable(e.to_string()),
    }
}

/// Names of task files in a folder with their stamps, those that are to be left out not looked at twice.
pub(crate) fn task_files(dir: BorrowedFd<'_>) -> io::Result<Vec<(std::ffi::OsString, Option<Stamp>)>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if !is_task_name(name) || entry.file_type() == FileType::Directory {
            continue;
        }
        found.push((name.to_owned(), stat(dir, name).ok().map(|s| Stamp::of(&s))));
    }
    Ok(found)
}

/// Whether a file of that name is a task: others are left alone, hidden ones too, as writers use them for what is not whole yet.
pub(crate) fn is_task_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.ends_with(b".json") && !bytes.starts_with(b".")
}

fn write_aside(dir: BorrowedFd<'_>, bytes: &[u8], sync: bool) -> io::Result<String> {
    let name = aside();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = std::fs::File::from(rustix::fs::openat(dir, &name, flags, Mode::from_raw_mode(0o644))?);
    let written = file.write_all(bytes).and_then(|()| if sync { file.sync_all() } else { Ok(()) });
    if let Err(e) = written {
        let _ = rustix::fs::unlinkat(dir, &name, AtFlags::empty());
        return Err(e);
    }
    Ok(name)
}

/// Moves a regular file between file systems.
fn copy_over(from: BorrowedFd<'_>, name: &OsStr, to: BorrowedFd<'_>, new: &str) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if !is_regular(&stat(from, name)?) {
        // What is no file has no content to keep.
        return Ok(rustix::fs::unlinkat(from, name, AtFlags::empty())?);
    }
    let mut source = std::fs::File::from(rustix::fs::openat(from, name, flags, Mode::empty())?);
    let aside = aside();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut target = std::fs::File::from(rustix::fs::openat(to, &aside, flags, Mode::from_raw_mode(0o644))?);
    let copied = io::copy(&mut source, &mut target).and_then(|_| target.sync_all());
    if let Err(e) = copied {
        let _ = rustix::fs::unlinkat(to, &aside, AtFlags::empty());
        return Err(e);
    }
    rustix::fs::renameat(to, &aside, to, new)?;
    rustix::fs::fsync(to)?;
    Ok(rustix::fs::unlinkat(from, name, AtFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path().to_owned(), HashMap::new());
        for folder in [Folder::Tasks, Folder::Results, Folder::DeadLetters] {
            places.make_tidy(folder, Some("marie")).unwrap();
        }
        (dir, places)
    }

    fn read(places: &Places, name: &str) -> Found {
        places.read(Folder::Tasks, Some("marie"), OsStr::new(name), 10)
    }

    #[test]
    fn a_link_a_pipe_and_a_folder_are_no_files_and_do_not_block() {
        let (dir, places) = places();
        let tasks = dir.path().join("tasks/marie");
        std::os::unix::fs::symlink("/etc/passwd", tasks.join("link.json")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, tasks.join("pipe.json"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        std::fs::create_dir(tasks.join("folder.json")).unwrap();
        for name in ["link.json", "pipe.json", "folder.json"] {
            assert!(matches!(read(&places, name), Found::NotRegular), "{name}");
        }
        assert!(matches!(read(&places, "nothing.json"), Found::Gone));
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let (dir, places) = places();
        std::fs::write(dir.path().join("tasks/marie/a.json"), "01234567890").unwrap();
        assert!(matches!(read(&places, "a.json"), Found::TooLarge(11)));
        std::fs::write(dir.path().join("tasks/marie/b.json"), "0123456789").unwrap();
        assert!(matches!(read(&places, "b.json"), Found::File(bytes, _) if bytes.len() == 10));
    }

    #[test]
    fn a_linked_folder_is_not_entered() {
        let (dir, places) = places();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::remove_dir(dir.path().join("results/marie")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("results/marie")).unwrap();
        let file = Write::over(Folder::Results, Some("marie"), "a.json".to_owned(), b"{}".to_vec());
        assert!(places.write(&[file]).remove(0).is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_are_written_whole_one_or_many_and_leave_nothing_aside() {
        let (dir, places) = places();
        for count in [1, 50] {
            let files: Vec<Write> =
                (0..count).map(|n| Write::over(Folder::Results, Some("marie"), format!("{n}.json"), b"{}".to_vec())).collect();
            assert!(places.write(&files).into_iter().all(|answer| answer.is_ok()));
            assert_eq!(std::fs::read_dir(dir.path().join("results/marie")).unwrap().count(), count);
        }
    }

    #[test]
    fn only_the_file_that_was_taken_is_removed() {
        let (dir, places) = places();
        let path = dir.path().join("tasks/marie/a.json");
        std::fs::write(&path, "1").unwrap();
        let taken = places.stamp(Folder::Tasks, Some("marie"), "a.json").unwrap();
        let next = dir.path().join("tasks/marie/.next");
        std::fs::write(&next, "2").unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert!(places.remove_taken("marie", "a.json", &taken).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "2");
        let taken = places.stamp(Folder::Tasks, Some("marie"), "a.json").unwrap();
        // Written to in place it is another task, and one that is being written is empty at first.
        for content in ["", "3 and more"] {
            std::fs::write(&path, content).unwrap();
            assert!(places.remove_taken("marie", "a.json", &taken).unwrap());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        let taken = places.stamp(Folder::Tasks, Some("marie"), "a.json").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(!places.remove_taken("marie", "a.json", &taken).unwrap(), "its mode is not its content");
        assert_eq!(std::fs::read_dir(dir.path().join("tasks/marie")).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_left_on_its_way_out_is_removed_or_put_back() {
        let (dir, places) = places();
        let tasks = dir.path().join("tasks/marie");
        std::fs::write(tasks.join("a"), "meant").unwrap();
        let ino = Stamp::of(&rustix::fs::stat(tasks.join("a")).unwrap()).ino;
        std::fs::rename(tasks.join("a"), tasks.join(format!("{OUT}{ino}"))).unwrap();
        std::fs::write(tasks.join(format!("{OUT}1")), "another").unwrap();
        std::fs::write(tasks.join(".windlass-1-2.tmp"), "half").unwrap();
        places.make_tidy(Folder::Tasks, Some("marie")).unwrap();
        let left: Vec<_> = std::fs::read_dir(&tasks).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(left, ["windlass-out-1.json"]);
    }

    #[test]
    fn a_bad_file_goes_to_the_dead_letters_with_its_reason_and_replaces_none() {
        let (dir, places) = places();
        let numbered = (2..=NUMBERED_MAX).map(|n| format!("bad.{n}.json"));
        for wanted in ["bad.json".to_owned()].into_iter().chain(numbered).chain(["bad.u.json".to_owned()]) {
            std::fs::write(dir.path().join("tasks/marie/bad.json"), "x").unwrap();
            assert_eq!(places.reject("marie", OsStr::new("bad.json"), "not JSON", "u").unwrap(), wanted);
            let reason = std::fs::read_to_string(dir.path().join(format!("dlq/marie/{wanted}.error.txt"))).unwrap();
            assert_eq!(reason, "not JSON\n");
        }
        assert!(dir.path().join("dlq/marie/bad.json").exists());
    }
}
