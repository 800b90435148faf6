use clap::{Args, Subcommand};
use serde_json::{Value, json};
use windlass_types::{Clock, NotificationKind};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};
use crate::wire::Notifications;

/// Show who is told what needs a person, and what was told lately
///
/// The channels are tables [notify.NAME] of the configuration: mail, webhooks, and what takes Slack's messages.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct NotificationsArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Test(TestArgs),
}

/// Send a message by a channel now that says that it is a test
#[derive(Debug, Args)]
struct TestArgs {
    /// The channel's name
    channel: String,
}

pub(crate) async fn run(args: NotificationsArgs, context: &Context) -> Result<Exit> {
    match args.command {
        Some(Command::Test(args)) => test(args, context).await,
        None => list(args.json, context).await,
    }
}

async fn list(json: Json, context: &Context) -> Result<Exit> {
    let value: Value = context.client()?.get("/api/v1/notifications", &[]).await?;
    if json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let all: Notifications =
        serde_json::from_value(value).map_err(|e| CliError::fault(format!("the notifications could not be understood: {e}")))?;
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for channel in all.channels {
        let mut tells = channel.kinds.into_iter().map(NotificationKind::as_str).collect::<Vec<_>>().join(", ");
        if !channel.projects.is_empty() {
            tells = format!("{tells} of {}", channel.projects.join(", "));
        }
        rows.push(vec![
            channel.name,
            channel.kind.to_string(),
            output::one_line(&channel.target, 80),
            tells,
            channel.last_sent_at.map(|at| show::ago(at, now)).unwrap_or_default(),
            channel.last_error.map(|error| output::one_line(&error, 100)).unwrap_or_default(),
        ]);
    }
    table::print(
        &["channel", "kind", "to", "tells", "last told", "last error"],
        rows,
        "no channels: each is a table [notify.NAME] of the configuration",
    )?;
    if all.recent.is_empty() {
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for one in all.recent {
        rows.push(vec![
            show::ago(one.at, now),
            one.channel,
            one.kind.to_string(),
            one.state.to_string(),
            output::one_line(&one.title, 60),
            one.error.map(|error| output::one_line(&error, 80)).unwrap_or_default(),
        ]);
    }
    output::data("")?;
    table::print(&["when", "channel", "kind", "state", "about", "error"], rows, "")?;
    Ok(Exit::Done)
}

async fn test(args: TestArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let _: Value = client.post("/api/v1/notifications/test", &json!({ "channel": args.channel })).await?;
    output::data(&format!("the test message was taken by {}", output::one_line(&args.channel, 80)))?;
    Ok(Exit::Done)
}
