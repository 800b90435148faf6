//! A look through everything: at the start, after lost events, when a folder changed, and slowly behind the events.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use windlass_types::is_valid_name;

use crate::config::{FileWorker, FilesMode};
use crate::figures::Part;
use crate::intake::Shared;
use crate::pending::Sighting;
use crate::places::{Folder, Stamp, names, task_files};
use crate::watch::Watched;

/// How many directories that nobody configured become workers.
const FOUND_MAX: usize = 64;
/// Where the orchestrator's notices are: no worker can have its name.
pub(crate) const ORCHESTRATOR: &str = "orchestrator";

/// Which files lie there, by worker.
pub(crate) type There = Vec<(String, HashSet<OsString>)>;

/// Looks through everything: makes what folders are missing, watches them, and sees to files that are not known yet.
pub(crate) async fn through(shared: &Arc<Shared>) -> io::Result<There> {
    shared.blocking(look).await?
}

fn look(shared: &Shared) -> io::Result<There> {
    let places = &shared.places;
    let first = shared.figures.snapshot().last_rescan_at.is_none();
    let tasks = places.make(Folder::Tasks, None)?;
    // What cannot be told holds up no task.
    let told = places.make_tidy(Folder::Heartbeats, None).and(places.make_tidy(Folder::Triggers, Some(ORCHESTRATOR)));
    find_workers(shared, &names(tasks.as_fd(), |_| true)?, &tasks);
    watch(shared, &tasks, Watched::Above);
    if let Ok(pipes) = places.open(Folder::Pipes, None) {
        watch(shared, &pipes, Watched::Above);
    }
    let now = shared.clock.now();
    let (mut found, mut there) = (Vec::new(), Vec::new());
    for worker in shared.workers() {
        // Neither does a worker whose folders are unusable hold up another.
        let looked = look_at(shared, &worker, first);
        let (files, problem) = looked.map_or_else(|e| (None, Some(e)), |(files, problem)| (Some(files), problem));
        let problem = problem.map(|e| format!("a folder of it cannot be used: {e}"));
        shared.figures.degraded(&worker.name, Part::Folders, problem);
        let Some(files) = files else { continue };
        let names: HashSet<_> = files.iter().map(|(file, _)| file.clone()).collect();
        shared.forget_gone(&worker.name, &names);
        there.push((worker.name.clone(), names));
        for (file, stamp) in files {
            if shared.known(&worker.name, &file).is_none_or(|known| Some(known.stamp) != stamp) {
                found.push((stamp.map(|s| s.ctime_ns), Sighting { worker: worker.name.clone(), name: file, seen_at: now }));
            }
        }
    }
    found.sort_by(|(a_at, a), (b_at, b)| (a_at, &a.name).cmp(&(b_at, &b.name)));
    shared.pending.push(found.into_iter().map(|(_, sighting)| sighting));
    shared.figures.whole(|w| w.last_rescan_at = Some(now));
    told.map(|()| there)
}

type Files = Vec<(OsString, Option<Stamp>)>;

/// A worker's task files, and what of its other folders cannot be used.
fn look_at(shared: &Shared, worker: &FileWorker, first: bool) -> io::Result<(Files, Option<io::Error>)> {
    let (places, name) = (&shared.places, worker.name.as_str());
    let mut problem = None;
    for folder in [Folder::Tasks, Folder::Triggers, Folder::Results, Folder::DeadLetters] {
        // Only at the start can something of ours be left over; later it may be under way.
        let made = if first { places.make_tidy(folder, Some(name)) } else { places.make(folder, Some(name)).map(drop) };
        if let Err(e) = made {
            let path = places.shown(folder, Some(name), "").display().to_string();
            problem = problem.or(Some(io::Error::new(e.kind(), format!("{path} {e}"))));
        }
    }
    let dir = places.open(Folder::Tasks, Some(name))?;
    // Watched before it is read: what comes between is seen twice, never not at all.
    watch(shared, &dir, Watched::Tasks(name.to_owned()));
    if worker.mode == FilesMode::Hybrid {
        for (folder, sub, what) in
            [(Folder::Results, Some(name), Watched::Results(name.to_owned())), (Folder::ExecutionMeta, None, Watched::ExecutionMeta)]
        {
            match places.make(folder, sub) {
                Ok(dir) => watch(shared, &dir, what),
                Err(e) => problem = problem.or(Some(e)),
            }
        }
    }
    Ok((task_files(dir.as_fd())?, problem))
}

fn watch(shared: &Shared, dir: &std::os::fd::OwnedFd, what: Watched) {
    let Some(watch) = &shared.watch else { return };
    if let Err(e) = watch.folder(dir.as_fd(), what) {
        shared.figures.whole(|w| {
            if w.watching == "events" {
                tracing::warn!(error = %e, "a folder cannot be watched: task files are polled for every second");
            }
            w.watching = format!("polling: {e}");
        });
    }
}

fn find_workers(shared: &Shared, dirs: &[String], tasks: &std::os::fd::OwnedFd) {
    let mut found = shared.workers().len().saturating_sub(shared.config.workers.len());
    for name in dirs {
        if shared.worker(name).is_some() || !is_folder(tasks, name) {
            continue;
        }
        if !is_valid_name(name) || name.eq_ignore_ascii_case(ORCHESTRATOR) {
            tracing::debug!(name, "a directory under tasks/ is named as no worker can be and is left alone");
        } else if shared.workers().iter().any(|w| w.name.eq_ignore_ascii_case(name)) {
            tracing::warn!(name, "the directory tasks/{name} differs only in case from another worker's and is left alone");
        } else if found >= FOUND_MAX {
            tracing::warn!(name, "{FOUND_MAX} directories that nobody configured are workers already: {name} is left alone");
        } else {
            shared.add_found_worker(name);
            found += 1;
        }
    }
}

fn is_folder(dir: &std::os::fd::OwnedFd, name: &str) -> bool {
    rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|s| rustix::fs::FileType::from_raw_mode(s.st_mode) == rustix::fs::FileType::Directory)
}
