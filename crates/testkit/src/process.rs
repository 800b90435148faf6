//! Processes as the kernel shows them: trees, survivors, and the end of both.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process seen in `/proc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command line, arguments joined by spaces.
    pub command: String,
}

/// What `/proc/PID/stat` tells.
struct Stat {
    parent: u32,
    /// Ticks since boot: with the number it names a process for good.
    started: u64,
    zombie: bool,
}

/// Whether a process lives. One that has ended and only waits for its parent (a zombie) does not.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|s| !s.zombie)
}

/// When a living process started, in ticks since boot: tells it from a later one with the same number.
pub fn started_ticks(pid: u32) -> Option<u64> {
    stat(pid).filter(|s| !s.zombie).map(|s| s.started)
}

/// The living processes whose environment has `key=value`: an agent's orphans still carry what it was started with.
///
/// Only processes whose environment this user may read are found.
pub fn processes_with_env(key: &str, value: &str) -> Vec<Process> {
    let wanted = format!("{key}={value}");
    let has = |pid: &u32| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| env.split(|b| *b == 0).any(|v| v == wanted.as_bytes()));
    pids().into_iter().filter(has).map(process).collect()
}

/// All living descendants of a process, nearest first.
///
/// A descendant whose parents are gone is no longer found this way: see [`processes_with_env`].
pub fn descendants(pid: u32) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for child in pids() {
        if let Some(stat) = stat(child).filter(|s| !s.zombie) {
            children.entry(stat.parent).or_default().push(child);
        }
    }
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(parent).unwrap_or_default());
        at += 1;
    }
    found.into_iter().skip(1).map(process).collect()
}

/// Kills a process and all its descendants, whatever sessions and groups they made.
///
/// Each is stopped before its children are listed, so that none can start another meanwhile.
pub fn kill_tree(pid: u32) {
    let mut stopped = BTreeSet::new();
    loop {
        let tree = std::iter::once(pid).chain(descendants(pid).into_iter().map(|p| p.pid));
        let new: Vec<u32> = tree.filter(|p| stopped.insert(*p)).collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            signal(pid, Signal::STOP);
        }
    }
    for pid in stopped {
        signal(pid, Signal::KILL);
    }
}

/// Kills one process by `SIGKILL`, as the kernel or an operator would.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Sends a signal; a process that is gone already is no mistake.
fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

fn process(pid: u32) -> Process {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = command.split(|b| *b == 0).filter(|w| !w.is_empty()).map(String::from_utf8_lossy).collect();
    Process { pid, command: words.join(" ") }
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir(Path::new("/proc")).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::wait::eventually;

    #[tokio::test]
    async fn a_tree_with_sessions_of_its_own_is_found_by_its_mark_and_killed_whole() {
        let mark = format!("tree-{}", std::process::id());
        let mut root = Command::new("sh")
            .args(["-c", "setsid sh -c 'sleep 300; :' & wait"])
            .env("WINDLASS_TEST_MARK", &mark)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let marked = || processes_with_env("WINDLASS_TEST_MARK", &mark);
        // The shell that waits, the shell in its own session, and its sleep.
        let all = eventually(Duration::from_secs(10), || async {
            Some(marked()).filter(|m| m.len() >= 3 && m.iter().any(|p| p.command == "sleep 300"))
        })
        .await;
        assert!(all.is_some(), "{:?}", marked());
        kill_tree(root.id());
        root.wait().unwrap();
        let gone = eventually(Duration::from_secs(10), || async { marked().is_empty().then_some(()) }).await;
        assert!(gone.is_some(), "{:?}", marked());
        assert!(!is_alive(root.id()));
    }
}
