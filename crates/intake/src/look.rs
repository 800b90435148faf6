//! A look through everything: at the start, after lost events, when a folder changed, and slowly behind the events.

use std::collections::HashSet;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use windlass_types::is_valid_name;

use crate::config::FilesMode;
use crate::intake::Shared;
use crate::pending::Sighting;
use crate::places::{Folder, names, task_files};
use crate::watch::Watched;

/// How many directories that nobody configured become workers.
const FOUND_MAX: usize = 64;
/// Where the orchestrator's notices are: no worker can have its name.
pub(crate) const ORCHESTRATOR: &str = "orchestrator";

/// Looks through everything: makes what folders are missing, watches them, and sees to files that are not known yet.
pub(crate) async fn through(shared: &Arc<Shared>) -> io::Result<()> {
    shared.blocking(look).await?
}

fn look(shared: &Shared) -> io::Result<()> {
    let places = &shared.places;
    let first = shared.figures.snapshot().last_rescan_at.is_none();
    let tasks = places.make(Folder::Tasks, None)?;
    places.make_tidy(Folder::Heartbeats, None)?;
    places.make_tidy(Folder::Triggers, Some(ORCHESTRATOR))?;
    find_workers(shared, &names(tasks.as_fd(), |_| true)?, &tasks);
    watch(shared, &tasks, Watched::Above);
    if let Ok(pipes) = places.open(Folder::Pipes, None) {
        watch(shared, &pipes, Watched::Above);
    }
    let mut found = Vec::new();
    for worker in shared.workers() {
        let name = worker.name.as_str();
        for folder in [Folder::Tasks, Folder::Triggers, Folder::Results, Folder::DeadLetters] {
            // Only at the start can something of ours be left over; later it may be under way.
            if first { places.make_tidy(folder, Some(name))? } else { drop(places.make(folder, Some(name))?) }
        }
        let dir = places.open(Folder::Tasks, Some(name))?;
        // Watched before it is read: what comes between is seen twice, never not at all.
        watch(shared, &dir, Watched::Tasks(name.to_owned()));
        if worker.mode == FilesMode::Hybrid {
            watch(shared, &places.make(Folder::Results, Some(name))?, Watched::Results(name.to_owned()));
            watch(shared, &places.make(Folder::ExecutionMeta, None)?, Watched::ExecutionMeta);
        }
        let files = task_files(dir.as_fd())?;
        shared.forget_gone(name, &files.iter().map(|(file, _)| file.clone()).collect::<HashSet<_>>());
        for (file, stamp) in files {
            if shared.known(name, &file).is_none_or(|known| Some(known.stamp) != stamp) {
                found.push((stamp.map(|s| s.ctime_ns), Sighting { worker: name.to_owned(), name: file }));
            }
        }
    }
    found.sort_by(|(a_at, a), (b_at, b)| (a_at, &a.name).cmp(&(b_at, &b.name)));
    shared.pending.push(found.into_iter().map(|(_, sighting)| sighting));
    let now = shared.clock.now();
    shared.figures.whole(|w| w.last_rescan_at = Some(now));
    Ok(())
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
