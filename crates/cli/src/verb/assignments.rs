use clap::Args;
use windlass_types::{Assignment, AssignmentStatus, Clock};

use super::page::{self, PageArgs};
use crate::cli::{Context, assignment_status_parser};
use crate::failure::{Exit, Result};
use crate::output::{one_line, show};

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
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(args: AssignmentsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    query.extend(args.query.map(|q| ("q", q)));
    if !args.status.is_empty() {
        query.push(("status", args.status.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(",")));
    }
    let Some(page) = args.page.fetch::<Assignment>(&client, "/api/v1/assignments", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for a in page.items {
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
    page::print(&["id", "status", "project", "made", "north star", "waits for"], rows, "no assignments", page.more)
}
