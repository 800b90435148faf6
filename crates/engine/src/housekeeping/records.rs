//! Rows: events from their beginning, assignments that are over, old sessions of agents, and what was written down of people: the audit
//! log, credentials that ended, and what they were told of.

use std::collections::HashSet;
use std::sync::Arc;

use windlass_store::{Pruning, StoreError};
use windlass_types::AssignmentId;

use super::{HousekeepingRun, before};
use crate::engine::Inner;

/// How many assignments are looked up at once.
const PAGE: u32 = 100;
/// After how long without a word a session that a person started counts as ended, in milliseconds: an agent that is killed tells no end.
const SILENT_MS: i64 = 24 * 3600 * 1000;

/// Removes what is too old. `workspaces` are those that are still here: their assignments stay.
pub(super) async fn look_after(inner: &Arc<Inner>, workspaces: &HashSet<AssignmentId>, run: &mut HousekeepingRun) {
    if let Err(e) = assignments(inner, workspaces, run).await {
        run.problems.push(format!("assignments that are over: {e}"));
    }
    if let Err(e) = sessions(inner, run).await {
        run.problems.push(format!("sessions of agents: {e}"));
    }
    if let Err(e) = audit(inner, run).await {
        run.problems.push(format!("the audit log: {e}"));
    }
    if let Err(e) = credentials(inner, run).await {
        run.problems.push(format!("credentials that ended: {e}"));
    }
    if let Err(e) = notifications(inner, run).await {
        run.problems.push(format!("notifications: {e}"));
    }
    if let Err(e) = events(inner, run).await {
        run.problems.push(format!("events: {e}"));
    }
}

/// Ends what is silent, and removes what is too old, of the sessions that people started. Those of attempts go with their assignments.
async fn sessions(inner: &Inner, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let now = inner.config.clock.now();
    let before = before(now, inner.config.retention.finished_secs);
    if run.dry_run {
        run.removed.sessions = match before {
            Some(before) => inner.store.sessions_before(before).await?,
            None => 0,
        };
        return Ok(());
    }
    while inner.store.end_silent_sessions(now.plus_ms(-SILENT_MS)).await? > 0 {}
    let Some(before) = before else { return Ok(()) };
    loop {
        match inner.store.prune_sessions(before).await? {
            0 => return Ok(()),
            count => run.removed.sessions += count,
        }
    }
}

async fn audit(inner: &Inner, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let Some(before) = before(inner.config.clock.now(), inner.config.retention.audit_secs) else { return Ok(()) };
    if run.dry_run {
        run.removed.audit_lines = inner.store.audit_before(before).await?;
        return Ok(());
    }
    loop {
        match inner.store.prune_audit(before).await? {
            0 => return Ok(()),
            count => run.removed.audit_lines += count,
        }
    }
}

async fn credentials(inner: &Inner, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let Some(before) = before(inner.config.clock.now(), inner.config.retention.credentials_secs) else { return Ok(()) };
    run.removed.credentials =
        if run.dry_run { inner.store.credentials_before(before).await? } else { inner.store.prune_credentials(before).await? };
    Ok(())
}

/// They are kept as long as what is over.
async fn notifications(inner: &Inner, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let Some(before) = before(inner.config.clock.now(), inner.config.retention.finished_secs) else { return Ok(()) };
    if run.dry_run {
        run.removed.notifications = inner.store.notifications_before(before).await?;
        return Ok(());
    }
    loop {
        match inner.store.prune_notifications(before).await? {
            0 => return Ok(()),
            count => run.removed.notifications += count,
        }
    }
}

async fn events(inner: &Inner, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let Some(before) = before(inner.config.clock.now(), inner.config.retention.events_secs) else { return Ok(()) };
    if run.dry_run {
        run.removed.events = inner.store.events_before(before).await?;
        return Ok(());
    }
    loop {
        match inner.store.prune_events(before).await? {
            0 => return Ok(()),
            count => run.removed.events += count,
        }
    }
}

async fn assignments(inner: &Inner, workspaces: &HashSet<AssignmentId>, run: &mut HousekeepingRun) -> Result<(), StoreError> {
    let Some(before) = before(inner.config.clock.now(), inner.config.retention.finished_secs) else { return Ok(()) };
    let mut after = None;
    loop {
        let page = inner.store.overdue(before, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for overdue in page.iter().filter(|overdue| !workspaces.contains(&overdue.id)) {
            if run.dry_run {
                run.removed.assignments += 1;
                continue;
            }
            let mut pruned = inner.store.prune_assignment(overdue.id, before).await?;
            while pruned == Pruning::More {
                pruned = inner.store.prune_assignment(overdue.id, before).await?;
            }
            run.removed.assignments += u64::from(pruned == Pruning::Gone);
        }
    }
}
