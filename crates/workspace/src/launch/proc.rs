//! Processes as `/proc` shows them, and signals that cannot hit a recycled pid.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How often a tree that still grows is looked at again before it is killed as it is.
const MAX_FREEZE_ROUNDS: u32 = 64;

/// One process: the pid and the time it started, which together are never used twice in one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// Field 22 of `/proc/PID/stat`, in clock ticks since boot.
    pub(super) start_time: u64,
}

/// A line of `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) process: Process,
    pub(super) parent: i32,
    /// Dead, and only waiting to be reaped.
    pub(super) zombie: bool,
}

impl Process {
    /// A handle to exactly this process; `None` when it is gone.
    pub(super) fn open(self) -> Option<OwnedFd> {
        let fd = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        // Read again after opening: had the pid been recycled before, the start time would differ now.
        stat(self.pid).filter(|now| now.process == self)?;
        Some(fd)
    }

    /// Signals it; false when it is gone or not ours to signal.
    pub(super) fn signal(self, signal: Signal) -> bool {
        self.open().is_some_and(|fd| pidfd_send_signal(fd, signal).is_ok())
    }

    /// Whether it still runs; a zombie does not.
    pub(super) fn alive(self) -> bool {
        stat(self.pid).is_some_and(|now| now.process == self && !now.zombie)
    }
}

/// Reads one process.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    // The name is in parentheses and may itself hold spaces and parentheses: start after the last one.
    let close = bytes.iter().rposition(|b| *b == b')')?;
    let pid = std::str::from_utf8(bytes.split(|b| *b == b' ').next()?).ok()?.parse().ok()?;
    let mut fields = std::str::from_utf8(bytes.get(close + 2..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let start_time = fields.nth(17)?.parse().ok()?;
    Some(Stat { process: Process { pid, start_time }, parent, zombie: matches!(state, "Z" | "X" | "x") })
}

/// Every process that this one can see.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The living descendants of `roots` in `all`, without the roots.
pub(super) fn descendants(all: &[Stat], roots: &[i32]) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<&Stat>> = HashMap::new();
    for stat in all {
        children.entry(stat.parent).or_default().push(stat);
    }
    let mut seen: HashSet<i32> = roots.iter().copied().collect();
    let mut queue: Vec<i32> = roots.to_vec();
    let mut found = Vec::new();
    while let Some(parent) = queue.pop() {
        for stat in children.get(&parent).into_iter().flatten() {
            if seen.insert(stat.process.pid) {
                queue.push(stat.process.pid);
                if !stat.zombie {
                    found.push(stat.process);
                }
            }
        }
    }
    found
}

/// Stops what `find` names until it names nothing new, so that it cannot outrun us by forking, then kills it all.
pub(super) fn freeze_and_kill(mut find: impl FnMut(&[Stat]) -> Vec<Process>) -> HashSet<Process> {
    let mut frozen = HashSet::new();
    for _ in 0..MAX_FREEZE_ROUNDS {
        let new: Vec<Process> = find(&all()).into_iter().filter(|process| !frozen.contains(process)).collect();
        if new.is_empty() {
            break;
        }
        for process in new {
            process.signal(Signal::STOP);
            frozen.insert(process);
        }
    }
    for process in &frozen {
        process.signal(Signal::KILL);
    }
    frozen
}

/// Lets time pass without anything to wait for.
pub(super) fn nap(duration: Duration) {
    let _ = poll(&mut [], Some(&timespec(duration)));
}

/// Waits until `process` is dead (a zombie counts) or `deadline` passed; true when it is dead.
pub(super) fn wait_dead(process: Process, deadline: Instant) -> bool {
    let Some(fd) = process.open() else { return true };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(n) if n > 0 => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return !process.alive(),
            Ok(_) if left.is_zero() => return false,
            Ok(_) => {}
        }
    }
}

pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(duration.subsec_nanos()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = b"4242 (a) b (c)) S 7 4242 4242 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2 3\n";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat, Stat { process: Process { pid: 4242, start_time: 987_654 }, parent: 7, zombie: false });
        assert_eq!(parse_stat(b"garbage"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn descendants_are_found_through_dead_links_and_without_loops() {
        let stat = |pid, parent, zombie| Stat { process: Process { pid, start_time: 1 }, parent, zombie };
        let all = [stat(2, 1, false), stat(3, 2, true), stat(4, 3, false), stat(5, 9, false), stat(1, 4, false)];
        let mut found: Vec<i32> = descendants(&all, &[1]).into_iter().map(|p| p.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [2, 4]);
    }

    #[test]
    fn a_recycled_pid_is_not_signalled() {
        let me = stat(std::process::id() as i32).unwrap().process;
        assert!(me.alive());
        let other = Process { start_time: me.start_time + 1, ..me };
        assert!(other.open().is_none());
        assert!(!other.signal(Signal::KILL));
    }
}
