use clap::Args;
use serde_json::json;
use windlass_types::count;

use crate::cli::{Context, Json};
use crate::failure::{Exit, Result};
use crate::output::{self, show, size};
use crate::wire::{Housekeeping, HousekeepingRun};

/// Show what is kept how long, and what was removed; or look after it now
///
/// The daemon does it by itself from time to time. What is active or blocked, dead letters, and work that is nowhere else are never removed.
#[derive(Debug, Args)]
pub(crate) struct HousekeepingArgs {
    /// Run a round now
    #[arg(long)]
    run_now: bool,
    /// Remove nothing, and show what would be
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: HousekeepingArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    if args.run_now || args.dry_run {
        let run: HousekeepingRun = client.post_patiently("/api/v1/housekeeping", &json!({ "dry_run": args.dry_run })).await?;
        if args.json.json {
            output::json(&run)?;
        } else {
            show_run(&run)?;
        }
        return Ok(Exit::Done);
    }
    let all: Housekeeping = client.get("/api/v1/housekeeping", &[]).await?;
    if args.json.json {
        output::json(&all)?;
        return Ok(Exit::Done);
    }
    let up_to = |bytes: Option<u64>| bytes.map_or_else(String::new, |bytes| format!(", up to {}", size(bytes)));
    let r = &all.retention;
    for (what, how) in [
        ("events", kept(r.events_secs)),
        ("transcripts", format!("{}{}", kept(r.transcripts_secs), up_to(r.transcripts_max_bytes))),
        ("finished", format!("assignments {}", kept(r.finished_secs))),
        ("audit log", kept(r.audit_secs)),
        ("ended", format!("tokens and sessions {}", kept(r.credentials_secs))),
        ("workspaces", format!("{}{}", kept(r.workspaces_secs), up_to(r.workspaces_max_bytes))),
        ("free space", format!("{} or more for new work", size(r.min_free_bytes))),
        ("next", all.next_at.map_or("not known yet".to_owned(), |at| at.to_string())),
        ("backup", all.backed_up_at.map_or("never: windlass backup PATH makes one".to_owned(), |at| at.to_string())),
    ] {
        output::data(&format!("{what:11} {how}"))?;
    }
    match &all.last {
        Some(last) => show_run(last),
        None => output::data("last        never on this data directory"),
    }?;
    Ok(Exit::Done)
}

/// How long something is kept, in the largest unit that says enough.
fn kept(secs: Option<u64>) -> String {
    const DAY: u64 = 86_400;
    match secs {
        None => "for ever".to_owned(),
        Some(0) => "not kept: goes with the next round".to_owned(),
        Some(DAY) => "for 1 day".to_owned(),
        Some(secs) if secs < DAY => format!("for {}", show::duration(i64::try_from(secs * 1000).unwrap_or(i64::MAX))),
        Some(secs) => format!("for {} days", (secs as f64 / 864.0).round() / 100.0),
    }
}

fn show_run(run: &HousekeepingRun) -> Result<()> {
    let removed = &run.removed;
    let verb = if run.dry_run { "would go" } else { "removed" };
    output::data(&format!("{:11} {}", if run.dry_run { "dry run" } else { "last" }, run.ended_at))?;
    output::data(&format!(
        "{verb:11} {}, {}, {}, {} of {}, {} and {} of {}",
        count(removed.events, "event"),
        count(removed.assignments, "assignment"),
        count(removed.sessions, "session"),
        count(removed.transcripts, "transcript"),
        size(removed.transcript_bytes),
        count(removed.workspaces, "workspace"),
        count(removed.pool_trees, "ready tree"),
        size(removed.workspace_bytes)
    ))?;
    output::data(&format!(
        "{:11} {} of the audit log, {} that ended, {}",
        "",
        count(removed.audit_lines, "line"),
        count(removed.credentials, "credential"),
        count(removed.notifications, "notification")
    ))?;
    for kept in &run.kept {
        output::data(&format!("kept        the workspace of {} ({}): {}", kept.assignment_id, size(kept.bytes), output::clean(&kept.why)))?;
        output::data(&format!("            hint: {}", output::clean(&kept.hint)))?;
    }
    for problem in &run.problems {
        output::data(&format!("problem     {}", output::clean(problem)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn how_long_something_is_kept_is_never_told_as_no_days() {
        assert_eq!(kept(None), "for ever");
        assert_eq!(kept(Some(0)), "not kept: goes with the next round");
        assert_eq!(kept(Some(90)), "for 1 min 30 s");
        assert_eq!(kept(Some(43_200)), "for 12 h 0 min");
        assert_eq!(kept(Some(86_400)), "for 1 day");
        assert_eq!(kept(Some(129_600)), "for 1.5 days");
        assert_eq!(kept(Some(30 * 86_400)), "for 30 days");
    }
}
