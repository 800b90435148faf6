use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use windlass_types::{Clock, CredentialId, Scope, Timestamp};

use super::page::{self, PageArgs};
use crate::cli::{Context, Json};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show};

/// List the browsers that are signed in to the page, and sign them out
///
/// An admin sees everybody's sign-ins. One ends by itself 14 days after its last use, and 90 days after it began. What the owner signed in
/// (`windlass open`) ends with the token in the data directory, too: it is still listed then, and opens nothing.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SignInsArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    End(EndArgs),
}

/// Sign a browser out: its sign-in opens nothing from now on, and its streams end
#[derive(Debug, Args)]
struct EndArgs {
    /// The sign-in's id
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All that `windlass sign-ins` lists
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    json: Json,
}

/// A sign-in as the daemon shows it.
#[derive(Debug, Deserialize)]
struct SignIn {
    id: CredentialId,
    scope: Scope,
    user: Option<String>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl SignIn {
    fn who(&self) -> &str {
        self.user.as_deref().unwrap_or("the owner")
    }
}

pub(crate) async fn run(args: SignInsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    match args.command {
        Some(Command::End(EndArgs { id: Some(id), json, .. })) => end(&id, json, &client).await,
        Some(Command::End(args)) => end_all(args.json, &client).await,
        None => list(args.page, &client).await,
    }
}

async fn list(args: PageArgs, client: &Client) -> Result<Exit> {
    let Some(page) = args.fetch::<SignIn>(client, "/api/v1/sign-ins", &[]).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let row = |sign_in: SignIn| {
        vec![
            sign_in.id.to_string(),
            sign_in.who().to_owned(),
            sign_in.scope.to_string(),
            show::ago(sign_in.created_at, now),
            sign_in.last_used_at.map_or_else(|| "not since".to_owned(), |at| show::ago(at, now)),
            sign_in.expires_at.map_or_else(String::new, |at| show::ago(at, now)),
        ]
    };
    let rows = page.items.into_iter().map(row).collect();
    page::print(&["id", "who", "opens", "signed in", "used", "ends"], rows, "no sign-ins: `windlass open` signs a browser in", page.more)
}

async fn end(id: &str, json: Json, client: &Client) -> Result<Exit> {
    let id: CredentialId =
        id.parse().map_err(|_| CliError::usage(format!("{id:?} is no id of a sign-in")).hint("windlass sign-ins lists them"))?;
    let ended = end_one(id, client).await?;
    if json.json {
        output::json(&ended)?;
    } else {
        output::data(&format!("{id} is signed out"))?;
    }
    Ok(Exit::Done)
}

async fn end_all(json: Json, client: &Client) -> Result<Exit> {
    let all = client.list("/api/v1/sign-ins", &[], None, usize::MAX).await?;
    let (mut ended, mut first_error) = (Vec::new(), None);
    for sign_in in page::understood::<SignIn>(all.items)? {
        match end_one(sign_in.id, client).await {
            Ok(one) => ended.push(one),
            // It ended meanwhile, or this caller may not: the others are ended all the same.
            Err(e) if e.exit == Exit::Usage => first_error = first_error.or(Some(e)),
            Err(e) => return Err(e),
        }
    }
    let count = ended.len();
    if json.json {
        output::json_list(ended)?;
    } else {
        output::data(&format!("{count} {} signed out", if count == 1 { "browser is" } else { "browsers are" }))?;
    }
    first_error.map_or(Ok(Exit::Done), Err)
}

async fn end_one(id: CredentialId, client: &Client) -> Result<Value> {
    client.delete(&format!("/api/v1/sign-ins/{id}")).await
}
