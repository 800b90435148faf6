use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use windlass_types::{Assignment, AssignmentStatus, Harness, Job, JobStatus};

use crate::cli::{Context, Json, harness_parser, read_text, text_or_file};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// Run a job again that failed, is dead or was cancelled
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The job's id, or a unique piece of it
    job: String,
    /// Tell the agent this instead
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// The same, from a file (`-`: standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    context_file: Option<PathBuf>,
    /// With this agent instead
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// With this model instead
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// With this program instead, for harness command
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// With this script instead, for harness simulated
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// With this much time instead, in seconds
    #[arg(long, value_name = "SECS")]
    timeout: Option<u64>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: RetryArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.job_id(&args.job).await?;
    let mut edit = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            edit.insert(key.to_owned(), value);
        }
    };
    set("context", text_or_file(args.context, args.context_file.as_deref())?.map(Value::from));
    set("harness", args.harness.map(|h| h.as_str().into()));
    set("model", args.model.map(Value::from));
    set("program", args.program.map(Value::from));
    set("script", args.script.as_deref().map(read_text).transpose()?.map(Value::from));
    set("timeout_secs", args.timeout.map(Value::from));
    let value: Value = match client.post(&format!("/api/v1/jobs/{id}/retry"), &edit).await {
        Ok(value) => value,
        Err(e) => return Err(hinted(&client, &id.to_string(), e).await),
    };
    if args.json.json {
        output::json(&value)?;
    } else {
        output::data(&format!("{id} is {}", value.get("status").and_then(Value::as_str).unwrap_or_default()))?;
    }
    Ok(Exit::Done)
}

/// A job that waits for its assignment is not tried again but let go.
async fn hinted(client: &Client, id: &str, refusal: CliError) -> CliError {
    let job = client.get::<Job>(&format!("/api/v1/jobs/{id}"), &[]).await;
    let Some(job) = job.ok().filter(|job| job.status == JobStatus::Queued) else { return refusal };
    let of = job.assignment_id;
    let assignment = client.get::<Assignment>(&format!("/api/v1/assignments/{of}"), &[]).await;
    if assignment.is_ok_and(|a| a.status == AssignmentStatus::Blocked) {
        return refusal.hint(format!("it waits, as its assignment is blocked: windlass update-assignment {of} --status active"));
    }
    refusal
}
