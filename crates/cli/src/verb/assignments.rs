use clap::Args;
use windlass_types::{Assignment, AssignmentStatus, Clock};

use crate::cli::{Context, Json, assignment_status_parser};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line, show, table};

/// List assignments, the newest first
#[derive(Debug, Args)]
pub(crate) struct AssignmentsArgs {
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those of this status; may be given more than once
    #[arg(long, value_name = "STATUS", value_parser = assignment_status_parser(), value_delimiter = ',')]
    status: Vec<AssignmentStatus>,
    /// Only those whose north star holds this text
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where an earlier list ended: its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: AssignmentsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    query.extend(args.query.map(|q| ("q", q)));
    if !args.status.is_empty() {
        query.push(("status", args.status.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(",")));
    }
    let page = client.list("/api/v1/assignments", &query, args.cursor, args.limit as usize).await?;
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for item in page.items {
        let a: Assignment =
            serde_json::from_value(item).map_err(|e| CliError::fault(format!("an assignment could not be understood: {e}")))?;
        let note = a.block.as_ref().map(|b| format!("{} has to act: {}", b.owner, one_line(&b.reason, 80))).unwrap_or_default();
        rows.push(vec![
            show::id(&a.id),
            a.status.to_string(),
            a.project.clone(),
            show::ago(a.created_at, now),
            one_line(&a.north_star, 60),
            note,
        ]);
    }
    table::print(&["id", "status", "project", "made", "north star", "waits for"], rows, "no assignments")?;
    if page.next_cursor.is_some() {
        output::say("there are more: raise --limit");
    }
    Ok(Exit::Done)
}
