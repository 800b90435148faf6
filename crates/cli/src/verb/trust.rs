use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::TrustCandidate;

/// Let a repository's own settings and templates count, after showing them
///
/// A repository's `.windlass/project.toml` may name commands. They count only for the very content that was trusted:
/// each change asks again.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The project
    project: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Trust only if this is the content's hash
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: TrustArgs, context: &Context) -> Result<Exit> {
    if !windlass_types::is_valid_name(&args.project) {
        return Err(CliError::usage(format!("{:?} cannot be a project's name", args.project)).hint("see `windlass projects`"));
    }
    let client = context.client()?;
    let path = format!("/api/v1/projects/{}/trust", args.project);
    let candidate: TrustCandidate = client.get(&path, &[]).await?;
    let decided = args.yes || args.hash.is_some();
    if args.json.json && !decided {
        let mut value = serde_json::to_value(&candidate).unwrap_or(Value::Null);
        if let Some(object) = value.as_object_mut() {
            object.insert("id".to_owned(), candidate.project.clone().into());
        }
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    if !args.json.json {
        show(&candidate)?;
    }
    if candidate.trusted {
        output::say("this is trusted already");
        if args.json.json {
            let project: Value = client.get(&format!("/api/v1/projects/{}", args.project), &[]).await?;
            output::json(&super::projects::with_id(project))?;
        }
        return Ok(Exit::Done);
    }
    if let Some(hash) = &args.hash
        && *hash != candidate.hash
    {
        return Err(CliError::usage(format!("the content's hash is {}, not {hash}", candidate.hash))
            .hint(format!("look at it again: windlass trust {}", args.project)));
    }
    if !decided && !ask()? {
        return Err(CliError::usage("nothing was trusted").hint(format!("windlass trust {} --hash {}", args.project, candidate.hash)));
    }
    // The hash that was shown, so that a change since then is not trusted.
    let project: Value = client.post(&path, &json!({ "hash": candidate.hash })).await?;
    if args.json.json {
        output::json(&super::projects::with_id(project))?;
    } else {
        output::data(&format!("trusted: {} at {}", args.project, candidate.hash))?;
    }
    Ok(Exit::Done)
}

fn show(candidate: &TrustCandidate) -> Result<()> {
    output::data(&format!("project {}, commit {}", candidate.project, output::clean(&candidate.commit)))?;
    if candidate.files.is_empty() {
        output::data("the repository brings no settings of its own")?;
    }
    for (path, text) in &candidate.files {
        output::data(&format!("\n--- {}\n{}", output::one_line(path, 200), output::clean(text)))?;
    }
    output::data(&format!("\nhash {}", candidate.hash))
}

fn ask() -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "Trust this content? Its commands will run on this machine. [y/N] ");
    let _ = err.flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|e| CliError::fault(format!("could not read the answer: {e}")))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
