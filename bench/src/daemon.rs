//! The daemon under test: started from its release binary, asked over HTTP.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::client::{self, Connection};

pub(crate) struct Daemon {
    child: Child,
    address: String,
    token: String,
    /// From the start of the process to `/ready`.
    pub(crate) ready_ms: f64,
}

impl Daemon {
    pub(crate) async fn start(exe: &Path, data: &Path, config: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)?;
        std::fs::write(data.join("windlass.toml"), config)?;
        let log = std::fs::File::create(data.join("daemon.log"))?;
        let began = Instant::now();
        let mut child = Command::new(exe)
            .args(["up", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", data)
            .env("WINDLASS_DATA_DIR", data)
            .env("WINDLASS_CONFIG", data.join("windlass.toml"))
            .env("LOG_LEVEL", "WARN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start {}", exe.display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the daemon has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix("windlass ready on ") else {
            bail!("the daemon did not start: {}", std::fs::read_to_string(data.join("daemon.log")).unwrap_or_default());
        };
        let address = url.strip_prefix("http://").context("no address")?.to_owned();
        let ready = client::request("GET", &address, "/ready", "", b"");
        let mut connection = Connection::open(&address).await?;
        while connection.exchange(&ready).await?.status != 200 {
            if began.elapsed() > Duration::from_secs(30) {
                bail!("not ready within 30 s");
            }
        }
        let ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        let token = std::fs::read_to_string(data.join("token"))?.trim().to_owned();
        Ok(Self { child, address, token, ready_ms })
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.address).await
    }

    /// A request with the token, as bytes.
    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        client::request(method, &self.address, path, &format!("authorization: Bearer {}\r\n", self.token), body.as_bytes())
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The request for a stream of events, as bytes.
    pub(crate) fn stream_request(&self, path: &str) -> Vec<u8> {
        let headers = format!("authorization: Bearer {}\r\naccept: text/event-stream\r\n", self.token);
        client::request("GET", &self.address, path, &headers, b"")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.connect().await?.exchange(&self.request("POST", path, body)).await?.json().with_context(|| path.to_owned())
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.connect().await?.exchange(&self.request("GET", path, &Value::Null)).await?.json().with_context(|| path.to_owned())
    }

    /// Posts many times the same goal, in batches.
    pub(crate) async fn submit_many(&self, goal: &Value, total: u64) -> anyhow::Result<()> {
        for chunk in (0..total).step_by(1000) {
            let n = (total - chunk).min(1000);
            self.post("/api/v1/assignments/run-many", &Value::from(vec![goal.clone(); n as usize])).await?;
        }
        Ok(())
    }

    /// A connection on which the events of these kinds arrive, from now on; ask it for [`next_event`].
    pub(crate) async fn follow(&self, kinds: &str) -> anyhow::Result<Connection> {
        let mut connection = self.connect().await?;
        let headers = format!("authorization: Bearer {}\r\naccept: text/event-stream\r\n", self.token);
        let (status, _) =
            connection.send(&client::request("GET", &self.address, &format!("/api/v1/events?kinds={kinds}"), &headers, b"")).await?;
        if status != 200 {
            bail!("the event stream answered {status}");
        }
        Ok(connection)
    }

    /// Waits until so many assignments are complete.
    pub(crate) async fn wait_complete(&self, count: u64, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut connection = self.connect().await?;
        let ask = self.request("GET", "/api/v1/status", &Value::Null);
        loop {
            let status = connection.exchange(&ask).await?.json()?;
            let done = status["assignments"]["complete"].as_u64().unwrap_or(0);
            if done >= count {
                return Ok(());
            }
            if status["assignments"]["blocked"].as_u64().unwrap_or(0) > 0 {
                bail!("work was blocked: {}", self.get("/api/v1/assignments?status=blocked&limit=1").await?);
            }
            if began.elapsed() > limit {
                bail!("{done} of {count} complete after {limit:?}");
            }
            // The question counts all rows: asked often, it would be measured too.
            tokio::time::sleep(Duration::from_millis(if count < 1000 { 20 } else { 100 })).await;
        }
    }

    /// RSS and PSS in MiB, of the process and its children.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let text = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid())).unwrap_or_default();
        let of = |name: &str| {
            text.lines()
                .find_map(|l| l.strip_prefix(name))
                .and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok())
                .unwrap_or(f64::NAN)
                / 1024.0
        };
        (of("Rss:"), of("Pss:"))
    }

    /// Time on a core so far by thread, in nanoseconds, by the scheduler's own clock.
    fn cpu_by_thread(&self) -> BTreeMap<OsString, u64> {
        let entries = std::fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        let time = |path: PathBuf| std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok();
        entries.filter_map(|e| Some((e.file_name(), time(e.path())?))).collect()
    }

    /// The share of a core, in percent, that the process uses over a time. A time in which a thread ends is measured again: its share
    /// would be lost with it.
    pub(crate) async fn cpu_share(&self, span: Duration) -> f64 {
        loop {
            let (before, began) = (self.cpu_by_thread(), Instant::now());
            tokio::time::sleep(span).await;
            let (after, elapsed) = (self.cpu_by_thread(), began.elapsed());
            if before.keys().all(|thread| after.contains_key(thread)) {
                let used: u64 = after.iter().map(|(thread, time)| time - before.get(thread).copied().unwrap_or(0)).sum();
                return used as f64 / 1e9 / elapsed.as_secs_f64() * 100.0;
            }
        }
    }

    /// Time on a core so far, in seconds, of all threads that ever ran; in steps of 10 ms.
    pub(crate) fn cpu_secs(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields: Vec<f64> =
            stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
        fields.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        self.child.wait()?;
        Ok(())
    }
}

/// The data of the next event of a stream.
pub(crate) async fn next_event(stream: &mut Connection) -> anyhow::Result<Value> {
    loop {
        let line = stream.line().await?.context("the event stream ended")?;
        if let Some(data) = line.strip_prefix("data:") {
            return Ok(serde_json::from_str(data)?);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
