use clap::{Args, Subcommand};
use serde_json::{Value, json};
use windlass_types::{AssignmentId, Clock, OperationResult, OperationStatus};

use super::op_submit::{self, SubmitArgs};
use super::page::{self, PageArgs};
use crate::cli::{Context, Json};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::follow;
use crate::output::{self, one_line, show, table};
use crate::wire::{CallbackView, OperationView};

/// Have code operations carried out, and see what came of them
///
/// What services post to the HTTP API, from a terminal or a script. With --json each prints what the API answers.
#[derive(Debug, Args)]
pub(crate) struct OpArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Submit(Box<SubmitArgs>),
    List(ListArgs),
    Show(OneArgs),
    Result(ResultArgs),
    Watch(WatchArgs),
    Cancel(CancelArgs),
}

/// List operations, the newest first
#[derive(Debug, Args)]
struct ListArgs {
    /// Only this organization's
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only this session's
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only those that stand so; may be given for several
    #[arg(long, value_name = "STATUS")]
    status: Vec<OperationStatus>,
    #[command(flatten)]
    page: PageArgs,
}

/// Show an operation: where it stands, why, and how far it is
#[derive(Debug, Args)]
struct OneArgs {
    /// The operation's id, or a unique piece of it
    id: String,
    #[command(flatten)]
    json: Json,
}

/// Show what came of an operation that is over
///
/// Exits with 0 when it succeeded, 3 when somebody has to act first, 4 when it failed or was called off.
#[derive(Debug, Args)]
struct ResultArgs {
    #[command(flatten)]
    one: OneArgs,
}

/// Follow an operation until it is over
///
/// Exits with 0 when it succeeded, 3 when somebody has to act first, 4 when it failed or was called off.
#[derive(Debug, Args)]
struct WatchArgs {
    #[command(flatten)]
    one: OneArgs,
}

/// Call an operation off, with what runs of it
#[derive(Debug, Args)]
struct CancelArgs {
    #[command(flatten)]
    one: OneArgs,
}

pub(crate) async fn run(args: OpArgs, context: &Context) -> Result<Exit> {
    match args.command {
        Command::Submit(args) => op_submit::run(*args, context).await,
        Command::List(args) => list(args, context).await,
        Command::Show(args) => {
            let (client, id) = named(&args, context).await?;
            tell(&client.get::<Value>(&path(id), &[]).await?, args.json.json)?;
            Ok(Exit::Done)
        }
        Command::Result(args) => {
            let (client, id) = named(&args.one, context).await?;
            result(&client, id, args.one.json.json).await
        }
        Command::Watch(args) => {
            let (client, id) = named(&args.one, context).await?;
            // Only an operation is watched here.
            client.get::<Value>(&path(id), &[]).await?;
            to_the_end(&client, id, args.one.json.json).await
        }
        Command::Cancel(args) => {
            let (client, id) = named(&args.one, context).await?;
            let value: Value = client.post(&format!("{}/cancel", path(id)), &json!({})).await?;
            if args.one.json.json {
                output::json(&value)?;
            } else {
                output::data(&format!("{id} is {}", read::<OperationView>(value)?.status))?;
            }
            Ok(Exit::Done)
        }
    }
}

async fn named(args: &OneArgs, context: &Context) -> Result<(Client, AssignmentId)> {
    let client = context.client()?;
    let id = client.assignment_id(&args.id).await?;
    Ok((client, id))
}

fn path(id: AssignmentId) -> String {
    format!("/api/v1/code-operations/{id}")
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))
}

async fn list(args: ListArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query = Vec::new();
    query.extend(args.organization.map(|id| ("organizationId", id)));
    query.extend(args.session.map(|id| ("sessionId", id)));
    if !args.status.is_empty() {
        query.push(("status", args.status.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")));
    }
    let Some(page) = args.page.fetch::<OperationView>(&client, "/api/v1/code-operations", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for op in page.items {
        rows.push(vec![
            show::id(&op.id),
            op.operation_type.to_string(),
            op.status.to_string(),
            one_line(&op.organization_id, 24),
            one_line(&op.session_id, 24),
            op.project,
            show::ago(op.created_at, now),
            one_line(&op.description, 60),
        ]);
    }
    page::print(&["operation", "type", "status", "organization", "session", "project", "made", "what"], rows, "no operations", page.more)
}

/// Shows an operation as the API told it.
fn tell(value: &Value, json: bool) -> Result<()> {
    if json {
        return output::json(value);
    }
    let op: OperationView = read(value.clone())?;
    let progress = op.progress.phase.map(|phase| format!("{} %, {phase}", op.progress.percent));
    table::facts(&[
        ("operation", Some(op.id.to_string())),
        ("type", Some(op.operation_type.to_string())),
        ("what", Some(one_line(&op.description, 300))),
        ("status", Some(op.status.to_string())),
        ("why", op.why),
        ("progress", progress.filter(|_| !op.status.is_over())),
        ("organization", Some(op.organization_id)),
        ("session", Some(op.session_id)),
        ("project", Some(op.project)),
        ("callback", op.callback.map(callback)),
    ])?;
    op.result.map_or(Ok(()), |result| tell_result(&result))
}

fn callback(told: CallbackView) -> String {
    let tries = if told.tries == 1 { "1 try".to_owned() } else { format!("{} tries", told.tries) };
    let problem = told.problem.map(|problem| format!(": {}", one_line(&problem, 200))).unwrap_or_default();
    format!("{}, {tries}{problem}", told.status)
}

fn tell_result(result: &OperationResult) -> Result<()> {
    let or_none = |text: String| Some(text).filter(|text| !text.is_empty());
    table::facts(&[
        ("outcome", Some(result.status.to_string())),
        ("error", result.error.clone()),
        ("branch", or_none(result.branch.clone())),
        ("commits", or_none(result.commits.iter().map(|c| show::short_commit(c)).collect::<Vec<_>>().join(" "))),
        ("pull request", result.pr.as_ref().map(|pr| format!("#{} {}", pr.number, pr.url))),
        ("files", or_none(one_line(&result.files_modified.join(" "), 300))),
        ("rounds", Some(result.iterations.to_string())),
        ("took", Some(format!("{:.1} s", result.duration as f64 / 1000.0))),
    ])
}

const fn exit(status: OperationStatus) -> Exit {
    match status {
        OperationStatus::Succeeded => Exit::Done,
        OperationStatus::Failed | OperationStatus::Cancelled => Exit::Failed,
        OperationStatus::Blocked | OperationStatus::Queued | OperationStatus::Running => Exit::Blocked,
    }
}

async fn result(client: &Client, id: AssignmentId, json: bool) -> Result<Exit> {
    let value: Value = client.get(&format!("{}/result", path(id)), &[]).await?;
    let result: OperationResult = read(value.clone())?;
    if json {
        output::json(&value)?;
    } else {
        tell_result(&result)?;
    }
    Ok(exit(result.status))
}

/// Follows an operation until it is over, or waits for what only a person can give; then shows what came of it.
pub(super) async fn to_the_end(client: &Client, id: AssignmentId, json: bool) -> Result<Exit> {
    let outcome = follow::to_the_end(client, id, json).await?;
    if outcome.hold.is_none() {
        return result(client, id, json).await;
    }
    tell(&client.get::<Value>(&path(id), &[]).await?, json)?;
    Ok(outcome.exit())
}
