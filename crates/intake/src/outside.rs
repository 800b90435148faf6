//! Hybrid mode: an outside executor takes `tasks/` and writes `results/` and `execution_meta/`; Windlass counts, retries by writing the
//! task anew, and dead-letters.
//!
//! **Invariant:** each word of an executor counts once: it is known by the inode and change time of its file, kept with the count.
//! **Invariant:** nothing waits without end for an executor that took a task: after the worker's timeout that is a failed try.
//! **Invariant:** no result completes a task that was there before the task was, or before its present try.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;
use windlass_store::StoreError;
use windlass_types::{Task, Timestamp};

use crate::config::FilesMode;
use crate::figures::{FilesWorker, Outside, Part};
use crate::finished;
use crate::intake::Shared;
use crate::places::{Folder, Found, Places, Stamp, Write, task_files};
use crate::report;
use crate::result::{self, Ended};
use crate::strict;
use crate::task::{self, TASK_MAX};

/// How long a result may be there without the executor's word before it counts by itself, in milliseconds.
const WORD_WAIT_MS: i64 = 10_000;
/// The longest wait between looks at everything.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(30);
/// The longest wait between looks for what is due.
const DUE_WAIT_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);
/// By how much the clocks of machines that share a directory may differ, in milliseconds.
const CLOCKS_MS: i64 = 60_000;
/// How often rows that are old are looked for.
const PRUNE: Duration = Duration::from_hours(1);

/// What an executor says of its run.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Completed,
    NeedsRetry(String),
    /// Nothing that can be understood, yet or ever.
    Nothing,
}

fn word_of(stamp: &Stamp) -> String {
    format!("{}:{}:{}", stamp.dev, stamp.ino, stamp.ctime_ns)
}

/// What names a result, whatever its mode and owner become.
fn mark_of(stamp: &Stamp) -> String {
    format!("{}:{}:{}:{}", stamp.dev, stamp.ino, stamp.mtime_ns, stamp.size)
}

/// The executor's word and result that were there before the task was dropped: about an earlier task of its id.
pub(crate) fn told_before(places: &Places, worker: &str, task_id: &str, dropped: &Stamp) -> Option<String> {
    let name = format!("{task_id}.json");
    // Many file systems count in steps of milliseconds: within one step, too, nobody has had the task yet.
    let before = |folder, sub| places.stamp(folder, sub, &name).filter(|stamp| stamp.ctime_ns <= dropped.ctime_ns);
    let word = before(Folder::ExecutionMeta, None).map(|stamp| word_of(&stamp));
    let result = before(Folder::Results, Some(worker)).map(|stamp| mark_of(&stamp));
    (word.is_some() || result.is_some()).then(|| beside(&word.unwrap_or_default(), result.as_deref()))
}

/// A word, and the result that is none of the tries that follow it.
fn beside(word: &str, result: Option<&str>) -> String {
    result.map_or_else(|| word.to_owned(), |result| format!("{word}#{result}"))
}

/// The last word that was counted. What follows it numbers the tries that ended without one.
fn counted(task: &Task) -> Option<&str> {
    task.told.as_deref()?.split(['+', '#']).next()
}

/// The result that was there before the present try.
fn result_before(task: &Task) -> Option<&str> {
    Some(task.told.as_deref()?.split_once('#')?.1)
}

/// When a result says it was made, where it says so without a doubt: a time without its zone is none.
fn made_at(result: &Map<String, Value>) -> Option<i64> {
    let at = |said: &Value| match said {
        Value::Number(secs) => Some((secs.as_f64()? * 1000.0) as i64),
        Value::String(text) => text
            .parse::<Timestamp>()
            .ok()
            .map(|at| at.0)
            .or_else(|| Some((text.parse::<f64>().ok().filter(|secs| secs.is_finite())? * 1000.0) as i64)),
        _ => None,
    };
    ["completed_at", "timestamp"].iter().find_map(|field| result.get(*field).and_then(at))
}

/// Whether a result is of the present try: it was not there before, was not written before, and does not say otherwise itself.
fn is_of_this_try(task: &Task, stamp: &Stamp, content: Option<&Map<String, Value>>) -> bool {
    let since = began_at(task).saturating_sub(CLOCKS_MS);
    let of_another = |result: &Map<String, Value>| {
        result.get("task_id").and_then(Value::as_str).is_some_and(|id| id != task.task_id) || made_at(result).is_some_and(|at| at < since)
    };
    result_before(task) != Some(&mark_of(stamp)) && stamp.mtime_ms() >= since && !content.is_some_and(of_another)
}

