//! The fence before every write of a worker.
//!
//! **Invariant:** a write whose token is not the live one of a running job changes no row.

use std::sync::OnceLock;

use windlass_types::{Assignment, AttemptId, JobId, JobStatus, Token};

use super::rows::{self, JobRow};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};

/// Whether there is a fence: a debug build has none with `WINDLASS_FAULT=no_fencing`, by which the fault suite shows that it sees one missing.
pub(super) fn is_up() -> bool {
    static UP: OnceLock<bool> = OnceLock::new();
    *UP.get_or_init(|| !(cfg!(debug_assertions) && std::env::var_os("WINDLASS_FAULT").is_some_and(|fault| fault == "no_fencing")))
}

fn live(row: JobRow, id: JobId, token: Token) -> Result<JobRow> {
    if (row.job.status == JobStatus::Running && row.token == token) || !is_up() { Ok(row) } else { Err(StoreError::Stale { job: id }) }
}

/// The running job of a live token, locked.
pub(crate) fn job(w: &mut Work<'_>, id: JobId, token: Token) -> Result<JobRow> {
    let row = rows::lock_job(w, id)?;
    live(row, id, token)
}

/// The running job of a live token with its assignment, both locked.
pub(crate) fn job_and_assignment(w: &mut Work<'_>, id: JobId, token: Token) -> Result<(JobRow, Assignment)> {
    let assignment = rows::lock_assignment_of(w, id)?;
    let row = job(w, id, token)?;
    Ok((row, assignment))
}

/// The running job of a live token, when the attempt is the one that the token was given to.
pub(crate) fn attempt(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId) -> Result<JobRow> {
    let row = job(w, id, token)?;
    let own = w.first(
        "SELECT 1 FROM attempts WHERE id = $1 AND job_id = $2 AND generation = $3 AND epoch = $4 AND status = 'running'",
        values![attempt, id, token.generation, token.epoch],
    )?;
    if own.is_some() || !is_up() { Ok(row) } else { Err(StoreError::Stale { job: id }) }
}
