use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use windlass_types::{Harness, JobSpec, JobType};

use crate::cli::{BudgetArgs, Context, Json, harness_parser, read_text, text_or_file, type_parser};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::Page;

/// Put a job into an assignment's line
#[derive(Debug, Args)]
pub(crate) struct InsertJobArgs {
    /// The assignment's id, or a unique piece of it
    #[arg(value_name = "ASSIGNMENT")]
    assignment: String,
    /// What kind of run
    #[arg(long = "type", value_name = "TYPE", default_value = "implement", value_parser = type_parser())]
    job_type: JobType,
    /// Which agent
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// What the agent is told beside the north star
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// The same, from a file (`-`: standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    context_file: Option<PathBuf>,
    /// Put it behind this job, not at the end
    #[arg(long, value_name = "JOB")]
    after: Option<String>,
    /// Which named worker runs it
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// The model, where the harness lets us choose
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The program, for harness command
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// The script, for harness simulated
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// How long one run of the agent may take, in seconds
    #[arg(long, value_name = "SECS")]
    timeout: Option<u64>,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: InsertJobArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.assignment_id(&args.assignment).await?;
    let after = match &args.after {
        Some(job) => Some(client.job_id(job).await?),
        None => None,
    };
    let spec = JobSpec {
        job_type: args.job_type,
        harness: args.harness,
        context: text_or_file(args.context, args.context_file.as_deref())?.unwrap_or_default(),
        worker: args.worker,
        model: args.model,
        program: args.program,
        script: args.script.as_deref().map(read_text).transpose()?,
        timeout_secs: args.timeout,
        budget: args.budget.limits(),
        ..JobSpec::default()
    };
    let answer: Page<Value> = client.post(&format!("/api/v1/assignments/{id}/jobs"), &Body { after, jobs: vec![spec] }).await?;
    let job = answer.items.into_iter().next().ok_or_else(|| CliError::fault("the daemon inserted the job and did not say which"))?;
    if args.json.json {
        output::json(&job)?;
    } else {
        let text = job.get("id").and_then(Value::as_str).unwrap_or_default();
        output::data(text)?;
        output::say(&format!("next: windlass logs {text} -f"));
    }
    Ok(Exit::Done)
}

#[derive(serde::Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<windlass_types::JobId>,
    jobs: Vec<JobSpec>,
}
