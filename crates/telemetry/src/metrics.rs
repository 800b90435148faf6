//! What this process has counted since it started.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{CounterVec, Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};
use windlass_types::{
    AttemptStatus, Failure, FailureClass, FailureKind, Harness, Job, JobStatus, Micros, Stage, StageStatus, Timestamp, Usage,
};

use crate::bounded::Bounded;
use crate::{Family, Now};

/// How many workers and projects have figures of their own.
const NAMES_MAX: usize = 100;
/// The kinds of tokens.
const TOKENS: [&str; 4] = ["input", "output", "cache_read", "cache_write"];

/// From a claim that takes a fraction of a millisecond to one that waits for a disk.
const STORE_SECONDS: &[f64] = &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// From an event that is there at once to one that is an hour late.
const WAIT_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];
/// From a simulated step to an agent that works all night.
const WORK_SECONDS: &[f64] = &[0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 14400.0];

/// An attempt that was settled: what it was and what followed.
#[derive(Debug)]
pub struct Settlement<'a> {
    /// The job as it was claimed.
    pub before: &'a Job,
    /// The job as the settlement left it.
    pub after: &'a Job,
    /// The agent that ran.
    pub harness: Harness,
    /// How the attempt ended.
    pub outcome: AttemptStatus,
    /// Why, when it failed.
    pub failure: Option<&'a Failure>,
    /// What it used, where the agent told.
    pub usage: Option<Usage>,
    /// How long it took, from the claim to its end.
    pub took: Duration,
}

/// A stage of an attempt that ended.
#[derive(Debug, Clone, Copy)]
pub struct EndedStage {
    /// Its place in the attempt's journal.
    pub number: i64,
    /// Which stage.
    pub stage: Stage,
    /// Which round of run and verify.
    pub iteration: u32,
    /// How it ended.
    pub status: StageStatus,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// The figures. One for each engine; nothing global.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    workers: Bounded,
    projects: Bounded,
    tasks_processed: IntCounterVec,
    tasks_failed: IntCounterVec,
    task_duration: HistogramVec,
    attempts: IntCounterVec,
    attempt_duration: HistogramVec,
    stage_duration: HistogramVec,
    stages: IntCounterVec,
    failures: IntCounterVec,
    retries: IntCounter,
    rescues: IntCounter,
    parks: IntCounter,
    handed_back: IntCounter,
    dead_letters: IntCounter,
    tokens: IntCounterVec,
    cost: CounterVec,
    claims: IntCounter,
    claim_duration: Histogram,
    pickup: Histogram,
    heartbeats: IntCounterVec,
    heartbeat_duration: Histogram,
    event_delivery: Histogram,
    families: Vec<Family>,
}

