use clap::Args;
use windlass_types::{AuditEntry, Clock, Timestamp};

use super::dead_letters::since;
use super::page::{self, PageArgs};
use crate::cli::Context;
use crate::failure::{Exit, Result};
use crate::output::{self, show};

/// List who did, or tried, what
///
/// There is a line for every request that changed something, and for every one that was refused.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this name's: a user, `token NAME`, `person` (the data directory's token), or `nobody`
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only this action, for example cancel_job
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only since then: a time (2026-01-31T12:00:00Z), or so long ago (90s, 30m, 12h, 7d)
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(args: AuditArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.who.map(|who| ("who", who)));
    query.extend(args.action.map(|action| ("action", action)));
    query.extend(args.since.map(|at| ("since", at.to_string())));
    let Some(page) = args.page.fetch::<AuditEntry>(&client, "/api/v1/audit", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for entry in page.items {
        rows.push(vec![
            show::ago(entry.at, now),
            output::one_line(&entry.who, 60),
            entry.action,
            entry.status.to_string(),
            output::one_line(&entry.path, 100),
            entry.peer,
        ]);
    }
    page::print(&["when", "who", "action", "answer", "path", "from"], rows, "nothing was done yet", page.more)
}
