//! Files become rows: read, checked and taken in batches, then receipted.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use windlass_engine::{TaskFile, TaskTaken, TaskWork};
use windlass_types::{Task, TaskStatus};

use crate::config::{FileWorker, FilesMode};
use crate::figures::Part;
use crate::finished::{self, Finished};
use crate::intake::{KnownFile, Shared};
use crate::pending::Sighting;
use crate::pipes::Pipes;
use crate::places::{Folder, Found, Stamp, Write, read_in};
use crate::strict::BadJson;
use crate::task::{self, TASK_MAX};
use crate::{look, outside, result};

/// How many tasks one transaction takes.
const BATCH: usize = 500;
/// How often everything is looked through behind the events.
const LOOK_THROUGH: Duration = Duration::from_secs(30);
/// How often, where there are no events or something is wrong.
const POLL: Duration = Duration::from_secs(1);
/// How long a file that is no whole task may stay unchanged before it counts as bad.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a file that is being written is looked at again.
const AGAIN: Duration = Duration::from_millis(250);
/// When a task is tried again whose predecessor's result is about to be written.
const AGAIN_SOON: Duration = Duration::from_millis(20);
/// When a task is tried again whose worker lacks something.
const HELD: Duration = Duration::from_secs(5);
/// From how many files at once on it is a rush.
const RUSH: usize = 16;
/// How long after the last of a rush its receipts are written, and how long they wait at most.
const QUIET: Duration = Duration::from_millis(200);
const QUIET_MAX: Duration = Duration::from_secs(5);
/// How many receipts of a worker that cannot be written are kept; what is beyond is found by the rows.
const ASIDE_MAX: usize = 1000;
/// How long a task waits for room among the receipts.
const RECEIPT_WAIT: Duration = Duration::from_secs(10);
/// The longest prompt of a worker, in bytes.
const PROMPT_MAX: u64 = 256 * 1024;

/// What reading a file gave.
enum Read {
    Task(Box<TaskFile>, Stamp),
    /// It is the file of a task that lives.
    Taken,
    /// Not a task yet, and why.
    NotYet(Option<Stamp>, String),
    /// It is the file of a task that is done, and could not be removed.
    Kept(Finished),
    /// Its worker cannot work now.
    Held,
    /// Never a task, and why.
    Bad(String),
    Gone,
}

/// A file that is waited for.
struct Waiting {
    stamp: Option<Stamp>,
    since: Instant,
}

struct Taker {
    shared: Arc<Shared>,
    waiting: HashMap<(String, OsString), Waiting>,
    again: Vec<(Instant, Sighting)>,
    /// How long the next wait for a predecessor's result is, by worker and name.
    ending: HashMap<(String, OsString), Duration>,
    pipes: Pipes,
}

