use clap::{Args, Subcommand};
use serde_json::{Value, json};
use windlass_types::{Clock, User, is_valid_name};

use super::page;
use crate::cli::{Context, Json};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, password, show, table};
use crate::wire::Page;

const ROLES: [&str; 3] = ["viewer", "operator", "admin"];

/// List, add, change and remove users who sign in to the page with a password
///
/// A viewer looks at everything, an operator gives work, stops it and decides about it, an admin does everything. The owner of the data
/// directory needs no user: `windlass open` signs them in.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct UsersArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(AddArgs),
    Set(SetArgs),
    Remove(RemoveArgs),
}

/// Add a user; the password is asked for
#[derive(Debug, Args)]
struct AddArgs {
    /// The name: a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -
    name: String,
    /// What they may do
    #[arg(long, value_name = "ROLE", value_parser = ROLES)]
    role: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    json: Json,
}

/// Change a user's role or password, or keep them out
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
struct SetArgs {
    /// The name
    name: String,
    /// What they may do
    #[arg(long, value_name = "ROLE", value_parser = ROLES, group = "what")]
    role: Option<String>,
    /// Ask for a new password; it ends their sessions
    #[arg(long, group = "what")]
    password: bool,
    /// Read the new password from the first line of standard input
    #[arg(long, group = "what", conflicts_with = "password")]
    password_stdin: bool,
    /// Keep them out; it ends their sessions
    #[arg(long, group = "what")]
    disable: bool,
    /// Let them in again
    #[arg(long, group = "what", conflicts_with = "disable")]
    enable: bool,
    #[command(flatten)]
    json: Json,
}

/// Remove a user and end their sessions
#[derive(Debug, Args)]
struct RemoveArgs {
    /// The name
    name: String,
}

pub(crate) async fn run(args: UsersArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    match args.command {
        Some(Command::Add(args)) => add(args, &client).await,
        Some(Command::Set(args)) => set(args, &client).await,
        Some(Command::Remove(args)) => remove(&args.name, &client).await,
        None => list(args.json, &client).await,
    }
}

async fn list(json: Json, client: &Client) -> Result<Exit> {
    let all: Page<Value> = client.get("/api/v1/users", &[]).await?;
    if json.json {
        output::json_list(all.items)?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let row = |user: User| {
        vec![
            user.name,
            user.role.to_string(),
            if user.disabled { "kept out".to_owned() } else { "good".to_owned() },
            user.last_login_at.map_or_else(|| "never".to_owned(), |at| show::ago(at, now)),
            show::ago(user.created_at, now),
        ]
    };
    let rows = page::understood::<User>(all.items)?.into_iter().map(row).collect();
    table::print(&["name", "role", "status", "signed in", "made"], rows, "no users: the owner signs in with `windlass open`")?;
    Ok(Exit::Done)
}

async fn add(args: AddArgs, client: &Client) -> Result<Exit> {
    let name = named(&args.name)?;
    let secret = if args.password_stdin { password::from_stdin()? } else { password::asked_twice(&format!("password of {name}"))? };
    let made: Value = client.post("/api/v1/users", &json!({ "name": name, "role": args.role, "password": secret })).await?;
    said(args.json, &made, &format!("{name} is added as {}", args.role))
}

async fn set(args: SetArgs, client: &Client) -> Result<Exit> {
    let name = named(&args.name)?;
    let mut change = serde_json::Map::new();
    change.extend(args.role.map(|role| ("role".to_owned(), json!(role))));
    if args.password_stdin {
        change.insert("password".to_owned(), json!(password::from_stdin()?));
    } else if args.password {
        change.insert("password".to_owned(), json!(password::asked_twice(&format!("new password of {name}"))?));
    }
    if args.disable || args.enable {
        change.insert("disabled".to_owned(), json!(args.disable));
    }
    let changed: Value = client.send_json(reqwest::Method::PATCH, &format!("/api/v1/users/{name}"), &change).await?;
    said(args.json, &changed, &format!("{name} is changed"))
}

async fn remove(name: &str, client: &Client) -> Result<Exit> {
    let name = named(name)?;
    client.delete::<()>(&format!("/api/v1/users/{name}")).await?;
    output::data(&format!("{name} is removed"))?;
    Ok(Exit::Done)
}

/// It stands in a path; what is no name is no user either.
fn named(name: &str) -> Result<&str> {
    if is_valid_name(name) {
        return Ok(name);
    }
    Err(CliError::usage(format!("{name:?} cannot be a user's name"))
        .hint("a name is a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -"))
}

fn said(json: Json, value: &Value, words: &str) -> Result<Exit> {
    if json.json {
        output::json(value)?;
    } else {
        output::data(words)?;
    }
    Ok(Exit::Done)
}
