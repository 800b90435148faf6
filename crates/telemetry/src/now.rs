//! What is looked up when somebody asks, and is true only then.
//!
//! What counts the whole database is the same on every node that shares it: take its maximum over nodes, not its sum.

use std::collections::{BTreeMap, HashMap};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};
use prometheus::{CounterVec, GaugeVec, Opts, Registry};
use windlass_types::HoldKind;

use crate::Family;

/// One worker of this node, and its whole queue.
#[derive(Debug, Clone, Default)]
pub struct WorkerNow {
    /// Its name.
    pub name: String,
    /// Jobs that it runs on this node.
    pub running: u32,
    /// Tasks that an outside executor has of it.
    pub outside: u64,
    /// Jobs that it may run on this node.
    pub limit: u32,
    /// Jobs that wait for it, in the whole database, and tasks that wait for its outside executor.
    pub queued: u64,
    /// Its harness's breaker: 0 closed, 1 open, 2 half-open.
    pub breaker: i64,
}

/// One breaker, in the whole database.
#[derive(Debug, Clone, Default)]
pub struct BreakerNow {
    /// The harness.
    pub harness: String,
    /// The account.
    pub account: String,
    /// 0 closed, 1 open, 2 half-open.
    pub state: i64,
}

/// How often something was within which bound.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    /// The bounds, rising.
    pub bounds: Vec<f64>,
    /// How often it was within each and above the one before, and at the end how often above all: not cumulative.
    pub counts: Vec<u64>,
    /// All of it together.
    pub sum: f64,
}

/// One worker of the shared directory.
#[derive(Debug, Clone, Default)]
pub struct FilesWorkerNow {
    /// Its name.
    pub name: String,
    /// Tasks that were taken.
    pub taken: u64,
    /// Bad task files.
    pub rejected: u64,
    /// Results that were written, by status.
    pub results: BTreeMap<String, u64>,
    /// Tasks taken whose result is not on disk yet.
    pub live: u64,
    /// Whether something is wrong with its files.
    pub degraded: bool,
    /// Of an outside executor: how many tasks it has, and how many wait for it.
    pub outside: Option<(u64, u64)>,
}

/// The shared directory of task files.
#[derive(Debug, Clone, Default)]
pub struct FilesNow {
    /// Its workers.
    pub workers: Vec<FilesWorkerNow>,
    /// Files that were seen and are not read yet.
    pub waiting: u64,
    /// Results that could not be written so far.
    pub results_pending: u64,
    /// How often the kernel's queue of events overflowed.
    pub overflows: u64,
    /// Whether something is wrong with the whole.
    pub problem: bool,
    /// How long it took until files were seen, in seconds.
    pub detection: Spread,
    /// How long it took until their rows were there, in seconds.
    pub intake: Spread,
}

/// All of it. What could not be looked up is left out, and so is its family.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// This version, the node's id, `sqlite` or `postgres`, and what keeps agents apart.
    pub build: [String; 4],
    /// When this process started, in seconds since 1970.
    pub start_time_secs: f64,
    /// Whether recovery is over and jobs are claimed.
    pub ready: bool,
    /// Whether this node stops.
    pub stopping: bool,
    /// Whether the store cannot be written.
    pub storage_problem: bool,
    /// Whether a person has paused everything.
    pub paused: Option<bool>,
    /// The workers.
    pub workers: Vec<WorkerNow>,
    /// Jobs by status, in the whole database.
    pub jobs: BTreeMap<String, u64>,
    /// Assignments by status, in the whole database.
    pub assignments: BTreeMap<String, u64>,
    /// What holds the jobs that wait, of the first so many; and how many there are beyond.
    pub held: Option<(BTreeMap<HoldKind, u64>, u64)>,
    /// Harnesses that a quota has parked.
    pub parked: Vec<String>,
    /// The breakers.
    pub breakers: Vec<BreakerNow>,
    /// The highest number of an event.
    pub event_seq: i64,
    /// Live streams that are read, and how many events the slowest of them is behind.
    pub streams: (u64, u64),
    /// Wake-ups that never came since this process started: the look behind them found what they should have announced.
    pub lost_wakeups: u64,
    /// How long commits took, in seconds.
    pub commit_seconds: Spread,
    /// How many operations each commit held.
    pub commit_operations: Spread,
    /// Operations that the store was sent and has not answered yet.
    pub store_queue: u64,
    /// What this node's workspaces take, once it was measured.
    pub workspace_bytes: Option<u64>,
    /// The shared directory, where this node takes task files.
    pub files: Option<FilesNow>,
    /// The duties that this node takes part in, and whether it holds each.
    pub duties: Vec<(&'static str, bool)>,
}

