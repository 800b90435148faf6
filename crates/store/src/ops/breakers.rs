//! Circuit breakers: what claims ask, what settlements tell, and what a person closes.
//!
//! **Invariant:** a probe counts only while its job runs under the probe's token: one that is lost, cancelled or handed back frees its
//! place with the same write that ends its lease.

use serde_json::{Value as Json, json};
use windlass_types::{
    Admission, AttemptResult, Backend, BackendSign, Breaker, BreakerPolicy, BreakerProbe, BreakerStatus, EventKind, Harness, Timestamp,
    Token,
};

use crate::error::Result;
use crate::sql::{NewEvent, Row, Work, json as as_json, values};
use crate::store::Store;

const COLUMNS: &str = "b.harness, b.account, b.failures, b.openings, b.open_until, b.changed_at, b.failure, b.probe_job, b.probe_generation, \
    b.probe_epoch";

/// A row's breaker; `None` where a later version wrote a harness that this one does not know.
fn breaker(mut r: Row) -> Result<Option<Breaker>> {
    let r = &mut r;
    let Ok(harness) = r.text()?.parse::<Harness>() else { return Ok(None) };
    let mut breaker = Breaker {
        backend: Backend { harness, account: r.text()? },
        failures: r.int()?,
        openings: r.int()?,
        open_until: r.opt_time()?,
        changed_at: r.time()?,
        failure: r.opt_json()?,
        probe: None,
    };
    if let Some(job) = r.opt_word()? {
        breaker.probe = Some(BreakerProbe { job, token: Token { generation: r.int()?, epoch: r.int()? } });
    }
    Ok(Some(breaker))
}

/// Breakers by what stands behind the tables, each with the probe that runs now.
fn noted(w: &mut Work<'_>, rest: &str) -> Result<Vec<Breaker>> {
    let columns = COLUMNS.replace("b.probe_job", "j.id");
    let sql = format!(
        "SELECT {columns} FROM breakers b LEFT JOIN jobs j ON j.id = b.probe_job AND j.status = 'running' \
         AND j.lease_generation = b.probe_generation AND j.lease_epoch = b.probe_epoch {rest} ORDER BY b.harness, b.account LIMIT 1000"
    );
    w.query(&sql, &[])?.into_iter().filter_map(|row| breaker(row).transpose()).collect()
}

/// The breakers that are not closed.
pub(crate) fn not_closed(w: &mut Work<'_>) -> Result<Vec<Breaker>> {
    noted(w, "WHERE b.open_until IS NOT NULL")
}

/// One breaker as it was written, its probe not weighed.
fn find(w: &mut Work<'_>, backend: &Backend, lock: &str) -> Result<Option<Breaker>> {
    let sql = format!("SELECT {COLUMNS} FROM breakers b WHERE b.harness = $1 AND b.account = $2{lock}");
    w.first(&sql, values![backend.harness.as_str(), &backend.account])?.map_or(Ok(None), breaker)
}

fn save(w: &mut Work<'_>, next: &Breaker) -> Result<()> {
    w.execute(
        "UPDATE breakers SET failures = $3, openings = $4, open_until = $5, changed_at = $6, failure = $7, probe_job = $8, \
         probe_generation = $9, probe_epoch = $10 WHERE harness = $1 AND account = $2",
        values![
            next.backend.harness.as_str(),
            &next.backend.account,
            next.failures,
            next.openings,
            next.open_until,
            next.changed_at,
            next.failure.as_ref().map(as_json).transpose()?,
            next.probe.map(|probe| probe.job),
            next.probe.map(|probe| probe.token.generation),
            next.probe.map(|probe| probe.token.epoch),
        ],
    )?;
    Ok(())
}

fn leave_event(w: &mut Work<'_>, backend: &Backend, status: BreakerStatus, more: Json) {
    let base = json!({ "harness": backend.harness.as_str(), "account": backend.account, "status": status.as_str() });
    let data = super::moves::with(base, more);
    w.event(NewEvent { kind: EventKind::BreakerChanged, project: None, assignment: None, job: None, attempt: None, data });
}

