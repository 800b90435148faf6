//! The scenarios of many short jobs: taken, carried out, running all at once, and carried on after a kill.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, next_event};
use crate::fsync;
use crate::scenario::{Bench, config, noop};

/// A job that runs for so long, inside the daemon.
fn sleeping(ms: u64) -> Value {
    let script = format!("[[turn]]\nprocess = false\nsteps = [{{ sleep_ms = {ms} }}, {{ say = \"done\" }}]\n");
    json!({"goal": "wait", "harness": "simulated", "script": script, "no_review": true, "source": "bench"})
}

impl Bench {
    /// From the moment a job is sent to an idle daemon until a client of the event stream has read that its attempt started.
    pub(crate) async fn first_event(&mut self, dir: &Path) -> anyhow::Result<()> {
        let n = if self.quick { 20 } else { 300 };
        let daemon = Daemon::start(&self.exe, &dir.join("event"), &config(10, "off")).await?;
        let mut events = daemon.follow("attempt.started,assignment.status").await?;
        let mut connection = daemon.connect().await?;
        let request = daemon.request("POST", "/api/v1/assignments/run", &noop());
        let mut one = async |values: &mut Vec<f64>| {
            let sent = Instant::now();
            let answered = async { connection.exchange(&request).await.map(|_| ()) };
            let seen = async {
                next_event(&mut events).await?;
                values.push(sent.elapsed().as_secs_f64() * 1000.0);
                // The end of it: the next one finds the daemon idle again.
                next_event(&mut events).await.map(|_| ())
            };
            tokio::try_join!(answered, seen)?;
            tokio::time::sleep(Duration::from_millis(15)).await;
            anyhow::Ok(())
        };
        let mut values = Vec::new();
        for _ in 0..n {
            one(&mut values).await?;
        }
        if let Some(counter) = fsync::Counter::attach(daemon.pid()).await? {
            for _ in 0..20 {
                one(&mut Vec::new()).await?;
            }
            let calls = counter.stop().await?;
            self.row("waits for the disk, each job from submit to settled (n=20)", calls as f64 / 20.0, None, "fsyncs");
        }
        for (metric, q) in [("pickup_p50", 0.5), ("pickup_p99", 0.99), ("pickup_max", 1.0)] {
            let value = crate::stats::quantile(&mut values, q);
            self.shared(metric, format!("submit to attempt.started at a client, {} (n={n})", &metric[7..]), value, "ms");
        }
        daemon.stop()
    }

