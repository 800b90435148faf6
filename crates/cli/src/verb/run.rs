use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use windlass_types::{AssignmentId, AssignmentStatus, FailureKind, Harness, HoldKind, JobStatus, JobType};

use super::create::{document, goal, namespace, repository};
use crate::cli::{BudgetArgs, Context, Json, harness_parser, read_text, type_parser};
use crate::client::Client;
use crate::daemon::{Daemon, Kind, signals::Signals};
use crate::failure::{CliError, Exit, Result};
use crate::follow::{self, Outcome};
use crate::output::{self, show, table};
use crate::wire::{Diff, RunGoal, Submitted};

/// Have a goal reached, and wait for the end
///
/// Hands the goal to the daemon. When none runs, works on it here and now, in this process.
/// Exits with 0 when it is done, 3 when somebody has to act first, 4 when it failed.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What is wanted (`-`: read it from standard input)
    goal: String,
    /// The repository to work on
    #[arg(long, value_name = "DIR", conflicts_with = "project")]
    repo: Option<String>,
    /// A project that is known already; `scratch` has no repository
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The branch to start from [default: the repository's current one]
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// Which agent
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// Which agent for one type of job; may be given for several
    #[arg(long, value_name = "TYPE=NAME", value_parser = harness_for)]
    harness_for: Vec<(JobType, Harness)>,
    /// The program, for harness command
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// The script, for harness simulated
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The model, where the harness lets us choose
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The check that every change has to pass
    #[arg(long, value_name = "CMD")]
    verify: Option<String>,
    /// The type of the first job
    #[arg(long = "type", value_name = "TYPE", default_value = "implement", value_parser = type_parser())]
    job_type: JobType,
    /// No pm job judges the work: it is done when its job succeeds
    #[arg(long)]
    no_review: bool,
    /// Propose the branch as a pull request (needs a token for the forge: GITHUB_TOKEN)
    #[arg(long)]
    propose: bool,
    /// How often the agent may be sent back with the check's output
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// How long one run of the agent may take, in seconds
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// How long the agent may print nothing, in seconds
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    idle_timeout: Option<u64>,
    /// How often a transient failure is tried again
    #[arg(long, value_name = "N")]
    max_retries: Option<u32>,
    /// The named worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Higher runs first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// The same key makes the same assignment only once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Have these files to itself while it runs: a path, a folder (`src/`) or a glob; may be given several times
    #[arg(long = "lock", value_name = "PATTERN")]
    locks: Vec<String>,
    /// Print the assignment's id and do not wait (needs a daemon)
    #[arg(long, short)]
    detach: bool,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: RunArgs, context: &Context) -> Result<Exit> {
    let (json, detach) = (args.json.json, args.detach);
    let goal = request(args, context)?;
    let mut signals = Signals::listen()?;
    let daemon = context.running_client().await?;
    if let Some(client) = daemon.as_ref().filter(|_| detach) {
        return submit_only(client, &goal, json).await;
    }
    if detach {
        let settings = context.settings(&context.flags())?;
        return Err(crate::client::find::none_in(&settings.data_dir));
    }
    match daemon {
        Some(client) if !is_embedded(context) => attached(&client, &goal, json, &mut signals).await,
        _ => embedded(context, &goal, json, &mut signals).await,
    }
}

/// `TYPE=NAME`.
fn harness_for(text: &str) -> std::result::Result<(JobType, Harness), String> {
    let (job_type, harness) = text.split_once('=').ok_or("give TYPE=NAME, as review=codex")?;
    Ok((
        job_type.parse().map_err(|e: windlass_types::UnknownWord| e.to_string())?,
        harness.parse().map_err(|e: windlass_types::UnknownWord| e.to_string())?,
    ))
}

