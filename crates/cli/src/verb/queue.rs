use clap::Args;
use windlass_types::{Clock, Job};

use crate::cli::{Context, Json};
use crate::client::hold::Holds;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// Show what runs, what waits, and why
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only this worker's
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: QueueArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = vec![("status", "queued,running".to_owned())];
    query.extend(args.project.map(|p| ("project", p)));
    query.extend(args.worker.map(|w| ("worker", w)));
    let mut page = client.list("/api/v1/jobs", &query, None, 1000).await?;
    // The daemon lists the newest first; a queue reads from its head.
    page.items.reverse();
    let mut rows = Vec::new();
    let now = Clock::system().now();
    let mut holds = Holds::default();
    for item in &mut page.items {
        let job: Job = serde_json::from_value(item.clone()).map_err(|e| CliError::fault(format!("a job could not be understood: {e}")))?;
        let hold = holds.of(&client, &job).await;
        if let Some(object) = item.as_object_mut() {
            object.insert("hold".to_owned(), serde_json::to_value(&hold).unwrap_or_default());
        }
        rows.push(vec![
            show::id(&job.id),
            job.status.to_string(),
            job.spec.job_type.to_string(),
            job.project.clone(),
            job.worker.clone(),
            job.lease.as_ref().map(|lease| show::id(&lease.node)).unwrap_or_default(),
            show::ago(job.created_at, now),
            show::job_note(&job, hold.as_ref(), None, now),
        ]);
    }
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
    } else {
        table::print(&["id", "status", "type", "project", "worker", "node", "made", "why"], rows, "nothing runs and nothing waits")?;
    }
    Ok(Exit::Done)
}
