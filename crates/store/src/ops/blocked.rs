//! Blocked assignments: which there are, since when each is blocked by what blocks it, and the job that led to it.

use windlass_types::{Assignment, AssignmentId, Block, JobId, JobStatus, Timestamp, title_of};

use super::page::Conditions;
use crate::error::Result;
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// A blocked assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedWork {
    /// Which.
    pub id: AssignmentId,
    /// Its project.
    pub project: String,
    /// The first line of what is wanted.
    pub title: String,
    /// Who has to act, on what, and why.
    pub block: Block,
    /// Since when this blocks it. A later change of something else leaves it as it is; a block anew, or by something else, does not.
    pub since: Timestamp,
    /// The last job of it that is over, else the last there is.
    pub job: Option<(JobId, JobStatus)>,
}

/// Remembers when a block began. `before`: what blocked it until now.
pub(crate) fn follow(w: &mut Work<'_>, a: &Assignment, before: Option<&Block>) -> Result<()> {
    if a.block.is_some() && a.block.as_ref() != before {
        let now = w.now()?;
        w.execute("UPDATE assignments SET blocked_at = $2 WHERE id = $1", values![a.id, now])?;
    }
    Ok(())
}

fn list(w: &mut Work<'_>, project: Option<&str>, limit: u32) -> Result<Vec<BlockedWork>> {
    let mut c = Conditions::default();
    c.and("status = 'blocked' AND block IS NOT NULL", []);
    c.and_if("project = ?", project);
    let size = c.push(Value::from(limit));
    let sql = format!(
        "SELECT id, project, SUBSTR(north_star, 1, 1000), block, COALESCE(blocked_at, 0) FROM assignments{} \
         ORDER BY blocked_at DESC, id DESC LIMIT {size}",
        c.text()
    );
    let last = "SELECT id, status FROM jobs WHERE assignment_id = $1 \
         ORDER BY CASE WHEN status IN ('queued', 'running') THEN 1 ELSE 0 END, position DESC LIMIT 1";
    let mut found = Vec::new();
    for mut row in w.query(&sql, &c.params)? {
        let (id, project, north_star) = (row.word()?, row.text()?, row.text()?);
        let (block, since) = (row.json()?, row.time()?);
        let job = match w.first(last, values![id])? {
            Some(mut job) => Some((job.word()?, job.word()?)),
            None => None,
        };
        found.push(BlockedWork { id, project, title: title_of(&north_star), block, since, job });
    }
    Ok(found)
}

impl Store {
    /// Blocked assignments, those that were blocked last first.
    pub async fn blocked_work(&self, project: Option<String>, limit: u32) -> Result<Vec<BlockedWork>> {
        self.read(move |w| list(w, project.as_deref(), limit)).await
    }
}