    pub(crate) async fn submits(&mut self, dir: &Path) -> anyhow::Result<()> {
        let daemon = Arc::new(Daemon::start(&self.exe, &dir.join("submit"), &config(2, "off")).await?);
        daemon.post("/api/v1/pause", &json!({})).await?;
        let span = Duration::from_secs(if self.quick { 1 } else { 5 });
        let submit = Arc::new(daemon.request("POST", "/api/v1/assignments/run", &noop()));
        for (in_flight, metric) in [(1usize, "enqueue_single"), (50, "enqueue_50_in_flight")] {
            let count = Arc::new(AtomicUsize::new(0));
            let began = Instant::now();
            let cpu = daemon.cpu_secs();
            let callers: Vec<_> = (0..in_flight)
                .map(|_| {
                    let (daemon, count, submit) = (Arc::clone(&daemon), Arc::clone(&count), Arc::clone(&submit));
                    tokio::spawn(async move {
                        let mut connection = daemon.connect().await?;
                        while began.elapsed() < span {
                            let answer = connection.exchange(&submit).await?;
                            anyhow::ensure!(answer.status == 201, "answered {}", answer.status);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            // Health must answer while the store is busy.
            let mut health = Vec::new();
            let mut connection = daemon.connect().await?;
            let ask = daemon.request("GET", "/health", &Value::Null);
            while began.elapsed() < span {
                let asked = Instant::now();
                connection.exchange(&ask).await?;
                health.push(asked.elapsed().as_secs_f64() * 1000.0);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            for caller in callers {
                caller.await??;
            }
            let count = count.load(Ordering::Relaxed) as f64;
            self.shared(metric, format!("durable submits, {in_flight} in flight"), count / began.elapsed().as_secs_f64(), "jobs/s");
            self.row(format!("  CPU of each, {in_flight} in flight"), (daemon.cpu_secs() - cpu) / count * 1e6, None, "us");
            self.spread(&format!("/health meanwhile, {in_flight} in flight"), health, "ms");
        }
        let mut connection = daemon.connect().await?;
        let submit = daemon.request("POST", "/api/v1/assignments/run-many", &json!(vec![noop(); 1000]));
        let began = Instant::now();
        let cpu = daemon.cpu_secs();
        let mut count = 0;
        while began.elapsed() < span {
            let answer = connection.exchange(&submit).await?;
            anyhow::ensure!(answer.status == 201, "answered {}", answer.status);
            count += 1000;
        }
        let rate = f64::from(count) / began.elapsed().as_secs_f64();
        self.shared("enqueue_batch1000", "durable submits, batches of 1000", rate, "jobs/s");
        self.row("  CPU of each, batches of 1000", (daemon.cpu_secs() - cpu) / f64::from(count) * 1e6, None, "us");
        Ok(())
    }

    pub(crate) async fn drain(&mut self, dir: &Path, concurrency: u32, name: &str, isolation: &str, goal: Value) -> anyhow::Result<()> {
        let total: u64 = match (self.quick, name) {
            (true, _) => 100,
            (false, "noop") if concurrency == 1 => 5000,
            (false, "noop") => 20_000,
            (false, _) if concurrency == 1 => 300,
            (false, _) => 1000,
        };
        let daemon =
            Daemon::start(&self.exe, &dir.join(format!("{name}-{isolation}-{concurrency}")), &config(concurrency, isolation)).await?;
        daemon.post("/api/v1/pause", &json!({})).await?;
        daemon.submit_many(&goal, total).await?;
        let (began, cpu) = (Instant::now(), daemon.cpu_secs());
        daemon.post("/api/v1/resume", &json!({})).await?;
        daemon.wait_complete(total, Duration::from_mins(5)).await?;
        let rate = total as f64 / began.elapsed().as_secs_f64();
        let (what, metric) = if name == "noop" {
            (format!("no-op jobs, whole attempt, concurrency {concurrency}"), Some(format!("drain_c{concurrency}")))
        } else {
            let metric = (isolation == "off").then(|| format!("spawn_c{concurrency}"));
            (format!("jobs that spawn /bin/true, {isolation}, concurrency {concurrency}"), metric)
        };
        match metric {
            Some(metric) => self.shared(metric, format!("{what} (n={total})"), rate, "jobs/s"),
            None => self.row(format!("{what} (n={total})"), rate, None, "jobs/s"),
        }
        self.row("  CPU of each", (daemon.cpu_secs() - cpu) / total as f64 * 1e6, None, "us");
        daemon.stop()
    }

    /// A thousand jobs that run: what keeping them costs, and how long another one waits for its claim.
    pub(crate) async fn running(&mut self, dir: &Path) -> anyhow::Result<()> {
        let (total, span) = if self.quick { (100, Duration::from_secs(12)) } else { (1000, Duration::from_mins(1)) };
        let daemon = Daemon::start(&self.exe, &dir.join("running"), &config(total as u32 + 50, "off")).await?;
        daemon.submit_many(&sleeping(600_000), total).await?;
        let mut connection = daemon.connect().await?;
        let ask = daemon.request("GET", "/api/v1/status", &Value::Null);
        while connection.exchange(&ask).await?.json()?["jobs"]["running"].as_u64() != Some(total) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let share = daemon.cpu_share(span).await;
        self.row(format!("CPU with {total} running jobs, over {} s", span.as_secs()), share, None, "% of a core");
        let mut events = daemon.follow("attempt.started").await?;
        let submit = daemon.request("POST", "/api/v1/assignments/run", &noop());
        // The first was silent for longer than the daemon waits.
        connection = daemon.connect().await?;
        let mut values = Vec::new();
        for _ in 0..if self.quick { 20 } else { 300 } {
            connection.exchange(&submit).await?;
            let answered = Instant::now();
            next_event(&mut events).await?;
            values.push(answered.elapsed().as_secs_f64() * 1000.0);
        }
        self.spread(&format!("answered submit to attempt.started at a client, {total} running"), values, "ms");
        daemon.kill()
    }

    /// The daemon is killed while jobs run and is started again: how long until another attempt of each has started.
    pub(crate) async fn recovery(&mut self, dir: &Path) -> anyhow::Result<()> {
        let data = dir.join("recovery");
        let mut values = Vec::new();
        for _ in 0..if self.quick { 2 } else { 10 } {
            let daemon = Daemon::start(&self.exe, &data, &config(10, "off")).await?;
            let mut events = daemon.follow("attempt.started").await?;
            daemon.post("/api/v1/assignments/run", &sleeping(600_000)).await?;
            let event = next_event(&mut events).await?;
            daemon.kill()?;
            let killed = Instant::now();
            let daemon = Daemon::start(&self.exe, &data, &config(10, "off")).await?;
            let job = event["job_id"].as_str().unwrap_or_default().to_owned();
            while daemon.get(&format!("/api/v1/jobs/{job}")).await?["status"] != "running" {}
            values.push(killed.elapsed().as_secs_f64() * 1000.0);
            daemon.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await?;
            daemon.stop()?;
        }
        self.spread("daemon killed and started again, to its job running", values, "ms");
        Ok(())
    }
}