/// Name, help and labels of each family.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    ("watcher_active_tasks", "Jobs that a worker runs on this node, and tasks that its outside executor has.", &["worker"]),
    ("watcher_circuit_breaker_state", "The breaker of a worker's harness: 0 closed, 1 open, 2 half-open.", &["worker"]),
    (
        "watcher_task_queue_size",
        "Jobs that wait for a worker, in the whole database, and tasks that wait for its outside executor.",
        &["worker"],
    ),
    ("windlass_assignments", "Assignments by status, in the whole database.", &["status"]),
    ("windlass_breaker_state", "A breaker: 0 closed, 1 open, 2 half-open, in the whole database.", &["harness", "account"]),
    ("windlass_build_info", "Always 1; the labels say what runs.", &["version", "node", "store", "isolation"]),
    ("windlass_duty_held", "1 on the node that has a duty, 0 on the others that may have it.", &["duty"]),
    ("windlass_event_lag", "How many events the slowest reader of a live stream on this node is behind.", &[]),
    ("windlass_event_seq", "The highest number of an event that this node knows of.", &[]),
    ("windlass_event_streams", "Live event streams that are open on this node.", &[]),
    ("windlass_files_degraded", "1 while something is wrong with a worker's files.", &["worker"]),
    ("windlass_files_detection_seconds", "How long it took from a task file's last change until it was seen.", &[]),
    ("windlass_files_intake_seconds", "How long it took from a task file's last change until its row was in the database.", &[]),
    ("windlass_files_live", "Tasks that were taken and whose result is not on disk yet.", &["worker"]),
    (
        "windlass_files_overflows_total",
        "How often more files changed than the kernel kept events for: everything is looked through then.",
        &[],
    ),
    ("windlass_files_problem", "1 while the shared directory as a whole cannot be used.", &[]),
    ("windlass_files_rejected_total", "Task files that were no task: each is in the folder of dead letters, with the reason.", &["worker"]),
    ("windlass_files_results_pending", "Results that could not be written so far and are tried again.", &[]),
    ("windlass_files_results_total", "Results that were written, by the word in them.", &["worker", "status"]),
    ("windlass_files_taken_total", "Task files that were taken.", &["worker"]),
    ("windlass_files_waiting", "Task files that were seen and are not read yet.", &[]),
    ("windlass_harness_parked", "1 while a quota has parked a harness, in the whole database.", &["harness"]),
    ("windlass_jobs", "Jobs by status, in the whole database.", &["status"]),
    (
        "windlass_jobs_held",
        "What holds the jobs that wait, of the 1000 that are due first: ready for those that nothing holds. not_looked_at counts the others.",
        &["kind"],
    ),
    ("windlass_lost_wakeups_total", "Wake-ups that never came, found by the look behind them.", &[]),
    ("windlass_paused", "1 while a person has paused everything.", &[]),
    ("windlass_ready", "1 while recovery is over and jobs are claimed.", &[]),
    ("windlass_running_jobs", "Jobs that run on this node.", &[]),
    ("windlass_start_time_seconds", "When this process started, in seconds since 1970.", &[]),
    ("windlass_stopping", "1 while this node stops.", &[]),
    ("windlass_storage_problem", "1 while the store cannot be written.", &[]),
    ("windlass_store_commit_operations", "How many operations one commit of the store held.", &[]),
    ("windlass_store_commit_seconds", "How long commits of the store took: those that hold a promise wait for the disk.", &[]),
    ("windlass_store_queue", "Operations that the store was sent and has not answered yet.", &[]),
    ("windlass_worker_slots", "Jobs that a worker may run at once on this node.", &["worker"]),
    ("windlass_workspace_bytes", "What the workspaces of this node take, as housekeeping last measured it.", &[]),
];

