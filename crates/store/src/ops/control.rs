//! What holds for everybody: the pause, parked harnesses, and the counts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use windlass_types::{AssignmentStatus, EventKind, Harness, JobStatus, Timestamp};

use crate::error::{Result, StoreError};
use crate::sql::{Dialect, NewEvent, Work, values};
use crate::store::Store;

/// A harness that a quota has parked for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HarnessPark {
    /// Which agent.
    pub harness: Harness,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// How many there are of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Jobs by status.
    pub jobs: BTreeMap<JobStatus, u64>,
    /// Assignments by status.
    pub assignments: BTreeMap<AssignmentStatus, u64>,
    /// Queued jobs by worker.
    pub queued_by_worker: BTreeMap<String, u64>,
    /// Running jobs by worker.
    pub running_by_worker: BTreeMap<String, u64>,
}

/// Begins a new boot: its generation.
pub(crate) fn next_generation(w: &mut Work<'_>) -> Result<i64> {
    match w.first("UPDATE control SET value = value + 1 WHERE name = 'generation' RETURNING value", &[])? {
        Some(mut row) => row.int(),
        None => Err(StoreError::Corrupt("the boot generation is gone".to_owned())),
    }
}

/// Whether everything is paused.
pub(crate) fn paused(w: &mut Work<'_>) -> Result<bool> {
    match w.first("SELECT value FROM control WHERE name = 'paused'", &[])? {
        Some(mut row) => Ok(row.int::<i64>()? != 0),
        None => Ok(false),
    }
}

fn everywhere(w: &mut Work<'_>, kind: EventKind, data: serde_json::Value) {
    w.event(NewEvent { kind, project: None, assignment: None, job: None, attempt: None, data });
}

fn pause(w: &mut Work<'_>, on: bool, by: &str) -> Result<()> {
    let value = i64::from(on);
    if w.execute("UPDATE control SET value = $1 WHERE name = 'paused' AND value <> $1", values![value])? > 0 {
        everywhere(w, if on { EventKind::Paused } else { EventKind::Resumed }, json!({ "by": by }));
    }
    Ok(())
}

/// The harness parks that are not over.
pub(crate) fn parks(w: &mut Work<'_>) -> Result<Vec<HarnessPark>> {
    let now = w.now()?;
    w.query("SELECT harness, until_at, reason FROM harness_parks WHERE until_at > $1 ORDER BY harness", values![now])?
        .into_iter()
        .map(|mut row| Ok(HarnessPark { harness: row.word()?, until: row.time()?, reason: row.text()? }))
        .collect()
}

/// Parks a harness for everybody; a longer park stays.
pub(crate) fn park(w: &mut Work<'_>, harness: Harness, until: Timestamp, reason: &str) -> Result<()> {
    let parked = w.execute(
        "INSERT INTO harness_parks (harness, until_at, reason) VALUES ($1, $2, $3) ON CONFLICT (harness) DO UPDATE \
         SET until_at = excluded.until_at, reason = excluded.reason WHERE harness_parks.until_at < excluded.until_at",
        values![harness.as_str(), until, reason],
    )?;
    if parked > 0 {
        everywhere(w, EventKind::HarnessParked, json!({ "harness": harness.as_str(), "until": until, "reason": reason }));
    }
    Ok(())
}

fn unpark(w: &mut Work<'_>, harness: Harness, by: &str) -> Result<()> {
    let harnesses = w.execute("DELETE FROM harness_parks WHERE harness = $1", values![harness.as_str()])?;
    // The jobs that met the limit wait for its end by themselves.
    let now = w.now()?;
    let jobs = w.execute(
        "UPDATE jobs SET park = NULL, due_at = $2 WHERE status = 'queued' AND park LIKE '{\"failure\":{\"kind\":\"rate_limited\"%' \
         AND $1 = (SELECT a.harness FROM attempts a WHERE a.job_id = jobs.id ORDER BY a.number DESC LIMIT 1)",
        values![harness.as_str(), now],
    )?;
    if harnesses + jobs > 0 {
        everywhere(w, EventKind::HarnessParked, json!({ "harness": harness.as_str(), "until": null, "by": by }));
    }
    Ok(())
}

/// The waiting jobs of blocked assignments, by worker: from those assignments, which are few, and not through all that wait.
pub(super) fn blocked_sql(dialect: Dialect) -> String {
    format!(
        "SELECT j.worker, COUNT(*) FROM assignments a CROSS JOIN jobs j{} WHERE a.status = 'blocked' AND j.assignment_id = a.id \
         AND j.status = 'queued' GROUP BY j.worker",
        dialect.by_index("jobs_line")
    )
}

fn counts(w: &mut Work<'_>) -> Result<Counts> {
    let mut counts = Counts::default();
    let over = "SELECT status, COUNT(*) FROM jobs WHERE status NOT IN ('queued', 'running') GROUP BY status ORDER BY status";
    for mut row in w.query(over, &[])? {
        counts.jobs.insert(row.word()?, row.int()?);
    }
    for mut row in w.query("SELECT status, COUNT(*) FROM assignments GROUP BY status ORDER BY status", &[])? {
        counts.assignments.insert(row.word()?, row.int()?);
    }
    // What waits may be much: counted in the index that claims use, without a look at the jobs.
    let ready = w.dialect().by_index("jobs_ready");
    for (index, status, by_worker) in
        [(ready.as_str(), JobStatus::Queued, &mut counts.queued_by_worker), ("", JobStatus::Running, &mut counts.running_by_worker)]
    {
        let sql = format!("SELECT worker, COUNT(*) FROM jobs{index} WHERE status = '{status}' GROUP BY worker ORDER BY worker");
        for mut row in w.query(&sql, &[])? {
            let (worker, count): (String, u64) = (row.text()?, row.int()?);
            *counts.jobs.entry(status).or_insert(0) += count;
            by_worker.insert(worker, count);
        }
    }
    // A job whose assignment is blocked waits for whoever has to act, and for no worker.
    let blocked = blocked_sql(w.dialect());
    for mut row in w.query(&blocked, &[])? {
        let (worker, count) = (row.text()?, row.int::<u64>()?);
        if let Some(queued) = counts.queued_by_worker.get_mut(&worker) {
            *queued = queued.saturating_sub(count);
        }
    }
    counts.queued_by_worker.retain(|_, queued| *queued > 0);
    Ok(counts)
}

impl Store {
    /// Whether everything is paused.
    pub async fn paused(&self) -> Result<bool> {
        self.read(paused).await
    }

    /// Pauses or resumes everything: what runs goes on, nothing is claimed while it lasts.
    pub async fn set_paused(&self, on: bool, by: String) -> Result<()> {
        self.promise(move |w| pause(w, on, &by)).await
    }

    /// The harnesses that a quota has parked for everybody.
    pub async fn harness_parks(&self) -> Result<Vec<HarnessPark>> {
        self.read(parks).await
    }

    /// Lets a parked harness go, and the jobs that wait for the end of its limit.
    pub async fn unpark_harness(&self, harness: Harness, by: String) -> Result<()> {
        self.promise(move |w| unpark(w, harness, &by)).await
    }

    /// How many there are of each.
    pub async fn counts(&self) -> Result<Counts> {
        self.read(counts).await
    }

    /// Whether the database can be written: an error says why it cannot.
    pub async fn check(&self) -> Result<()> {
        self.promise(|w| {
            let now = w.now()?;
            w.execute("UPDATE control SET value = $1 WHERE name = 'probe'", values![now])?;
            Ok(())
        })
        .await
    }
}
