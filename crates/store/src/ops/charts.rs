//! What was done over a time, counted: for charts.

use std::collections::BTreeMap;

use windlass_types::{Failure, FailureKind, Harness, JobStatus, Micros, Timestamp, Usage};

use super::page::Conditions;
use crate::error::Result;
use crate::sql::{Value, Work};
use crate::store::Store;

/// The most rows that one chart is made of, the newest.
const ROWS_MAX: i64 = 100_000;

/// Of what and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartsFilter {
    /// Of one project.
    pub project: Option<String>,
    /// From this time on.
    pub since: Timestamp,
    /// Before this time.
    pub until: Timestamp,
    /// How long one bucket is, in milliseconds.
    pub bucket_ms: i64,
}

/// What was done over a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charted {
    /// Jobs that ended, by the start of their bucket and their status.
    pub ended: BTreeMap<Timestamp, BTreeMap<JobStatus, u64>>,
    /// How long those that succeeded took in the attempt that did, in milliseconds, by the start of their bucket.
    pub durations_ms: BTreeMap<Timestamp, Vec<i64>>,
    /// What attempts cost, by project and agent.
    pub costs: BTreeMap<(String, Harness), Cost>,
    /// How often attempts failed, by how.
    pub failures: BTreeMap<FailureKind, u64>,
}

/// What some attempts cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many there were.
    pub attempts: u64,
    /// Tokens of every kind, as far as told.
    pub tokens: u64,
    /// Money, as far as told.
    pub cost_micros: Micros,
    /// Those that did not tell their cost.
    pub unknown: u64,
}

fn within(filter: &ChartsFilter, column: &str) -> Conditions {
    let mut c = Conditions::default();
    c.and(&format!("{column} >= ?"), [filter.since.into()]);
    c.and(&format!("{column} < ?"), [filter.until.into()]);
    c
}

fn charted(w: &mut Work<'_>, filter: &ChartsFilter) -> Result<Charted> {
    let mut charted = Charted::default();
    let mut c = within(filter, "ended_at");
    // As the index of those that are over has it.
    c.and("status NOT IN ('queued', 'running')", []);
    c.and_if("project = ?", filter.project.as_deref());
    let size = c.push(Value::Int(ROWS_MAX));
    // From the last attempt on: what a job waited for another one, or for a person, is not its work.
    let sql = format!(
        "SELECT status, (SELECT MAX(a.started_at) FROM attempts a WHERE a.job_id = jobs.id), ended_at FROM jobs{} ORDER BY ended_at DESC LIMIT {size}",
        c.text()
    );
    for mut row in w.query(&sql, &c.params)? {
        let (status, started_at, ended_at): (JobStatus, Option<Timestamp>, Timestamp) = (row.word()?, row.opt_time()?, row.time()?);
        let bucket = Timestamp(ended_at.0 - ended_at.0.rem_euclid(filter.bucket_ms.max(1)));
        *charted.ended.entry(bucket).or_default().entry(status).or_insert(0) += 1;
        if let Some(started_at) = started_at.filter(|_| status == JobStatus::Succeeded) {
            charted.durations_ms.entry(bucket).or_default().push((ended_at.0 - started_at.0).max(0));
        }
    }
    let mut c = within(filter, "a.started_at");
    c.and_if("j.project = ?", filter.project.as_deref());
    let size = c.push(Value::Int(ROWS_MAX));
    let sql = format!(
        "SELECT j.project, a.harness, a.usage, a.failure FROM attempts a JOIN jobs j ON j.id = a.job_id{} ORDER BY a.id DESC LIMIT {size}",
        c.text()
    );
    for mut row in w.query(&sql, &c.params)? {
        let (project, harness): (String, Harness) = (row.text()?, row.word()?);
        let (usage, failure): (Option<Usage>, Option<Failure>) = (row.opt_json()?, row.opt_json()?);
        let cost = charted.costs.entry((project, harness)).or_default();
        cost.attempts += 1;
        cost.tokens = cost.tokens.saturating_add(usage.map_or(0, |usage| usage.total_tokens()));
        match usage.and_then(|usage| usage.cost_micros) {
            Some(micros) => cost.cost_micros = Micros(cost.cost_micros.0.saturating_add(micros.0)),
            None => cost.unknown += 1,
        }
        if let Some(failure) = failure {
            *charted.failures.entry(failure.kind).or_insert(0) += 1;
        }
    }
    Ok(charted)
}

impl Store {
    /// What was done over a time, of at most the newest 100,000 jobs and attempts in it.
    pub async fn charted(&self, filter: ChartsFilter) -> Result<Charted> {
        self.read(move |w| charted(w, &filter)).await
    }
}
