use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_types::{AssignmentId, Clock, CredentialId, Scope, Timestamp};

use super::page::{self, PageArgs};
use crate::cli::{Context, Json};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show};
use crate::wire::Page;

/// List, make and revoke API tokens for programs
///
/// A token opens what its scope says: read (look at everything), operate (give work, stop it, decide about it), admin (everything), or
/// one assignment. Its secret is shown once.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(CreateArgs),
    Revoke(RevokeArgs),
}

/// Make a token and print its secret, this once
#[derive(Debug, Args)]
struct CreateArgs {
    /// Its name: a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -
    name: String,
    /// What it opens: read, operate or admin
    #[arg(long, value_name = "SCOPE", required_unless_present = "assignment", value_parser = ["read", "operate", "admin"])]
    scope: Option<String>,
    /// It opens this assignment, and nothing else
    #[arg(long, value_name = "ASSIGNMENT", conflicts_with = "scope")]
    assignment: Option<String>,
    /// It ends after so many days; without this, when it is revoked
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,
    #[command(flatten)]
    json: Json,
}

/// End a token: it opens nothing from now on
#[derive(Debug, Args)]
struct RevokeArgs {
    /// Its name or id
    #[arg(value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    json: Json,
}

/// A token as the daemon shows it.
#[derive(Debug, Deserialize)]
struct Token {
    id: CredentialId,
    name: String,
    scope: Scope,
    assignment_id: Option<AssignmentId>,
    created_by: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

pub(crate) async fn run(args: TokensArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    match args.command {
        Some(Command::Create(args)) => create(args, &client).await,
        Some(Command::Revoke(args)) => revoke(args, &client).await,
        None => list(args.page, &client).await,
    }
}

async fn list(args: PageArgs, client: &Client) -> Result<Exit> {
    let Some(page) = args.fetch::<Token>(client, "/api/v1/tokens", &[]).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for token in page.items {
        let stands = match (token.revoked_at, token.expires_at) {
            (Some(at), _) => format!("revoked {}", show::ago(at, now)),
            (None, Some(at)) if at <= now => "over".to_owned(),
            (None, Some(at)) => format!("ends {}", show::ago(at, now)),
            (None, None) => "good".to_owned(),
        };
        rows.push(vec![
            token.id.to_string(),
            token.name,
            token.assignment_id.map_or_else(|| token.scope.to_string(), |id| show::id(&id)),
            stands,
            token.last_used_at.map_or_else(|| "never".to_owned(), |at| show::ago(at, now)),
            format!("{} by {}", show::ago(token.created_at, now), token.created_by),
        ]);
    }
    page::print(&["id", "name", "opens", "status", "used", "made"], rows, "no tokens", page.more)
}

async fn create(args: CreateArgs, client: &Client) -> Result<Exit> {
    let assignment = match &args.assignment {
        Some(assignment) => Some(client.assignment_id(assignment).await?),
        None => None,
    };
    let body = json!({
        "name": args.name,
        "scope": args.scope.unwrap_or_else(|| "assignment".to_owned()),
        "assignment_id": assignment,
        "expires_in_secs": args.days.map(|days| days * 86_400),
    });
    let made: Value = client.post("/api/v1/tokens", &body).await?;
    if args.json.json {
        output::json(&made)?;
        return Ok(Exit::Done);
    }
    output::say(&format!("the token {} is made; its secret is shown this once:", args.name));
    output::data(made["secret"].as_str().ok_or_else(|| CliError::fault("the daemon told no secret"))?)?;
    Ok(Exit::Done)
}

async fn revoke(args: RevokeArgs, client: &Client) -> Result<Exit> {
    let id = match args.token.parse::<CredentialId>() {
        Ok(id) => id,
        Err(_) => by_name(client, &args.token).await?,
    };
    let revoked: Value = client.delete(&format!("/api/v1/tokens/{id}")).await?;
    if args.json.json {
        output::json(&revoked)?;
    } else {
        output::data(&format!("{} is revoked", args.token))?;
    }
    Ok(Exit::Done)
}

async fn by_name(client: &Client, name: &str) -> Result<CredentialId> {
    let all: Page<Value> = client.list("/api/v1/tokens", &[], None, 1000).await?;
    let tokens = page::understood::<Token>(all.items)?;
    let found = tokens.into_iter().find(|token| token.name == name && token.revoked_at.is_none());
    found
        .map(|token| token.id)
        .ok_or_else(|| CliError::usage(format!("there is no token named {name:?}")).hint("windlass tokens lists them"))
}
