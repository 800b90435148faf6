use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde_json::json;
use similar::TextDiff;
use windlass_types::Harness;

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::hooks::file::Found;
use crate::hooks::{HOOKED, Place, Scope, Wanted, edit, file, is_program, place, send};
use crate::output;

/// Watch agents that you start yourself, by hooks in their settings
///
/// A hook is a program that an agent starts when it does something. Ours tells the daemon, so that `windlass agents` and the page show
/// the agent's session as `manual`. It never holds an agent up: without a daemon it ends at once, and it says nothing.
#[derive(Debug, Args)]
pub(crate) struct HooksArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(InstallArgs),
    Uninstall(UninstallArgs),
    Send(SendArgs),
}

/// Put hooks into the agents' settings, beside what is there
///
/// Everything else in the file stays as it is, and what was there is kept beside it as FILE.before-windlass. Run again, it changes only
/// what is not up to date. Where --data-dir, --url or --config is given, the hooks speak to that daemon.
#[derive(Debug, Args)]
struct InstallArgs {
    #[command(flatten)]
    which: Which,
}

/// Take the hooks out again; others' stay
#[derive(Debug, Args)]
struct UninstallArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
struct Which {
    /// For all sessions of yours
    #[arg(long, conflicts_with = "project")]
    user: bool,
    /// For all sessions in this project: the repository that you are in (the default)
    #[arg(long)]
    project: bool,
    /// This agent; may be given for several [default: those that are installed here]
    #[arg(long, value_name = "HARNESS", value_parser = hooked())]
    harness: Vec<Harness>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: Json,
}

/// For hooks: hand on the payload on standard input
///
/// Prints nothing and always exits with 0, whatever happens.
#[derive(Debug, Args)]
struct SendArgs {
    /// The agent whose hook this is
    #[arg(long, value_name = "HARNESS", value_parser = hooked())]
    harness: Harness,
}

fn hooked() -> impl TypedValueParser<Value = Harness> {
    PossibleValuesParser::new(HOOKED.map(Harness::as_str)).try_map(|word| word.parse::<Harness>())
}

pub(crate) async fn run(args: HooksArgs, context: &Context) -> Result<Exit> {
    match args.command {
        Command::Install(args) => change(&args.which, context, file::write, |found, place| {
            edit::install(found.text.as_deref().unwrap_or_default(), &Wanted::of(place.harness, &program(context)?, &daemon(context)?))
                .map(Some)
                .map_err(|why| unfit(place, &why))
        }),
        Command::Uninstall(args) => change(&args.which, context, file::restore, |found, place| {
            let text = found.text.as_deref();
            text.map(|text| edit::uninstall(text, file::original(found).as_deref()).map_err(|why| unfit(place, &why))).transpose()
        }),
        Command::Send(args) => {
            send::send(args.harness, context).await;
            Ok(Exit::Done)
        }
    }
}

fn unfit(place: &Place, why: &str) -> CliError {
    CliError::usage(format!("{} was left as it is: {why}", place.file.display())).hint("mend the file, or move it away")
}

/// Changes the settings of each agent that is meant.
fn change(
    which: &Which,
    context: &Context,
    write: fn(&Found, &str) -> Result<Option<PathBuf>>,
    new_text: impl Fn(&Found, &Place) -> Result<Option<String>>,
) -> Result<Exit> {
    let scope = if which.user { Scope::User } else { Scope::Project(project_root()?) };
    let mut items = Vec::new();
    for place in places(which, &scope, context)? {
        let found = file::find(&place)?;
        let shown = place.file.display();
        let old = found.text.as_deref();
        let new = new_text(&found, &place)?.filter(|new| Some(new.as_str()) != old);
        let mut backup = None;
        if let Some(new) = &new {
            if which.dry_run {
                if !which.json.json {
                    let name = found.file.display().to_string();
                    let diff = TextDiff::from_lines(old.unwrap_or_default(), new);
                    output::data(&output::clean(&diff.unified_diff().context_radius(3).header(&name, &name).to_string()))?;
                }
            } else {
                backup = write(&found, new)?;
            }
        }
        if !which.json.json {
            if found.by_link {
                output::say(&format!("{shown} is a link: what is meant is {}", found.file.display()));
            }
            let kept = backup.as_ref().map(|backup| format!(" (what it was: {})", backup.display())).unwrap_or_default();
            match (&new, which.dry_run) {
                (Some(_), false) => output::data(&format!("{}: changed {shown}{kept}", place.harness.as_str()))?,
                (Some(_), true) => {}
                (None, _) => output::data(&format!("{}: {shown} stays as it is", place.harness.as_str()))?,
            }
        }
        items.push(json!({
            "id": place.harness.as_str(), "harness": place.harness, "scope": if which.user { "user" } else { "project" }, "file": place.file,
            "real_file": found.file, "changed": new.is_some(), "dry_run": which.dry_run, "backup": backup,
        }));
    }
    if which.json.json {
        output::json_list(items)?;
    } else if which.harness.contains(&Harness::Codex) || (which.user && !which.dry_run && is_here(Harness::Codex, context)) {
        output::say("codex runs hooks only once you have trusted them: start `codex` and answer what it asks (`/hooks` shows them)");
    }
    Ok(Exit::Done)
}

