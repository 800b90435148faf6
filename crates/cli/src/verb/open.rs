use std::io::Write as _;
use std::path::{Path, PathBuf};
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
        // Where there is no place for the page or no program to open it, the link is there to be clicked.
        if let Some(page) = context.settings(&context.flags()).ok().and_then(|settings| write_page(&settings.data_dir, &url).ok()) {
            let _ = Command::new("xdg-open").arg(&page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        }
    }
    Ok(Exit::Done)
}

/// Writes a page for this user only that leads on to the link: what a program is started with, every user of the machine can read.
fn write_page(data_dir: &Path, url: &str) -> std::io::Result<PathBuf> {
    let path = data_dir.join("open.html");
    // Nobody else may read or write it, from its first moment.
    let mut file = tempfile::Builder::new().prefix(".open-").tempfile_in(data_dir)?;
    let url = escaped(url);
    write!(
        file,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={url}\">\n<title>Windlass</title>\n<p><a href=\"{url}\">Open Windlass</a></p>\n</html>\n"
    )?;
    file.persist(&path).map_err(|e| e.error)?;
    Ok(path)
}

/// A text as it stands in HTML, between quotes too.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_page_is_for_its_user_only_leads_to_the_link_and_is_replaced_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        write_page(dir.path(), "http://127.0.0.1:3001/login#wlc_first").unwrap();
        let page = write_page(dir.path(), "http://127.0.0.1:3001/login#wlc_\"><script>").unwrap();
        assert_eq!(std::fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
        let html = std::fs::read_to_string(&page).unwrap();
        let link = "http://127.0.0.1:3001/login#wlc_&quot;&gt;&lt;script&gt;";
        assert!(html.contains(&format!("<meta http-equiv=\"refresh\" content=\"0; url={link}\">")), "{html}");
        assert!(!html.contains("first") && !html.contains("<script"), "{html}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
        assert!(write_page(&dir.path().join("none"), "http://127.0.0.1:3001").is_err());
    }
}
