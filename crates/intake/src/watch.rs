//! inotify, used as the kernel gives it: a file counts when it is closed or renamed in, and no event waits for another.
//!
//! **Invariant:** events are hints. What they miss (a full queue, a folder made anew) a look through everything finds.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Mutex, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use tokio::io::unix::AsyncFd;

/// What a folder that is watched is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Watched {
    /// One whose changes ask for a look through everything.
    Above,
    /// A worker's task files.
    Tasks(String),
    /// A worker's results, written by an outside executor.
    Results(String),
    /// What an outside executor tells of its runs.
    ExecutionMeta,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A file is whole under its name.
    File(Watched, OsString),
    /// Everything has to be looked through.
    LookThrough,
    /// The queue was full: events are lost.
    Overflow,
}

pub(crate) struct Watch {
    inotify: AsyncFd<OwnedFd>,
    folders: Mutex<HashMap<i32, Watched>>,
}

const FILES: WatchFlags = WatchFlags::CLOSE_WRITE.union(WatchFlags::MOVED_TO);
const ABOVE: WatchFlags = WatchFlags::CREATE.union(WatchFlags::MOVED_TO);
const FOLDER: WatchFlags = WatchFlags::ONLYDIR.union(WatchFlags::DELETE_SELF).union(WatchFlags::MOVE_SELF);

impl Watch {
    #[expect(deprecated, reason = "what is put in its place is unsafe, for descriptors that could be closed meanwhile; this one is owned")]
    pub(crate) fn new() -> io::Result<Self> {
        let inotify = AsyncFd::new(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?)?;
        Ok(Self { inotify, folders: Mutex::default() })
    }

    /// Watches an open folder. The same folder again is no second watch.
    pub(crate) fn folder(&self, dir: BorrowedFd<'_>, what: Watched) -> io::Result<()> {
        let flags = FOLDER | if what == Watched::Above { ABOVE } else { FILES };
        // The open folder itself, whatever its path leads to by now.
        let path = format!("/proc/self/fd/{}", dir.as_raw_fd());
        // Held while the watch is added, so that its first event finds what it is about.
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let wd = inotify::add_watch(self.inotify.get_ref(), path, flags)?;
        folders.insert(wd, what);
        Ok(())
    }

    /// Waits for events and gives them in their order.
    pub(crate) async fn next(&self) -> io::Result<Vec<Seen>> {
        loop {
            let mut ready = self.inotify.readable().await?;
            match ready.try_io(|fd| self.drain(fd.get_ref().as_fd())) {
                Ok(Ok(seen)) if seen.is_empty() => {}
                Ok(answer) => return answer,
                Err(_would_block) => {}
            }
        }
    }

    fn drain(&self, fd: BorrowedFd<'_>) -> io::Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(fd, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    seen.extend(self.meaning(event.wd(), event.events(), event.file_name().map(|n| OsStr::from_bytes(n.to_bytes()))));
                }
                Err(rustix::io::Errno::INTR) => {}
                // Nothing more for now; with nothing at all the caller waits again.
                Err(rustix::io::Errno::WOULDBLOCK) if seen.is_empty() => return Err(io::ErrorKind::WouldBlock.into()),
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(seen),
                Err(e) => return Err(e.into()),
            }
            if seen.len() >= 4096 {
                return Ok(seen);
            }
        }
    }

    fn meaning(&self, wd: i32, events: ReadFlags, name: Option<&OsStr>) -> Option<Seen> {
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            return Some(Seen::Overflow);
        }
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if events.contains(ReadFlags::IGNORED) {
            folders.remove(&wd);
            return Some(Seen::LookThrough);
        }
        let what = folders.get(&wd)?;
        match (what, name) {
            (Watched::Above, _) | (_, None) => Some(Seen::LookThrough),
            (what, Some(name)) => Some(Seen::File(what.clone(), name.to_owned())),
        }
    }
}
