use clap::Args;
use serde_json::Value;
use windlass_types::{Clock, Hold, Job, JobStatus};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// How many waiting jobs are asked about one by one.
const EXPLAINED_MAX: usize = 50;

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
    for (n, item) in page.items.iter_mut().enumerate() {
        let job: Job = serde_json::from_value(item.clone()).map_err(|e| CliError::fault(format!("a job could not be understood: {e}")))?;
        let mut hold: Option<Hold> = None;
        if job.status == JobStatus::Queued && n < EXPLAINED_MAX {
            let explained: Value = client.get(&format!("/api/v1/jobs/{}/explain", job.id), &[]).await.unwrap_or(Value::Null);
            hold = explained.get("hold").and_then(|h| serde_json::from_value(h.clone()).ok());
        }
        if let Some(object) = item.as_object_mut() {
            object.insert("hold".to_owned(), serde_json::to_value(&hold).unwrap_or(Value::Null));
        }
        let why = match &hold {
            Some(hold) => {
                let until = hold.until.map(|u| format!(" ({})", show::ago(u, now))).unwrap_or_default();
                format!("{}{until}", hold.reason)
            }
            None => show::job_note(&job, None, now),
        };
        rows.push(vec![
            show::id(&job.id),
            job.status.to_string(),
            job.spec.job_type.to_string(),
            job.project.clone(),
            job.worker.clone(),
            show::ago(job.created_at, now),
            why,
        ]);
    }
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
    } else {
        table::print(&["id", "status", "type", "project", "worker", "made", "why"], rows, "nothing runs and nothing waits")?;
    }
    Ok(Exit::Done)
}