/// When the present try began at the earliest.
fn began_at(task: &Task) -> i64 {
    task.tries.last().map_or(task.taken_at.plus_ms(-1000), |t| t.at).0
}

/// What a try is counted by that ended without a word.
fn silence(task: &Task) -> String {
    format!("{}+{}", counted(task).unwrap_or_default(), task.tries.len() + 1)
}

fn read_word(task: &Task, meta: &Map<String, Value>) -> Word {
    let names_another = |field: &str, own: &str| meta.get(field).is_some_and(|named| named.as_str() != Some(own));
    if names_another("task_id", &task.task_id) || names_another("worker", &task.worker) {
        return Word::Nothing;
    }
    match meta.get("status").and_then(Value::as_str) {
        Some("completed") => Word::Completed,
        Some("needs_retry") => {
            let told = meta.get("error").and_then(Value::as_str).unwrap_or("the executor says that it needs a retry");
            Word::NeedsRetry(told.chars().take(2000).collect())
        }
        _ => Word::Nothing,
    }
}

/// Whether a result by itself says that it is none.
fn failed_result(result: &Map<String, Value>) -> bool {
    matches!(result.get("status").and_then(Value::as_str), Some("failed" | "error" | "dead" | "needs_retry"))
}

/// A file, and what it holds, where that is an object.
type Read = (Stamp, Option<Map<String, Value>>);

fn object(places: &Places, folder: Folder, sub: Option<&str>, name: &str) -> Option<Read> {
    match places.read(folder, sub, OsStr::new(name), TASK_MAX) {
        Found::File(bytes, stamp) => Some((stamp, strict::object(&bytes).ok())),
        _ => None,
    }
}

/// What follows from what lies there.
#[derive(Debug, Clone, PartialEq)]
enum Next {
    /// Nothing that counts; whether its executor has the task, whose file is gone, and says nothing; and whether it says that it is done,
    /// and there is no result of it.
    Wait {
        silent: bool,
        unproved: bool,
    },
    Finish,
    Retry {
        told: String,
        error: String,
    },
}

fn judge(places: &Places, task: &Task, word: Option<&Read>, now: Timestamp) -> Next {
    let name = format!("{}.json", task.task_id);
    let result = object(places, Folder::Results, Some(&task.worker), &name);
    let mark = result.as_ref().map(|(stamp, _)| mark_of(stamp));
    let fresh = result.filter(|(stamp, content)| is_of_this_try(task, stamp, content.as_ref()));
    let retry = |told: &str, error: String| Next::Retry { told: beside(told, mark.as_deref()), error };
    let mut unproved = false;
    if let Some((stamp, Some(meta))) = word {
        let told = word_of(stamp);
        match read_word(task, meta) {
            // Done only with its result on disk.
            Word::Completed if counted(task) != Some(&told) && fresh.is_some() => return Next::Finish,
            Word::Completed => unproved = counted(task) != Some(&told),
            Word::NeedsRetry(error) if counted(task) != Some(&told) => return retry(&told, error),
            _ => {}
        }
    }
    // What still lies there waits for its executor, as a job in the queue does.
    let silent = task.due_at.is_none() && places.stamp(Folder::Tasks, Some(&task.worker), &file_of(task)).is_none();
    let wait = Next::Wait { silent, unproved };
    let Some((stamp, content)) = fresh else { return wait };
    if stamp.ctime_ms() < began_at(task) || task.due_at.is_some() {
        return wait;
    }
    if now.0 - stamp.ctime_ms() < WORD_WAIT_MS {
        return Next::Wait { silent: false, unproved };
    }
    match content {
        Some(content) if failed_result(&content) => retry(&word_of(&stamp), "its result says that it failed".to_owned()),
        Some(_) => Next::Finish,
        None => wait,
    }
}

fn file_of(task: &Task) -> String {
    task.file.clone().unwrap_or_else(|| format!("{}.json", task.task_id))
}

/// What is remembered of tasks between looks.
#[derive(Default)]
struct Seen {
    /// Since when executors have tasks, by the tasks' keys.
    taken: HashMap<String, Instant>,
    /// Words that counted for none, by worker and the task's key.
    unclear: BTreeMap<(String, String), String>,
}

impl Seen {
    /// Says what is unclear of a worker's tasks now.
    fn say(&self, shared: &Shared, worker: &str) {
        let first = self.unclear.iter().find(|((of, _), _)| of == worker);
        shared.figures.degraded(worker, Part::Words, first.map(|(_, why)| why.clone()));
    }
}

