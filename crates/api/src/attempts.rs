//! Attempts: what an agent printed.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;
use windlass_engine::TranscriptPage;
use windlass_types::{Attempt, AttemptId};

use crate::auth::Caller;
use crate::extract::{Asked, PAGE_MAX, Path, id};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// How long a request may wait for more.
const WAIT_SECS_MAX: u64 = 30;

/// How often a waiting request looks, at most: a transcript is a file, and its lines are no events.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How seldom, at least; between the two, so that reading a long transcript keeps no more than a fifth of a core busy.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(2);

/// Which part of a transcript.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TranscriptAsked {
    /// The number of the first record; 0 by default.
    #[serde(default)]
    from: u64,
    /// At most so many; 200 by default, at most 500.
    limit: Option<u32>,
    /// The last so many, at most 500, instead: their numbers say how many come before.
    tail: Option<u32>,
    /// Wait so long for something new, in seconds; at most 30.
    #[serde(default)]
    wait_secs: u64,
}

/// Shows an attempt.
#[utoipa::path(get, path = "/api/v1/attempts/{id}", operation_id = "show_attempt", tag = "attempts", params(("id" = String, Path, description = "the attempt")),
    responses((status = 200, body = Attempt), Problem))]
pub(crate) async fn show(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<Attempt>> {
    let attempt = app.engine()?.store().attempt(id(&path)?).await.map_err(|e| caller.hide(e.into()))?;
    caller.may_see(attempt.assignment_id)?;
    Ok(Json(attempt))
}

/// Shows a piece of what an agent printed; with `wait_secs`, waits for more of it.
#[utoipa::path(get, path = "/api/v1/attempts/{id}/transcript", operation_id = "show_transcript", tag = "attempts", params(("id" = String, Path, description = "the attempt"), TranscriptAsked),
    responses((status = 200, body = TranscriptPage), Problem))]
pub(crate) async fn transcript(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    Asked(asked): Asked<TranscriptAsked>,
) -> Answer<Json<TranscriptPage>> {
    let wanted: AttemptId = id(&path)?;
    let engine = app.engine()?;
    let attempt = engine.store().attempt(wanted).await.map_err(|e| caller.hide(e.into()))?;
    caller.may_see(attempt.assignment_id)?;
    if asked.tail.is_some() && (asked.from > 0 || asked.limit.is_some() || asked.wait_secs > 0) {
        return Err(Problem::bad_request("`tail` is asked for alone").hint("go on with `from` and the answer's `next`"));
    }
    let limit = asked.limit.unwrap_or(200).clamp(1, PAGE_MAX);
    let mut page = match asked.tail {
        Some(count) => engine.transcript_end(wanted, count.clamp(1, PAGE_MAX)).await?,
        None => engine.transcript(wanted, asked.from, limit).await?,
    };
    if asked.from == 0 && page.items.is_empty() && engine.store().is_postgres() && attempt.node != engine.node() {
        let host = engine.nodes().await?.into_iter().find(|node| node.id == attempt.node).map(|node| node.host);
        let place = host.map_or_else(|| attempt.node.clone(), |host| format!("{} on {host}", attempt.node));
        let runs = if page.ended { "ran" } else { "runs" };
        return Err(Problem::not_found(format!("the transcript of {wanted} is not here: its attempt {runs} on node {place}"))
            .hint(format!("ask that node: windlass logs {wanted}, on its machine, or with --url and its address")));
    }
    if !page.items.is_empty() || page.ended || asked.wait_secs == 0 {
        return Ok(Json(page));
    }
    let _permit = app.stream_permit(&caller)?;
    let until = Instant::now() + Duration::from_secs(asked.wait_secs.min(WAIT_SECS_MAX));
    let mut pause = LOOK_EVERY;
    while page.items.is_empty() && !page.ended && Instant::now() < until {
        if app.closing.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
        let before = Instant::now();
        page = engine.transcript(wanted, asked.from, limit).await?;
        pause = (before.elapsed() * 4).clamp(LOOK_EVERY, LOOK_EVERY_MAX);
    }
    Ok(Json(page))
}
