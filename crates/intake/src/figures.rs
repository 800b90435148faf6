//! What the intake knows of itself: for `windlass files`, heartbeats and metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_types::Timestamp;

use crate::config::FilesMode;

/// The upper bounds of a [`Latency`], in milliseconds.
pub const LATENCY_BOUNDS_MS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1000, 10_000];

/// How long something took, each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// How many within each bound of 1, 2, 5, 10, 25, 50, 100, 250, 1000 and 10000 milliseconds, and beyond: not cumulative.
    pub counts: [u64; 11],
    /// All of them together, in milliseconds.
    pub sum_ms: u64,
}

impl Latency {
    fn add(&mut self, ms: u64) {
        let place = LATENCY_BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(LATENCY_BOUNDS_MS.len());
        self.counts[place] += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }
}

/// Where the tasks of an outside executor are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outside {
    /// Taken by the executor, which has not told how they ended.
    pub active: u64,
    /// In their folder, for the executor to take, or about to be written there anew.
    pub waiting: u64,
}

/// One worker of the shared directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilesWorker {
    /// Its name.
    pub name: String,
    /// Who does its work.
    pub mode: FilesMode,
    /// Whether somebody configured it; else its directory was found.
    pub configured: bool,
    /// Tasks taken whose result is not on disk yet.
    pub live: u64,
    /// Tasks taken since the start.
    pub taken: u64,
    /// Results written since the start, by status.
    pub results: BTreeMap<String, u64>,
    /// Bad task files since the start.
    pub rejected: u64,
    /// Where its tasks are, when an outside executor does them.
    pub outside: Option<Outside>,
    /// What is wrong now, if anything.
    pub degraded: Option<String>,
    /// How long it took from a file's last change (closed after writing, or renamed in) until it was seen: those that came since the start.
    pub detection: Latency,
    /// How long it took from a file's last change until its row was in the database: the same files.
    pub intake: Latency,
}

/// The shared directory and its workers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilesStatus {
    /// Its root.
    pub root: String,
    /// How files are seen: `events`, or `polling` and why.
    pub watching: String,
    /// When everything was last looked through.
    pub last_rescan_at: Option<Timestamp>,
    /// How often the kernel's queue of events overflowed; everything is looked through then.
    pub overflows: u64,
    /// Results that could not be written so far and are tried again.
    pub results_pending: u64,
    /// Files that were seen and are not read yet.
    pub waiting: u64,
    /// What is wrong with the whole, if anything.
    pub problem: Option<String>,
    /// Its workers, by name.
    pub workers: Vec<FilesWorker>,
}

/// The figures under one lock; each is changed where it happens.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    whole: FilesStatus,
    workers: BTreeMap<String, FilesWorker>,
    /// What is wrong now, by worker and what it is about.
    problems: BTreeMap<(String, Part), String>,
}

/// What of a worker's files can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Folders,
    Removing,
    Prompt,
    Pipe,
    Receipts,
    Results,
    DeadLetters,
    Rewriting,
    Words,
}

impl Figures {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> FilesStatus {
        let inner = self.lock();
        FilesStatus { workers: inner.workers.values().cloned().collect(), ..inner.whole.clone() }
    }

    /// Changes what is known of the whole.
    pub(crate) fn whole(&self, change: impl FnOnce(&mut FilesStatus)) {
        change(&mut self.lock().whole);
    }

    /// Changes what is known of a worker.
    pub(crate) fn worker(&self, name: &str, change: impl FnOnce(&mut FilesWorker)) {
        let mut inner = self.lock();
        let worker =
            inner.workers.entry(name.to_owned()).or_insert_with(|| FilesWorker { name: name.to_owned(), ..FilesWorker::default() });
        change(worker);
    }

    /// Counts a file that was seen, and is a row now, so long after its last change.
    pub(crate) fn arrived(&self, name: &str, seen_ms: u64, row_ms: u64) {
        self.worker(name, |w| {
            w.detection.add(seen_ms);
            w.intake.add(row_ms);
        });
    }

    /// Remembers what is wrong with a worker's files, or that nothing is; logs the change.
    pub(crate) fn degraded(&self, name: &str, part: Part, why: Option<String>) {
        let mut inner = self.lock();
        let key = (name.to_owned(), part);
        let before = match &why {
            Some(why) => inner.problems.insert(key, why.clone()),
            None => inner.problems.remove(&key),
        };
        match (before, &why) {
            (None, Some(why)) => tracing::error!(worker = name, "worker {name} is degraded: {why}"),
            (Some(_), None) => tracing::info!(worker = name, "worker {name} is well again"),
            _ => {}
        }
        let now = inner.problems.iter().find(|((of, _), _)| of == name).map(|(_, why)| why.clone());
        if let Some(worker) = inner.workers.get_mut(name) {
            worker.degraded = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_falls_under_the_first_bound_that_holds_it() {
        let mut latency = Latency::default();
        for ms in [0, 1, 2, 3, 100, 101, 20_000] {
            latency.add(ms);
        }
        assert_eq!(latency.counts, [2, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1]);
        assert_eq!(latency.sum_ms, 20_207);
    }
}
