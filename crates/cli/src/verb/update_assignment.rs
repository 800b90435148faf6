use clap::Args;
use serde_json::Value;
use windlass_types::{AssignmentStatus, Budget};

use crate::cli::{BudgetArgs, Context, Json, assignment_status_parser};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::UpdateAssignment;

/// Set an assignment's status or budget
#[derive(Debug, Args)]
pub(crate) struct UpdateAssignmentArgs {
    /// The assignment's id, or a unique piece of it
    #[arg(value_name = "ASSIGNMENT")]
    assignment: String,
    /// The status to move it to
    #[arg(long, value_name = "STATUS", value_parser = assignment_status_parser())]
    status: Option<AssignmentStatus>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// For `blocked`: who has to act [default: person]
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// For `blocked`: what they have to do
    #[arg(long, value_name = "TEXT")]
    action: Option<String>,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: UpdateAssignmentArgs, context: &Context) -> Result<Exit> {
    let limits = args.budget.limits();
    if args.status.is_none() && limits == Budget::default() {
        return Err(CliError::usage("nothing to change was given").hint("give --status, or a limit such as --budget-runs"));
    }
    let client = context.client()?;
    let id = client.assignment_id(&args.assignment).await?;
    let path = format!("/api/v1/assignments/{id}");
    let budget = if limits == Budget::default() {
        None
    } else {
        // Limits that are not named stay as they are.
        let now: windlass_types::Assignment = client.get(&path, &[]).await?;
        Some(Budget {
            runs: limits.runs.or(now.budget.runs),
            wall_secs: limits.wall_secs.or(now.budget.wall_secs),
            tokens: limits.tokens.or(now.budget.tokens),
            cost_micros: limits.cost_micros.or(now.budget.cost_micros),
        })
    };
    let body = UpdateAssignment { status: args.status, reason: args.reason, owner: args.owner, action: args.action, budget };
    let value: Value = client.send_json(reqwest::Method::PATCH, &path, &body).await?;
    if args.json.json {
        output::json(&value)?;
    } else {
        let status = value.get("status").and_then(Value::as_str).unwrap_or_default();
        output::data(&format!("{id} is {status}"))?;
    }
    Ok(Exit::Done)
}
