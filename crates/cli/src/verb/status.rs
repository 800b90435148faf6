use clap::Args;
use windlass_types::Clock;

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};
use crate::wire::Status;

/// Show what the daemon does
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: StatusArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let value: serde_json::Value = client.get("/api/v1/status", &[]).await?;
    if args.json.json {
        output::json(&value)?;
        return Ok(Exit::Done);
    }
    let status: Status =
        serde_json::from_value(value).map_err(|e| CliError::fault(format!("the daemon's status could not be understood: {e}")))?;
    let now = Clock::system().now();
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<_> = counts.iter().filter(|(_, n)| **n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    };
    let state = match (status.ready, status.paused) {
        _ if status.stopping => "stopping: takes no more work, and ends when what runs has",
        (_, true) => "paused: `windlass resume` lets jobs start again",
        (true, false) => "ready",
        (false, false) if status.storage_problem.is_some() => "takes no work",
        (false, false) => "recovering",
    };
    table::facts(&[
        ("daemon", Some(format!("{} (version {})", client.url(), status.version))),
        ("state", Some(state.to_owned())),
        ("started", Some(show::ago(status.started_at, now))),
        ("store", Some(status.store.clone())),
        ("isolation", Some(status.isolation.clone())),
        ("storage", status.storage_problem.clone()),
        ("assignments", Some(counts(&status.assignments))),
        ("jobs", Some(counts(&status.jobs))),
    ])?;
    for worker in &status.workers {
        output::data(&format!("worker {}: runs {} of {}, {} queued", worker.name, worker.running, worker.limit, worker.queued))?;
    }
    for park in &status.harness_parks {
        let reason = output::one_line(&park.reason, 100);
        output::data(&format!("harness {} is parked, looked at again {}: {reason}", park.harness, show::ago(park.until, now)))?;
    }
    for breaker in &status.breakers {
        let until = breaker.open_until.filter(|at| *at > now).map(|at| format!(", tried again {}", show::ago(at, now))).unwrap_or_default();
        output::data(&format!("breaker {} is {}{until}: see `windlass breakers`", breaker.id, breaker.status))?;
    }
    Ok(Exit::Done)
}