/// What is sent to the daemon.
fn request(args: RunArgs, context: &Context) -> Result<RunGoal> {
    if args.program.is_some() && args.harness.is_some_and(|h| h != Harness::Command) {
        return Err(CliError::usage("--program is for --harness command"));
    }
    if args.script.is_some() && args.harness.is_some_and(|h| h != Harness::Simulated) {
        return Err(CliError::usage("--script is for --harness simulated"));
    }
    let repo = args.repo.as_deref().map(repository).transpose()?;
    let project = args.project.or_else(|| if repo.is_none() { namespace(context) } else { None });
    if repo.is_none() && project.is_none() {
        return Err(CliError::usage("no repository was named")
            .hint("give --repo DIR (`--repo .` for this one), --project NAME, or --project scratch for none"));
    }
    let harness = args.harness.or(match (&args.program, &args.script) {
        (Some(_), _) => Some(Harness::Command),
        (None, Some(_)) => Some(Harness::Simulated),
        (None, None) => None,
    });
    Ok(RunGoal {
        goal: goal(args.goal)?,
        repo,
        project,
        base: args.base,
        propose: args.propose,
        job_type: Some(args.job_type),
        harness,
        harness_defaults: args.harness_for.iter().map(|(job_type, harness)| (job_type.to_string(), *harness)).collect(),
        program: args.program,
        script: args.script.as_deref().map(read_text).transpose()?,
        verify: args.verify,
        no_review: args.no_review,
        model: args.model,
        timeout_secs: args.timeout,
        idle_timeout_secs: args.idle_timeout,
        max_iterations: args.max_iterations,
        max_retries: args.max_retries,
        budget: args.budget.limits(),
        priority: args.priority,
        worker: args.worker,
        key: args.key,
        locks: args.locks,
        source: Some("cli".to_owned()),
    })
}

async fn submit(client: &Client, goal: &RunGoal) -> Result<(Submitted, Value)> {
    let value: Value = client.post("/api/v1/assignments/run", goal).await?;
    let submitted =
        serde_json::from_value(value.clone()).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    Ok((submitted, value))
}

async fn submit_only(client: &Client, goal: &RunGoal, json: bool) -> Result<Exit> {
    let (submitted, value) = submit(client, goal).await?;
    let id = submitted.assignment.id;
    if json {
        output::json(&document(value))?;
    } else {
        output::data(&id.to_string())?;
    }
    Ok(Exit::Done)
}

/// Whether the daemon that answers is another `windlass run`, which works on its own assignment only.
fn is_embedded(context: &Context) -> bool {
    if context.global.url.is_some() || context.env.text("WINDLASS_URL").is_some() {
        return false;
    }
    context.settings_quietly().is_ok_and(|s| crate::daemon::endpoint::is_embedded(&s.data_dir))
}

