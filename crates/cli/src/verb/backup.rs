use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use windlass_types::count;

use crate::cli::{Context, DatabaseArgs, Json};
use crate::daemon::{Daemon, Kind, logs};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, size};
use crate::wire::Backup;

/// Back everything up into a new folder, while the daemon works
///
/// Database, transcripts, bundles and commits that no repository has yet. Not in it: the API token, the configuration file, agents' logins.
/// The daemon writes it on its own machine. Works without a daemon too.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder to make
    path: PathBuf,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: BackupArgs, context: &Context) -> Result<Exit> {
    let path = std::path::absolute(&args.path).map_err(|e| CliError::usage(format!("{}: {e}", args.path.display())))?;
    let wanted = json!({ "path": path });
    let backup: Backup = if let Some(client) = context.running_client().await? {
        args.database.none_beside(&client)?;
        client.post_patiently("/api/v1/backup", &wanted).await?
    } else {
        let settings = args.database.settings(context, "backing up")?;
        logs::start(&settings, false);
        let daemon = Daemon::start(&settings, Kind::Embedded).await?;
        let made = daemon.client()?.post_patiently("/api/v1/backup", &wanted).await;
        daemon.stop(Duration::ZERO).await;
        made?
    };
    if args.json.json {
        output::json(&backup)?;
        return Ok(Exit::Done);
    }
    output::data(&format!(
        "{} holds {} and {} as of {}, {}",
        backup.path,
        count(backup.assignments, "assignment"),
        count(backup.jobs, "job"),
        backup.made_at,
        size(backup.bytes)
    ))?;
    output::say(&format!("not in it: {}", backup.left_out.join(", ")));
    Ok(Exit::Done)
}
