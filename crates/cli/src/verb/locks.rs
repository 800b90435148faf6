use clap::Args;
use windlass_types::{Clock, FileLock};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

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
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where an earlier list ended: its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: LocksArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    let page = client.list("/api/v1/locks", &query, args.cursor, args.limit as usize).await?;
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for item in page.items {
        let lock: FileLock = serde_json::from_value(item).map_err(|e| CliError::fault(format!("a lock could not be understood: {e}")))?;
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
    table::print(&["assignment", "project", "files", "", "status", "since", "waits for"], rows, "no locks")?;
    if page.next_cursor.is_some() {
        output::say("there are more: raise --limit");
    }
    Ok(Exit::Done)
}