/// Sees to the tasks of outside executors until the intake stops.
pub(crate) async fn run(shared: Arc<Shared>, mut looks: mpsc::Receiver<String>) {
    if !shared.may_write().await {
        return;
    }
    let mut seen = Seen::default();
    let (mut due, mut next_look, mut next_prune) = (Instant::now(), Instant::now(), Instant::now() + PRUNE);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            id = looks.recv() => match id {
                Some(id) => match shared.engine.store().outside_tasks(id).await {
                    Ok(tasks) => {
                        // Read once for all that it may be about. What is written after that is heard of by itself.
                        let word = word_about(&shared, &tasks).await;
                        for task in told_apart(&shared, &mut seen, tasks, word.as_ref()).await {
                            if look(&shared, &mut seen, task, word.clone()).await { due = Instant::now(); }
                        }
                    }
                    Err(e) => tracing::warn!(error = %e, "a task of an outside executor could not be looked at; it is at the next look through"),
                },
                None => return,
            },
            () = tokio::time::sleep_until(due) => due = Instant::now() + write_due(&shared).await,
            () = tokio::time::sleep_until(next_look) => next_look = Instant::now() + look_through(&shared).await,
            () = tokio::time::sleep_until(next_prune) => {
                prune(&shared).await;
                next_prune = Instant::now() + PRUNE;
            }
        }
    }
}

/// Where the word about a task lies.
fn word_file(task: &Task) -> String {
    format!("{}.json", task.task_id)
}

/// The word about the tasks of one id.
async fn word_about(shared: &Arc<Shared>, tasks: &[Task]) -> Option<Read> {
    let name = tasks.first().map(word_file)?;
    shared.blocking(move |shared| object(&shared.places, Folder::ExecutionMeta, None, &name)).await.unwrap_or_default()
}

/// Several live tasks have one id, and so one word: which of them it is about is not guessed. One that does not say is not counted.
async fn told_apart(shared: &Arc<Shared>, seen: &mut Seen, mut tasks: Vec<Task>, word: Option<&Read>) -> Vec<Task> {
    let (Some(name), Some((stamp, Some(meta)))) = (tasks.first().map(word_file), word) else { return tasks };
    let told = word_of(stamp);
    let about = |task: &&mut Task| counted(task) != Some(&told) && read_word(task, meta) != Word::Nothing;
    let mut unsure: Vec<&mut Task> = tasks.iter_mut().filter(|task| about(task)).collect();
    if meta.get("worker").is_some() || unsure.len() < 2 {
        return tasks;
    }
    let workers: Vec<&str> = unsure.iter().map(|task| task.worker.as_str()).collect();
    let all = workers.join(" and ");
    let problem = format!("execution_meta/{name} names no `worker`, and {all} have a task of that id: it counts for none");
    for task in &mut unsure {
        let told = beside(&told, result_before(task));
        if let Err(e) = shared.engine.store().task_told(task.key.clone(), told.clone()).await {
            tracing::warn!(error = %e, "that a word is about no task for certain could not be recorded; it is read again");
            return Vec::new();
        }
        task.told = Some(told);
        seen.unclear.insert((task.worker.clone(), task.key.clone()), problem.clone());
        seen.say(shared, &task.worker);
    }
    tasks
}

/// Says where the tasks of outside executors are. What lies in a folder waits; what lives and lies nowhere has been taken.
pub(crate) async fn count(shared: &Arc<Shared>, workers: &mut [FilesWorker]) {
    if workers.iter().all(|worker| worker.mode != FilesMode::Hybrid) {
        return;
    }
    // What cannot be read is said elsewhere.
    let due = shared.engine.store().due_tasks().await.unwrap_or_default();
    for worker in workers.iter_mut().filter(|worker| worker.mode == FilesMode::Hybrid) {
        let name = worker.name.clone();
        let there =
            shared.blocking(move |shared| Ok::<_, io::Error>(task_files(shared.places.open(Folder::Tasks, Some(&name))?.as_fd())?.len()));
        let there = there.await.and_then(|there| there).unwrap_or(0);
        let waiting = (there + due.iter().filter(|task| task.worker == worker.name).count()) as u64;
        worker.outside = Some(Outside { active: worker.live.saturating_sub(waiting), waiting });
    }
}

