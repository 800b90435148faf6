//! One process for each data directory: a lock that the kernel takes back when its holder dies, however it dies.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{Kind, endpoint};
use crate::failure::{CliError, Result};
use crate::output;

/// The lock, held while this lives. The file stays: removing it would let two processes each lock their own.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it. A short-lived engine waits for another short-lived one; everybody else is refused.
    pub(super) async fn take(data_dir: &Path, kind: Kind) -> Result<Self> {
        let path = data_dir.join("lock");
        let mut file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(|e| {
            CliError::fault(format!("the data directory {} cannot be written: {e}", data_dir.display()))
                .hint("see that you own it and may write it, or name another with --data-dir or WINDLASS_DATA_DIR")
        })?;
        let mut tries = 0u32;
        let mut told = false;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(e) => {
                    return Err(
                        CliError::fault(format!("{} cannot be locked: {e}", path.display())).hint("put the data directory on a local disk")
                    );
                }
            }
            let holder = holder(&path);
            let embedded = endpoint::is_embedded(data_dir);
            // One that has just begun or is about to end has no endpoint for a moment.
            if kind == Kind::Daemon || (!embedded && tries > 10) {
                return Err(CliError::fault(format!("another windlass{holder} serves {}", data_dir.display()))
                    .hint("use that one, stop it, or give this one its own --data-dir"));
            }
            if embedded && !told {
                output::say(&format!("another `windlass run`{holder} works on {}: waiting for it to end", data_dir.display()));
                told = true;
            }
            tries = if embedded { 0 } else { tries + 1 };
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        // For people and for the next one's message; the lock itself is the kernel's.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|f| f.take(32).read_to_string(&mut text));
    match text.trim().parse::<u32>() {
        Ok(pid) if read.is_ok() => format!(" (pid {pid})"),
        _ => String::new(),
    }
}
