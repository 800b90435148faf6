//! The part of `doctor` that a month shows: the database, what is kept, what is in the way, and whether there is a backup.

use std::sync::Arc;
use std::time::Duration;

use windlass_store::{DatabaseFacts, QuickCheck};
use windlass_types::{JobStatus, count};

use crate::doctor::{check, problem};
use crate::engine::{Engine, Inner};
use crate::error::EngineError;
use crate::housekeeping::{Housekeeping, space};
use crate::request::DoctorCheck;

const MIB: u64 = 1024 * 1024;
/// How long looking at every page of the database may hold up the answer.
const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// A log larger than this was not folded into the database for long: a reader holds it open, or the disk is too slow.
const WAL_MAX: u64 = 512 * MIB;
/// A database with more free room than used is worth writing anew.
const FREE_MIN: u64 = 256 * MIB;
/// By how much two clocks may differ.
const SKEW_MAX_MS: i64 = 2_000;
/// 2025: a clock before it was never set.
const CLOCK_MIN_MS: i64 = 1_735_689_600_000;
const BACKUP_AGE_MAX_MS: i64 = 7 * 24 * 3600 * 1000;
/// A repository with its tools can need this many.
const WATCHES_MIN: u64 = 8_192;

impl Engine {
    /// Looks at what only time brings about.
    pub(crate) async fn health(&self) -> Result<Vec<DoctorCheck>, EngineError> {
        let inner = &self.inner;
        // Where it cannot be read, the check of the store says why.
        let Ok(facts) = inner.store.database().await else { return Ok(Vec::new()) };
        let keeping = self.housekeeping().await?;
        Ok([
            database(inner, &facts).await,
            clock(inner, &facts),
            space_left(inner),
            workspaces(&keeping),
            housekeeping(inner, &keeping),
            backup(inner, &keeping),
            dead_letters(inner).await?,
        ]
        .into_iter()
        .chain(watches())
        .collect())
    }
}

async fn database(inner: &Arc<Inner>, facts: &DatabaseFacts) -> DoctorCheck {
    let wal = facts.wal_bytes.unwrap_or(0);
    let looked = inner.store.quick_check(CHECK_LIMIT).await;
    let whole = match &looked {
        // PostgreSQL checks its pages as it reads them: nobody has looked at all of them.
        Ok(QuickCheck::Whole) if inner.store.is_postgres() => "",
        Ok(QuickCheck::Whole) => ", whole",
        Ok(QuickCheck::TooLong) => ", too large to be read in 10 s",
        Ok(QuickCheck::Damaged(_)) | Err(_) => "",
    };
    let log = if wal > 0 { format!(", log {} MiB", wal / MIB) } else { String::new() };
    let found = format!(
        "{}, schema {}, {} MiB ({} MiB free){log}{whole}",
        facts.version,
        facts.schema,
        facts.size_bytes / MIB,
        facts.free_bytes / MIB
    );
    let wrong = match looked {
        Ok(QuickCheck::Damaged(what)) => Some(problem(
            &format!("the database is damaged: {}", what.join("; ")),
            "stop the daemon, keep a copy of the data directory, and restore a backup",
        )),
        Err(e) => Some(problem(&e.to_string(), "see that the disk can be read")),
        _ if wal > WAL_MAX => {
            Some(problem("the database's log is not folded back", "end other programs that have the database open, or restart the daemon"))
        }
        _ if facts.free_bytes > FREE_MIN && facts.free_bytes > facts.size_bytes / 2 => Some(problem(
            "more than half of the database's file is free room",
            "it is used again; to give it back, make a backup and restore it with --force",
        )),
        _ => None,
    };
    check("database", found, wrong)
}