impl Metrics {
    /// All at zero, for these workers. An error is a fault of this file.
    pub fn new<'a>(workers: impl IntoIterator<Item = &'a str>) -> prometheus::Result<Self> {
        let mut build = Build::default();
        let metrics = Self {
            workers: Bounded::new(NAMES_MAX),
            projects: Bounded::new(NAMES_MAX),
            tasks_processed: build.counters(
                "watcher_tasks_processed_total",
                "Jobs that came to an end or were given to a person to set something up, by the word of a task's result.",
                &["worker", "status"],
            )?,
            tasks_failed: build.counters("watcher_tasks_failed_total", "Jobs that did not succeed, by why.", &["worker", "reason"])?,
            task_duration: build.histograms(
                "watcher_task_duration_seconds",
                "How long the last attempt of a job took.",
                &["worker"],
                WORK_SECONDS,
            )?,
            attempts: build.counters(
                "windlass_attempts_total",
                "Attempts that were settled, by how they ended.",
                &["harness", "outcome"],
            )?,
            attempt_duration: build.histograms(
                "windlass_attempt_duration_seconds",
                "How long attempts took, from the claim to the settlement.",
                &["harness"],
                WORK_SECONDS,
            )?,
            stages: build.counters("windlass_stages_total", "Stages of attempts that ended, by how.", &["stage", "status"])?,
            stage_duration: build.histograms(
                "windlass_stage_duration_seconds",
                "How long stages of attempts took.",
                &["stage"],
                WORK_SECONDS,
            )?,
            failures: build.counters("windlass_failures_total", "Attempts that failed, by the kind of failure.", &["kind"])?,
            retries: build.counter("windlass_retries_total", "Jobs that wait for another try after a transient failure.")?,
            rescues: build.counter("windlass_rescues_total", "Jobs whose worker was lost while they ran.")?,
            parks: build.counter("windlass_parks_total", "Jobs that a quota or a full disk made wait.")?,
            handed_back: build.counter("windlass_handed_back_total", "Jobs that were handed back unharmed when this node stopped.")?,
            dead_letters: build.counter("windlass_dead_letters_total", "Jobs that ran out of retries.")?,
            tokens: build.counters("windlass_tokens_total", "Tokens that agents reported, by kind.", &["harness", "project", "kind"])?,
            cost: build.sums("windlass_cost_dollars_total", "US dollars that agents reported.", &["harness", "project"])?,
            claims: build.counter("windlass_claims_total", "Jobs that this node took to run.")?,
            claim_duration: build.histogram("windlass_claim_duration_seconds", "How long a claim took that found a job.", STORE_SECONDS)?,
            pickup: build.histogram(
                "windlass_pickup_seconds",
                "How long jobs waited from when they were due until their claim.",
                WAIT_SECONDS,
            )?,
            heartbeats: build.counters(
                "windlass_heartbeats_total",
                "Renewals of this node's leases, by whether the store took them.",
                &["outcome"],
            )?,
            heartbeat_duration: build.histogram(
                "windlass_heartbeat_duration_seconds",
                "How long a renewal of the leases took.",
                STORE_SECONDS,
            )?,
            event_delivery: build.histogram(
                "windlass_event_delivery_seconds",
                "How old events were when a reader of the live stream took them.",
                WAIT_SECONDS,
            )?,
            registry: build.registry,
            families: build.families,
        };
        metrics.begin();
        workers.into_iter().for_each(|worker| metrics.worker(worker));
        Ok(metrics)
    }

    /// A rate needs a zero to begin with: what is known beforehand is there from the start.
    fn begin(&self) {
        for harness in Harness::ALL {
            self.attempt_duration.with_label_values(&[harness.as_str()]);
            for outcome in AttemptStatus::ALL.into_iter().filter(|s| *s != AttemptStatus::Running) {
                self.attempts.with_label_values(&[harness.as_str(), outcome.as_str()]);
            }
        }
        for stage in Stage::ALL {
            self.stage_duration.with_label_values(&[stage.as_str()]);
        }
        for kind in FailureKind::ALL {
            self.failures.with_label_values(&[kind.as_str()]);
        }
        for outcome in ["taken", "refused"] {
            self.heartbeats.with_label_values(&[outcome]);
        }
    }

    /// There is a worker of this name: all of its figures are at zero.
    pub fn worker(&self, name: &str) {
        let worker = self.workers.label(name);
        self.task_duration.with_label_values(&[worker]);
        for status in JobStatus::ALL.into_iter().filter_map(end_of) {
            self.tasks_processed.with_label_values(&[worker, status]);
        }
        for kind in FailureKind::ALL {
            self.tasks_failed.with_label_values(&[worker, kind.as_str()]);
        }
    }

    /// An agent may work for a project: what it has used for that so far is nothing.
    pub fn may_use(&self, harness: Harness, project: &str) {
        let project = self.projects.label(project);
        for kind in TOKENS {
            self.tokens.with_label_values(&[harness.as_str(), project, kind]);
        }
        self.cost.with_label_values(&[harness.as_str(), project]);
    }

    /// A task that an outside executor did, or could not do, came to its end.
    pub fn outside_ended(&self, worker: &str, is_dead: bool) {
        let worker = self.workers.label(worker);
        self.tasks_processed.with_label_values(&[worker, if is_dead { "dead" } else { "completed" }]).inc();
        if is_dead {
            self.tasks_failed.with_label_values(&[worker, "needs_retry"]).inc();
        }
    }

    /// A claim found a job that was due `waited` ago.
    pub fn claimed(&self, took: Duration, waited: Duration) {
        self.claims.inc();
        self.claim_duration.observe(took.as_secs_f64());
        self.pickup.observe(waited.as_secs_f64());
    }

    /// A stage of an attempt ended.
    pub fn stage_ended(&self, ended: &EndedStage) {
        let stage = ended.stage.as_str();
        self.stages.with_label_values(&[stage, ended.status.as_str()]).inc();
        if ended.status != StageStatus::Skipped {
            self.stage_duration.with_label_values(&[stage]).observe(ended.took.as_secs_f64());
        }
    }

    /// An attempt was settled, by this node.
    pub fn settled(&self, s: &Settlement<'_>) {
        let harness = s.harness.as_str();
        self.attempts.with_label_values(&[harness, s.outcome.as_str()]).inc();
        self.attempt_duration.with_label_values(&[harness]).observe(s.took.as_secs_f64());
        if let Some(failure) = s.failure {
            self.failures.with_label_values(&[failure.kind.as_str()]).inc();
        }
        if let Some(usage) = s.usage {
            self.used(harness, &s.before.project, usage);
        }
        let rose = |counter: fn(&Job) -> u32| counter(s.after) > counter(s.before);
        if s.after.status == JobStatus::Queued {
            if rose(|j| j.failures) {
                self.retries.inc();
            } else if rose(|j| j.parks) {
                self.parks.inc();
            } else if s.failure.is_none() {
                self.handed_back.inc();
            }
        }
        if rose(|j| j.rescues) {
            self.rescues.inc();
        }
        if s.after.status == JobStatus::Dead {
            self.dead_letters.inc();
        }
        // What a person has to set up first is told as failed, while its job waits.
        let waits_for_person = s.after.status == JobStatus::Queued && s.failure.is_some_and(|f| f.class() == FailureClass::Configuration);
        if let Some(end) = end_of(if waits_for_person { JobStatus::Failed } else { s.after.status }) {
            let worker = self.workers.label(&s.before.worker);
            self.tasks_processed.with_label_values(&[worker, end]).inc();
            self.task_duration.with_label_values(&[worker]).observe(s.took.as_secs_f64());
            if s.after.status != JobStatus::Succeeded {
                let reason = s.failure.map_or("unknown", |f| f.kind.as_str());
                self.tasks_failed.with_label_values(&[worker, reason]).inc();
            }
        }
    }

    fn used(&self, harness: &str, project: &str, usage: Usage) {
        let project = self.projects.label(project);
        let counts = [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens];
        for (kind, count) in TOKENS.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.tokens.with_label_values(&[harness, project, kind]).inc_by(count);
        }
        if let Some(Micros(micros)) = usage.cost_micros
            && micros > 0
        {
            self.cost.with_label_values(&[harness, project]).inc_by(micros as f64 / 1e6);
        }
    }

    /// The store took the renewal of this node's leases, or did not.
    pub fn heartbeat(&self, taken: bool, took: Duration) {
        self.heartbeats.with_label_values(&[if taken { "taken" } else { "refused" }]).inc();
        self.heartbeat_duration.observe(took.as_secs_f64());
    }

    /// A reader of the live stream took an event of this age.
    pub fn event_delivered(&self, age: Duration) {
        self.event_delivery.observe(age.as_secs_f64());
    }

    /// Everything in Prometheus' text format, with what was looked up just now.
    pub fn render(&self, now: &Now) -> prometheus::Result<String> {
        let looked_up = Registry::new();
        now.register(&looked_up)?;
        let mut text = Vec::new();
        let encoder = TextEncoder::new();
        encoder.encode(&self.registry.gather(), &mut text)?;
        encoder.encode(&looked_up.gather(), &mut text)?;
        String::from_utf8(text).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }

    /// Every family, by name.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = self.families.iter().cloned().chain(Now::families()).collect();
        families.sort();
        families
    }
}

/// The word for a job's end in the result of a task; `None` while it has not ended.
const fn end_of(status: JobStatus) -> Option<&'static str> {
    match status {
        JobStatus::Succeeded => Some("completed"),
        JobStatus::Failed => Some("failed"),
        JobStatus::Dead => Some("dead"),
        JobStatus::Cancelled => Some("cancelled"),
        JobStatus::Queued | JobStatus::Running => None,
    }
}

/// Makes families and registers each.
#[derive(Default)]
struct Build {
    registry: Registry,
    families: Vec<Family>,
}

impl Build {
    fn add<C: Collector + Clone + 'static>(&mut self, metric: C) -> prometheus::Result<C> {
        self.registry.register(Box::new(metric.clone()))?;
        self.families.extend(Family::of(&metric));
        Ok(metric)
    }

    fn counter(&mut self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    fn counters(&mut self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn sums(&mut self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<CounterVec> {
        self.add(CounterVec::new(Opts::new(name, help), labels)?)
    }

    fn histogram(&mut self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }

    fn histograms(&mut self, name: &str, help: &str, labels: &[&str], buckets: &[f64]) -> prometheus::Result<HistogramVec> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
    }
}