/// Forgets tasks that have long been done. Those that became assignments go with them.
async fn prune(shared: &Shared) {
    let Some(secs) = shared.config.keep_done_secs else { return };
    let before = shared.clock.now().plus_ms(-i64::try_from(secs.saturating_mul(1000)).unwrap_or(i64::MAX));
    loop {
        match shared.engine.store().prune_tasks(before).await {
            Ok(0) => return,
            Ok(count) => tracing::debug!(count, "old tasks of outside executors are forgotten"),
            Err(e) => return tracing::warn!(error = %e, "old tasks of outside executors could not be forgotten; they are in an hour"),
        }
    }
}

/// Has every task of an outside executor looked at; how long until the next time.
async fn look_through(shared: &Arc<Shared>) -> Duration {
    let outside = shared.workers().into_iter().filter(|worker| worker.mode == FilesMode::Hybrid);
    let Some(shortest) = outside.map(|worker| worker.timeout_secs).min() else { return LOOK_WAIT_MAX };
    let wait = Duration::from_secs(shortest / 4).clamp(PAUSE, LOOK_WAIT_MAX);
    let mut after = None;
    while let Ok(live) = shared.engine.store().live_tasks(after.clone()).await {
        let Some(last) = live.last() else { break };
        after = Some(last.key.clone());
        for task in live.iter().filter(|task| task.assignment_id.is_none()) {
            shared.look_at(OsStr::new(&format!("{}.json", task.task_id)));
        }
    }
    wait
}

/// How long an executor may take for a task without a word.
fn timeout_of(shared: &Shared, task: &Task) -> Option<u64> {
    let own = task::parse(task.body.as_bytes()).ok().and_then(|parsed| parsed.timeout_secs);
    own.or_else(|| shared.worker(&task.worker).map(|worker| worker.timeout_secs))
}

/// Acts on what lies there; whether something may be due now.
async fn look(shared: &Arc<Shared>, seen: &mut Seen, task: Task, word: Option<Read>) -> bool {
    let (now, asked) = (shared.clock.now(), task.clone());
    let judged = shared.blocking(move |shared| judge(&shared.places, &asked, word.as_ref(), now)).await;
    let next = match judged.unwrap_or(Next::Wait { silent: false, unproved: false }) {
        Next::Wait { silent: true, unproved } => {
            let since = *seen.taken.entry(task.key.clone()).or_insert_with(Instant::now);
            match timeout_of(shared, &task) {
                Some(secs) if since.elapsed() >= Duration::from_secs(secs) => {
                    let error = if unproved {
                        format!("the executor says that it is completed, and left no result of it for {secs} s")
                    } else {
                        format!("the executor took it and said nothing for {secs} s")
                    };
                    Next::Retry { told: beside(&silence(&task), result_before(&task)), error }
                }
                _ => return false,
            }
        }
        next => next,
    };
    seen.taken.remove(&task.key);
    if !matches!(next, Next::Wait { .. }) && seen.unclear.remove(&(task.worker.clone(), task.key.clone())).is_some() {
        seen.say(shared, &task.worker);
    }
    let answer = match next {
        Next::Wait { .. } => return false,
        Next::Finish => end(shared, &task, Ended::Completed, None).await,
        Next::Retry { told, error } => retry(shared, task, told, error).await,
    };
    if let Err(e) = answer {
        tracing::warn!(error = %e, "a task of an outside executor could not be gone on with; it is at the next look through");
    }
    true
}

async fn retry(shared: &Arc<Shared>, task: Task, told: String, error: String) -> Result<(), StoreError> {
    let policy = shared.worker(&task.worker).map(|worker| worker.retry).unwrap_or_default();
    let own = task::parse(task.body.as_bytes()).ok().and_then(|parsed| parsed.max_retries);
    let failures = u32::try_from(task.tries.len()).unwrap_or(u32::MAX).saturating_add(1);
    let again = failures <= own.unwrap_or(policy.max_retries);
    let delay = i64::try_from(policy.delay_ms(failures, shared.ids.fraction())).unwrap_or(i64::MAX);
    let due_at = again.then(|| shared.clock.now().plus_ms(delay));
    let counted = shared.engine.store().count_task_try(task.key.clone(), told, error.clone(), due_at).await?;
    match counted {
        Some(task) if !again => end(shared, &task, Ended::Dead, Some(&format!("{failures} attempts failed; the last: {error}"))).await,
        _ => Ok(()),
    }
}

