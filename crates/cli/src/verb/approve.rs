use clap::Args;
use serde_json::Value;
use windlass_types::FailureKind;

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::JobDetail;

/// Let a held change of guarded paths through, after showing which
///
/// Work that changes what runs elsewhere or steers agents (a forge's workflows, Windlass's own settings, agents'
/// settings, hooks) is held for a person. What is let through is just what the job's last attempt left.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The job's id, or a unique piece of it
    job: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: ApproveArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.job_id(&args.job).await?;
    let detail: JobDetail = client.get(&format!("/api/v1/jobs/{id}"), &[]).await?;
    if detail.job.failure.as_ref().map(|f| f.kind) != Some(FailureKind::GuardedChange) {
        return Err(CliError::usage(format!("{id} does not wait for anybody to let a change through")).hint("see `windlass job ID`"));
    }
    let value: Value = client.post(&format!("/api/v1/jobs/{id}/approve"), &serde_json::json!({})).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let last = detail.attempts_list.iter().max_by_key(|a| a.attempt.number).and_then(|a| a.stages.last());
    let paths = last.and_then(|stage| stage.detail["guarded"].as_array()).into_iter().flatten().filter_map(Value::as_str);
    for path in paths {
        output::data(&format!("let through: {}", output::one_line(path, 300)))?;
    }
    output::data(&format!("{id} is {}", value.get("status").and_then(Value::as_str).unwrap_or_default()))?;
    Ok(Exit::Done)
}