/// With a daemon: the work goes on whatever becomes of this process.
async fn attached(client: &Client, goal: &RunGoal, json: bool, signals: &mut Signals) -> Result<Exit> {
    let (submitted, _) = submit(client, goal).await?;
    let id = submitted.assignment.id;
    announce(&submitted, client, json);
    tokio::select! {
        outcome = follow::to_the_end(client, id, json) => finish(client, &outcome?, json).await,
        () = signals.next() => {
            output::say(&format!("the daemon goes on with {id}: `windlass logs {id} -f` follows it, `windlass cancel {id}` calls it off"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Without one: an engine in this process, which works on this assignment only.
async fn embedded(context: &Context, goal: &RunGoal, json: bool, signals: &mut Signals) -> Result<Exit> {
    let settings = context.settings(&context.flags())?;
    crate::daemon::logs::start(&settings, false);
    let daemon = tokio::select! {
        daemon = Daemon::start(&settings, Kind::Embedded) => daemon?,
        () = signals.next() => return Ok(Exit::Interrupted),
    };
    let result = work(&daemon, goal, json, signals).await;
    match result {
        Ok((exit, None)) => {
            daemon.stop(std::time::Duration::from_secs(settings.grace_secs)).await;
            Ok(exit)
        }
        Ok((exit, Some(id))) => {
            output::say("stopping: the job is handed back");
            daemon.stop_or_hurry(std::time::Duration::ZERO, signals).await;
            output::say(&format!("{id} is kept and goes on with the next `windlass up`"));
            Ok(exit)
        }
        Err(e) => {
            daemon.stop(std::time::Duration::ZERO).await;
            Err(e)
        }
    }
}

/// Submits to the engine here and follows; gives the assignment when it was interrupted.
async fn work(daemon: &Daemon, goal: &RunGoal, json: bool, signals: &mut Signals) -> Result<(Exit, Option<AssignmentId>)> {
    let client = daemon.client()?;
    let (submitted, _) = submit(&client, goal).await?;
    let id = submitted.assignment.id;
    daemon.only(id);
    announce(&submitted, &client, json);
    tokio::select! {
        outcome = follow::to_the_end(&client, id, json) => Ok((finish(&client, &outcome?, json).await?, None)),
        () = signals.next() => Ok((Exit::Interrupted, Some(id))),
    }
}

fn announce(submitted: &Submitted, client: &Client, json: bool) {
    if json {
        return;
    }
    let a = &submitted.assignment;
    if submitted.created {
        output::say(&format!("{} in project {} (at {})", a.id, a.project, client.url()));
    } else {
        output::say(&format!("{} was there already: the same key was used before", a.id));
    }
}

/// Tells how it ended.
async fn finish(client: &Client, outcome: &Outcome, json: bool) -> Result<Exit> {
    let exit = outcome.exit();
    let id = outcome.detail.assignment.id;
    let diff: Option<Diff> = match outcome.detail.assignment.branch {
        Some(_) => client.get(&format!("/api/v1/assignments/{id}/diff"), &[]).await.ok(),
        None => None,
    };
    if json {
        let mut value: Value = client.get(&format!("/api/v1/assignments/{id}"), &[]).await?;
        if let Some(object) = value.as_object_mut() {
            object.insert("exit_code".to_owned(), exit.code().into());
            object.insert("hold".to_owned(), json!(outcome.hold));
            object.insert("commit".to_owned(), json!(outcome.detail.assignment.head_commit));
            object.insert("files".to_owned(), json!(diff.as_ref().map(|d| &d.files)));
        }
        output::json(&value)?;
        return Ok(exit);
    }
    summary(outcome, diff.as_ref())?;
    Ok(exit)
}

fn summary(outcome: &Outcome, diff: Option<&Diff>) -> Result<()> {
    let a = &outcome.detail.assignment;
    let failed = outcome.detail.jobs.iter().rev().find(|j| matches!(j.status, JobStatus::Failed | JobStatus::Dead));
    let waits =
        outcome.hold.as_ref().map(|h| h.reason.clone()).or_else(|| a.block.as_ref().map(|b| format!("for {}: {}", b.owner, b.reason)));
    let action = outcome.hold.as_ref().and_then(|h| h.hint.clone()).or_else(|| a.block.as_ref().map(|b| b.action.clone()));
    let said = outcome.detail.jobs.iter().rev().find(|j| j.spec.job_type != JobType::Pm).and_then(|j| j.output.clone());
    table::facts(&[
        ("assignment", Some(a.id.to_string())),
        (
            "outcome",
            Some(match a.status {
                AssignmentStatus::Active => "waits".to_owned(),
                status => status.to_string(),
            }),
        ),
        ("waits", waits),
        ("failure", failed.and_then(|j| j.failure.as_ref()).map(|f| format!("{}: {}", f.kind.as_str(), f.message))),
        ("to do", action),
        ("branch", a.branch.clone()),
        ("commit", a.head_commit.as_deref().map(show::short_commit)),
        ("pull request", a.pull_request.as_ref().map(show::pull_request)),
        ("spent", Some(show::spent(&a.spent, &a.budget))),
        ("agent", said.map(|s| output::one_line(&s, 300)).filter(|s| !s.is_empty())),
    ])?;
    if let Some(diff) = diff.filter(|d| !d.files.is_empty()) {
        for line in super::diff::stat(diff) {
            output::data(&format!("  {line}"))?;
        }
    }
    let id = a.id;
    let next = match a.status {
        AssignmentStatus::Complete if a.pull_request.is_some() => a.pull_request.as_ref().map(|p| format!("next: look at {}", p.url)),
        AssignmentStatus::Complete => a
            .branch
            .as_ref()
            .filter(|_| a.head_commit.is_some())
            .map(|b| format!("next: git diff {}...{b}, then merge it", a.base_branch.as_deref().unwrap_or("HEAD"))),
        AssignmentStatus::Cancelled => None,
        AssignmentStatus::Blocked | AssignmentStatus::Active => Some(match failed {
            Some(job) if job.failure.as_ref().is_some_and(|f| f.kind == FailureKind::GuardedChange) => {
                format!("next: windlass diff {id} | windlass approve {} | windlass cancel {id}", job.id)
            }
            Some(job) => format!("next: windlass logs {} | windlass retry {} | windlass cancel {id}", job.id, job.id),
            None if outcome.hold.as_ref().is_some_and(|h| h.kind == HoldKind::Budget) => {
                format!(
                    "next: windlass explain {id} | windlass update-assignment {id} --budget-… N (or --no-budget …) | windlass cancel {id}"
                )
            }
            None => format!("next: windlass explain {id} | windlass update-assignment {id} --status active | windlass cancel {id}"),
        }),
    };
    if let Some(next) = next {
        output::say(&next);
    }
    Ok(())
}
