use clap::Args;
use windlass_types::{Clock, Job, JobStatus, JobType};

use crate::cli::{Context, Json, job_status_parser, type_parser};
use crate::client::hold::Holds;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// List jobs, the newest first
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only this assignment's
    #[arg(long, value_name = "ID")]
    assignment: Option<String>,
    /// Only those of this status; may be given more than once
    #[arg(long, value_name = "STATUS", value_parser = job_status_parser(), value_delimiter = ',')]
    status: Vec<JobStatus>,
    /// Only this worker's
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = type_parser())]
    job_type: Option<JobType>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where an earlier list ended: its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: JobsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    query.extend(args.worker.map(|w| ("worker", w)));
    query.extend(args.job_type.map(|t| ("type", t.to_string())));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    if !args.status.is_empty() {
        query.push(("status", args.status.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(",")));
    }
    let page = client.list("/api/v1/jobs", &query, args.cursor, args.limit as usize).await?;
    if args.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let (mut rows, mut holds) = (Vec::new(), Holds::default());
    for item in page.items {
        let job: Job = serde_json::from_value(item).map_err(|e| CliError::fault(format!("a job could not be understood: {e}")))?;
        let hold = holds.of(&client, &job).await;
        rows.push(vec![
            show::id(&job.id),
            job.status.to_string(),
            job.spec.job_type.to_string(),
            job.project.clone(),
            show::ago(job.created_at, now),
            show::job_note(&job, hold.as_ref(), None, now),
        ]);
    }
    table::print(&["id", "status", "type", "project", "made", "note"], rows, "no jobs")?;
    if page.next_cursor.is_some() {
        output::say("there are more: raise --limit");
    }
    Ok(Exit::Done)
}
