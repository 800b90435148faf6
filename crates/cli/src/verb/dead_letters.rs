use clap::{Args, Subcommand};
use serde_json::Value;
use windlass_types::{Clock, FailureKind, Harness, Timestamp};

use super::page::{self, PageArgs};
use super::replay::{self, ReplayArgs};
use crate::cli::{Context, Json, harness_parser};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line, show, table};
use crate::wire::{DeadLetter, DeadLetterDetail};

/// List jobs that ran out of retries, show one whole, or run them again
///
/// Tasks that outside executors could not do (hybrid mode) are listed behind them, with the file that holds each: dropped again, they run again.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(ShowArgs),
    Replay(Box<ReplayArgs>),
}

/// Show a dead letter whole: what was wanted, every attempt's error, and how to run it again
#[derive(Debug, Args)]
struct ShowArgs {
    /// The id of the job, its assignment or its task
    #[arg(value_name = "ID")]
    job: String,
    #[command(flatten)]
    json: Json,
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only this worker's
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Only those whose last attempt ran on this agent
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// Only those whose last failure was of this kind, for example api_error
    #[arg(long, value_name = "KIND")]
    failure: Option<FailureKind>,
    /// Only those that died since then: a time (2026-01-31T12:00:00Z), or so long ago (90s, 30m, 12h, 7d)
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

impl FilterArgs {
    /// The filter for tasks of outside executors; none where it asks for what those have not.
    fn of_outside(&self) -> Option<Vec<(&'static str, String)>> {
        let is_for_jobs = self.project.is_some() || self.harness.is_some() || self.failure.is_some();
        (!is_for_jobs).then(|| self.given())
    }

    pub(super) fn given(&self) -> Vec<(&'static str, String)> {
        let mut given = Vec::new();
        given.extend(self.project.clone().map(|name| ("project", name)));
        given.extend(self.worker.clone().map(|name| ("worker", name)));
        given.extend(self.harness.map(|harness| ("harness", harness.to_string())));
        given.extend(self.failure.map(|kind| ("failure", kind.to_string())));
        given.extend(self.since.map(|at| ("since", at.to_string())));
        given
    }
}

/// A time, or how long ago it was.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let ago = text.char_indices().last().and_then(|(at, unit)| {
        let unit_ms = match unit {
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return None,
        };
        text.get(..at)?.parse::<u32>().ok().map(|n| i64::from(n) * unit_ms)
    });
    match ago {
        Some(ms) => Ok(Clock::system().now().plus_ms(-ms)),
        None => text.parse().map_err(|_| "give a time like 2026-01-31T12:00:00Z, or 90s, 30m, 12h, 7d".to_owned()),
    }
}

pub(crate) async fn run(args: DeadLettersArgs, context: &Context) -> Result<Exit> {
    match args.command {
        Some(Command::Show(args)) => show(args, context).await,
        Some(Command::Replay(args)) => replay::run(*args, context).await,
        None => list(args, context).await,
    }
}

