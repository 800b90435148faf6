//! What the machine itself can do, measured in the same run.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Synced 4 KiB overwrites a second.
pub(crate) fn fdatasync_rate(dir: &Path, span: Duration) -> anyhow::Result<f64> {
    let mut file = File::create(dir.join("sync"))?;
    file.write_all(&[0u8; 4096])?;
    file.sync_all()?;
    let began = Instant::now();
    let mut count = 0u32;
    while began.elapsed() < span {
        file.rewind()?;
        file.write_all(&[1u8; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// `/bin/true` started and reaped a second, by as many threads.
pub(crate) fn spawn_rate(threads: usize, span: Duration) -> f64 {
    let began = Instant::now();
    let count: u32 = std::thread::scope(|scope| {
        let each: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0u32;
                    while began.elapsed() < span {
                        let ended = Command::new("/bin/true").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).status();
                        count += u32::from(ended.is_ok());
                    }
                    count
                })
            })
            .collect();
        each.into_iter().map(|t| t.join().unwrap_or_default()).sum()
    });
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// The conditions that a reader has to know.
pub(crate) fn conditions() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|l| l.strip_prefix("model name").map(|l| l.trim_start_matches([' ', '\t', ':']).to_owned()))
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{cores} cores ({cpu}), Linux {}, load {}",
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
    )
}
