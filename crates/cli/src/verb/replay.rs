use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::dead_letters::{self, FilterArgs};
use crate::cli::{Context, Json, read_text, text_or_file};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};
use crate::wire::{ReplayOutcome, Replayed};

/// Run dead letters again, with fresh counters
///
/// An assignment that such a death had blocked goes on; one that waits for something else goes on waiting.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The ids of the jobs, their assignments or their tasks
    #[arg(value_name = "ID", conflicts_with = "all")]
    jobs: Vec<String>,
    /// All that the filters show
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Edit what the agent is told, in $VISUAL or $EDITOR; for one job
    #[arg(long, conflicts_with_all = ["context", "context_file", "all"])]
    edit: bool,
    /// Tell the agent this instead
    #[arg(long, value_name = "TEXT")]
    context: Option<String>,
    /// The same, from a file (`-`: standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    context_file: Option<PathBuf>,
    /// The same key replays nothing twice
    #[arg(long)]
    key: Option<String>,
    /// Only say what would be replayed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: ReplayArgs, context: &Context) -> Result<Exit> {
    if args.jobs.is_empty() && !args.all {
        return Err(CliError::usage("no dead letter was named").hint("name one (`windlass dead-letters` lists them), or give --all"));
    }
    let client = context.client()?;
    let mut ids = Vec::new();
    for job in &args.jobs {
        ids.push(client.dead_letter_id(job).await?.to_string());
    }
    let filter = args.filter.given();
    if !args.all && !filter.is_empty() {
        return Err(
            CliError::usage("filters choose among all dead letters, and jobs were named").hint("give --all, or leave the filters out")
        );
    }
    let mut told = text_or_file(args.context, args.context_file.as_deref())?;
    let mut wanted = None;
    if args.edit {
        let [id] = ids.as_slice() else { return Err(CliError::usage("--edit is for one job at a time")) };
        let (_, detail) = dead_letters::detail(&client, id).await?;
        // What a task asks for is its assignment's north star; its context is what its worker is always told.
        let whole = detail.assignment.source == "file" || detail.job.spec.context.trim().is_empty();
        if whole {
            wanted = Some(edited(context, "what is wanted of the agent", &detail.assignment.north_star)?);
        } else {
            told = Some(edited(context, "what the agent is asked now, beside the assignment's north star", &detail.job.spec.context)?);
        }
    }
    let mut body = json!({ "edit": { "north_star": wanted, "context": told }, "key": args.key, "dry_run": args.dry_run });
    let mut items: Vec<Value> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        if args.all {
            let mut all: Map<String, Value> = filter.iter().map(|(key, value)| ((*key).to_owned(), value.clone().into())).collect();
            all.insert("cursor".to_owned(), cursor);
            body["all"] = all.into();
        } else {
            body["ids"] = ids.clone().into();
        }
        let mut page: Value = client.post("/api/v1/dead-letters/replay", &body).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        cursor = page.get_mut("next_cursor").map(Value::take).unwrap_or_default();
        if cursor.is_null() {
            break;
        }
    }
    tell(items, args.json)
}

fn tell(items: Vec<Value>, json: Json) -> Result<Exit> {
    let done: Vec<Replayed> = serde_json::from_value(items.clone().into())
        .map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    let refused = done.iter().filter(|r| r.outcome == ReplayOutcome::Refused).count();
    if json.json {
        output::json_list(items)?;
    } else {
        let rows = done
            .iter()
            .map(|r| {
                let word = match r.outcome {
                    ReplayOutcome::Replayed => "replayed",
                    ReplayOutcome::WouldReplay => "would be replayed",
                    ReplayOutcome::Already => "was replayed by this request before",
                    ReplayOutcome::Refused => "refused",
                };
                vec![show::id(&r.id), word.to_owned(), r.message.as_deref().map(output::clean).unwrap_or_default()]
            })
            .collect();
        table::print(&["id", "outcome", "note"], rows, "no dead letters")?;
    }
    Ok(if refused > 0 { Exit::Usage } else { Exit::Done })
}

/// How the line begins that says what is edited. It is no part of the text.
const HEADER: &str = "<!-- windlass:";

/// What a person makes of a text in their editor.
fn edited(context: &Context, what: &str, text: &str) -> Result<String> {
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| context.env.text(name)).unwrap_or("vi");
    let failed = |e: std::io::Error| CliError::fault(format!("the text could not be edited: {e}"));
    let mut file = tempfile::Builder::new().prefix("windlass-").suffix(".md").tempfile().map_err(failed)?;
    let header = format!("{HEADER} {what}. What you leave below replaces it; this line is left out; an empty text replays nothing. -->");
    write!(file, "{header}\n{}\n", text.trim_end()).map_err(failed)?;
    // An editor's setting may hold arguments: it is a shell's word everywhere.
    let ran = std::process::Command::new("/bin/sh").arg("-c").arg(format!("{editor} \"$1\"")).arg("edit").arg(file.path()).status();
    if !ran.map_err(failed)?.success() {
        return Err(CliError::usage(format!("the editor ({editor}) gave up: nothing is replayed")));
    }
    // By its name: editors put a new file in the place of the old one.
    let left = read_text(file.path())?;
    let text = match left.split_once('\n') {
        Some((first, rest)) if first.starts_with(HEADER) => rest,
        None if left.starts_with(HEADER) => "",
        _ => left.as_str(),
    };
    if text.trim().is_empty() {
        return Err(CliError::usage("the text is empty: nothing is replayed"));
    }
    Ok(text.trim_end().to_owned())
}
