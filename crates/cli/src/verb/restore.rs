use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use windlass_engine::Restorer;
use windlass_types::{Timestamp, count};

use crate::cli::{Context, DatabaseArgs, Json};
use crate::client::Client;
use crate::daemon::{Kind, restoring};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::{Housekeeping, Restored};

/// How long a daemon may take to stop, restore and start.
const PATIENCE: Duration = Duration::from_mins(15);

/// Bring a backup back, into an empty data directory or in place of what is there
///
/// The backup is read and checked before anything is changed, and what is there is moved aside, not deleted. A running daemon stops its
/// agents, restores and goes on by itself. Jobs that ran when the backup was made are run again. Everybody signs in anew; what was
/// revoked since the backup stays revoked.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup's folder
    path: PathBuf,
    /// Move what is there now aside
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: RestoreArgs, context: &Context) -> Result<Exit> {
    let path = std::path::absolute(&args.path).map_err(|e| CliError::usage(format!("{}: {e}", args.path.display())))?;
    let restored = if let Some(client) = context.running_client().await? {
        args.database.none_beside(&client)?;
        by_daemon(&client, context, &path, args.force).await?
    } else {
        restoring::restore(&args.database.settings(context, "restoring into")?, &path, args.force, Kind::Daemon, Restorer::owner()).await?
    };
    if args.json.json {
        output::json(&restored)?;
        return Ok(Exit::Done);
    }
    let backup = &restored.backup;
    output::data(&format!(
        "restored {} and {} as of {}",
        count(backup.assignments, "assignment"),
        count(backup.jobs, "job"),
        backup.made_at
    ))?;
    output::data(&restored.access)?;
    if let Some(aside) = &restored.aside {
        output::data(&format!("what was there before is in {aside}"))?;
    }
    for bundle in &restored.bundles {
        output::data(&format!("commits that no repository had are in {bundle}"))?;
    }
    Ok(Exit::Done)
}

/// Asks the daemon, and waits until it is there again with word of how it went.
async fn by_daemon(client: &Client, context: &Context, path: &Path, force: bool) -> Result<Restored> {
    let before = client.get::<Housekeeping>("/api/v1/housekeeping", &[]).await?.restore.map_or(Timestamp(0), |last| last.at);
    let _: Value = client.post_patiently("/api/v1/restore", &json!({ "path": path, "force": force })).await?;
    output::say("the daemon stops its agents, restores and starts again");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(300)).await;
        // It may come back on another port.
        let Ok(client) = context.client() else { continue };
        let Ok(now) = client.get::<Housekeeping>("/api/v1/housekeeping", &[]).await else { continue };
        let Some(last) = now.restore.filter(|last| last.at > before) else { continue };
        return last.restored.ok_or_else(|| {
            CliError::fault(last.error.unwrap_or_else(|| "the restore failed".to_owned())).hint("the daemon goes on with what was there")
        });
    }
    Err(CliError::fault("the daemon did not come back in time").hint("see its log, and windlass status"))
}
