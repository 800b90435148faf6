use clap::Args;
use serde_json::Value;
use windlass_types::Clock;

use crate::cli::{Context, Json};
use crate::client::Client;
use crate::client::resolve::Named;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show};
use crate::wire::{AssignmentDetail, Explanation};

/// Say what a job or assignment is doing now, or why it waits
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A job's or assignment's id, or a unique piece of it
    id: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: ExplainArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = match client.any_id(&args.id).await? {
        Named::Job(id) => id,
        Named::Assignment(id) => {
            let detail: AssignmentDetail = client.get(&format!("/api/v1/assignments/{id}"), &[]).await?;
            let open = detail.jobs.iter().find(|j| !j.status.is_final()).or(detail.jobs.last());
            match open {
                Some(job) => job.id,
                None => {
                    return Err(CliError::usage(format!("{id} is {} and has no jobs to explain", detail.assignment.status))
                        .hint(format!("windlass insert-job {id} --type implement --context \"…\"")));
                }
            }
        }
        Named::Attempt(_) => return Err(CliError::usage("an attempt is explained by its job").hint("give the job's id")),
    };
    let value: Value = explanation(&client, &id.to_string()).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let e: Explanation =
        serde_json::from_value(value).map_err(|e| CliError::fault(format!("the explanation could not be understood: {e}")))?;
    output::data(&output::clean(&e.summary))?;
    if let Some(hold) = &e.hold {
        if let Some(until) = hold.until {
            output::data(&format!("looked at again {}", show::ago(until, Clock::system().now())))?;
        }
        if let Some(hint) = &hold.hint {
            output::data(&format!("to do: {}", output::clean(hint)))?;
        }
    }
    let detail: AssignmentDetail = client.get(&format!("/api/v1/assignments/{}", e.job.assignment_id), &[]).await?;
    if let Some(task) = &detail.task {
        output::data(&format!("it is the task {}", show::task(task)))?;
    }
    for stage in &e.stages {
        output::data(&format!("  {:8} {}", stage.stage, stage.status))?;
    }
    Ok(Exit::Done)
}

async fn explanation(client: &Client, id: &str) -> Result<Value> {
    let mut value: Value = client.get(&format!("/api/v1/jobs/{id}/explain"), &[]).await?;
    // Every document names what it is about.
    if let Some(object) = value.as_object_mut() {
        object.entry("id").or_insert_with(|| id.into());
        if let Some(status) = object.get("job").and_then(|j| j.get("status")).cloned() {
            object.entry("status").or_insert(status);
        }
    }
    Ok(value)
}