/// Takes tasks until the intake stops.
pub(crate) async fn run(shared: Arc<Shared>, tasks: TaskTracker) {
    let pipes = Pipes::new(tasks);
    let mut taker = Taker { shared, waiting: HashMap::new(), again: Vec::new(), ending: HashMap::new(), pipes };
    // Without these a file that could not be removed might run again.
    while let Err(e) = finished::load(&taker.shared).await {
        tracing::warn!(error = %e, "which files of finished tasks lie there still could not be read; it is tried again");
        tokio::select! {
            () = taker.shared.closing.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
    }
    let mut next_look = Instant::now() + taker.look_through().await;
    taker.shared.looked.send_replace(true);
    count_live(&taker.shared).await;
    // A crash may have come between a row and its receipt.
    taker.shared.receipts_owed.notify_one();
    while !taker.shared.closing.is_cancelled() {
        if taker.shared.pending.take_look_through() || Instant::now() >= next_look {
            next_look = Instant::now() + taker.look_through().await;
        }
        taker.put_back_due();
        let batch = taker.shared.pending.pop(BATCH);
        if !batch.is_empty() {
            if batch.len() >= RUSH {
                taker.shared.rush_until.send_replace(Instant::now() + QUIET);
            }
            taker.take(batch).await;
            continue;
        }
        let wake = taker.again.iter().map(|(at, _)| *at).fold(next_look, Instant::min);
        tokio::select! {
            () = taker.shared.closing.cancelled() => return,
            () = taker.shared.pending.changed() => {}
            () = tokio::time::sleep_until(wake) => {}
        }
    }
}

impl Taker {
    /// Gives how long to wait until the next.
    async fn look_through(&mut self) -> Duration {
        let problem = match look::through(&self.shared).await {
            Ok(there) => {
                for (worker, there) in there {
                    finished::forget_gone(&self.shared, &worker, &there).await;
                }
                None
            }
            Err(e) => Some(format!("{} cannot be used: {e}", self.shared.config.root.display())),
        };
        self.shared.figures.whole(|w| {
            if w.problem != problem {
                match &problem {
                    Some(problem) => tracing::error!("{problem}; it is tried again every second"),
                    None => tracing::info!("the shared directory can be used again"),
                }
            }
            w.problem.clone_from(&problem);
        });
        self.pipes.open(&self.shared).await;
        let polls = self.shared.figures.snapshot().watching != "events";
        if problem.is_some() || polls { POLL } else { LOOK_THROUGH }
    }

    fn put_back_due(&mut self) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.again).into_iter().partition(|(at, _)| *at <= now);
        self.again = later;
        let due: Vec<(Instant, Sighting)> = due;
        if !due.is_empty() {
            self.shared.pending.push(due.into_iter().map(|(_, sighting)| sighting));
        }
    }

    async fn take(&mut self, batch: Vec<Sighting>) {
        let read = match self.shared.blocking(move |shared| read_batch(shared, batch)).await {
            Ok(read) => read,
            Err(e) => return tracing::error!(error = %e, "task files could not be read; the next look through finds them"),
        };
        let mut files = Vec::new();
        let mut new = Vec::new();
        let mut kept = Vec::new();
        for (sighting, read) in read {
            if !matches!(read, Read::NotYet(..)) {
                self.waiting.remove(&(sighting.worker.clone(), sighting.name.clone()));
            }
            match read {
                Read::Task(task, stamp) => {
                    files.push((sighting, stamp, task.content.clone()));
                    new.push(*task);
                }
                Read::Taken | Read::Gone => {}
                Read::Kept(file) => kept.push(file),
                Read::Held => self.again.push((Instant::now() + HELD, sighting)),
                Read::Bad(why) => self.reject(sighting, why).await,
                Read::NotYet(stamp, why) => self.wait_for(sighting, stamp, why).await,
            }
        }
        if !kept.is_empty() {
            finished::remove(&self.shared, kept).await;
        }
        if new.is_empty() {
            return;
        }
        match self.shared.engine.take_tasks(new).await {
            Ok(answers) => {
                for ((sighting, stamp, content), answer) in files.into_iter().zip(answers) {
                    self.answered(sighting, KnownFile { stamp, content, ending: false }, answer).await;
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "tasks could not be taken; they are tried again");
                let at = Instant::now() + POLL;
                self.again.extend(files.into_iter().map(|(sighting, ..)| (at, sighting)));
            }
        }
    }

    async fn answered(&mut self, sighting: Sighting, file: KnownFile, answer: TaskTaken) {
        let worker = &sighting.worker;
        let waited = self.ending.remove(&(worker.clone(), sighting.name.clone()));
        match answer {
            TaskTaken::New(task) => {
                self.shared.arrived(worker, &file.stamp, sighting.seen_at);
                self.shared.learn(worker, sighting.name, file);
                taken(&self.shared, &task).await;
            }
            // Its result is on disk, and the file was about to be removed when Windlass ended.
            TaskTaken::Known(task) if task.status == TaskStatus::Done => {
                let name = sighting.name.to_string_lossy().into_owned();
                finished::remove(&self.shared, vec![Finished { key: task.key, worker: task.worker, name, file }]).await;
            }
            TaskTaken::Known(_) if self.shared.know(worker, sighting.name.clone(), file) => {}
            TaskTaken::Known(_) | TaskTaken::Ending => {
                let wait = waited.map_or(AGAIN_SOON, |wait| (wait * 2).min(POLL));
                self.ending.insert((worker.clone(), sighting.name.clone()), wait);
                self.again.push((Instant::now() + wait, sighting));
            }
            TaskTaken::Refused(why) => self.reject(sighting, why).await,
        }
    }

    /// A file that is not whole is waited for while it changes, and a while longer.
    async fn wait_for(&mut self, sighting: Sighting, stamp: Option<Stamp>, why: String) {
        let key = (sighting.worker.clone(), sighting.name.clone());
        let now = Instant::now();
        let waiting = self.waiting.entry(key).or_insert(Waiting { stamp, since: now });
        if waiting.stamp != stamp {
            *waiting = Waiting { stamp, since: now };
        }
        if now.duration_since(waiting.since) < PATIENCE {
            self.again.push((now + AGAIN, sighting));
        } else {
            self.waiting.remove(&(sighting.worker.clone(), sighting.name.clone()));
            self.reject(sighting, format!("{why} (unchanged for {} s)", PATIENCE.as_secs())).await;
        }
    }

    async fn reject(&mut self, sighting: Sighting, why: String) {
        let (worker, name) = (sighting.worker.clone(), sighting.name.clone());
        tracing::warn!(worker = worker.as_str(), file = %name.display(), "a task file of worker {worker} is refused: {why}");
        let unique = self.shared.ids.uuid().to_string();
        let rejected = self.shared.blocking(move |shared| shared.places.reject(&worker, &name, &why, &unique)).await;
        match rejected.and_then(|answer| answer) {
            Ok(_) => {
                self.shared.figures.worker(&sighting.worker, |w| w.rejected += 1);
                self.shared.figures.degraded(&sighting.worker, Part::DeadLetters, None);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => {
                self.shared.figures.degraded(
                    &sighting.worker,
                    Part::DeadLetters,
                    Some(format!("a bad task file could not be moved to the dead letters: {e}")),
                );
                self.again.push((Instant::now() + POLL, sighting));
            }
        }
    }
}

