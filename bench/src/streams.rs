//! The scenario of many pages that are open at once: what their event streams cost, and whether each is told everything.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::daemon::Daemon;
use crate::scenario::{Bench, noop};
use crate::stats;

/// Events made a second: so many submissions ten times a second, of two events each.
const GOALS_AT_ONCE: u64 = 10;
const TICK: Duration = Duration::from_millis(100);
/// Before every event of a stream.
const MARK: &[u8] = b"\nevent: ";

impl Bench {
    /// Streams that are told two hundred events a second.
    pub(crate) async fn streams(&mut self, dir: &Path) -> anyhow::Result<()> {
        let (count, span) = if self.quick { (50, Duration::from_secs(3)) } else { (500, Duration::from_secs(20)) };
        let daemon = Daemon::start(&self.exe, &dir.join("streams"), "").await?;
        daemon.post("/api/v1/pause", &json!({})).await?;
        let (alone, _) = make_events(&daemon, span).await?;
        let (stop, stopped) = watch::channel(u64::MAX);
        let mut readers = JoinSet::new();
        for _ in 0..count {
            readers.spawn(read(open(&daemon).await?, stopped.clone()));
        }
        let (with, made) = make_events(&daemon, span).await?;
        stop.send_replace(made);
        let mut told = u64::MAX;
        while let Some(read) = readers.join_next().await {
            told = told.min(read??);
        }
        let (resident, _) = daemon.memory_mib();
        ensure!(told == made, "a stream was told {told} of {made} events");
        let rate = made as f64 / span.as_secs_f64();
        self.row(format!("{count} streams, {rate:.0} events/s: all told to each, processor"), 100.0 * with, None, "% of a core");
        self.row("  the same events without a stream", 100.0 * alone, None, "% of a core");
        self.row("  memory at the end", resident, None, "MiB");
        let mut latencies = daemon.follow("assignment.created").await?;
        let mut delays = Vec::new();
        for _ in 0..(if self.quick { 20 } else { 200 }) {
            let began = Instant::now();
            daemon.post("/api/v1/assignments/run", &noop()).await?;
            crate::daemon::next_event(&mut latencies).await?;
            delays.push(began.elapsed().as_secs_f64() * 1000.0);
            // Two in one gathering would measure the gathering.
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        self.spread("  from the request that makes an event to the reader of a stream", delays, "ms");
        daemon.stop()
    }
}

/// A stream that follows from now on: its first word has come.
async fn open(daemon: &Daemon) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(daemon.address()).await?;
    stream.write_all(&daemon.stream_request("/api/v1/events")).await?;
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while stats::occurrences(&head, b": following") == 0 {
        let read = stream.read(&mut piece).await?;
        ensure!(read > 0, "a stream was not opened: {}", String::from_utf8_lossy(&head));
        head.extend(piece.iter().take(read));
    }
    Ok(stream)
}

/// Makes events for so long; the share of a processor that the daemon used meanwhile, and how many there were.
async fn make_events(daemon: &Daemon, span: Duration) -> anyhow::Result<(f64, u64)> {
    let body = Value::from(vec![noop(); GOALS_AT_ONCE as usize]);
    let mut connection = daemon.connect().await?;
    let request = daemon.request("POST", "/api/v1/assignments/run-many", &body);
    let (began, before) = (Instant::now(), daemon.cpu_secs());
    let mut made = 0;
    let mut tick = tokio::time::interval(TICK);
    while began.elapsed() < span {
        tick.tick().await;
        ensure!(connection.exchange(&request).await?.status == 201, "the goals were not taken");
        made += 2 * GOALS_AT_ONCE;
    }
    Ok(((daemon.cpu_secs() - before) / began.elapsed().as_secs_f64(), made))
}

/// Counts the events of a stream, until there were as many as were made or nothing came for a while.
async fn read(mut stream: TcpStream, stopped: watch::Receiver<u64>) -> anyhow::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut told, mut kept) = (0, 0);
    loop {
        let quiet = Duration::from_secs(5);
        let read = match tokio::time::timeout(quiet, stream.read(buffer.get_mut(kept..).context("a buffer")?)).await {
            Ok(read) => read?,
            Err(_) if *stopped.borrow() != u64::MAX => return Ok(told),
            Err(_) => continue,
        };
        ensure!(read > 0, "a stream ended");
        let filled = kept + read;
        told += stats::occurrences(&buffer[..filled], MARK);
        if told >= *stopped.borrow() {
            return Ok(told);
        }
        // A mark may be cut in two.
        let keep = filled.min(MARK.len() - 1);
        buffer.copy_within(filled - keep..filled, 0);
        kept = keep;
    }
}
