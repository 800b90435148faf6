use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::failure::{Exit, Result};
use crate::output;

/// Start no more jobs until `resume`; what runs goes on
#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    json: Json,
}

/// Let jobs start again after `pause`
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: PauseArgs, context: &Context) -> Result<Exit> {
    set(true, args.json, context).await
}

pub(crate) async fn resume(args: ResumeArgs, context: &Context) -> Result<Exit> {
    set(false, args.json, context).await
}

async fn set(paused: bool, json: Json, context: &Context) -> Result<Exit> {
    let path = if paused { "/api/v1/pause" } else { "/api/v1/resume" };
    let _: Value = context.client()?.post(path, &json!({})).await?;
    if json.json {
        output::json(&json!({ "paused": paused }))?;
    } else {
        output::data(if paused { "paused: what runs goes on, and nothing more starts" } else { "resumed" })?;
    }
    Ok(Exit::Done)
}