/// What follows a new task.
pub(crate) async fn taken(shared: &Arc<Shared>, task: &Task) {
    shared.figures.worker(&task.worker, |w| (w.taken, w.live) = (w.taken + 1, w.live + 1));
    let receipt = receipt(task);
    if let Err(TrySendError::Full(receipt)) = shared.receipts.try_send(receipt)
        && !shared.receipts_late.load(Ordering::Relaxed)
    {
        // Once a writer of receipts is as late as this, nothing waits for it: what is owed is found by the rows.
        let sent = tokio::select! {
            sent = tokio::time::timeout(RECEIPT_WAIT, shared.receipts.send(receipt)) => sent.is_ok(),
            // What is not receipted now is at the next start.
            () = shared.stop.cancelled() => return,
        };
        shared.receipts_late.store(!sent, Ordering::Relaxed);
    }
    if shared.receipts_late.load(Ordering::Relaxed) {
        shared.receipts_owed.notify_one();
    }
    if task.assignment_id.is_none() {
        shared.look_at(OsStr::new(&format!("{}.json", task.task_id)));
    }
}

fn receipt(task: &Task) -> Write {
    let name = format!("{}.json", task.task_id);
    Write::over(Folder::Triggers, Some(&task.worker), name, result::bytes(&result::receipt(task)))
}

/// A worker's receipts that could not be written, by name.
struct Aside {
    waiting: BTreeMap<String, Write>,
    /// There were more than are kept.
    more: bool,
    at: Instant,
    pause: Duration,
}

/// Writes receipts, as many at once as have come up. One that cannot be written holds up no other.
pub(crate) async fn receipts(shared: Arc<Shared>, mut waiting: mpsc::Receiver<Write>) {
    if !shared.may_write().await {
        return;
    }
    let mut aside: BTreeMap<String, Aside> = BTreeMap::new();
    loop {
        let mut batch = Vec::new();
        let next = aside.values().map(|a| a.at).min();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut owed = false;
        tokio::select! {
            biased;
            count = waiting.recv_many(&mut batch, 1000) => if count == 0 { return },
            () = shared.stop.cancelled() => return,
            () = shared.receipts_owed.notified() => owed = true,
            () = due => {}
        }
        if !batch.is_empty() {
            quiet(&shared).await;
        }
        let now = Instant::now();
        batch.extend(aside.values().filter(|a| a.at <= now).flat_map(|a| a.waiting.values().cloned()));
        write_receipts(&shared, batch, &mut aside).await;
        if owed {
            shared.receipts_late.store(false, Ordering::Relaxed);
            receipt_again(&shared, &mut aside).await;
        }
    }
}

