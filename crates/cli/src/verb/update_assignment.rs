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
    /// Why; kept with the status
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
    /// Take these limits away
    #[arg(long, value_name = "LIMIT", help_heading = "Budget", value_delimiter = ',', value_parser = ["runs", "tokens", "usd", "secs"])]
    no_budget: Vec<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: UpdateAssignmentArgs, context: &Context) -> Result<Exit> {
    let limits = args.budget.limits();
    let lifted = |name: &str| args.no_budget.iter().any(|limit| limit == name);
    let given = [
        ("runs", limits.runs.is_some()),
        ("tokens", limits.tokens.is_some()),
        ("usd", limits.cost_micros.is_some()),
        ("secs", limits.wall_secs.is_some()),
    ];
    if let Some((name, _)) = given.iter().find(|(name, is_given)| *is_given && lifted(name)) {
        return Err(CliError::usage(format!("the limit {name} is both given and taken away")).hint("leave one of the two out"));
    }
    let is_limited = limits != Budget::default() || !args.no_budget.is_empty();
    if args.status.is_none() && !is_limited {
        return Err(CliError::usage("nothing to change was given").hint("give --status, or a limit such as --budget-runs"));
    }
    let client = context.client()?;
    let id = client.assignment_id(&args.assignment).await?;
    let path = format!("/api/v1/assignments/{id}");
    let budget = if is_limited {
        // Limits that are not named stay as they are.
        let now: windlass_types::Assignment = client.get(&path, &[]).await?;
        Some(Budget {
            runs: limits.runs.or(now.budget.runs.filter(|_| !lifted("runs"))),
            wall_secs: limits.wall_secs.or(now.budget.wall_secs.filter(|_| !lifted("secs"))),
            tokens: limits.tokens.or(now.budget.tokens.filter(|_| !lifted("tokens"))),
            cost_micros: limits.cost_micros.or(now.budget.cost_micros.filter(|_| !lifted("usd"))),
        })
    } else {
        None
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
