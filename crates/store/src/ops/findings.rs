//! Findings: what looks like secrets in an assignment's work. They stand until a scan of it passes.

use serde_json::json;
use windlass_types::{AssignmentId, AttemptId, EventKind, Finding, JobId, SecretFinding, Token, count};

use super::page::{Conditions, Page, bounded, page};
use super::{attempts, guard};
use crate::error::{Result, StoreError};
use crate::sql::{Value, Work, values};
use crate::store::Store;

/// The most that are kept of one assignment.
const FINDINGS_MAX: usize = 100;

/// Which findings a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those of one assignment.
    pub assignment: Option<AssignmentId>,
}

fn record(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, found: &[SecretFinding]) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    forget(w, row.job.assignment_id)?;
    for (number, finding) in (1_i64..).zip(found.iter().take(FINDINGS_MAX)) {
        let text = serde_json::to_string(finding).map_err(|e| StoreError::Internal(format!("a finding could not be written: {e}")))?;
        let now = w.now()?;
        w.execute(
            "INSERT INTO findings (assignment_id, number, project, job_id, found_at, finding) VALUES ($1, $2, $3, $4, $5, $6)",
            values![row.job.assignment_id, number, &row.job.project, id, now, text],
        )?;
    }
    let rules: std::collections::BTreeSet<&str> = found.iter().map(|finding| finding.rule.as_str()).collect();
    let data = json!({
        "what": "secrets_found",
        "text": format!("the scan found what looks like a secret, in {}: nothing of the work is pushed", count(found.len(), "place")),
        "rules": rules,
    });
    attempts::leave_event(w, EventKind::AttemptNotice, &row.job, attempt, data);
    Ok(())
}

/// A scan of the assignment's work has passed.
pub(crate) fn forget(w: &mut Work<'_>, assignment: AssignmentId) -> Result<()> {
    w.execute("DELETE FROM findings WHERE assignment_id = $1", values![assignment])?;
    Ok(())
}

fn list(w: &mut Work<'_>, filter: &FindingFilter, cursor: Option<&str>, limit: u32) -> Result<Page<Finding>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and_if("project = ?", filter.project.as_deref());
    c.and_if("assignment_id = ?", filter.assignment.map(|id| id.to_string()));
    if let Some(cursor) = cursor {
        let (id, number) =
            parse(cursor).ok_or_else(|| StoreError::Invalid("the cursor is not one of this list: begin without one".to_owned()))?;
        c.and("(assignment_id < ? OR (assignment_id = ? AND number > ?))", [id.to_string().into(), id.to_string().into(), number.into()]);
    }
    let size = c.push(Value::from(limit + 1));
    let sql = format!(
        "SELECT assignment_id, number, project, job_id, found_at, finding FROM findings{} ORDER BY assignment_id DESC, number LIMIT {size}",
        c.text()
    );
    let mut items = Vec::new();
    for mut row in w.query(&sql, &c.params)? {
        let (assignment_id, number, project, job_id, found_at) = (row.word()?, row.int()?, row.text()?, row.word()?, row.time()?);
        let finding = serde_json::from_str(&row.text()?).map_err(|e| StoreError::Corrupt(format!("a finding cannot be read: {e}")))?;
        items.push(Finding { assignment_id, number, project, job_id, found_at, finding });
    }
    Ok(page(items, limit, |item: &Finding| format!("{}.{}", item.assignment_id, item.number)))
}

pub(crate) fn parse(cursor: &str) -> Option<(AssignmentId, i64)> {
    let (id, number) = cursor.split_once('.')?;
    Some((id.parse().ok()?, number.parse().ok()?))
}

impl Store {
    /// Remembers what the scan found in an attempt's work, in place of what an earlier one did.
    pub async fn record_findings(&self, id: JobId, token: Token, attempt: AttemptId, found: Vec<SecretFinding>) -> Result<()> {
        self.promise(move |w| record(w, id, token, attempt, &found)).await
    }

    /// What stands in the way of assignments' work, the newest assignment first.
    pub async fn findings(&self, filter: FindingFilter, cursor: Option<String>, limit: u32) -> Result<Page<Finding>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }
}