/// Tells how a task ended and lets its file go.
async fn end(shared: &Arc<Shared>, task: &Task, ended: Ended, why: Option<&str>) -> Result<(), StoreError> {
    let now = shared.clock.now();
    finished::settle(shared, vec![task]).await;
    let (of, letter) = (task.clone(), why.map(|why| result::outside_letter(task, why, now)));
    let files = shared.blocking(move |shared| {
        let letter = letter.map(|letter| report::letter(shared, &of, &letter));
        letter.into_iter().chain(report::notices(shared, &[(&of, ended)], now)).collect::<Vec<_>>()
    });
    let Ok(files) = files.await else { return Ok(()) };
    let problem = shared.write(files).await.into_iter().find_map(Result::err).map(|e| format!("results cannot be written: {e}"));
    let failed = problem.is_some();
    shared.figures.degraded(&task.worker, Part::Results, problem);
    // What could not be written is tried again by the next look through.
    if failed { Ok(()) } else { report::done(shared, &[(task, ended)]).await }
}

/// Writes anew what is due; how long until the next.
async fn write_due(shared: &Arc<Shared>) -> Duration {
    let due = match shared.engine.store().due_tasks().await {
        Ok(due) => due,
        Err(e) => {
            tracing::warn!(error = %e, "what is due for outside executors could not be read; it is read again");
            return PAUSE;
        }
    };
    let mut next = DUE_WAIT_MAX;
    for task in due {
        let at = task.due_at.unwrap_or_default();
        let wait = at.since_ms(shared.clock.now());
        if wait > 0 {
            return Duration::from_millis(wait.unsigned_abs()).min(next);
        }
        let problem = match write_anew(shared, &task).await {
            Ok(()) => None,
            Err(e) => Some(format!("a task could not be written anew: {e}")),
        };
        let failed = problem.is_some();
        shared.figures.degraded(&task.worker, Part::Rewriting, problem);
        if failed {
            next = PAUSE;
            continue;
        }
        if let Err(e) = shared.engine.store().task_rewritten(task.key).await {
            tracing::warn!(error = %e, "that a task was written anew could not be recorded; it is written once more");
            return PAUSE;
        }
    }
    next
}

/// Writes a task anew, under its name unless another's file has that by now.
async fn write_anew(shared: &Arc<Shared>, task: &Task) -> io::Result<()> {
    let (of, unique) = (task.clone(), shared.ids.uuid().to_string());
    let name = shared.blocking(move |shared| free_name(&shared.places, &of, &unique)).await??;
    if name != file_of(task) {
        // First the row: so the file is known as its task's as soon as it is there.
        shared.engine.store().task_renamed(task.key.clone(), name.clone()).await.map_err(io::Error::other)?;
    }
    let file = Write::fresh(Folder::Tasks, Some(&task.worker), name, task.body.clone().into_bytes());
    shared.write(vec![file]).await.remove(0)
}

/// A name that is free; what lies there of this very task is removed.
fn free_name(places: &Places, task: &Task, unique: &str) -> io::Result<String> {
    for name in [file_of(task), format!("{}.json", task.task_id), format!("{}.{unique}.json", task.task_id)] {
        let left = match places.read(Folder::Tasks, Some(&task.worker), OsStr::new(&name), TASK_MAX) {
            Found::Gone => false,
            Found::File(bytes, stamp) if bytes == task.body.as_bytes() => places.remove_taken(&task.worker, &name, &stamp)?,
            _ => true,
        };
        if !left {
            return Ok(name);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn word(meta: &Value) -> Word {
        let task = Task {
            key: "k".to_owned(),
            worker: "marie".to_owned(),
            task_id: "a".to_owned(),
            file: None,
            content: String::new(),
            assignment_id: None,
            status: windlass_types::TaskStatus::Live,
            told: None,
            due_at: None,
            taken_at: Timestamp(0),
            ended_at: None,
            tries: Vec::new(),
            body: String::new(),
        };
        read_word(&task, meta.as_object().unwrap())
    }

    #[test]
    fn an_executors_word_is_one_of_two_and_about_its_own_task() {
        assert_eq!(word(&json!({"task_id": "a", "execution_time": 1.5, "status": "completed"})), Word::Completed);
        assert!(matches!(word(&json!({"task_id": "a", "status": "needs_retry", "error": "exit 1"})), Word::NeedsRetry(e) if e == "exit 1"));
        for odd in [
            json!({"task_id": "b", "status": "completed"}),
            json!({"status": "completed", "worker": "anga"}),
            json!({"status": 7}),
            json!({}),
        ] {
            assert_eq!(word(&odd), Word::Nothing, "{odd}");
        }
    }
}
