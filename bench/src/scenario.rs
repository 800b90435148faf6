//! The scenarios, one function each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::machine;
use crate::stats::quantile;

pub(crate) struct Row {
    pub(crate) what: String,
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

fn config(concurrency: u32, isolation: &str) -> String {
    format!("[engine]\nisolation = \"{isolation}\"\n[worker.default]\nmax_concurrent_tasks = {concurrency}\n")
}

fn noop() -> Value {
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
        if wanted("submit") {
            self.submits(dir.path()).await?;
        }
        if wanted("drain") {
            for concurrency in [1, 10, 50] {
                self.drain(dir.path(), concurrency, "noop", "off", noop()).await?;
            }
        }
        if wanted("spawn") {
            for isolation in ["off", "subreaper", "namespace"] {
                for concurrency in [1, 10] {
                    self.drain(dir.path(), concurrency, "spawn", isolation, spawning()).await?;
                }
            }
        }
        Ok(self.rows)
    }

    fn row(&mut self, what: impl Into<String>, value: f64, high: Option<f64>, unit: &'static str) {
        let row = Row { what: what.into(), value, high, unit };
        eprintln!("  {} = {} {}", row.what, crate::stats::number(row.value), row.unit);
        self.rows.push(row);
    }

    fn spread(&mut self, what: &str, mut values: Vec<f64>, unit: &'static str) {
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
        for _ in 0..jobs / 1000 {
            daemon.post("/api/v1/assignments/run-many", &json!(vec![noop(); 1000])).await?;
        }
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
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, began) = (daemon.cpu_secs(), Instant::now());
        tokio::time::sleep(span).await;
        // A thread that ended meanwhile takes its time out of the sum.
        let share = ((daemon.cpu_secs() - before) / began.elapsed().as_secs_f64() * 100.0).max(0.0);
        let (rss, pss) = daemon.memory_mib();
        self.row(format!("idle CPU over {} s", span.as_secs()), share, None, "% of a core");
        self.row("idle RSS", rss, None, "MiB");
        self.row("idle PSS", pss, None, "MiB");
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
        for isolation in ["namespace", "subreaper"] {
            let daemon = Daemon::start(&self.exe, &dir.join(format!("pickup-{isolation}")), &config(2, isolation)).await?;
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

    async fn submits(&mut self, dir: &Path) -> anyhow::Result<()> {
        let daemon = Arc::new(Daemon::start(&self.exe, &dir.join("submit"), &config(2, "off")).await?);
        daemon.post("/api/v1/pause", &json!({})).await?;
        let span = Duration::from_secs(if self.quick { 1 } else { 5 });
        for in_flight in [1usize, 50] {
            let count = Arc::new(AtomicUsize::new(0));
            let began = Instant::now();
            let callers: Vec<_> = (0..in_flight)
                .map(|_| {
                    let (daemon, count) = (Arc::clone(&daemon), Arc::clone(&count));
                    tokio::spawn(async move {
                        while began.elapsed() < span {
                            daemon.post("/api/v1/assignments/run", &noop()).await?;
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            // Health must answer while the store is busy.
            let mut health = Vec::new();
            while began.elapsed() < span {
                let asked = Instant::now();
                daemon.client.get(format!("{}/health", daemon.url)).send().await?.error_for_status()?;
                health.push(asked.elapsed().as_secs_f64() * 1000.0);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            for caller in callers {
                caller.await??;
            }
            self.row(
                format!("durable submits, {in_flight} in flight"),
                count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64(),
                None,
                "/s",
            );
            self.spread(&format!("/health meanwhile, {in_flight} in flight"), health, "ms");
        }
        let began = Instant::now();
        let mut count = 0;
        while began.elapsed() < span {
            daemon.post("/api/v1/assignments/run-many", &json!(vec![noop(); 1000])).await?;
            count += 1000;
        }
        self.row("durable submits, batches of 1000", f64::from(count) / began.elapsed().as_secs_f64(), None, "/s");
        Ok(())
    }

    async fn drain(&mut self, dir: &Path, concurrency: u32, name: &str, isolation: &str, goal: Value) -> anyhow::Result<()> {
        let total: u64 = match (self.quick, name) {
            (true, _) => 100,
            (false, "noop") if concurrency == 1 => 1000,
            (false, "noop") => 5000,
            (false, _) if concurrency == 1 => 300,
            (false, _) => 1000,
        };
        let daemon =
            Daemon::start(&self.exe, &dir.join(format!("{name}-{isolation}-{concurrency}")), &config(concurrency, isolation)).await?;
        daemon.post("/api/v1/pause", &json!({})).await?;
        for chunk in (0..total).step_by(1000) {
            let n = (total - chunk).min(1000);
            daemon.post("/api/v1/assignments/run-many", &json!(vec![goal.clone(); n as usize])).await?;
        }
        let began = Instant::now();
        daemon.post("/api/v1/resume", &json!({})).await?;
        daemon.wait_complete(total, Duration::from_mins(5)).await?;
        let rate = total as f64 / began.elapsed().as_secs_f64();
        let what = if name == "noop" {
            format!("no-op jobs, whole attempt, concurrency {concurrency}")
        } else {
            format!("jobs that spawn /bin/true, {isolation}, concurrency {concurrency}")
        };
        self.row(format!("{what} (n={total})"), rate, None, "/s");
        daemon.stop()
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
