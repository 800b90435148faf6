//! The scenarios of task files: a backlog that lies there at the start, a burst while it runs, and one file at a time.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::client::Connection;
use crate::daemon::{Daemon, next_event};
use crate::scenario::Bench;
use crate::stats::quantile;

/// How long everything may take until it is done.
const LIMIT: Duration = Duration::from_mins(5);

/// A shared directory with one worker, whose agent is `/bin/true`.
struct Shared(PathBuf);

impl Shared {
    fn config(&self) -> String {
        format!(
            "[engine]\nisolation = \"off\"\n[files]\nroot = \"{}\"\n\
             [worker.bench]\nharness = \"command\"\nprogram = \"/bin/true\"\nmax_concurrent_tasks = 2\n",
            self.0.display()
        )
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    /// Drops a task as careful writers do, aside and renamed; gives when it had its name.
    fn drop_task(&self, id: &str) -> anyhow::Result<Instant> {
        let aside = self.path(&format!("tasks/bench/.{id}.new"));
        std::fs::write(&aside, json!({"task_id": id, "description": "nothing", "worker": "bench"}).to_string())?;
        std::fs::rename(aside, self.path(&format!("tasks/bench/{id}.json")))?;
        Ok(Instant::now())
    }

    /// Drops so many tasks, each with its id and its moment: as fast as it goes, or so many a second.
    async fn drop_many(&self, prefix: &str, count: u64, a_second: Option<u64>) -> anyhow::Result<Vec<(String, Instant)>> {
        let began = Instant::now();
        let mut dropped = Vec::new();
        for n in 0..count {
            if let Some(rate) = a_second {
                tokio::time::sleep_until((began + Duration::from_micros(n * 1_000_000 / rate)).into()).await;
            }
            let id = format!("{prefix}-{n}");
            let at = self.drop_task(&id)?;
            dropped.push((id, at));
        }
        Ok(dropped)
    }

    fn result(&self, id: &str) -> anyhow::Result<Value> {
        let path = self.path(&format!("results/bench/{id}.json"));
        Ok(serde_json::from_slice(&std::fs::read(&path).with_context(|| path.display().to_string())?)?)
    }

    /// Waits until each has its result and nothing is left in the queue; each must have run once and only once.
    async fn all_done(&self, daemon: &Daemon, ids: impl Iterator<Item = &str>) -> anyhow::Result<HashMap<String, String>> {
        let began = Instant::now();
        while std::fs::read_dir(self.path("tasks/bench"))?.next().is_some() {
            ensure!(began.elapsed() < LIMIT, "tasks are left after {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (mut assignments, mut count) = (HashMap::new(), 0);
        for id in ids {
            let result = self.result(id)?;
            ensure!(result["status"] == "completed" && result["attempts"] == 1, "{id} was not done once: {result}");
            assignments.insert(result["assignment_id"].as_str().unwrap_or_default().to_owned(), id.to_owned());
            count += 1;
        }
        ensure!(assignments.len() == count, "{} assignments were made of {count} tasks", assignments.len());
        ensure!(!self.path("dlq/bench").read_dir()?.any(|_| true), "tasks were refused");
        let all = daemon.get("/api/v1/status").await?["jobs"].as_object().map_or(0, |jobs| jobs.values().filter_map(Value::as_u64).sum());
        let results = self.path("results/bench").read_dir()?.count() as u64;
        ensure!(all == results, "{all} jobs were made for {results} tasks");
        Ok(assignments)
    }
}

/// The counts of the daemon's own histograms: until files were seen, and until their rows were there.
struct Latencies([Vec<u64>; 2]);

impl Latencies {
    async fn of(daemon: &Daemon) -> anyhow::Result<Self> {
        let files = daemon.get("/api/v1/files").await?;
        let counts = |name: &str| -> anyhow::Result<Vec<u64>> {
            Ok(files["workers"][0][name]["counts"].as_array().context("no histogram")?.iter().filter_map(Value::as_u64).collect())
        };
        Ok(Self([counts("detection")?, counts("intake")?]))
    }
}

/// The bound under which a share of what was counted lies.
fn bound(before: &[u64], after: &[u64], share: f64) -> f64 {
    const BOUNDS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0];
    let counts: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
    let mut sum = 0;
    let place = counts.iter().position(|count| {
        sum += count;
        sum >= wanted
    });
    place.and_then(|place| BOUNDS.get(place)).copied().unwrap_or(f64::INFINITY)
}

/// Reads when so many new assignments were told of, and which.
async fn arrivals(events: &mut Connection, count: u64) -> anyhow::Result<Vec<(String, Instant)>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let event = next_event(events).await?;
        all.push((event["assignment_id"].as_str().unwrap_or_default().to_owned(), Instant::now()));
    }
    Ok(all)
}

