use clap::Args;
use windlass_intake::{FilesStatus, FilesWorker};
use windlass_types::{Clock, count};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// Show the shared directory of task files and its workers
#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: FilesArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let value: serde_json::Value = client.get("/api/v1/files", &[]).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let files: FilesStatus =
        serde_json::from_value(value).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    let now = Clock::system().now();
    table::facts(&[
        ("root", Some(output::clean(&files.root))),
        ("seen by", Some(output::clean(&files.watching))),
        ("looked through", files.last_rescan_at.map(|at| show::ago(at, now))),
        ("overflows", Some(files.overflows.to_string())),
        ("waiting", Some(count(files.waiting, "file"))),
        ("results pending", Some(files.results_pending.to_string())),
        ("problem", files.problem.as_deref().map(output::clean)),
    ])?;
    output::data("")?;
    let columns = ["worker", "mode", "live", "taken", "completed", "failed", "dead", "refused", "note"];
    table::print(&columns, files.workers.iter().map(row).collect(), "no workers yet: make a directory under tasks/, or configure one")?;
    Ok(Exit::Done)
}

fn row(worker: &FilesWorker) -> Vec<String> {
    let results = |status: &str| worker.results.get(status).copied().unwrap_or(0).to_string();
    vec![
        worker.name.clone(),
        worker.mode.to_string(),
        worker.live.to_string(),
        worker.taken.to_string(),
        results("completed"),
        results("failed"),
        results("dead"),
        worker.rejected.to_string(),
        worker.degraded.as_deref().map(|why| output::one_line(why, 100)).unwrap_or_default(),
    ]
}
