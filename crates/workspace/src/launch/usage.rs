//! How much memory a process tree has, and how many processes it is.

use std::fs;
use std::io::Read as _;

use super::proc::Process;
use super::view::{MEMORY_FOLDER_BYTES, MEMORY_FOLDERS};

/// Longer than any status that the kernel tells.
const MAX_STATUS_BYTES: u64 = 64 * 1024;

/// Memory of these processes together, in bytes; pages that several share are counted for each. Cheap: one short read a process.
pub(super) fn roughly(processes: &[Process]) -> u64 {
    processes.iter().map(|process| sum(&format!("/proc/{}/status", process.pid), &["RssAnon:", "RssShmem:", "VmSwap:"])).sum()
}

/// The same with each page counted once. Dear: the kernel walks every page.
pub(super) fn exactly(processes: &[Process]) -> u64 {
    processes.iter().map(|process| sum(&format!("/proc/{}/smaps_rollup", process.pid), &["Pss_Anon:", "Pss_Shmem:", "SwapPss:"])).sum()
}

/// What lies in the sandbox's own folders in memory, in bytes: no process need have it mapped. Asked inside of the sandbox.
pub(super) fn in_folders() -> u64 {
    let used = |folder: &str| {
        let held = rustix::fs::statvfs(folder).ok()?;
        let is_ours = held.f_blocks.checked_mul(held.f_frsize) == Some(MEMORY_FOLDER_BYTES);
        is_ours.then(|| held.f_blocks.saturating_sub(held.f_bfree).saturating_mul(held.f_frsize))
    };
    MEMORY_FOLDERS.into_iter().filter_map(used).sum()
}

/// The sum of the lines that begin with one of `names`, which tell KiB. A process that is gone has none.
fn sum(path: &str, names: &[&str]) -> u64 {
    let mut text = String::new();
    if fs::File::open(path).and_then(|file| file.take(MAX_STATUS_BYTES).read_to_string(&mut text)).is_err() {
        return 0;
    }
    let kib = |line: &str| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok();
    text.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).filter_map(kib).sum::<u64>() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_what_it_has_touched() {
        let me = super::super::proc::stat(std::process::id() as i32).unwrap().process;
        let before = (roughly(&[me]), exactly(&[me]));
        let touched = vec![1_u8; 64 * 1024 * 1024];
        let after = (roughly(&[me]), exactly(&[me]));
        assert!(touched.iter().map(|byte| u64::from(*byte)).sum::<u64>() > 0);
        for (before, after) in [(before.0, after.0), (before.1, after.1)] {
            assert!(after.saturating_sub(before) > 48 * 1024 * 1024, "{before} {after}");
        }
        assert_eq!(roughly(&[Process { pid: -1, start_time: 0 }]), 0);
    }
}
