//! The scenarios, one function each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::machine;
use crate::stats::quantile;

pub(crate) struct Row {
    pub(crate) what: String,
    /// The short name that other engines' scripts give the same measure.
    pub(crate) metric: Option<String>,
    pub(crate) value: f64,
    pub(crate) high: Option<f64>,
    pub(crate) unit: &'static str,
}

pub(crate) struct Bench {
    pub(crate) exe: PathBuf,
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Row>,
}

const NOOP: &str = "[[turn]]\nprocess = false\nsteps = [{ say = \"done\" }]\n";

pub(crate) fn config(concurrency: u32, isolation: &str) -> String {
    // Goals come over HTTP: without a sandbox they run only where that is meant.
    let mode = if isolation == "rlimits" { "off" } else { "auto" };
    format!("[engine]\nisolation = \"{isolation}\"\n[sandbox]\nmode = \"{mode}\"\n[worker.default]\nmax_concurrent_tasks = {concurrency}\n")
}

pub(crate) fn noop() -> Value {
    json!({"goal": "nothing", "harness": "simulated", "script": NOOP, "no_review": true, "source": "bench"})
}

fn spawning() -> Value {
    json!({"goal": "nothing", "harness": "command", "program": "/bin/true", "no_review": true, "source": "bench"})
}

impl Bench {
    pub(crate) async fn run(mut self, only: Option<&str>) -> anyhow::Result<Vec<Row>> {
        println!("conditions: {}", machine::conditions());
        let wanted = |name: &str| only.is_none_or(|o| name.contains(o));
        let dir = tempfile::tempdir()?;
        self.machine_rates(dir.path())?;
        if wanted("start") {
            self.start(dir.path()).await?;
        }
        if wanted("idle") {
            self.idle(dir.path()).await?;
        }
        if wanted("pickup") {
            self.pickup(dir.path()).await?;
        }
        if wanted("event") {
            self.first_event(dir.path()).await?;
        }
        if wanted("submit") {
            self.submits(dir.path()).await?;
        }
        if wanted("drain") {
            for concurrency in [1, 10, 50] {
                self.drain(dir.path(), concurrency, "noop", "off", noop()).await?;
            }
        }
        if wanted("running") {
            self.running(dir.path()).await?;
        }
        if wanted("recovery") {
            self.recovery(dir.path()).await?;
        }
        if wanted("files") {
            self.files(dir.path()).await?;
        }
        if wanted("streams") {
            self.streams(dir.path()).await?;
        }
        if wanted("overlap") {
            self.overlap(dir.path()).await?;
        }
        if wanted("spawn") {
            for isolation in ["off", "rlimits", "bubblewrap"] {
                for concurrency in [1, 10] {
                    self.drain(dir.path(), concurrency, "spawn", isolation, spawning()).await?;
                }
            }
        }
        // Minutes and gigabytes: only when it is asked for.
        if only == Some("workspaces") {
            self.workspaces(dir.path()).await?;
        }
        Ok(self.rows)
    }

    pub(crate) fn row(&mut self, what: impl Into<String>, value: f64, high: Option<f64>, unit: &'static str) {
        let row = Row { what: what.into(), metric: None, value, high, unit };
        eprintln!("  {} = {} {}", row.what, crate::stats::number(row.value), row.unit);
        self.rows.push(row);
    }

    /// A measure that other engines have too.
    pub(crate) fn shared(&mut self, metric: impl Into<String>, what: impl Into<String>, value: f64, unit: &'static str) {
        self.row(what, value, None, unit);
        if let Some(row) = self.rows.last_mut() {
            row.metric = Some(metric.into());
        }
    }

    pub(crate) fn spread(&mut self, what: &str, mut values: Vec<f64>, unit: &'static str) {
        let (median, high) = (quantile(&mut values, 0.5), quantile(&mut values, 0.99));
        self.row(format!("{what} (n={})", values.len()), median, Some(high), unit);
    }

    fn machine_rates(&mut self, dir: &Path) -> anyhow::Result<()> {
        let span = Duration::from_millis(if self.quick { 300 } else { 2000 });
        let size = std::fs::metadata(&self.exe).with_context(|| format!("{} is not there", self.exe.display()))?.len();
        self.row("size of the binary", size as f64 / 1_048_576.0, None, "MiB");
        self.row("machine: fdatasync of 4 KiB", machine::fdatasync_rate(dir, span)?, None, "/s");
        self.row("machine: posix_spawn of /bin/true, 1 thread", machine::spawn_rate(1, span), None, "/s");
        self.row("machine: posix_spawn of /bin/true, 4 threads", machine::spawn_rate(4, span), None, "/s");
        Ok(())
    }

