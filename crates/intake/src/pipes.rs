//! Pipes: one JSON task a line, where a FIFO `pipes/<worker>.pipe` is there.
//!
//! A line counts as taken when it is in the database. The kernel keeps what is written until it is read and not longer than a reader
//! lives: what a writer had written and Windlass had not taken when it is killed is lost. A file does not have that.
//!
//! An outside executor takes files: the pipe of a hybrid worker is not read, and that is said.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio_util::task::TaskTracker;
use windlass_engine::{TaskFile, TaskTaken};

use crate::config::{FileWorker, FilesMode};
use crate::figures::Part;
use crate::intake::Shared;
use crate::places::{Folder, Write, reason_of};
use crate::strict::BadJson;
use crate::take::{hex, prompt_of, prompted, taken};
use crate::task::{self, TASK_MAX};

const PAUSE: Duration = Duration::from_secs(1);
const CHUNK: usize = 64 * 1024;

/// The pipes that are read, each by a task of its own.
pub(crate) struct Pipes {
    tasks: TaskTracker,
    /// By worker, the inode of the one that is open.
    open: Arc<Mutex<HashMap<String, u64>>>,
}

impl Pipes {
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self { tasks, open: Arc::default() }
    }

    /// Opens what pipes have appeared.
    pub(crate) async fn open(&self, shared: &Arc<Shared>) {
        for worker in shared.workers() {
            if worker.mode == FilesMode::Hybrid {
                let name = format!("{}.pipe", worker.name);
                let there = shared.blocking(move |shared| shared.places.is_there(Folder::Pipes, &name)).await.unwrap_or(false);
                let why = there.then(|| "its pipe is not read: an outside executor takes files, so write tasks as files".to_owned());
                shared.figures.degraded(&worker.name, Part::Pipe, why);
                continue;
            }
            let (open, of) = (Arc::clone(&self.open), Arc::clone(&worker));
            let opened = shared.blocking(move |shared| open_pipe(shared, &of, &open)).await;
            match opened.and_then(|answer| answer) {
                Ok(Some((fd, ino))) => {
                    self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(worker.name.clone(), ino);
                    self.tasks.spawn(read(Arc::clone(shared), worker, fd, Arc::clone(&self.open), ino));
                }
                Ok(None) => {}
                Err(e) => tracing::warn!(worker = worker.name, error = %e, "the pipe of worker {} cannot be read", worker.name),
            }
        }
    }
}

fn open_pipe(shared: &Shared, worker: &FileWorker, open: &Mutex<HashMap<String, u64>>) -> io::Result<Option<(OwnedFd, u64)>> {
    let dir = match shared.places.open(Folder::Pipes, None) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        dir => dir?,
    };
    let name = format!("{}.pipe", worker.name);
    let stat = match rustix::fs::statat(&dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    let is_pipe = |mode| FileType::from_raw_mode(mode) == FileType::Fifo;
    if !is_pipe(stat.st_mode) || open.lock().unwrap_or_else(PoisonError::into_inner).get(&worker.name) == Some(&stat.st_ino) {
        return Ok(None);
    }
    // Open for both: so it has no end when a writer closes it, and no writer waits for us.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(dir.as_fd(), &name, flags, Mode::empty())?;
    let opened = rustix::fs::fstat(&fd)?;
    Ok(is_pipe(opened.st_mode).then_some((fd, opened.st_ino)))
}

/// Cuts a stream into lines of a bounded length.
#[derive(Debug, Default)]
struct Lines {
    part: Vec<u8>,
    /// The rest of a line that is too long is skipped.
    skipping: bool,
}

impl Lines {
    /// Whether a line has begun and is not whole.
    fn is_begun(&self) -> bool {
        self.skipping || !self.part.is_empty()
    }

    /// What has begun of a line that goes no further.
    fn end(&mut self) -> Option<Vec<u8>> {
        self.skipping = false;
        Some(std::mem::take(&mut self.part)).filter(|part| !part.iter().all(u8::is_ascii_whitespace))
    }

    fn push(&mut self, mut bytes: &[u8]) -> Vec<Result<Vec<u8>, String>> {
        let max = usize::try_from(TASK_MAX).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            self.part.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.part);
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if line.len() > max {
                lines.push(Err(format!("a line has more than {TASK_MAX} bytes")));
            } else if !line.iter().all(u8::is_ascii_whitespace) {
                lines.push(Ok(line));
            }
        }
        if !self.skipping {
            self.part.extend_from_slice(bytes);
            if self.part.len() > max {
                self.part = Vec::new();
                self.skipping = true;
                lines.push(Err(format!("a line has more than {TASK_MAX} bytes")));
            }
        }
        lines
    }
}

async fn read(shared: Arc<Shared>, worker: Arc<FileWorker>, fd: OwnedFd, open: Arc<Mutex<HashMap<String, u64>>>, ino: u64) {
    if let Err(e) = read_lines(&shared, &worker, fd).await {
        tracing::warn!(worker = worker.name, error = %e, "the pipe of worker {} is read no more; it is opened again", worker.name);
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&worker.name) == Some(&ino) {
            open.remove(&worker.name);
        }
    }
}