/// The settings files that are meant.
fn places(which: &Which, scope: &Scope, context: &Context) -> Result<Vec<Place>> {
    let mut found = Vec::new();
    for harness in HOOKED {
        let is_named = which.harness.contains(&harness);
        let is_meant = is_named || (which.harness.is_empty() && is_here(harness, context));
        if !is_meant {
            continue;
        }
        match place(harness, scope, &context.env)? {
            Some(place) => found.push(place),
            None if is_named => {
                return Err(CliError::usage(format!("{} has no hooks of a project's own", harness.as_str())).hint("use --user"));
            }
            None => output::say(&format!("{} has no hooks of a project's own: use --user for it", harness.as_str())),
        }
    }
    if found.is_empty() {
        return Err(CliError::usage("none of claude, codex and gemini was found on the PATH").hint("name one with --harness"));
    }
    Ok(found)
}

/// Whether an agent's program is on the PATH.
fn is_here(harness: Harness, context: &Context) -> bool {
    let path = context.env.text("PATH").unwrap_or_default();
    windlass_workspace::launch::resolve_program(harness.as_str(), path).is_ok()
}

/// The repository that the user is in, else the folder.
fn project_root() -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|e| CliError::usage(format!("the folder that you are in cannot be read: {e}")))?;
    Ok(here.ancestors().find(|folder| folder.join(".git").exists()).map_or_else(|| here.clone(), Path::to_path_buf))
}

/// How a shell finds this program: by its name where that leads here, so that it may be moved; else by its path.
fn program(context: &Context) -> Result<String> {
    let own = std::env::current_exe().map_err(|e| CliError::fault(format!("this program's own path is not known: {e}")))?;
    let named = windlass_workspace::launch::resolve_program("windlass", context.env.text("PATH").unwrap_or_default());
    if named.ok().and_then(|named| named.canonicalize().ok()) == own.canonicalize().ok() {
        return Ok("windlass".to_owned());
    }
    let own = own.to_str().ok_or_else(|| CliError::usage(format!("the path {} is not valid UTF-8", own.display())))?;
    if !is_program(own) {
        return Err(CliError::usage(format!("this program is {own}: hooks of that name would not be known for Windlass's own"))
            .hint("call the program windlass, then install again"));
    }
    Ok(own.to_owned())
}

/// The flags that say which daemon is meant, where they were given. A hook runs elsewhere: its paths are whole.
fn daemon(context: &Context) -> Result<Vec<String>> {
    let mut flags = Vec::new();
    let mut path = |flag: &str, path: &Option<PathBuf>| -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        let whole = std::path::absolute(path).map_err(|e| CliError::usage(format!("{} cannot be reached: {e}", path.display())))?;
        let text = whole.to_str().ok_or_else(|| CliError::usage(format!("the path {} is not valid UTF-8", whole.display())))?;
        flags.extend([flag.to_owned(), text.to_owned()]);
        Ok(())
    };
    path("--data-dir", &context.global.data_dir)?;
    path("--config", &context.global.config)?;
    if let Some(url) = &context.global.url {
        flags.extend(["--url".to_owned(), url.clone()]);
    }
    Ok(flags)
}