/// Whether a claim may go on. At a half-open breaker it becomes the probe, and only one claim can.
pub(crate) fn admit(w: &mut Work<'_>, breaker: Option<&Breaker>, probe: BreakerProbe) -> Result<bool> {
    let now = w.now()?;
    let Some(breaker) = breaker else { return Ok(true) };
    match breaker.admits(now) {
        Admission::Free => return Ok(true),
        Admission::Refused => return Ok(false),
        Admission::AsProbe => {}
    }
    // Another node may have been quicker: decided anew under the row's lock, by statements that see what it committed.
    let lock = w.dialect().lock();
    let Some(mut breaker) = find(w, &breaker.backend, lock)? else { return Ok(true) };
    if let Some(other) = breaker.probe {
        let runs = w.first(
            "SELECT 1 FROM jobs WHERE id = $1 AND status = 'running' AND lease_generation = $2 AND lease_epoch = $3",
            values![other.job, other.token.generation, other.token.epoch],
        )?;
        breaker.probe = runs.map(|_| other);
    }
    match breaker.admits(now) {
        Admission::Free => Ok(true),
        Admission::Refused => Ok(false),
        Admission::AsProbe => {
            breaker.probe = Some(probe);
            save(w, &breaker)?;
            leave_event(w, &breaker.backend, BreakerStatus::HalfOpen, json!({ "probe": probe.job }));
            Ok(true)
        }
    }
}

/// Tells a backend's breaker how an attempt ended. Comes last in a settlement: the breaker's row is locked after all others.
pub(crate) fn report(
    w: &mut Work<'_>,
    backend: &Backend,
    policy: &BreakerPolicy,
    attempt: BreakerProbe,
    result: &AttemptResult,
) -> Result<()> {
    let Some(sign) = BackendSign::of(result) else { return Ok(()) };
    let now = w.now()?;
    // Mostly there is nothing to write: seen without a lock.
    let seen = find(w, backend, "")?.unwrap_or_else(|| Breaker::closed(backend.clone(), now));
    if seen.after(attempt, &sign, policy, now).is_none() {
        return Ok(());
    }
    w.execute(
        "INSERT INTO breakers (harness, account, failures, openings, changed_at) VALUES ($1, $2, 0, 0, $3) ON CONFLICT DO NOTHING",
        values![backend.harness.as_str(), &backend.account, now],
    )?;
    let lock = w.dialect().lock();
    let Some(before) = find(w, backend, lock)? else { return Ok(()) };
    let Some(next) = before.after(attempt, &sign, policy, now) else { return Ok(()) };
    save(w, &next)?;
    if before.openings == 0 && next.openings > 0 {
        w.execute(
            "UPDATE breakers SET opened_at = $3 WHERE harness = $1 AND account = $2",
            values![backend.harness.as_str(), &backend.account, now],
        )?;
    }
    if (next.openings, next.open_until) != (before.openings, before.open_until) {
        let failure = next.failure.as_ref().map(|f| &f.message);
        let more = json!({ "failures": next.failures, "until": next.open_until, "failure": failure, "job": attempt.job });
        leave_event(w, backend, next.status(now), more);
    }
    Ok(())
}

fn close(w: &mut Work<'_>, backend: &Backend, by: &str) -> Result<Breaker> {
    let now = w.now()?;
    let closed = Breaker::closed(backend.clone(), now);
    let lock = w.dialect().lock();
    match find(w, backend, lock)? {
        Some(before) if before.open_until.is_some() || before.failures > 0 => {
            save(w, &closed)?;
            leave_event(w, backend, BreakerStatus::Closed, json!({ "by": by }));
            Ok(closed)
        }
        as_it_was => Ok(as_it_was.unwrap_or(closed)),
    }
}

impl Store {
    /// The breakers that ever saw a fault, with the store's time, by which their status is told.
    pub async fn breakers(&self) -> Result<(Vec<Breaker>, Timestamp)> {
        self.read(|w| Ok((noted(w, "")?, w.now()?))).await
    }

    /// Since when each breaker that is not closed is not; tries in vain do not count.
    pub async fn breakdowns(&self) -> Result<Vec<(Backend, Timestamp)>> {
        self.read(|w| {
            let sql = "SELECT harness, account, COALESCE(opened_at, 0) FROM breakers WHERE open_until IS NOT NULL ORDER BY harness, account LIMIT 1000";
            let mut all = Vec::new();
            for mut row in w.query(sql, &[])? {
                // A later version may know an agent that this one does not.
                let Ok(harness) = row.text()?.parse::<Harness>() else { continue };
                all.push((Backend { harness, account: row.text()? }, row.time()?));
            }
            Ok(all)
        })
        .await
    }

    /// Closes a breaker, its count at zero: a person has seen that its backend works. One that is closed stays so.
    pub async fn close_breaker(&self, backend: Backend, by: String) -> Result<Breaker> {
        self.promise(move |w| close(w, &backend, &by)).await
    }
}
