//! Rows become files: the result, the dead letter, the orchestrator's notice; then the task file may go.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use windlass_engine::failpoint;
use windlass_store::{EventFilter, StoreError, TaskOutcome};
use windlass_types::{AssignmentId, EventKind, Task, TaskStatus, Timestamp};

use crate::figures::Part;
use crate::finished::{self, Finished};
use crate::intake::Shared;
use crate::look::ORCHESTRATOR;
use crate::places::{Folder, Found, Write, reason_of};
use crate::result::{self, Ended};
use crate::take::hex;
use crate::task::TASK_MAX;

/// How many events are read at once.
const PAGE: u32 = 200;
/// How many tasks that ended a look behind the events finds at once.
const SWEEP_PAGE: u32 = 1000;
/// A look behind the events: results that could not be written, and what other nodes settled.
const SWEEP: Duration = Duration::from_secs(30);
/// The longest dead letter that is read again: a task with its attempts' errors.
const LETTER_MAX: u64 = 16 * TASK_MAX;
/// The first pause after results could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that ended and whose files are to be written.
struct Report {
    task: Task,
    outcome: TaskOutcome,
    ended: Ended,
}

/// Writes results until the intake stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    if !shared.may_write().await {
        return;
    }
    let mut changes = shared.engine.subscribe();
    let mut reporter = Reporter { shared: Arc::clone(&shared), after: 0, failed: BTreeSet::new(), pause: PAUSE };
    reporter.begin().await;
    let mut sweep_at = Instant::now();
    loop {
        let last = shared.stop.is_cancelled();
        if Instant::now() >= sweep_at {
            let answer = reporter.sweep().await;
            sweep_at = Instant::now() + reporter.next_sweep(answer);
        }
        let highest = *changes.borrow_and_update();
        if let Err(e) = reporter.follow(highest).await {
            tracing::warn!(error = %e, "what has ended could not be read; it is read again");
            sweep_at = Instant::now() + PAUSE;
        } else if !reporter.failed.is_empty() {
            sweep_at = sweep_at.min(Instant::now() + reporter.pause);
        }
        if last {
            return;
        }
        tokio::select! {
            () = shared.stop.cancelled() => {}
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(sweep_at) => {}
        }
    }
}

struct Reporter {
    shared: Arc<Shared>,
    /// The last event that was read.
    after: i64,
    /// Assignments whose result could not be written.
    failed: BTreeSet<AssignmentId>,
    pause: Duration,
}

impl Reporter {
    async fn begin(&mut self) {
        // What ended before is found by the sweep.
        match self.shared.engine.store().last_seq().await {
            Ok(seq) => self.after = seq,
            Err(e) => tracing::warn!(error = %e, "the last event is not known: all of them are read"),
        }
    }

    fn next_sweep(&mut self, answer: Result<(), StoreError>) -> Duration {
        if let Err(e) = &answer {
            tracing::warn!(error = %e, "what has ended could not be read; it is read again");
        }
        if answer.is_ok() && self.failed.is_empty() {
            self.pause = PAUSE;
            return SWEEP;
        }
        self.pause = (self.pause * 2).min(Duration::from_mins(1));
        self.pause
    }

