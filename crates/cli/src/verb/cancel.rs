use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::client::resolve::Named;
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// Call off a job or a whole assignment
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// A job's or assignment's id, or a unique piece of it
    id: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: CancelArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let (path, id) = match client.any_id(&args.id).await? {
        Named::Assignment(id) => (format!("/api/v1/assignments/{id}/cancel"), id.to_string()),
        Named::Job(id) => (format!("/api/v1/jobs/{id}/cancel"), id.to_string()),
        Named::Attempt(_) => return Err(CliError::usage("an attempt is cancelled by its job").hint("give the job's id")),
    };
    let value: Value = client.post(&path, &json!({})).await?;
    if args.json.json {
        output::json(&value)?;
    } else {
        let asked = value.get("cancel_requested").and_then(Value::as_bool).unwrap_or(false);
        let status = value.get("status").and_then(Value::as_str).unwrap_or_default();
        output::data(&if asked && status == "running" { format!("{id} is being cancelled") } else { format!("{id} is {status}") })?;
    }
    Ok(Exit::Done)
}