async fn list(args: DeadLettersArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    // They stand on the first page.
    let of_outside = args.filter.of_outside().filter(|_| args.page.cursor.is_none());
    let page = client.list("/api/v1/dead-letters", &args.filter.given(), args.page.cursor, args.page.limit as usize).await?;
    let outside = match of_outside {
        Some(filter) => outside(&client, filter, args.page.limit).await?,
        None => Vec::new(),
    };
    if args.page.json.json {
        output::json(&serde_json::json!({ "items": page.items, "next_cursor": page.next_cursor, "outside": outside }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for letter in page::understood::<DeadLetter>(page.items)? {
        rows.push(vec![
            show::id(&letter.id),
            letter.job_type.to_string(),
            letter.project,
            letter.worker,
            letter.harness.map(|h| h.to_string()).unwrap_or_default(),
            letter.failure.map(|f| f.kind.to_string()).unwrap_or_default(),
            letter.died_at.map(|at| show::ago(at, now)).unwrap_or_default(),
            one_line(&letter.reason, 100),
        ]);
    }
    page::print(
        &["id", "type", "project", "worker", "harness", "failure", "died", "reason"],
        rows,
        "no dead letters",
        page.next_cursor.is_some(),
    )?;
    print_outside(&outside, now)?;
    Ok(Exit::Done)
}

/// The tasks that outside executors could not do.
async fn outside(client: &Client, mut filter: Vec<(&'static str, String)>, limit: u32) -> Result<Vec<Value>> {
    filter.push(("limit", limit.min(500).to_string()));
    let mut page: Value = client.get("/api/v1/files/dead-letters", &filter).await?;
    Ok(page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
}

fn print_outside(letters: &[Value], now: Timestamp) -> Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let word = |letter: &Value, field: &str| letter[field].as_str().map(|word| one_line(word, 200)).unwrap_or_default();
    let row = |letter: &Value| {
        let died = letter["died_at"].as_str().and_then(|at| at.parse().ok()).map(|at| show::ago(at, now)).unwrap_or_default();
        vec![
            word(letter, "worker"),
            word(letter, "task_id"),
            letter["attempts"].to_string(),
            died,
            word(letter, "reason"),
            word(letter, "letter"),
        ]
    };
    output::data(
        "\ntasks that outside executors could not do; to run one again, drop its task, which its letter holds, into tasks/<worker>/:",
    )?;
    table::print(&["worker", "task", "tries", "died", "reason", "letter"], letters.iter().map(row).collect(), "")
}

/// One dead letter whole.
pub(super) async fn detail(client: &Client, id: &str) -> Result<(Value, DeadLetterDetail)> {
    let value: Value = client.get(&format!("/api/v1/dead-letters/{id}"), &[]).await?;
    let detail =
        serde_json::from_value(value.clone()).map_err(|e| CliError::fault(format!("the dead letter could not be understood: {e}")))?;
    Ok((value, detail))
}

async fn show(args: ShowArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let id = client.dead_letter_id(&args.job).await?;
    let (value, detail) = detail(&client, &id.to_string()).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let (letter, job) = (&detail.letter, &detail.job);
    table::facts(&[
        ("job", Some(letter.id.to_string())),
        ("dead because", Some(output::clean(&letter.reason))),
        ("failure", letter.failure.as_ref().map(|f| f.kind.to_string())),
        ("hint", letter.failure.as_ref().and_then(|f| f.hint.clone())),
        ("type", Some(letter.job_type.to_string())),
        ("harness", letter.harness.map(|h| h.to_string())),
        ("worker", Some(letter.worker.clone())),
        ("project", Some(letter.project.clone())),
        ("assignment", Some(format!("{} ({})", letter.assignment_id, detail.assignment.status))),
        ("made", Some(show::ago(letter.created_at, now))),
        ("died", letter.died_at.map(|at| show::ago(at, now))),
        ("north star", Some(detail.assignment.north_star.clone())),
        ("context", Some(job.spec.context.clone()).filter(|c| !c.is_empty())),
    ])?;
    for attempt in &detail.attempts_list {
        let took = attempt.ended_at.map(|end| format!(", took {}", show::duration(end.since_ms(attempt.started_at)))).unwrap_or_default();
        let failure = attempt.failure.as_ref().map(|f| format!("\n  {}: {}", f.kind, output::clean(&f.message))).unwrap_or_default();
        output::data(&format!(
            "\nattempt {} ({}, {}): {}, began {}{took}{failure}",
            attempt.number,
            attempt.id,
            attempt.harness,
            attempt.status,
            show::ago(attempt.started_at, now)
        ))?;
    }
    output::data(&format!("\nto run it again: {} [--edit]", detail.replay))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_while_ago() {
        assert_eq!(since("2026-01-31T12:00:00Z").ok(), "2026-01-31T12:00:00Z".parse().ok());
        let hour_ago = Clock::system().now().since_ms(since("1h").unwrap_or_default());
        assert!((3_600_000..3_660_000).contains(&hour_ago), "{hour_ago}");
        for wrong in ["", "h", "-1h", "1y", "yesterday", "é"] {
            assert!(since(wrong).is_err(), "{wrong:?}");
        }
    }
}