    /// Everything that has ended and is not written yet.
    async fn sweep(&mut self) -> Result<(), StoreError> {
        let again = std::mem::take(&mut self.failed);
        self.report(again).await?;
        loop {
            let ended = self.shared.engine.store().ended_tasks(SWEEP_PAGE).await?;
            let ids: BTreeSet<_> = ended.iter().filter_map(|task| task.assignment_id).filter(|id| !self.failed.contains(id)).collect();
            let more = ended.len() >= SWEEP_PAGE as usize && !ids.is_empty();
            self.report(ids).await?;
            // What has ended meanwhile is told by events. Looking for it here would read through all live tasks again for each.
            if !more || self.shared.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// What the events tell of since the last time.
    async fn follow(&mut self, highest: i64) -> Result<(), StoreError> {
        loop {
            let filter = EventFilter { kinds: vec![EventKind::AssignmentStatus], ..EventFilter::default() };
            let events = self.shared.engine.store().events_after(self.after, filter, PAGE).await?;
            let ids = events.iter().filter_map(|event| event.assignment_id).collect();
            self.report(ids).await?;
            match events.last() {
                Some(last) if events.len() >= PAGE as usize => self.after = last.seq,
                last => {
                    // Other kinds of events up to here need not be read again.
                    self.after = self.after.max(highest).max(last.map_or(0, |event| event.seq));
                    return Ok(());
                }
            }
        }
    }

    async fn report(&mut self, ids: BTreeSet<AssignmentId>) -> Result<(), StoreError> {
        let store = self.shared.engine.store();
        let mut reports = Vec::new();
        for id in ids {
            let Some(task) = store.task_of(id).await? else { continue };
            let outcome = store.task_outcome(id).await?;
            // One that was reported and went on, by a person's hand, is reported again when it ends again.
            let told = task.ended_at.is_some_and(|at| task.status == TaskStatus::Done && at >= outcome.assignment.updated_at);
            if let Some(ended) = result::ended(&outcome).filter(|_| !told) {
                reports.push(Report { task, outcome, ended });
            }
        }
        if !reports.is_empty() {
            self.write(reports).await?;
        }
        Ok(())
    }

    async fn write(&mut self, reports: Vec<Report>) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        finished::settle(&self.shared, reports.iter().map(|r| &r.task).collect()).await;
        failpoint::hit("result.writing");
        let ids: Vec<_> = reports.iter().filter_map(|r| r.task.assignment_id).collect();
        let named = self.shared.blocking(move |shared| {
            let files = reports.iter().map(|r| results(shared, r, now)).collect();
            (reports, files)
        });
        let Ok((reports, files)) = named.await else {
            self.failed.extend(ids);
            return Ok(());
        };
        let (reports, failed) = written(&self.shared, reports, files).await;
        failpoint::hit("result.written");
        let named = self.shared.blocking(move |shared| {
            let files = notices(shared, &reports.iter().map(|r| (&r.task, r.ended)).collect::<Vec<_>>(), now);
            (reports, files)
        });
        let Ok((reports, files)) = named.await else {
            self.failed.extend(ids);
            return Ok(());
        };
        let (reports, also_failed) = written(&self.shared, reports, files.into_iter().map(|file| vec![file]).collect()).await;
        self.failed.extend(failed.into_iter().chain(also_failed).filter_map(|r| r.task.assignment_id));
        self.count_pending();
        if reports.is_empty() {
            return Ok(());
        }
        done(&self.shared, &reports.iter().map(|r| (&r.task, r.ended)).collect::<Vec<_>>()).await
    }

    fn count_pending(&self) {
        let pending = self.failed.len() as u64;
        self.shared.figures.whole(|w| w.results_pending = pending);
    }
}

/// What is on disk before anybody is told.
fn results(shared: &Shared, report: &Report, now: Timestamp) -> Vec<Write> {
    let Report { task, outcome, ended } = report;
    let result = result::bytes(&result::result(task, outcome, *ended, now));
    let mut files = vec![Write::over(Folder::Results, Some(&task.worker), format!("{}.json", task.task_id), result)];
    if *ended == Ended::Dead {
        files.push(letter(shared, task, &result::letter(task, outcome, now)));
    }
    files
}

/// The names that a task's dead letter may have.
pub(crate) fn letter_names(task: &Task) -> [String; 2] {
    let mark = task.assignment_id.map_or_else(|| hex(&[&task.key])[..16].to_owned(), |id| id.to_string());
    [format!("{}.json", task.task_id), format!("{}.{mark}.json", task.task_id)]
}

/// What lies under a name among the dead letters, if it is a letter and no refused file.
fn letter_there(shared: &Shared, task: &Task, name: &str) -> Option<Value> {
    let places = &shared.places;
    match places.read(Folder::DeadLetters, Some(&task.worker), OsStr::new(name), LETTER_MAX) {
        Found::File(bytes, _) if places.stamp(Folder::DeadLetters, Some(&task.worker), &reason_of(name)).is_none() => {
            serde_json::from_slice(&bytes).ok()
        }
        _ => None,
    }
}

/// A dead letter, named like its task unless something else is. It takes the place of no file but itself.
pub(crate) fn letter(shared: &Shared, task: &Task, letter: &Value) -> Write {
    let write = |over: bool, name: String| Write {
        replaces: over,
        ..Write::over(Folder::DeadLetters, Some(&task.worker), name, result::bytes(letter))
    };
    // One without an assignment is known by its tries.
    let same = |there: &Value| {
        ["task_id", "assignment_id"].iter().all(|field| there[field] == letter[field])
            && (task.assignment_id.is_some() || there["errors"] == letter["errors"])
    };
    for name in letter_names(task) {
        if letter_there(shared, task, &name).as_ref().is_some_and(same) {
            return write(true, name);
        }
        if shared.places.letter_free(&task.worker, &name) {
            return write(false, name);
        }
    }
    write(false, format!("{}.{}.json", task.task_id, shared.ids.uuid()))
}

/// The orchestrator's notices, a name for each: the task's id, or, while the notice of another worker's task has that, with its worker.
pub(crate) fn notices(shared: &Shared, ended: &[(&Task, Ended)], now: Timestamp) -> Vec<Write> {
    let mut used = BTreeSet::new();
    let mut notices = Vec::new();
    for (task, ended) in ended {
        let plain = format!("{}.json", task.task_id);
        let path = shared.places.shown(Folder::Results, Some(&task.worker), &plain).display().to_string();
        let bytes = result::bytes(&result::notice(task, *ended, &path, now));
        // No id and no worker has an `@`.
        let other = format!("{}@{}.json", task.task_id, task.worker);
        let notice = if used.contains(&plain) {
            Write::over(Folder::Triggers, Some(ORCHESTRATOR), other, bytes)
        } else {
            match shared.places.read(Folder::Triggers, Some(ORCHESTRATOR), OsStr::new(&plain), TASK_MAX) {
                Found::Gone => Write::fresh(Folder::Triggers, Some(ORCHESTRATOR), plain, bytes),
                Found::File(there, _) if is_about(&there, task) => Write::over(Folder::Triggers, Some(ORCHESTRATOR), plain, bytes),
                _ => Write::over(Folder::Triggers, Some(ORCHESTRATOR), other, bytes),
            }
        };
        used.insert(notice.name.clone());
        notices.push(notice);
    }
    notices
}

fn is_about(notice: &[u8], task: &Task) -> bool {
    let notice: Value = serde_json::from_slice(notice).unwrap_or_default();
    notice["worker"] == task.worker.as_str() && notice["task_id"] == task.task_id.as_str()
}

/// Writes each report's files; those whose files are all on disk, and the others.
async fn written(shared: &Arc<Shared>, reports: Vec<Report>, files: Vec<Vec<Write>>) -> (Vec<Report>, Vec<Report>) {
    let counts: Vec<usize> = files.iter().map(Vec::len).collect();
    let mut answers = shared.write(files.into_iter().flatten().collect()).await.into_iter();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (report, count) in reports.into_iter().zip(counts) {
        let errors: Vec<io::Error> = answers.by_ref().take(count).filter_map(Result::err).collect();
        let problem = errors.first().map(|e| format!("results cannot be written: {e}"));
        shared.figures.degraded(&report.task.worker, Part::Results, problem.clone());
        if problem.is_some() { bad.push(report) } else { good.push(report) }
    }
    (good, bad)
}

/// The results are on disk: the rows are done and the task files go.
pub(crate) async fn done(shared: &Arc<Shared>, ended: &[(&Task, Ended)]) -> Result<(), StoreError> {
    let of = |task: &Task| {
        let name = task.file.clone().filter(|_| task.status == TaskStatus::Live)?;
        // Not known: it was not seen in this life yet. It is when everything is looked through, and goes then.
        let file = shared.known(&task.worker, &OsString::from(&name))?;
        Some(Finished { key: task.key.clone(), worker: task.worker.clone(), name, file })
    };
    let files: Vec<Finished> = ended.iter().filter_map(|(task, _)| of(task)).collect();
    let (outside_dead, others): (Vec<_>, Vec<_>) =
        ended.iter().partition(|(task, ended)| task.assignment_id.is_none() && *ended == Ended::Dead);
    for (task, _) in outside_dead {
        shared.engine.store().outside_died(task.key.clone()).await?;
    }
    shared.engine.store().tasks_done(others.iter().map(|(task, _)| task.key.clone()).collect()).await?;
    failpoint::hit("task.done");
    let mut replayed = Vec::new();
    for (task, ended) in ended {
        let first = task.status == TaskStatus::Live;
        shared.figures.worker(&task.worker, |w| {
            *w.results.entry(ended.as_str().to_owned()).or_default() += 1;
            if first {
                w.live = w.live.saturating_sub(1);
            }
        });
        if first && task.assignment_id.is_none() {
            shared.engine.metrics().outside_ended(&task.worker, *ended == Ended::Dead);
        }
        // A letter that was replayed with success is none any more.
        if !first && *ended == Ended::Completed {
            replayed.push((*task).clone());
        }
    }
    for file in &files {
        shared.forget(&file.worker, &file.name, &file.file.stamp);
    }
    finished::remove(shared, files).await;
    if replayed.is_empty() {
        return Ok(());
    }
    let removed = shared.blocking(move |shared| replayed.iter().for_each(|task| remove_letter(shared, task)));
    if let Err(e) = removed.await {
        tracing::warn!(error = %e, "the dead letters of tasks that are done by now could not be removed");
    }
    Ok(())
}

fn remove_letter(shared: &Shared, task: &Task) {
    let Some(assignment) = task.assignment_id.map(|id| id.to_string()) else { return };
    for name in letter_names(task) {
        if letter_there(shared, task, &name).is_some_and(|there| there["assignment_id"] == assignment.as_str()) {
            shared.places.remove(Folder::DeadLetters, Some(&task.worker), &name);
        }
    }
}
