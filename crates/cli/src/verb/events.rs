use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use windlass_types::{Event, EventKind};

use crate::cli::Context;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line};

/// Show what happened, in order
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Go on with what happens from now on
    #[arg(long, short)]
    follow: bool,
    /// Only what follows this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: i64,
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only this assignment's
    #[arg(long, value_name = "ID")]
    assignment: Option<String>,
    /// Only this job's
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Only these kinds; may be given more than once
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', hide_possible_values = true, value_parser = kind_parser())]
    kinds: Vec<EventKind>,
    /// At most this many (without --follow)
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print JSON for programs; with --follow one object a line
    #[arg(long)]
    json: bool,
}

fn kind_parser() -> impl TypedValueParser<Value = EventKind> {
    PossibleValuesParser::new(EventKind::ALL.map(EventKind::as_str)).try_map(|w| w.parse::<EventKind>())
}

pub(crate) async fn run(args: EventsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let mut query: Vec<(&'static str, String)> = Vec::new();
    query.extend(args.project.map(|p| ("project", p)));
    if let Some(assignment) = args.assignment {
        query.push(("assignment", client.assignment_id(&assignment).await?.to_string()));
    }
    if let Some(job) = args.job {
        query.push(("job", client.job_id(&job).await?.to_string()));
    }
    if !args.kinds.is_empty() {
        query.push(("kinds", args.kinds.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(",")));
    }
    if args.follow {
        let mut events = client.follow(query, args.after);
        while let Some(event) = events.recv().await {
            let event = event?;
            if args.json {
                output::json_line(&with_id(serde_json::to_value(&event).unwrap_or(Value::Null)))?;
            } else {
                output::data(&line(&event))?;
            }
        }
        return Ok(Exit::Done);
    }
    query.push(("after", args.after.to_string()));
    let limit = args.limit as usize;
    let mut items: Vec<Value> = Vec::new();
    let mut more = true;
    while more && items.len() < limit {
        let mut asked = query.clone();
        asked.push(("limit", (limit - items.len()).min(500).to_string()));
        if let Some(last) = items.last().and_then(|e| e.get("seq")).and_then(Value::as_i64) {
            asked.retain(|(name, _)| *name != "after");
            asked.push(("after", last.to_string()));
        }
        let page: crate::wire::Page<Value> = client.get("/api/v1/events", &asked).await?;
        more = page.next_cursor.is_some() && !page.items.is_empty();
        items.extend(page.items);
    }
    if args.json {
        let next = if more { items.last().and_then(|e| e.get("seq")).map(ToString::to_string) } else { None };
        let items: Vec<Value> = items.into_iter().map(with_id).collect();
        output::json(&serde_json::json!({ "items": items, "next_cursor": next }))?;
        return Ok(Exit::Done);
    }
    for item in items {
        let event: Event = serde_json::from_value(item).map_err(|e| CliError::fault(format!("an event could not be understood: {e}")))?;
        output::data(&line(&event))?;
    }
    if more {
        output::say("there are more: raise --limit, or give the last number with --after");
    }
    Ok(Exit::Done)
}

/// An event's number is its id.
fn with_id(mut event: Value) -> Value {
    if let Some(object) = event.as_object_mut()
        && let Some(seq) = object.get("seq").cloned()
    {
        object.entry("id").or_insert(seq);
    }
    event
}

fn line(event: &Event) -> String {
    let about = event.job_id.map(|j| j.to_string()).or(event.assignment_id.map(|a| a.to_string())).unwrap_or_default();
    let data = if event.data.is_null() { String::new() } else { one_line(&event.data.to_string(), 160) };
    format!("{} {} {} {about} {data}", event.seq, event.at, event.kind).trim_end().to_owned()
}
