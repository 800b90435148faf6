//! Verdicts: proposed by a pm job's agent, refused or applied by the engine.

use serde_json::json;
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, AttemptId, Block, EventKind, Harness, Job, JobId, JobSpec, JobType, Token,
    Verdict, VerdictRecord, count,
};

use super::attempts::leave_event;
use super::{guard, line, moves};
use crate::error::{Result, StoreError};
use crate::sql::{Work, json as as_json, values};
use crate::store::Store;

/// Applies a pm job's verdict within its settlement. What the engine should have refused is refused here too.
pub(crate) fn apply(w: &mut Work<'_>, pm: &Job, assignment: &mut Assignment, verdict: &Verdict) -> Result<Vec<Job>> {
    let mut inserted = Vec::new();
    let open = matches!(assignment.status, AssignmentStatus::Active | AssignmentStatus::Blocked);
    let by = json!({ "by": "pm", "job": pm.id, "reason": verdict.reason() });
    match verdict {
        Verdict::Insert { jobs, .. } if open => {
            let left = assignment.policy.max_inserted_jobs.saturating_sub(assignment.inserted_jobs);
            let wanted = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
            if wanted > left {
                return Err(StoreError::Invalid(format!("the verdict inserts {}, and no more than {left} may be", count(wanted, "job"))));
            }
            if jobs.iter().any(|job| job.job_type == JobType::Pm || job.harness == Some(Harness::Command)) {
                return Err(StoreError::Invalid("a verdict inserts no pm job and none of harness command".to_owned()));
            }
            if jobs.is_empty() && !line::has_live_job_beside(w, assignment.id, Some(pm.id))? {
                return Err(StoreError::Invalid("the verdict inserts no job and none is queued".to_owned()));
            }
            let specs = jobs.iter().map(|job| {
                let spec = JobSpec { job_type: job.job_type, harness: job.harness, context: job.context.clone(), ..JobSpec::default() };
                (spec, None)
            });
            inserted = line::put_behind(w, assignment, pm.position, specs.collect(), &by)?;
            assignment.inserted_jobs = assignment.inserted_jobs.saturating_add(wanted);
        }
        Verdict::Complete { .. } if open => moves::move_assignment(w, assignment, AssignmentMove::Complete, None, by)?,
        Verdict::Block { owner, action, reason, .. } if open => {
            let block = Block { owner: owner.clone(), action: action.clone(), reason: reason.clone(), kind: None };
            moves::move_assignment(w, assignment, AssignmentMove::Block, Some(block), by)?;
        }
        // A person ended the assignment meanwhile: the verdict is kept and changes nothing.
        Verdict::Insert { .. } | Verdict::Complete { .. } | Verdict::Block { .. } => {}
    }
    let now = w.now()?;
    let id = w.ids.verdict();
    w.execute(
        "INSERT INTO verdicts (id, assignment_id, job_id, at, verdict) VALUES ($1, $2, $3, $4, $5)",
        values![id, assignment.id, pm.id, now, as_json(verdict)?],
    )?;
    let data = json!({ "id": id, "verdict": verdict.as_str(), "reason": verdict.reason(), "inserted": inserted.len() });
    w.event(moves::about_job(EventKind::VerdictApplied, pm, data));
    Ok(inserted)
}

fn propose(w: &mut Work<'_>, id: JobId, token: Token, verdict: &Verdict) -> Result<()> {
    let row = guard::job(w, id, token)?;
    if row.job.spec.job_type != JobType::Pm {
        return Err(StoreError::Conflict(format!("{id} is not a pm job; only a pm job gives a verdict")));
    }
    w.execute(
        "UPDATE attempts SET proposed_verdict = $4 WHERE job_id = $1 AND generation = $2 AND epoch = $3",
        values![id, token.generation, token.epoch, as_json(verdict)?],
    )?;
    Ok(())
}

fn refuse(w: &mut Work<'_>, id: JobId, token: Token, attempt: AttemptId, reason: &str) -> Result<()> {
    let row = guard::attempt(w, id, token, attempt)?;
    // The next one is a new one.
    w.execute("UPDATE attempts SET proposed_verdict = NULL WHERE id = $1", values![attempt])?;
    leave_event(w, EventKind::VerdictRefused, &row.job, attempt, json!({ "reason": reason }));
    Ok(())
}

pub(crate) fn all(w: &mut Work<'_>, id: AssignmentId) -> Result<Vec<VerdictRecord>> {
    w.query(
        "SELECT id, assignment_id, job_id, at, verdict FROM verdicts WHERE assignment_id = $1 ORDER BY at, id LIMIT 10000",
        values![id],
    )?
    .into_iter()
    .map(|mut r| {
        let r = &mut r;
        Ok(VerdictRecord { id: r.word()?, assignment_id: r.word()?, job_id: r.word()?, at: r.time()?, verdict: r.json()? })
    })
    .collect()
}

impl Store {
    /// Keeps a pm job's verdict on its attempt until it is settled; a second one takes the first one's place.
    pub async fn propose_verdict(&self, id: JobId, token: Token, verdict: Verdict) -> Result<()> {
        self.promise(move |w| propose(w, id, token, &verdict)).await
    }

    /// The verdict that an attempt's agent proposed, if any.
    pub async fn proposed_verdict(&self, attempt: AttemptId) -> Result<Option<Verdict>> {
        self.read(move |w| match w.first("SELECT proposed_verdict FROM attempts WHERE id = $1", values![attempt])? {
            Some(mut row) => row.opt_json(),
            None => Err(StoreError::not_found("attempt", attempt)),
        })
        .await
    }

    /// The verdicts applied to an assignment, the first first.
    pub async fn verdicts(&self, id: AssignmentId) -> Result<Vec<VerdictRecord>> {
        self.read(move |w| all(w, id)).await
    }

    /// Drops a proposed verdict that the engine could not confirm, and says why in an event.
    pub async fn refuse_verdict(&self, id: JobId, token: Token, attempt: AttemptId, reason: String) -> Result<()> {
        self.ride(move |w| refuse(w, id, token, attempt, &reason)).await
    }
}
