use clap::Args;
use windlass_types::{Clock, Finding};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// List what looks like secrets in work that was not pushed for it
///
/// A finding goes when a later scan of the work passes. The work itself is kept in quarantine: `windlass explain` says where.
#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
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

pub(crate) async fn run(args: FindingsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    let page = client.list("/api/v1/findings", &query, args.cursor, args.limit as usize).await?;
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for item in page.items {
        let found: Finding =
            serde_json::from_value(item).map_err(|e| CliError::fault(format!("a finding could not be understood: {e}")))?;
        let finding = found.finding;
        rows.push(vec![
            show::id(&found.assignment_id),
            show::id(&found.job_id),
            finding.rule,
            output::one_line(&format!("{}:{}:{}", finding.path, finding.line, finding.column), 100),
            finding.redacted,
            finding.fingerprint,
            show::ago(found.found_at, now),
        ]);
    }
    table::print(&["assignment", "job", "rule", "place", "secret", "fingerprint", "found"], rows, "no findings")?;
    if page.next_cursor.is_some() {
        output::say("there are more: raise --limit");
    }
    Ok(Exit::Done)
}
