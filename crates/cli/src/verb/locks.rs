use clap::Args;
use windlass_types::{Clock, FileLock};

use super::page::{self, PageArgs};
use crate::cli::Context;
use crate::failure::{Exit, Result};
use crate::output::{self, show};

/// List which files are locked, who holds them and who waits
///
/// An assignment's locks are held while a job of it that may change files runs. `windlass run --lock PATTERN` makes them.
#[derive(Debug, Args)]
pub(crate) struct LocksArgs {
    /// Only this assignment's
    #[arg(value_name = "ASSIGNMENT")]
    assignment: Option<String>,
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(args: LocksArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    let Some(page) = args.page.fetch::<FileLock>(&client, "/api/v1/locks", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for lock in page.items {
        rows.push(vec![
            show::id(&lock.assignment_id),
            lock.project,
            output::one_line(&lock.pattern, 80),
            if lock.touched { "touched" } else { "" }.to_owned(),
            lock.status.to_string(),
            lock.since.map(|at| show::ago(at, now)).unwrap_or_default(),
            lock.waits_for.map(|held| format!("{} {}", show::id(&held.holder), output::one_line(&held.theirs, 60))).unwrap_or_default(),
        ]);
    }
    page::print(&["assignment", "project", "files", "", "status", "since", "waits for"], rows, "no locks", page.more)
}
