//! The fence before every write of a worker.
//!
//! **Invariant:** a write whose token is not the live one of a running job changes no row.

use windlass_types::{Assignment, AttemptId, JobId, JobStatus, Token};

use super::rows::{self, JobRow};
use crate::error::{Result, StoreError};
use crate::sql::{Work, values};

fn live(row: JobRow, id: JobId, token: Token) -> Result<JobRow> {
    if row.job.status == JobStatus::Running && row.token == token { Ok(row) } else { Err(StoreError::Stale { job: id }) }
}

/// The running job of a live token, locked.
pub(crate) fn job(w: &mut Work<'_>, id: JobId, token: Token) -> Result<JobRow> {
    let row = rows::lock_job(w, id)?;
    live(row, id, token)
}

/// The running job of a live token with its assignment, both locked.
pub(crate) fn job_and_assignment(w: &mut Work<'_>, id: JobId, token: Token) -> Result<(JobRow, Assignment)> {
    let assignment_id = rows::assignment_of(w, id)?;
    let assignment = rows::lock_assignment(w, assignment_id)?;
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
    if own.is_some() { Ok(row) } else { Err(StoreError::Stale { job: id }) }
}
