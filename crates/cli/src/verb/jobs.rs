use clap::Args;
use windlass_types::{Clock, Job, JobStatus, JobType};

use super::page::{self, PageArgs};
use crate::cli::{Context, job_status_parser, type_parser};
use crate::client::hold::Holds;
use crate::failure::{Exit, Result};
use crate::output::show;

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
    #[command(flatten)]
    page: PageArgs,
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
    let Some(page) = args.page.fetch::<Job>(&client, "/api/v1/jobs", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let (mut rows, mut holds) = (Vec::new(), Holds::default());
    for job in page.items {
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
    page::print(&["id", "status", "type", "project", "made", "note"], rows, "no jobs", page.more)
}
