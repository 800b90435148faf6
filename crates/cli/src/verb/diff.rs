use clap::Args;
use serde_json::Value;
use windlass_types::count;

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show};
use crate::wire::Diff;

/// Show what an assignment's branch changes
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The assignment's id, or a unique piece of it
    id: String,
    /// Only the changed files and their line counts
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: DiffArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.assignment_id(&args.id).await?;
    let mut value: Value = client.get(&format!("/api/v1/assignments/{id}/diff"), &[]).await?;
    if args.json.json {
        if let Some(object) = value.as_object_mut() {
            object.entry("id").or_insert_with(|| id.to_string().into());
            if args.stat {
                object.remove("patch");
            }
        }
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let diff: Diff = serde_json::from_value(value).map_err(|e| CliError::fault(format!("the diff could not be understood: {e}")))?;
    if args.stat {
        for line in stat(&diff) {
            output::data(&line)?;
        }
        return Ok(Exit::Done);
    }
    if diff.files.is_empty() {
        output::say(&format!("{} changes nothing", diff.branch));
    } else if output::for_person() {
        output::data(&output::clean(&diff.patch.replace('\t', "    ")))?;
    } else {
        output::data(&diff.patch)?;
    }
    if diff.truncated {
        let head = diff.head.as_deref().unwrap_or("HEAD");
        output::say(&format!(
            "the patch is cut here; all of it: git diff {}..{}",
            show::short_commit(&diff.base),
            show::short_commit(head)
        ));
    }
    Ok(Exit::Done)
}

/// The changed files, one a line, and their sum.
pub(crate) fn stat(diff: &Diff) -> Vec<String> {
    let shown = 50;
    let mut lines: Vec<String> = diff
        .files
        .iter()
        .take(shown)
        .map(|f| format!("{:10} +{} -{}  {}", f.change, f.insertions, f.deletions, output::one_line(&f.path, 200)))
        .collect();
    if diff.files.len() > shown {
        lines.push(format!("… and {} more", diff.files.len() - shown));
    }
    let (plus, minus) = diff.files.iter().fold((0u64, 0u64), |(p, m), f| (p.saturating_add(f.insertions), m.saturating_add(f.deletions)));
    lines.push(format!("{} changed, {} added, {minus} removed", count(diff.files.len(), "file"), count(plus, "line")));
    lines
}
