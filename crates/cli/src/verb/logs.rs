use std::collections::HashSet;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use windlass_types::{AssignmentStatus, AttemptId, AttemptStatus};

use crate::cli::Context;
use crate::client::Client;
use crate::client::resolve::Named;
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::transcript::{self, Printer};
use crate::wire::{AssignmentDetail, JobDetail};

/// Show what an agent said and did
///
/// For a job its last attempt, for an assignment the last attempt of each of its jobs.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// A job's, assignment's or attempt's id; of the first two a unique piece is enough
    id: String,
    /// Go on until the work ends
    #[arg(long, short)]
    follow: bool,
    /// The lines as the agent printed them
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Every attempt, not only the last
    #[arg(long)]
    all: bool,
    /// Print JSON for programs; with --follow one object a line
    #[arg(long)]
    json: bool,
}

/// An attempt to show, and what to say before it.
struct Shown {
    id: AttemptId,
    runs: bool,
    title: String,
}

pub(crate) async fn run(args: LogsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let named = client.any_id(&args.id).await?;
    let mut printer = Printer::new(args.raw, args.json, args.follow);
    let mut seen = HashSet::new();
    let mut missing = false;
    loop {
        let (attempts, over) = attempts(&client, named, args.all || args.follow).await?;
        if attempts.is_empty() && over && seen.is_empty() {
            output::say("nothing has run yet");
        }
        let several = attempts.len() > 1 || args.follow;
        for attempt in attempts {
            if seen.insert(attempt.id) {
                if several && !args.json && !args.raw {
                    output::say(&format!("== {}", attempt.title));
                }
                match transcript::print(&client, attempt.id, args.follow, &mut printer).await {
                    // What goes on elsewhere has nothing to show here yet.
                    Err(e) if attempt.runs && e.exit == Exit::Usage => {
                        output::say(&e.message);
                        e.hint.iter().for_each(|hint| output::say(&format!("hint: {hint}")));
                    }
                    // One of several that is on another node hides none of the others.
                    Err(e) if several && e.exit == Exit::Usage => {
                        output::warn(&e.message);
                        missing = true;
                    }
                    printed => printed?,
                }
            }
        }
        if !args.follow || over {
            break;
        }
        // Between two attempts nothing tells of the next but the daemon's own records.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    printer.finish()?;
    Ok(if missing { Exit::Usage } else { Exit::Done })
}

/// The attempts to show, in order, and whether no more will come.
async fn attempts(client: &Client, named: Named, all: bool) -> Result<(Vec<Shown>, bool)> {
    match named {
        Named::Attempt(id) => Ok((vec![Shown { id, runs: false, title: id.to_string() }], true)),
        Named::Job(id) => {
            let detail = job(client, &id.to_string()).await?;
            let over = detail.job.status.is_final();
            Ok((of_job(&detail, all), over))
        }
        Named::Assignment(id) => {
            let detail: AssignmentDetail = client.get(&format!("/api/v1/assignments/{id}"), &[]).await?;
            let mut shown = Vec::new();
            for started in detail.jobs.iter().filter(|j| j.attempts > 0) {
                shown.extend(of_job(&job(client, &started.id.to_string()).await?, all));
            }
            let runs = detail.jobs.iter().any(|j| !j.status.is_final());
            let over = detail.assignment.status != AssignmentStatus::Active || (!runs && detail.jobs.is_empty());
            Ok((shown, over))
        }
    }
}

async fn job(client: &Client, id: &str) -> Result<JobDetail> {
    let value: Value = client.get(&format!("/api/v1/jobs/{id}"), &[]).await?;
    serde_json::from_value(value).map_err(|e| CliError::fault(format!("the job could not be understood: {e}")))
}

fn of_job(detail: &JobDetail, all: bool) -> Vec<Shown> {
    let mut attempts: Vec<_> = detail.attempts_list.iter().map(|a| &a.attempt).collect();
    attempts.sort_by_key(|a| a.number);
    if !all {
        attempts = attempts.into_iter().next_back().into_iter().collect();
    }
    attempts
        .into_iter()
        .map(|a| Shown {
            id: a.id,
            runs: a.status == AttemptStatus::Running,
            title: format!("{} ({}), attempt {}, {}", detail.job.id, detail.job.spec.job_type, a.number, a.harness),
        })
        .collect()
}