fn clock(inner: &Inner, facts: &DatabaseFacts) -> DoctorCheck {
    let now = inner.config.clock.now();
    let skew = now.since_ms(facts.now);
    let wrong = if now.0 < CLOCK_MIN_MS {
        Some(problem("this machine's clock was never set", "set it, or let systemd-timesyncd or chrony do it"))
    } else if skew.abs() > SKEW_MAX_MS {
        Some(problem(
            &format!("this machine's clock and the database's differ by {skew} ms"),
            "leases go by the database's; set both by a time server, so that what is shown is right",
        ))
    } else {
        None
    };
    check("clock", now.to_string(), wrong)
}

fn space_left(inner: &Inner) -> DoctorCheck {
    let floor = inner.config.retention.min_free_bytes;
    let Some(free) = space::free_bytes(inner) else { return check("space", "unknown".to_owned(), None) };
    let wrong = (free < floor).then(|| {
        problem("no new work is begun for want of space", "free some, or see what windlass housekeeping keeps; what runs goes on")
    });
    check("space", format!("{} MiB free, new work needs {} MiB", free / MIB, floor / MIB), wrong)
}

fn workspaces(keeping: &Housekeeping) -> DoctorCheck {
    let Some(last) = &keeping.last else { return check("workspaces", "not looked at yet".to_owned(), None) };
    let taken = last.workspace_bytes.saturating_sub(last.removed.workspace_bytes);
    let of = keeping.retention.workspaces_max_bytes.map_or_else(String::new, |max| format!(" of {} MiB", max / MIB));
    let found = format!("{} MiB{of}, {} kept that were to go", taken / MIB, last.kept.len());
    let wrong = last.kept.first().map(|first| {
        problem(
            &format!("{} could not be removed, as that of {}: {}", count(last.kept.len(), "workspace"), first.assignment_id, first.why),
            &first.hint,
        )
    });
    check("workspaces", found, wrong)
}

fn housekeeping(inner: &Inner, keeping: &Housekeeping) -> DoctorCheck {
    let now = inner.config.clock.now();
    let found = keeping.last.as_ref().map_or("no round yet".to_owned(), |last| format!("last round {}", last.ended_at));
    let late = i64::try_from(keeping.retention.interval_secs.saturating_mul(3_000)).unwrap_or(i64::MAX);
    let wrong = match &keeping.last {
        Some(last) if !last.problems.is_empty() => {
            Some(problem(&last.problems.join("; "), "see the daemon's log; the next round tries again"))
        }
        Some(last) if now.since_ms(last.ended_at) > late && now.since_ms(inner.started_at) > late => {
            Some(problem("it has not run for long", "windlass housekeeping --run-now"))
        }
        _ => None,
    };
    check("housekeeping", found, wrong)
}

fn backup(inner: &Inner, keeping: &Housekeeping) -> DoctorCheck {
    let Some(at) = keeping.backed_up_at else { return check("backup", "none yet: windlass backup PATH makes one".to_owned(), None) };
    let wrong = (inner.config.clock.now().since_ms(at) > BACKUP_AGE_MAX_MS)
        .then(|| problem("the last backup is older than a week", "windlass backup PATH, best from a timer"));
    check("backup", format!("last {at}"), wrong)
}

async fn dead_letters(inner: &Inner) -> Result<DoctorCheck, EngineError> {
    let dead = inner.store.counts().await?.jobs.get(&JobStatus::Dead).copied().unwrap_or(0);
    let wrong =
        (dead > 0).then(|| problem(&format!("out of retries: {}", count(dead, "job")), "windlass jobs --status dead; each says why"));
    Ok(check("dead", count(dead, "dead letter"), wrong))
}

/// How many files may be watched: task files need few, an agent's tools many. Only where the kernel tells.
fn watches() -> Option<DoctorCheck> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse::<u64>().ok();
    let (watches, instances) = (read("max_user_watches")?, read("max_user_instances")?);
    let wrong = (watches < WATCHES_MIN).then(|| {
        problem(
            "few files can be watched on this machine",
            "raise fs.inotify.max_user_watches; until then files that cannot be watched are looked for from time to time",
        )
    });
    Some(check("inotify", format!("{watches} watches, {instances} instances"), wrong))
}