async fn read_lines(shared: &Arc<Shared>, worker: &Arc<FileWorker>, fd: OwnedFd) -> io::Result<()> {
    let mut pipe = Receiver::from_owned_fd(fd)?;
    let mut lines = Lines::default();
    let mut buffer = vec![0_u8; CHUNK];
    // Whether the pipe is open so that the last writer's going is seen: while a line is not whole.
    let mut ends = false;
    loop {
        let count = tokio::select! {
            biased;
            count = pipe.read(&mut buffer) => count?,
            // Stopping reads what is there first.
            () = shared.closing.cancelled() => {
                if let Some(rest) = lines.end() {
                    reject(shared, worker, rest, "Windlass stopped before its line was whole").await;
                }
                return Ok(());
            }
        };
        let found = match count {
            // Nobody can write on at what the last writer left: it is a line.
            0 => lines.end().map(Ok).into_iter().collect(),
            _ => lines.push(&buffer[..count]),
        };
        take_lines(shared, worker, found).await;
        if ends != lines.is_begun() {
            // The one is open before the other is closed: what the pipe holds is lost with its last end.
            pipe = Receiver::from_owned_fd(opened_again(&pipe, lines.is_begun())?)?;
            ends = lines.is_begun();
        }
    }
}

/// Opens a pipe once more: for reading alone it ends when its last writer closes it; for both it never does.
fn opened_again(pipe: &Receiver, ends: bool) -> io::Result<OwnedFd> {
    let way = if ends { OFlags::RDONLY } else { OFlags::RDWR };
    let path = format!("/proc/self/fd/{}", pipe.as_fd().as_raw_fd());
    Ok(rustix::fs::openat(rustix::fs::CWD, path, way | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?)
}

async fn take_lines(shared: &Arc<Shared>, worker: &Arc<FileWorker>, lines: Vec<Result<Vec<u8>, String>>) {
    if lines.is_empty() {
        return;
    }
    let prompt = loop {
        let of = Arc::clone(worker);
        let prompt = shared.blocking(move |shared| prompt_of(shared, &of)).await.unwrap_or_else(|e| Err(e.to_string()));
        shared.figures.degraded(&worker.name, Part::Prompt, prompt.as_ref().err().cloned());
        if prompt.is_ok() || shared.closing.is_cancelled() {
            break prompt;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let mut tasks = Vec::new();
    for line in lines {
        let line = match line {
            Ok(line) => line,
            Err(why) => {
                reject(shared, worker, Vec::new(), &why).await;
                continue;
            }
        };
        let parsed = match task::parse(&line) {
            Ok(parsed) => parsed,
            Err(BadJson::Half(why) | BadJson::Wrong(why)) => {
                reject(shared, worker, line, &why).await;
                continue;
            }
        };
        let (task_id, content) = (parsed.task_id.clone(), hex(&[&line]));
        let Ok(work) = prompted(&prompt, parsed, worker) else { continue };
        tasks.push(TaskFile {
            key: format!("pipe:{}", shared.ids.uuid()),
            worker: worker.name.clone(),
            task_id,
            file: None,
            content,
            body: String::from_utf8(line).unwrap_or_default(),
            work: Some(work),
            told: None,
        });
    }
    take(shared, worker, tasks).await;
}

/// Takes tasks until the store has them: nothing more is read meanwhile, and writers wait.
async fn take(shared: &Arc<Shared>, worker: &Arc<FileWorker>, mut tasks: Vec<TaskFile>) {
    let mut wait = Duration::from_millis(20);
    while !tasks.is_empty() {
        match shared.engine.take_tasks(tasks.clone()).await {
            Ok(answers) => {
                let mut again = Vec::new();
                for (task, answer) in tasks.into_iter().zip(answers) {
                    match answer {
                        TaskTaken::New(task) => taken(shared, &task).await,
                        TaskTaken::Known(_) => {}
                        TaskTaken::Ending => again.push(task),
                        TaskTaken::Refused(why) => reject(shared, worker, task.body.into_bytes(), &why).await,
                    }
                }
                tasks = again;
                if !tasks.is_empty() {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(PAUSE);
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "tasks of a pipe could not be taken; they are tried again");
                if shared.closing.is_cancelled() {
                    // There is no file behind them that would bring them back.
                    for task in tasks {
                        reject(shared, worker, task.body.into_bytes(), "the database could not take it before Windlass stopped").await;
                    }
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn reject(shared: &Arc<Shared>, worker: &Arc<FileWorker>, line: Vec<u8>, why: &str) {
    let name = format!("pipe-{}.json", shared.ids.uuid());
    tracing::warn!(worker = worker.name, "a task from the pipe of worker {} is refused: {why}", worker.name);
    let letter = |name: String, bytes: Vec<u8>| Write::over(Folder::DeadLetters, Some(&worker.name), name, bytes);
    let files = vec![letter(name.clone(), line), letter(reason_of(&name), format!("{why}\n").into_bytes())];
    let problem = shared.write(files).await.into_iter().find_map(Result::err);
    shared.figures.degraded(&worker.name, Part::DeadLetters, problem.map(|e| format!("a bad line could not be kept: {e}")));
    shared.figures.worker(&worker.name, |w| w.rejected += 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_across_reads_and_empty_ones_are_none() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"{\"a\":"), []);
        assert_eq!(lines.push(b"1}\n\n  \n{\"b\":2}\n{"), [Ok(b"{\"a\":1}".to_vec()), Ok(b"{\"b\":2}".to_vec())]);
        assert_eq!(lines.push(b"}\n"), [Ok(b"{}".to_vec())]);
        assert!(!lines.is_begun() && lines.end().is_none());
        assert_eq!(lines.push(b"{\"c\":3}"), []);
        assert!(lines.is_begun());
        assert_eq!(lines.end(), Some(b"{\"c\":3}".to_vec()));
    }

    #[test]
    fn a_line_that_never_ends_takes_no_more_memory_than_the_limit_and_the_next_one_counts() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; CHUNK];
        let errors: usize = (0..40).map(|_| lines.push(&chunk).len()).sum();
        assert_eq!(errors, 1);
        assert!(lines.part.capacity() <= 2 * 1024 * 1024);
        assert_eq!(lines.push(b"tail\n{}\n"), [Ok(b"{}".to_vec())]);
    }
}
