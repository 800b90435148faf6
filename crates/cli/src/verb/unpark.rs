use clap::Args;
use serde_json::{Value, json};
use windlass_types::Harness;

use crate::cli::{Context, Json, harness_parser};
use crate::failure::{Exit, Result};
use crate::output;

/// Use a harness again that a quota has parked
#[derive(Debug, Args)]
pub(crate) struct UnparkArgs {
    /// Which
    #[arg(value_parser = harness_parser())]
    harness: Harness,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: UnparkArgs, context: &Context) -> Result<Exit> {
    let harness = args.harness;
    let _: Value = context.client()?.post(&format!("/api/v1/harnesses/{harness}/unpark"), &json!({})).await?;
    if args.json.json {
        output::json(&json!({ "id": harness.as_str(), "parked": false }))?;
    } else {
        output::data(&format!("harness {harness} is used again"))?;
    }
    Ok(Exit::Done)
}