/// A registry that is filled once.
struct Fill<'a>(&'a Registry);

impl Fill<'_> {
    fn family(&self, name: &str) -> prometheus::Result<GaugeVec> {
        let (opts, labels) = described(name)?;
        let family = GaugeVec::new(opts, labels)?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    /// What was counted elsewhere.
    fn counters(&self, name: &str) -> prometheus::Result<CounterVec> {
        let (opts, labels) = described(name)?;
        let family = CounterVec::new(opts, labels)?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn counter(&self, name: &str, value: u64) -> prometheus::Result<()> {
        self.counters(name)?.with_label_values::<&str>(&[]).inc_by(value as f64);
        Ok(())
    }

    fn spread(&self, name: &str, spread: &Spread) -> prometheus::Result<()> {
        let (opts, _) = described(name)?;
        let desc = Desc::new(opts.name.clone(), opts.help.clone(), Vec::new(), HashMap::new())?;
        self.0.register(Box::new(Counted { desc, family: spread.family(opts) }))
    }

    fn one(&self, name: &str, value: f64) -> prometheus::Result<()> {
        self.family(name)?.with_label_values::<&str>(&[]).set(value);
        Ok(())
    }

    fn each<'a>(&self, name: &str, values: impl IntoIterator<Item = (&'a str, f64)>) -> prometheus::Result<()> {
        let family = self.family(name)?;
        for (label, value) in values {
            family.with_label_values(&[label]).set(value);
        }
        Ok(())
    }
}

/// Name and help of a family, and its labels.
fn described(name: &str) -> prometheus::Result<(Opts, &'static [&'static str])> {
    let (name, help, labels) = FAMILIES.iter().find(|f| f.0 == name).ok_or_else(|| prometheus::Error::Msg(format!("no family {name}")))?;
    Ok((Opts::new(*name, *help), labels))
}

