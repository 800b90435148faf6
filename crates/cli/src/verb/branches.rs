use clap::{Args, Subcommand};
use serde_json::{Value, json};
use windlass_types::{Branch, BranchStatus, Clock};

use super::page::{self, PageArgs};
use crate::cli::{Context, Json};
use crate::failure::{Exit, Result};
use crate::output::{self, show};

/// List the branches that are worked on, and how far each is
///
/// New work has to merge cleanly with each of them until it is merged. Whether one is, Windlass sees by itself where the base branch has its
/// commits; after a squash, say so.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BranchesArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those that are so far: active, merging or merged
    #[arg(long, value_name = "STATUS")]
    status: Option<BranchStatus>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say that an assignment's branch was merged
    Merged(Which),
    /// Take an assignment's branch out of the registry
    Release(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// The assignment
    #[arg(value_name = "ASSIGNMENT")]
    assignment: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: BranchesArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    match args.action {
        Some(Action::Merged(which)) => {
            let id = client.assignment_id(&which.assignment).await?;
            let value: Value = client.post(&format!("/api/v1/branches/{id}/merged"), &json!({})).await?;
            if which.json.json {
                output::json(&value)?;
            } else {
                output::say(&format!("the branch of {id} counts as merged"));
            }
            return Ok(Exit::Done);
        }
        Some(Action::Release(which)) => {
            let id = client.assignment_id(&which.assignment).await?;
            client.post::<Value>(&format!("/api/v1/branches/{id}/release"), &json!({})).await?;
            if which.json.json {
                output::json(&json!({ "id": id }))?;
            } else {
                output::say(&format!("the branch of {id} left the registry"));
            }
            return Ok(Exit::Done);
        }
        None => {}
    }
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    query.extend(args.status.map(|s| ("status", s.to_string())));
    let Some(page) = args.page.fetch::<Branch>(&client, "/api/v1/branches", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for branch in page.items {
        rows.push(vec![
            show::id(&branch.assignment_id),
            branch.project,
            output::one_line(&branch.name, 80),
            output::one_line(&branch.base, 40),
            branch.status.to_string(),
            branch.declared.as_deref().map(show::short_commit).unwrap_or_default(),
            show::ago(branch.updated_at, now),
        ]);
    }
    page::print(&["assignment", "project", "branch", "into", "status", "head", "changed"], rows, "no branches", page.more)
}
