use clap::{Args, Subcommand};
use serde_json::{Value, json};
use windlass_types::{BreakerStatus, Clock, DEFAULT_ACCOUNT, Harness};

use crate::cli::{Context, Json, harness_parser};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};
use crate::wire::{BreakerView, Page};

/// List the circuit breakers, or close one
///
/// An agent whose backend fails again and again gets no more jobs until one of them, the probe, has worked.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BreakersArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Close(CloseArgs),
}

/// Close a breaker now: what it is about works again
#[derive(Debug, Args)]
struct CloseArgs {
    /// Of this agent
    #[arg(value_parser = harness_parser())]
    harness: Harness,
    /// Of this account
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ACCOUNT)]
    account: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: BreakersArgs, context: &Context) -> Result<Exit> {
    match args.command {
        Some(Command::Close(args)) => close(args, context).await,
        None => list(args.json, context).await,
    }
}

async fn list(json: Json, context: &Context) -> Result<Exit> {
    let page: Page<Value> = context.client()?.get("/api/v1/breakers", &[]).await?;
    if json.json {
        output::json_list(page.items)?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for item in page.items {
        let breaker: BreakerView =
            serde_json::from_value(item).map_err(|e| CliError::fault(format!("a breaker could not be understood: {e}")))?;
        let next = match (breaker.status, breaker.probe, breaker.open_until) {
            (BreakerStatus::HalfOpen, Some(job), _) => format!("{} tries it", show::id(&job)),
            (BreakerStatus::HalfOpen, None, _) => "the next job tries it".to_owned(),
            (BreakerStatus::Open, _, Some(until)) => format!("tried again {}", show::ago(until, now)),
            (BreakerStatus::Open | BreakerStatus::Closed, _, _) => String::new(),
        };
        rows.push(vec![
            breaker.harness.to_string(),
            breaker.account,
            breaker.status.to_string(),
            breaker.failures.to_string(),
            next,
            breaker.failure.map(|f| output::one_line(&f.message, 80)).unwrap_or_default(),
        ]);
    }
    table::print(&["harness", "account", "status", "failures", "next", "last failure"], rows, "no breakers")?;
    Ok(Exit::Done)
}

async fn close(args: CloseArgs, context: &Context) -> Result<Exit> {
    let CloseArgs { harness, account, json } = args;
    // It stands in a path; what is no name is no account either.
    if !windlass_types::is_valid_name(&account) {
        return Err(CliError::usage(format!("{account:?} cannot be an account's name")).hint("windlass breakers shows them"));
    }
    let value: Value = context.client()?.post(&format!("/api/v1/breakers/{harness}/{account}/close"), &json!({})).await?;
    if json.json {
        output::json(&value)?;
    } else {
        output::data(&format!("the breaker of {harness} ({account}) is closed"))?;
    }
    Ok(Exit::Done)
}