impl Spread {
    fn family(&self, opts: Opts) -> MetricFamily {
        let mut count = 0;
        let buckets = self.bounds.iter().zip(&self.counts).map(|(bound, within)| {
            count += within;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(self.counts.iter().sum());
        histogram.set_sample_sum(self.sum);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(opts.name);
        family.set_help(opts.help);
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        family
    }
}

/// A histogram that was counted elsewhere.
struct Counted {
    desc: Desc,
    family: MetricFamily,
}

impl Collector for Counted {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![self.family.clone()]
    }
}

impl FilesNow {
    fn register(&self, fill: &Fill<'_>) -> prometheus::Result<()> {
        let yes = |on: bool| f64::from(u8::from(on));
        let taken = fill.counters("windlass_files_taken_total")?;
        let rejected = fill.counters("windlass_files_rejected_total")?;
        let results = fill.counters("windlass_files_results_total")?;
        for worker in &self.workers {
            let name = worker.name.as_str();
            taken.with_label_values(&[name]).inc_by(worker.taken as f64);
            rejected.with_label_values(&[name]).inc_by(worker.rejected as f64);
            for (status, count) in &worker.results {
                results.with_label_values(&[name, status.as_str()]).inc_by(*count as f64);
            }
        }
        fill.each("windlass_files_live", self.workers.iter().map(|w| (w.name.as_str(), w.live as f64)))?;
        fill.each("windlass_files_degraded", self.workers.iter().map(|w| (w.name.as_str(), yes(w.degraded))))?;
        fill.one("windlass_files_problem", yes(self.problem))?;
        fill.one("windlass_files_waiting", self.waiting as f64)?;
        fill.one("windlass_files_results_pending", self.results_pending as f64)?;
        fill.counter("windlass_files_overflows_total", self.overflows)?;
        fill.spread("windlass_files_detection_seconds", &self.detection)?;
        fill.spread("windlass_files_intake_seconds", &self.intake)
    }
}

impl Now {
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let fill = Fill(registry);
        let yes = |on: bool| f64::from(u8::from(on));
        fill.family("windlass_build_info")?.with_label_values(&self.build.each_ref().map(String::as_str)).set(1.0);
        fill.one("windlass_start_time_seconds", self.start_time_secs)?;
        fill.one("windlass_ready", yes(self.ready))?;
        fill.one("windlass_stopping", yes(self.stopping))?;
        fill.one("windlass_storage_problem", yes(self.storage_problem))?;
        if let Some(paused) = self.paused {
            fill.one("windlass_paused", yes(paused))?;
        }
        let worker = |value: fn(&WorkerNow) -> f64| self.workers.iter().map(move |w| (w.name.as_str(), value(w)));
        fill.each("watcher_active_tasks", worker(|w| (u64::from(w.running) + w.outside) as f64))?;
        fill.each("watcher_task_queue_size", worker(|w| w.queued as f64))?;
        fill.each("watcher_circuit_breaker_state", worker(|w| w.breaker as f64))?;
        fill.each("windlass_worker_slots", worker(|w| f64::from(w.limit)))?;
        fill.one("windlass_running_jobs", self.workers.iter().map(|w| f64::from(w.running)).sum())?;
        fill.each("windlass_jobs", self.jobs.iter().map(|(status, n)| (status.as_str(), *n as f64)))?;
        fill.each("windlass_assignments", self.assignments.iter().map(|(status, n)| (status.as_str(), *n as f64)))?;
        if let Some((held, beyond)) = &self.held {
            let kinds = HoldKind::ALL.map(|kind| (kind.as_str(), held.get(&kind).copied().unwrap_or(0) as f64));
            fill.each("windlass_jobs_held", kinds.into_iter().chain([("not_looked_at", *beyond as f64)]))?;
        }
        let harnesses = windlass_types::Harness::ALL.map(windlass_types::Harness::as_str);
        fill.each("windlass_harness_parked", harnesses.map(|h| (h, yes(self.parked.iter().any(|parked| parked == h)))))?;
        let breakers = fill.family("windlass_breaker_state")?;
        for harness in harnesses {
            breakers.with_label_values(&[harness, "default"]).set(0.0);
        }
        for breaker in &self.breakers {
            breakers.with_label_values(&[breaker.harness.as_str(), breaker.account.as_str()]).set(breaker.state as f64);
        }
        fill.each("windlass_duty_held", self.duties.iter().map(|(duty, held)| (*duty, yes(*held))))?;
        fill.one("windlass_event_seq", self.event_seq as f64)?;
        fill.one("windlass_event_streams", self.streams.0 as f64)?;
        fill.one("windlass_event_lag", self.streams.1 as f64)?;
        fill.counter("windlass_lost_wakeups_total", self.lost_wakeups)?;
        fill.spread("windlass_store_commit_seconds", &self.commit_seconds)?;
        fill.spread("windlass_store_commit_operations", &self.commit_operations)?;
        fill.one("windlass_store_queue", self.store_queue as f64)?;
        if let Some(bytes) = self.workspace_bytes {
            fill.one("windlass_workspace_bytes", bytes as f64)?;
        }
        self.files.as_ref().map_or(Ok(()), |files| files.register(&fill))
    }

    /// Every family of it.
    pub(crate) fn families() -> impl Iterator<Item = Family> {
        FAMILIES.iter().map(|(name, help, labels)| Family {
            name: (*name).to_owned(),
            help: (*help).to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        })
    }
}