impl Bench {
    pub(crate) async fn files(&mut self, dir: &Path) -> anyhow::Result<()> {
        let shared = Shared(dir.join("shared"));
        std::fs::create_dir_all(shared.path("tasks/bench"))?;
        let data = dir.join("files");
        let daemon = Daemon::start(&self.exe, &data, &shared.config()).await?;
        // What the start left has ended by then.
        tokio::time::sleep(Duration::from_secs(if self.quick { 0 } else { 3 })).await;
        self.files_one_by_one(&shared, &daemon).await?;
        self.files_in_a_burst(&shared, &daemon, Some(2000)).await?;
        self.files_in_a_burst(&shared, &daemon, None).await?;
        daemon.stop()?;
        self.files_at_start(&shared, &data).await
    }

    async fn files_at_start(&mut self, shared: &Shared, data: &Path) -> anyhow::Result<()> {
        let count = if self.quick { 500 } else { 10_000 };
        let dropped = shared.drop_many("start", count, None).await?;
        let daemon = Daemon::start(&self.exe, data, &shared.config()).await?;
        let began = Instant::now();
        let mut connection = daemon.connect().await?;
        let ask = daemon.request("GET", "/api/v1/files", &Value::Null);
        while connection.exchange(&ask).await?.json()?["workers"][0]["taken"].as_u64() != Some(count) {
            ensure!(began.elapsed() < LIMIT, "not all files were taken within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let what = format!("{count} task files at the start, from /ready to all in the database");
        self.shared("files_start", what, began.elapsed().as_secs_f64(), "s");
        shared.all_done(&daemon, dropped.iter().map(|(id, _)| id.as_str())).await?;
        self.row("  and to all done, once each", began.elapsed().as_secs_f64(), None, "s");
        daemon.stop()
    }

    async fn files_one_by_one(&mut self, shared: &Shared, daemon: &Daemon) -> anyhow::Result<()> {
        let count: u64 = if self.quick { 20 } else { 200 };
        let mut created = daemon.follow("assignment.created").await?;
        let mut ended = daemon.follow("assignment.status").await?;
        let before = Latencies::of(daemon).await?;
        let mut values = Vec::new();
        let mut ids = Vec::new();
        for n in 0..count {
            let id = format!("one-{n}");
            let at = shared.drop_task(&id)?;
            next_event(&mut created).await?;
            values.push(at.elapsed().as_secs_f64() * 1000.0);
            ids.push(id);
            next_event(&mut ended).await?;
            // Anything from 20 to 120 ms, for nothing to fall into step with.
            tokio::time::sleep(Duration::from_millis(20 + n * 7919 % 101)).await;
        }
        let after = Latencies::of(daemon).await?;
        shared.all_done(daemon, ids.iter().map(String::as_str)).await?;
        self.detected("files_idle", "task file renamed to its row told of, one at a time", values, (&before, &after));
        Ok(())
    }

    async fn files_in_a_burst(&mut self, shared: &Shared, daemon: &Daemon, a_second: Option<u64>) -> anyhow::Result<()> {
        let count = if self.quick { 500 } else { 10_000 };
        let mut created = daemon.follow("assignment.created").await?;
        let before = Latencies::of(daemon).await?;
        let told = tokio::spawn(async move { arrivals(&mut created, count).await });
        let name = a_second.map_or_else(|| "burst".to_owned(), |rate| format!("burst_{rate}"));
        let began = Instant::now();
        let dropped = shared.drop_many(&name, count, a_second).await?;
        let rate = count as f64 / began.elapsed().as_secs_f64();
        let told = told.await??;
        let after = Latencies::of(daemon).await?;
        let assignments = shared.all_done(daemon, dropped.iter().map(|(id, _)| id.as_str())).await?;
        let dropped: HashMap<String, Instant> = dropped.into_iter().collect();
        let latency = |(assignment, at): &(String, Instant)| {
            let dropped = dropped.get(assignments.get(assignment)?)?;
            Some(at.saturating_duration_since(*dropped).as_secs_f64() * 1000.0)
        };
        let values: Vec<f64> = told.iter().filter_map(latency).collect();
        ensure!(
            values.len() as u64 == count && told.iter().map(|(id, _)| id).collect::<HashSet<_>>().len() as u64 == count,
            "not once each"
        );
        self.row(format!("a burst of {count} task files, as fast as it was written"), rate, None, "files/s");
        self.detected(&format!("files_{name}"), "task file renamed to its row told of, in that burst", values, (&before, &after));
        Ok(())
    }

    /// From outside, at a client of the event stream; and by the daemon's own count, as the bound of its histogram.
    fn detected(&mut self, metric: &str, what: &str, mut values: Vec<f64>, (before, after): (&Latencies, &Latencies)) {
        let n = values.len();
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
            self.shared(format!("{metric}_{name}"), format!("{what}, {name} (n={n})"), quantile(&mut values, share), "ms");
        }
        for (what, before, after) in [("seen", &before.0[0], &after.0[0]), ("its row there", &before.0[1], &after.0[1])] {
            let what = format!("  {what}, by the daemon's own histogram, at most (p50, p99)");
            self.row(what, bound(before, after, 0.5), Some(bound(before, after, 0.99)), "ms");
        }
    }
}
