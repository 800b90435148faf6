//! The daemon under test: started from its release binary, asked over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

pub(crate) struct Daemon {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) client: reqwest::Client,
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
        let url = url.to_owned();
        let client = reqwest::Client::builder().pool_max_idle_per_host(64).build()?;
        loop {
            if client.get(format!("{url}/ready")).send().await.is_ok_and(|r| r.status().is_success()) {
                break;
            }
            if began.elapsed() > Duration::from_secs(30) {
                bail!("not ready within 30 s");
            }
        }
        let ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        let token = std::fs::read_to_string(data.join("token"))?.trim().to_owned();
        Ok(Self { child, url, token, client, ready_ms })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// Waits until so many assignments are complete.
    pub(crate) async fn wait_complete(&self, count: u64, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let status = self.get("/api/v1/status").await?;
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
            tokio::time::sleep(Duration::from_millis(20)).await;
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

    /// Time on a core so far, in seconds, over all threads, by the scheduler's own clock.
    pub(crate) fn cpu_secs(&self) -> f64 {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.pid()));
        let Ok(entries) = std::fs::read_dir(tasks) else { return f64::NAN };
        entries
            .flatten()
            .filter_map(|e| std::fs::read_to_string(e.path().join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok())
            .sum::<f64>()
            / 1e9
    }

    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
