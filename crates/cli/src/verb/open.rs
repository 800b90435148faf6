use std::process::{Command, Stdio};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// Open the daemon's page in a browser, signed in
///
/// Prints a link that signs one browser in, once, within five minutes. Where there is a desktop, the browser is opened with it.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Only print the link
    #[arg(long)]
    print: bool,
    /// What the browser may do: read, operate or admin; as much as your own token, when it is not given
    #[arg(long, value_name = "SCOPE", value_parser = ["read", "operate", "admin"])]
    scope: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: OpenArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    if !client.url().starts_with("http") {
        return Err(CliError::usage(format!("{} is no address that a browser can open", client.url()))
            .hint("name the daemon's own: --url http://HOST:PORT"));
    }
    let wanted = args.scope.map_or_else(|| json!({}), |scope| json!({ "scope": scope }));
    let link: Value = client.post("/api/v1/login-links", &wanted).await?;
    let path = link["path"].as_str().ok_or_else(|| CliError::fault("the daemon made no link"))?;
    let url = format!("{}{path}", client.url().trim_end_matches('/'));
    if args.json.json {
        output::json(&json!({ "url": url, "expires_at": link["expires_at"] }))?;
        return Ok(Exit::Done);
    }
    output::data(&url)?;
    output::say("the link signs one browser in, once, within five minutes");
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !args.print && has_desktop && output::for_person() {
        // Where it cannot be started, the link is there to be clicked.
        let _ = Command::new("xdg-open").arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
    Ok(Exit::Done)
}
