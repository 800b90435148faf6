//! What is looked up when somebody asks, and is true only then.
//!
//! What counts the whole database is the same on every node that shares it: take its maximum over nodes, not its sum.

use std::collections::BTreeMap;

use prometheus::{GaugeVec, IntCounter, Opts, Registry};
use windlass_types::HoldKind;

use crate::Family;

/// One worker of this node, and its whole queue.
#[derive(Debug, Clone, Default)]
pub struct WorkerNow {
    /// Its name.
    pub name: String,
    /// Jobs that it runs on this node.
    pub running: u32,
    /// Jobs that it may run on this node.
    pub limit: u32,
    /// Jobs that wait for it, in the whole database.
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
    /// What holds the jobs that wait, as this node sees it; the first so many of them.
    pub held: Option<BTreeMap<HoldKind, u64>>,
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
}

/// Name, help and labels of each family.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    ("watcher_active_tasks", "Jobs that a worker runs on this node.", &["worker"]),
    ("watcher_circuit_breaker_state", "The breaker of a worker's harness: 0 closed, 1 open, 2 half-open.", &["worker"]),
    ("watcher_task_queue_size", "Jobs that wait for a worker, in the whole database.", &["worker"]),
    ("windlass_assignments", "Assignments by status, in the whole database.", &["status"]),
    ("windlass_breaker_state", "A breaker: 0 closed, 1 open, 2 half-open, in the whole database.", &["harness", "account"]),
    ("windlass_build_info", "Always 1; the labels say what runs.", &["version", "node", "store", "isolation"]),
    ("windlass_event_lag", "How many events the slowest reader of a live stream on this node is behind.", &[]),
    ("windlass_event_seq", "The highest number of an event that this node knows of.", &[]),
    ("windlass_event_streams", "Live event streams that are open on this node.", &[]),
    ("windlass_harness_parked", "1 while a quota has parked a harness, in the whole database.", &["harness"]),
    ("windlass_jobs", "Jobs by status, in the whole database.", &["status"]),
    ("windlass_jobs_held", "What holds the jobs that wait, of the first 200, as this node sees it.", &["kind"]),
    ("windlass_paused", "1 while a person has paused everything.", &[]),
    ("windlass_ready", "1 while recovery is over and jobs are claimed.", &[]),
    ("windlass_running_jobs", "Jobs that run on this node.", &[]),
    ("windlass_start_time_seconds", "When this process started, in seconds since 1970.", &[]),
    ("windlass_stopping", "1 while this node stops.", &[]),
    ("windlass_storage_problem", "1 while the store cannot be written.", &[]),
    ("windlass_worker_slots", "Jobs that a worker may run at once on this node.", &["worker"]),
];

/// The one that is counted elsewhere and only looked up here.
const LOST_WAKEUPS: (&str, &str) = ("windlass_lost_wakeups_total", "Wake-ups that never came, found by the look behind them.");

/// A registry that is filled once.
struct Fill<'a>(&'a Registry);

impl Fill<'_> {
    fn family(&self, name: &str) -> prometheus::Result<GaugeVec> {
        let (name, help, labels) =
            FAMILIES.iter().find(|f| f.0 == name).ok_or_else(|| prometheus::Error::Msg(format!("no family {name}")))?;
        let family = GaugeVec::new(Opts::new(*name, *help), labels)?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
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
        fill.each("watcher_active_tasks", worker(|w| f64::from(w.running)))?;
        fill.each("watcher_task_queue_size", worker(|w| w.queued as f64))?;
        fill.each("watcher_circuit_breaker_state", worker(|w| w.breaker as f64))?;
        fill.each("windlass_worker_slots", worker(|w| f64::from(w.limit)))?;
        fill.one("windlass_running_jobs", self.workers.iter().map(|w| f64::from(w.running)).sum())?;
        fill.each("windlass_jobs", self.jobs.iter().map(|(status, n)| (status.as_str(), *n as f64)))?;
        fill.each("windlass_assignments", self.assignments.iter().map(|(status, n)| (status.as_str(), *n as f64)))?;
        if let Some(held) = &self.held {
            fill.each("windlass_jobs_held", HoldKind::ALL.map(|kind| (kind.as_str(), held.get(&kind).copied().unwrap_or(0) as f64)))?;
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
        fill.one("windlass_event_seq", self.event_seq as f64)?;
        fill.one("windlass_event_streams", self.streams.0 as f64)?;
        fill.one("windlass_event_lag", self.streams.1 as f64)?;
        let lost = IntCounter::new(LOST_WAKEUPS.0, LOST_WAKEUPS.1)?;
        lost.inc_by(self.lost_wakeups);
        registry.register(Box::new(lost))
    }

    /// Every family of it.
    pub(crate) fn families() -> impl Iterator<Item = Family> {
        let labelled = FAMILIES.iter().map(|(name, help, labels)| (*name, *help, labels.to_vec()));
        labelled.chain([(LOST_WAKEUPS.0, LOST_WAKEUPS.1, Vec::new())]).map(|(name, help, labels)| Family {
            name: name.to_owned(),
            help: help.to_owned(),
            labels: labels.into_iter().map(str::to_owned).collect(),
        })
    }
}
