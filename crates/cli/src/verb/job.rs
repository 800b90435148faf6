use clap::Args;
use serde_json::Value;
use windlass_types::Clock;

use crate::cli::{Context, Json};
use crate::client::hold::Holds;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line, show, table};
use crate::wire::JobDetail;

/// Show one job with its attempts and their stages
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job's id, or a unique piece of it
    id: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: JobArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.job_id(&args.id).await?;
    let value: Value = client.get(&format!("/api/v1/jobs/{id}"), &[]).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let detail: JobDetail = serde_json::from_value(value).map_err(|e| CliError::fault(format!("the job could not be understood: {e}")))?;
    let job = &detail.job;
    let now = Clock::system().now();
    let hold = Holds::default().of(&client, job).await;
    table::facts(&[
        ("job", Some(job.id.to_string())),
        ("status", Some(job.status.to_string())),
        ("note", Some(show::job_note(job, hold.as_ref(), None, now)).filter(|n| !n.is_empty())),
        ("type", Some(job.spec.job_type.to_string())),
        ("harness", job.spec.harness.map(|h| h.to_string())),
        ("worker", Some(job.worker.clone())),
        ("node", detail.attempts_list.iter().map(|a| &a.attempt).max_by_key(|a| a.number).map(|a| a.node.clone())),
        ("assignment", Some(job.assignment_id.to_string())),
        ("project", Some(job.project.clone())),
        ("failure", job.failure.as_ref().map(|f| format!("{}: {}", f.kind.as_str(), f.message))),
        ("hint", job.failure.as_ref().and_then(|f| f.hint.clone())),
        ("commit", job.commit.as_deref().map(show::short_commit)),
        ("tokens", Some(job.usage.total_tokens()).filter(|t| *t > 0).map(|t| t.to_string())),
        ("cost", Some(job.cost_micros).filter(|c| c.0 > 0).map(|c| c.to_string())),
        ("made", Some(show::ago(job.created_at, now))),
        ("ended", job.ended_at.map(|t| show::ago(t, now))),
        ("context", Some(job.spec.context.clone()).filter(|c| !c.is_empty())),
        ("output", job.output.clone()),
    ])?;
    for a in &detail.attempts_list {
        let attempt = &a.attempt;
        let took = attempt.ended_at.map(|end| format!(", took {}", show::duration(end.since_ms(attempt.started_at)))).unwrap_or_default();
        let failure = attempt.failure.as_ref().map(|f| format!(": {}", one_line(&f.message, 100))).unwrap_or_default();
        let sandbox = attempt.isolation.as_deref().map(|level| format!(", sandbox {}", one_line(level, 20))).unwrap_or_default();
        output::data(&format!(
            "\nattempt {} ({}, {}): {}{failure}, began {}{took}{sandbox}",
            attempt.number,
            attempt.id,
            attempt.harness,
            attempt.status,
            show::ago(attempt.started_at, now)
        ))?;
        for stage in &a.stages {
            let took = stage.ended_at.map(|end| show::duration(end.since_ms(stage.started_at))).unwrap_or_default();
            output::data(&format!("  {:8} {:8} {took}", stage.stage, stage.status))?;
        }
    }
    Ok(Exit::Done)
}
