use clap::Args;
use serde_json::Value;
use windlass_types::{Clock, Verdict, count};

use crate::cli::{Context, Json};
use crate::client::Client;
use crate::client::hold::Holds;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line, show, table};
use crate::wire::AssignmentDetail;

/// Show one assignment with its jobs
#[derive(Debug, Args)]
pub(crate) struct AssignmentArgs {
    /// The assignment's id, or a unique piece of it
    id: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: AssignmentArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.assignment_id(&args.id).await?;
    let value: Value = client.get(&format!("/api/v1/assignments/{id}"), &[]).await?;
    if args.json.json {
        output::json(&value)?;
    } else {
        print(&client, &read(value)?).await?;
    }
    Ok(Exit::Done)
}

/// The daemon's answer as records.
pub(crate) fn read(value: Value) -> Result<AssignmentDetail> {
    serde_json::from_value(value).map_err(|e| CliError::fault(format!("the assignment could not be understood: {e}")))
}

async fn print(client: &Client, detail: &AssignmentDetail) -> Result<()> {
    let a = &detail.assignment;
    let now = Clock::system().now();
    table::facts(&[
        ("assignment", Some(a.id.to_string())),
        ("status", Some(a.status.to_string())),
        ("because", a.status_reason.as_ref().map(|reason| one_line(reason, 300))),
        ("project", Some(a.project.clone())),
        ("waits", a.block.as_ref().map(show::block)),
        ("branch", a.branch.clone()),
        ("base", a.base_branch.as_ref().map(|b| format!("{b} {}", a.base_commit.as_deref().map(show::short_commit).unwrap_or_default()))),
        ("commit", a.head_commit.as_deref().map(show::short_commit)),
        ("pull request", a.pull_request.as_ref().map(show::pull_request)),
        ("spent", Some(show::spent(&a.spent, &a.budget))),
        ("made", Some(format!("{} by {}", show::ago(a.created_at, now), a.source))),
        ("task file", detail.task.as_ref().map(show::task)),
        ("ended", a.ended_at.map(|t| show::ago(t, now))),
        ("north star", Some(output::clean(&a.north_star).chars().take(2000).collect())),
    ])?;
    output::data("")?;
    let (mut rows, mut holds) = (Vec::new(), Holds::default());
    for job in &detail.jobs {
        let hold = holds.of(client, job).await;
        rows.push(vec![
            job.position.to_string(),
            show::id(&job.id),
            job.status.to_string(),
            job.spec.job_type.to_string(),
            job.attempts.to_string(),
            show::job_note(job, hold.as_ref(), Some(a), now),
        ]);
    }
    table::print(&["#", "job", "status", "type", "attempts", "note"], rows, "no jobs yet: `windlass insert-job` adds one")?;
    for verdict in &detail.verdicts {
        let what = match &verdict.verdict {
            Verdict::Insert { jobs, .. } => format!("inserted {}", count(jobs.len(), "job")),
            Verdict::Complete { .. } => "complete".to_owned(),
            Verdict::Block { owner, .. } => format!("blocked for {owner}"),
        };
        output::data(&format!("verdict {}: {what}: {}", show::ago(verdict.at, now), one_line(verdict.verdict.reason(), 120)))?;
    }
    Ok(())
}