    async fn start(&mut self, dir: &Path) -> anyhow::Result<()> {
        let n = if self.quick { 3 } else { 20 };
        let mut fresh = Vec::new();
        for i in 0..n {
            let daemon = Daemon::start(&self.exe, &dir.join(format!("start{i}")), &config(2, "auto")).await?;
            fresh.push(daemon.ready_ms);
            daemon.stop()?;
        }
        self.spread("start to /ready, empty", fresh, "ms");
        let jobs = if self.quick { 1000 } else { 10_000 };
        let data = dir.join("start-full");
        let daemon = Daemon::start(&self.exe, &data, &config(2, "auto")).await?;
        daemon.post("/api/v1/pause", &json!({})).await?;
        daemon.submit_many(&noop(), jobs).await?;
        daemon.stop()?;
        let mut full = Vec::new();
        for _ in 0..n {
            let daemon = Daemon::start(&self.exe, &data, &config(2, "auto")).await?;
            full.push(daemon.ready_ms);
            daemon.stop()?;
        }
        self.spread(&format!("start to /ready, {jobs} jobs waiting"), full, "ms");
        Ok(())
    }

    async fn idle(&mut self, dir: &Path) -> anyhow::Result<()> {
        let span = Duration::from_secs(if self.quick { 3 } else { 30 });
        let daemon = Daemon::start(&self.exe, &dir.join("idle"), &config(2, "auto")).await?;
        // What the start left (threads, timers) has ended by then.
        tokio::time::sleep(Duration::from_secs(if self.quick { 2 } else { 12 })).await;
        let share = daemon.cpu_share(span).await;
        let (rss, pss) = daemon.memory_mib();
        self.shared("idle_cpu_worker", format!("idle CPU over {} s", span.as_secs()), share, "% of a core");
        self.shared("rss_worker", "idle RSS", rss, "MiB");
        self.shared("pss_worker", "idle PSS", pss, "MiB");
        daemon.stop()
    }

    /// From the moment the request is sent to the agent's own first instruction, in a fresh clone each time.
    async fn pickup(&mut self, dir: &Path) -> anyhow::Result<()> {
        let n = if self.quick { 10 } else { 120 };
        let repo = dir.join("repo");
        make_repository(&repo)?;
        let stamp = dir.join("stamp.sh");
        std::fs::write(
            &stamp,
            "#!/bin/sh\necho \"$EPOCHREALTIME\" >/dev/null\ndate +%s%N > \"$STAMP\"\necho 'NOTHING_TO_CHANGE: measured'\n",
        )?;
        for isolation in ["bubblewrap", "rlimits"] {
            // The agent leaves its time of day beside the data directory.
            let settings = config(2, isolation).replace("[sandbox]\n", &format!("[sandbox]\nwritable = [\"{}\"]\n", dir.display()));
            let daemon = Daemon::start(&self.exe, &dir.join(format!("pickup-{isolation}")), &settings).await?;
            let mut values = Vec::new();
            for i in 0..n {
                let at = dir.join(format!("stamp-{isolation}-{i}"));
                let program = format!("/usr/bin/env STAMP={} /bin/sh {}", at.display(), stamp.display());
                let goal = json!({"goal": "measure", "harness": "command", "program": program, "repo": repo, "no_review": true, "source": "bench"});
                let sent = now_ns();
                daemon.post("/api/v1/assignments/run", &goal).await?;
                daemon.wait_complete(i + 1, Duration::from_secs(20)).await?;
                let started: i128 = std::fs::read_to_string(&at)?.trim().parse()?;
                values.push((started - sent) as f64 / 1e6);
            }
            self.spread(&format!("submit to agent started, fresh clone, {isolation}"), values, "ms");
            daemon.stop()?;
        }
        Ok(())
    }
}

fn now_ns() -> i128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn make_repository(repo: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(repo.join("src"))?;
    for i in 0..50 {
        std::fs::write(repo.join(format!("src/file{i}.txt")), format!("file {i}\n").repeat(40))?;
    }
    for args in [vec!["init", "--quiet", "--initial-branch=main"], vec!["add", "--all"], vec!["commit", "--quiet", "--message", "start"]] {
        let ended = Command::new("git")
            .arg("-C")
            .arg(repo)
            .args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"])
            .args(&args)
            .status()?;
        if !ended.success() {
            bail!("git {} failed", args[0]);
        }
    }
    Ok(())
}
