use clap::Args;
use windlass_types::{Clock, Finding};

use super::page::{self, PageArgs};
use crate::cli::Context;
use crate::failure::{Exit, Result};
use crate::output::{self, show};

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
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(args: FindingsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    let Some(page) = args.page.fetch::<Finding>(&client, "/api/v1/findings", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for found in page.items {
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
    page::print(&["assignment", "job", "rule", "place", "secret", "fingerprint", "found"], rows, "no findings", page.more)
}