/// Bringing many files to the disk holds up the commits of those that still come.
async fn quiet(shared: &Shared) {
    let latest = Instant::now() + QUIET_MAX;
    loop {
        let until = (*shared.rush_until.borrow()).min(latest);
        if until <= Instant::now() {
            return;
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

async fn write_receipts(shared: &Arc<Shared>, batch: Vec<Write>, aside: &mut BTreeMap<String, Aside>) {
    let answers = shared.write(batch.clone()).await;
    let (now, mut failed) = (Instant::now(), BTreeMap::<String, String>::new());
    for (file, answer) in batch.into_iter().zip(answers) {
        let worker = file.sub.clone().unwrap_or_default();
        match answer {
            Ok(()) => {
                if let Some(of) = aside.get_mut(&worker) {
                    of.waiting.remove(&file.name);
                }
            }
            Err(e) => {
                failed.entry(worker.clone()).or_insert_with(|| format!("receipts cannot be written: {}: {e}", file.name));
                let of = aside.entry(worker).or_insert_with(|| Aside { waiting: BTreeMap::new(), more: false, at: now, pause: POLL });
                if of.waiting.len() < ASIDE_MAX || of.waiting.contains_key(&file.name) {
                    of.waiting.insert(file.name.clone(), file);
                } else {
                    of.more = true;
                }
            }
        }
    }
    for (worker, problem) in failed {
        shared.figures.degraded(&worker, Part::Receipts, Some(problem));
    }
    aside.retain(|worker, of| {
        if of.waiting.is_empty() {
            shared.figures.degraded(worker, Part::Receipts, None);
            if of.more {
                shared.receipts_owed.notify_one();
            }
        } else if of.at <= now {
            of.at = now + of.pause;
            of.pause = (of.pause * 2).min(Duration::from_mins(1));
        }
        !of.waiting.is_empty()
    });
}

/// Counts the tasks that were taken before.
async fn count_live(shared: &Arc<Shared>) {
    let mut after = None;
    loop {
        let live = match shared.engine.store().live_tasks(after.clone()).await {
            Ok(live) => live,
            Err(e) => return tracing::warn!(error = %e, "the live tasks could not be counted"),
        };
        let Some(last) = live.last() else { return };
        after = Some(last.key.clone());
        for task in &live {
            shared.figures.worker(&task.worker, |w| w.live += 1);
        }
    }
}

/// Writes the receipts that live tasks are without.
async fn receipt_again(shared: &Arc<Shared>, aside: &mut BTreeMap<String, Aside>) {
    let mut after = None;
    while !shared.stop.is_cancelled() {
        let live = match shared.engine.store().live_tasks(after.clone()).await {
            Ok(live) => live,
            Err(e) => return tracing::warn!(error = %e, "the live tasks could not be read: receipts may be missing"),
        };
        let Some(last) = live.last() else { return };
        after = Some(last.key.clone());
        let missing = shared.blocking(move |shared| {
            let missing = live.iter().map(receipt).filter(|r| shared.places.stamp(r.folder, r.sub.as_deref(), &r.name).is_none());
            missing.collect::<Vec<_>>()
        });
        write_receipts(shared, missing.await.unwrap_or_default(), aside).await;
    }
}

/// A worker as one batch needs it.
struct Desk {
    worker: Arc<FileWorker>,
    dir: std::os::fd::OwnedFd,
    prompt: Result<Option<String>, String>,
}

fn desk(shared: &Shared, name: &str) -> Option<Desk> {
    let worker = shared.worker(name)?;
    let dir = shared.places.open(Folder::Tasks, Some(name)).ok()?;
    let prompt = prompt_of(shared, &worker);
    shared.figures.degraded(name, Part::Prompt, prompt.as_ref().err().cloned());
    Some(Desk { worker, dir, prompt })
}

fn read_batch(shared: &Shared, batch: Vec<Sighting>) -> Vec<(Sighting, Read)> {
    let mut desks: BTreeMap<String, Option<Desk>> = BTreeMap::new();
    batch
        .into_iter()
        .map(|sighting| {
            let desk = desks.entry(sighting.worker.clone()).or_insert_with(|| desk(shared, &sighting.worker));
            let read = desk.as_ref().map_or(Read::Gone, |desk| read_one(shared, desk, &sighting));
            (sighting, read)
        })
        .collect()
}

fn read_one(shared: &Shared, desk: &Desk, sighting: &Sighting) -> Read {
    let (bytes, stamp) = match read_in(desk.dir.as_fd(), &sighting.name, TASK_MAX) {
        Found::File(bytes, stamp) => (bytes, stamp),
        Found::Changing => return Read::NotYet(None, "it never stops changing".to_owned()),
        Found::Unreadable(why) => return Read::NotYet(None, format!("it cannot be read: {why}")),
        Found::NotRegular => return Read::Bad("it is no regular file, and is not opened".to_owned()),
        Found::TooLarge(size) => return Read::Bad(format!("it has {size} bytes, and a task at most {TASK_MAX}")),
        Found::Gone => return Read::Gone,
    };
    let Some(file) = sighting.name.to_str() else { return Read::Bad("its name is not valid UTF-8".to_owned()) };
    let content = hex(&[&bytes]);
    let found = KnownFile { stamp, content: content.clone(), ending: false };
    if let Some(key) = finished::kept_as(shared, &sighting.worker, &found) {
        return Read::Kept(Finished { key, worker: sighting.worker.clone(), name: file.to_owned(), file: found });
    }
    if let Some(known) = shared.known(&sighting.worker, &sighting.name)
        && known.stamp.same_file(&stamp)
        && known.content == content
        && shared.know(&sighting.worker, sighting.name.clone(), found)
    {
        return Read::Taken;
    }
    let parsed = match task::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(BadJson::Half(why)) => return Read::NotYet(Some(stamp), why),
        Err(BadJson::Wrong(why)) => return Read::Bad(why),
    };
    let worker = &desk.worker;
    let folder = shared.places.shown(Folder::Tasks, Some(&worker.name), "");
    let number = |n: &dyn std::fmt::Display| n.to_string();
    let parts = [folder.display().to_string(), number(&stamp.dev), number(&stamp.ino), number(&stamp.ctime_ns), content.clone()];
    let key = format!("file:{}", hex(&parts.iter().flat_map(|part| [part.as_bytes(), b"\0"]).collect::<Vec<_>>()));
    let task_id = parsed.task_id.clone();
    let (mut work, mut told) = (None, None);
    match worker.mode {
        FilesMode::Worker => match prompted(&desk.prompt, parsed, worker) {
            Ok(asked) => work = Some(asked),
            Err(_) => return Read::Held,
        },
        // What an executor said of an earlier task of this id is not about this one.
        FilesMode::Hybrid => told = outside::told_before(&shared.places, &worker.name, &task_id, &stamp),
    }
    let body = String::from_utf8(bytes).unwrap_or_default();
    Read::Task(
        Box::new(TaskFile { key, worker: worker.name.clone(), task_id, file: Some(file.to_owned()), content, body, work, told }),
        stamp,
    )
}

/// What a task asks for, with its worker's prompt before it.
pub(crate) fn prompted(prompt: &Result<Option<String>, String>, parsed: task::Parsed, worker: &FileWorker) -> Result<TaskWork, String> {
    match prompt {
        Ok(prompt) => Ok(parsed.work(worker, prompt.as_deref())),
        Err(why) => Err(why.clone()),
    }
}

/// A worker's prompt: the file that it names, or the one named like it in the folder of prompts.
pub(crate) fn prompt_of(shared: &Shared, worker: &FileWorker) -> Result<Option<String>, String> {
    let read = |path: &Path| -> std::io::Result<String> {
        use std::io::Read as _;
        let mut text = String::new();
        let size = std::fs::File::open(path)?.take(PROMPT_MAX + 1).read_to_string(&mut text)?;
        if size as u64 > PROMPT_MAX { Err(std::io::Error::other(format!("it has more than {PROMPT_MAX} bytes"))) } else { Ok(text) }
    };
    let told = |path: &Path, e: &std::io::Error| format!("the prompt {} cannot be read: {e}", path.display());
    if let Some(path) = &worker.prompt {
        return read(path).map(Some).map_err(|e| told(path, &e));
    }
    let Some(dir) = &shared.config.prompts_dir else { return Ok(None) };
    let path = dir.join(format!("{}.md", worker.name));
    match read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(told(&path, &e)),
    }
}

/// The SHA-256 of pieces, in hex digits.
pub(crate) fn hex(pieces: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
