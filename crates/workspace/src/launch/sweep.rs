//! Finding and ending what a crash left behind.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{WaitId, WaitIdOptions, getpid, set_child_subreaper, waitid};

use super::proc::{self, Process, Stat, descendants, freeze_and_kill, nap, wait_dead};
use super::spec::JOB_MARKER;

/// The largest environment that is looked at.
const MAX_ENVIRON_BYTES: u64 = 4 * 1024 * 1024;
/// How long a killed process may take to vanish.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Makes this process the one that orphans of its children fall to, so that they stay findable. Call once at start.
///
/// # Errors
/// When the kernel does not know subreapers.
pub fn become_subreaper() -> std::io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// When process `pid` started, in clock ticks since boot; with the pid this names it for good. `None`: no such process.
pub fn start_time(pid: u32) -> Option<u64> {
    proc::stat(pid as i32).map(|stat| stat.process.start_time)
}

/// Waits until the process is gone; false when it is still there after `patience`.
pub async fn wait_gone(pid: u32, start_time: u64, patience: Duration) -> bool {
    let process = Process { pid: pid as i32, start_time };
    blocking(move || wait_dead(process, Instant::now() + patience)).await.unwrap_or(false)
}

/// Kills every process that carries `WINDLASS_JOB_ID=<job>` in its environment, and all their descendants; returns how many.
///
/// For recovery after a crash of the engine, and after the death of a launcher. Returns when they are gone. What is a child of this
/// process by then is reaped too: launchers do not carry the marker, so a marked child is an orphan that fell to us.
pub async fn sweep(job: &str) -> usize {
    let entry = format!("{JOB_MARKER}={job}").into_bytes();
    blocking(move || sweep_now(&entry)).await.unwrap_or(0)
}

/// Ends what one attempt left behind: gives its launcher `patience` to clean up (it does, as its engine is gone), then kills the launcher's
/// tree if it still runs, then sweeps for the job's marker. Returns how many processes had to be killed.
pub async fn end_leftovers(pid: u32, start_time: u64, job: &str, patience: Duration) -> usize {
    let mut killed = 0;
    if !wait_gone(pid, start_time, patience).await {
        let label = job.as_bytes().to_vec();
        let launcher = Process { pid: pid as i32, start_time };
        killed += blocking(move || if names_job(launcher.pid, &label) { kill_tree(launcher) } else { 0 }).await.unwrap_or(0);
    }
    killed + sweep(job).await
}

/// Kills `root` and its descendants and waits until they are gone.
pub(super) fn kill_tree(root: Process) -> usize {
    if !root.alive() {
        return 0;
    }
    let killed = freeze_and_kill(|all| {
        let mut tree = descendants(all, &[root.pid]);
        if root.alive() {
            tree.push(root);
        }
        tree
    });
    let deadline = Instant::now() + KILL_PATIENCE;
    for process in &killed {
        wait_dead(*process, deadline);
    }
    killed.len()
}

fn sweep_now(entry: &[u8]) -> usize {
    let deadline = Instant::now() + KILL_PATIENCE;
    let me = getpid().as_raw_nonzero().get();
    let mut total = 0;
    loop {
        let killed = freeze_and_kill(|all| marked_trees(all, entry, me));
        if killed.is_empty() || Instant::now() >= deadline {
            return total;
        }
        total += killed.len();
        for process in killed {
            wait_dead(process, deadline);
            reap_if_ours(process, me);
        }
        nap(Duration::from_millis(1));
    }
}

/// What carries the marker, and its descendants; never this process or what it descends from.
fn marked_trees(all: &[Stat], entry: &[u8], me: i32) -> Vec<Process> {
    let parent_of = |pid: i32| all.iter().find(|stat| stat.process.pid == pid).map(|stat| stat.parent);
    let mut ours = vec![me];
    while let Some(parent) = ours.last().and_then(|pid| parent_of(*pid)).filter(|parent| *parent > 0 && !ours.contains(parent)) {
        ours.push(parent);
    }
    let marked: Vec<Process> = all
        .iter()
        .filter(|stat| !stat.zombie && !ours.contains(&stat.process.pid) && has_entry(stat.process.pid, entry))
        .map(|stat| stat.process)
        .collect();
    let roots: Vec<i32> = marked.iter().map(|process| process.pid).collect();
    let mut trees = descendants(all, &roots);
    trees.retain(|process| !ours.contains(&process.pid));
    trees.extend(marked);
    trees
}

fn has_entry(pid: i32, entry: &[u8]) -> bool {
    read_bounded(&format!("/proc/{pid}/environ")).is_some_and(|environ| environ.split(|b| *b == 0).any(|one| one == entry))
}

/// Whether the command line names the job: the launcher and the bubblewrap around it carry it as an argument of its own.
fn names_job(pid: i32, job: &[u8]) -> bool {
    read_bounded(&format!("/proc/{pid}/cmdline")).is_some_and(|line| line.split(|b| *b == 0).any(|one| one == job))
}

fn read_bounded(path: &str) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MAX_ENVIRON_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// An orphan that fell to us, as subreaper, stays a zombie until we ask for its status.
fn reap_if_ours(process: Process, me: i32) {
    if proc::stat(process.pid).is_some_and(|stat| stat.process == process && stat.zombie && stat.parent == me)
        && let Some(pid) = rustix::process::Pid::from_raw(process.pid)
    {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
