//! Counts how often a process waits for the disk, as strace sees it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub(crate) struct Counter {
    strace: Child,
    lines: tokio::task::JoinHandle<u64>,
}

impl Counter {
    /// Counts from now on; `None` where there is no strace, or it may not look.
    pub(crate) async fn attach(pid: u32) -> anyhow::Result<Option<Self>> {
        let spawned = Command::new("strace")
            .args(["-f", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut strace) = spawned else {
            eprintln!("  strace is not there: waits for the disk are not counted");
            return Ok(None);
        };
        let mut told = BufReader::new(strace.stderr.take().context("no output")?).lines();
        match told.next_line().await? {
            Some(line) if line.contains("attached") => {}
            other => {
                eprintln!("  strace may not look: {}", other.unwrap_or_default());
                return Ok(None);
            }
        }
        let lines = tokio::spawn(async move {
            let mut calls = 0;
            while let Ok(Some(line)) = told.next_line().await {
                calls += u64::from(line.contains("sync(") && !line.contains("resumed"));
            }
            calls
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(Some(Self { strace, lines }))
    }

    /// How many there were.
    pub(crate) async fn stop(mut self) -> anyhow::Result<u64> {
        if let Some(pid) = self.strace.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        }
        self.strace.wait().await?;
        Ok(self.lines.await?)
    }
}
