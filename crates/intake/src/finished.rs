//! Files of tasks that are done: removed; where that fails they are kept in mind, so that none runs a second time.
//!
//! **Invariant:** what is written to a task's file after its result began to be written is another task, and is not removed with it.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_store::StoreError;
use windlass_types::{Task, TaskStatus};

use crate::figures::Part;
use crate::intake::{KnownFile, Shared};
use crate::pending::Sighting;
use crate::places::{Folder, Found};
use crate::take::hex;
use crate::task::TASK_MAX;

/// The file of a task that is done.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) key: String,
    pub(crate) worker: String,
    pub(crate) name: String,
    pub(crate) file: KnownFile,
}

/// Those that could not be removed, by what names the file whatever its mode and owner become.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<String, KeptFile>>);

#[derive(Debug)]
struct KeptFile {
    key: String,
    worker: String,
    name: String,
    why: String,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, KeptFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with a worker's, if anything.
    fn problem(&self, worker: &str) -> Option<String> {
        let kept = self.lock();
        let first = kept.values().filter(|file| file.worker == worker).min_by(|a, b| a.name.cmp(&b.name))?;
        let count = kept.values().filter(|file| file.worker == worker).count();
        let others = if count > 1 { format!(" ({count} files)") } else { String::new() };
        Some(format!("the finished task file {}{others} cannot be removed: {}", first.name, first.why))
    }
}

fn identity(shared: &Shared, worker: &str, file: &KnownFile) -> String {
    let folder = shared.places.shown(Folder::Tasks, Some(worker), "").display().to_string();
    let stamp = &file.stamp;
    let parts = [folder, format!("{} {} {} {}", stamp.dev, stamp.ino, stamp.mtime_ns, stamp.size), file.content.clone()];
    hex(&parts.iter().flat_map(|part| [part.as_bytes(), b"\0"]).collect::<Vec<_>>())
}

/// The task that a file belongs to whose removal is owed.
pub(crate) fn kept_as(shared: &Shared, worker: &str, file: &KnownFile) -> Option<String> {
    if shared.kept.lock().is_empty() {
        return None;
    }
    let identity = identity(shared, worker, file);
    shared.kept.lock().get(&identity).map(|kept| kept.key.clone())
}

/// Reads which files could not be removed before.
pub(crate) async fn load(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let mut workers = HashSet::new();
    for (identity, task) in shared.engine.store().kept_tasks().await? {
        workers.insert(task.worker.clone());
        let name = task.file.unwrap_or_default();
        let why = "it could not be before the start".to_owned();
        shared.kept.lock().insert(identity, KeptFile { key: task.key, worker: task.worker, name, why });
    }
    for worker in workers {
        shared.figures.degraded(&worker, Part::Removing, shared.kept.problem(&worker));
    }
    Ok(())
}

/// Removes files; what cannot be removed is tried again when everything is looked through.
pub(crate) async fn remove(shared: &Arc<Shared>, files: Vec<Finished>) {
    let tried = shared.blocking(move |shared| {
        let remove = |file: &Finished| shared.places.remove_taken(&file.worker, &file.name, &file.file.stamp);
        files.into_iter().map(|file| (remove(&file), file)).collect::<Vec<_>>()
    });
    let tried = match tried.await {
        Ok(tried) => tried,
        Err(e) => return tracing::warn!(error = %e, "task files could not be removed; they are when everything is looked through"),
    };
    for (answer, file) in tried {
        let (worker, identity) = (file.worker.clone(), identity(shared, &file.worker, &file.file));
        match answer {
            Ok(left) => {
                if left {
                    shared.pending.push([Sighting { worker: worker.clone(), name: file.name.into(), seen_at: shared.clock.now() }]);
                }
                if shared.kept.lock().remove(&identity).is_some() {
                    record(shared, file.key, None).await;
                    shared.figures.degraded(&worker, Part::Removing, shared.kept.problem(&worker));
                }
            }
            Err(e) => {
                let kept = KeptFile { key: file.key.clone(), worker: worker.clone(), name: file.name, why: e.to_string() };
                if shared.kept.lock().insert(identity.clone(), kept).is_none() {
                    record(shared, file.key, Some(identity)).await;
                }
                shared.figures.degraded(&worker, Part::Removing, shared.kept.problem(&worker));
            }
        }
    }
}

async fn record(shared: &Arc<Shared>, key: String, identity: Option<String>) {
    if let Err(e) = shared.engine.store().task_kept(key, identity).await {
        tracing::warn!(error = %e, "whether a finished task's file lies there still could not be recorded");
    }
}

/// Forgets those that somebody else removed.
pub(crate) async fn forget_gone(shared: &Arc<Shared>, worker: &str, there: &HashSet<OsString>) {
    let gone: Vec<String> = {
        let mut kept = shared.kept.lock();
        let is_gone = |file: &KeptFile| file.worker == worker && !there.contains(OsStr::new(&file.name));
        let gone: Vec<String> = kept.iter().filter(|(_, file)| is_gone(file)).map(|(identity, _)| identity.clone()).collect();
        gone.iter().filter_map(|identity| kept.remove(identity)).map(|file| file.key).collect()
    };
    if gone.is_empty() {
        return;
    }
    for key in gone {
        record(shared, key, None).await;
    }
    shared.figures.degraded(worker, Part::Removing, shared.kept.problem(worker));
}

/// Called before results are written: up to here a file that was touched, or written again with the same words, is the same task.
pub(crate) async fn settle(shared: &Arc<Shared>, tasks: Vec<&Task>) {
    let live = tasks.into_iter().filter(|task| task.status == TaskStatus::Live);
    let files: Vec<_> = live.filter_map(|task| Some((task.worker.clone(), task.file.clone()?, task.content.clone()))).collect();
    let settled = shared.blocking(move |shared| {
        for (worker, name, content) in files {
            settle_one(shared, &worker, &name, content);
        }
    });
    if let Err(e) = settled.await {
        tracing::warn!(error = %e, "task files could not be looked at before their results are written");
    }
}

fn settle_one(shared: &Shared, worker: &str, name: &str, content: String) {
    let key = OsString::from(name);
    let known = shared.known(worker, &key);
    let now = shared.places.stamp(Folder::Tasks, Some(worker), name);
    let same = known.as_ref().is_some_and(|known| now.is_some_and(|now| known.stamp.unwritten(&now)));
    if !same
        && now.is_some()
        && let Found::File(bytes, stamp) = shared.places.read(Folder::Tasks, Some(worker), &key, TASK_MAX)
        && hex(&[&bytes]) == content
    {
        shared.learn(worker, key, KnownFile { stamp, content, ending: true });
    } else if let Some(known) = known {
        shared.learn(worker, key, KnownFile { ending: true, ..known });
    }
}
