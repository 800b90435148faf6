use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::failure::{Exit, Result};
use crate::output;

/// Remove the workspace of an assignment that is over
///
/// Refuses unless everything in it is on the repository's branch, or goes to a bundle first.
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// The assignment's id, or a unique piece of it
    id: String,
    /// Write what is not on the repository's branch to a git bundle first, in place of refusing
    #[arg(long)]
    bundle: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: CleanArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.assignment_id(&args.id).await?;
    let value: Value = client.post(&format!("/api/v1/assignments/{id}/clean-up"), &json!({ "bundle": args.bundle })).await?;
    if args.json.json {
        output::json(&value)?;
    } else {
        let kept = value.get("bundle").and_then(Value::as_str).map(|b| format!("; what was nowhere else is in {b}")).unwrap_or_default();
        output::data(&format!("the workspace of {id} is removed{kept}"))?;
    }
    Ok(Exit::Done)
}
