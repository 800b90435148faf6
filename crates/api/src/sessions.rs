//! What agents do: their sessions, whoever started them, and the hooks by which those of people tell of themselves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::{EventFilter, SessionFilter};
use windlass_types::{Activity, AgentMetrics, AgentSession, Event, EventKind, Harness};

use crate::auth::{Caller, bearer};
use crate::events::{follow, last_event_id};
use crate::extract::{Asked, Path, Raw, id, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The header that names the agent whose hook it is.
const HARNESS: &str = "windlass-harness";

/// A page of sessions, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionPage {
    /// The sessions.
    items: Vec<AgentSession>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A page of what was done in a session, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityPage {
    /// What was done.
    items: Vec<Activity>,
    /// The `after` of the next page; null when there is no more now.
    next_cursor: Option<String>,
}

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Those that stand like this: `active,idle,ended`.
    status: Option<String>,
    /// Those started by a person or for a job: `manual,job`.
    kind: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// Those that did something then or later (RFC 3339).
    since: Option<String>,
    /// Those with these words in title, folder, project, agent or last activity.
    q: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Whose figures.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsAsked {
    /// Of this session.
    session: Option<String>,
    /// Of this project's sessions.
    project: Option<String>,
    /// Of sessions that did something then or later (RFC 3339).
    since: Option<String>,
}

/// Which activities.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityAsked {
    /// Those after this number; 0 for the first that is kept. Without it the newest.
    after: Option<i64>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Whose events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowAsked {
    /// Of this session.
    session: Option<String>,
    /// Of this project's sessions.
    project: Option<String>,
    /// After this number. `Last-Event-ID` counts before it. Without either the stream begins now.
    after: Option<i64>,
}

/// Whose hook it is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HookAsked {
    /// The agent: `claude`, `codex` or `gemini`. The header `Windlass-Harness` may say it instead.
    harness: Option<String>,
}

/// Lists the sessions of agents: those that Windlass runs, and those of people whose hooks tell of them. What runs now is
/// `status=active,idle`.
#[utoipa::path(get, path = "/api/v1/agents", operation_id = "list_agents", tag = "agents", params(ListAsked),
    responses((status = 200, body = SessionPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<SessionPage>> {
    let filter = SessionFilter {
        session: None,
        statuses: filter::words("status", asked.status.as_deref())?,
        kinds: filter::words("kind", asked.kind.as_deref())?,
        project: asked.project,
        since: filter::time("since", asked.since.as_deref())?,
        text: asked.q,
    };
    let page = app.engine()?.store().sessions(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(SessionPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Shows a session: what its agent does now, what it did last, and how its tools went.
#[utoipa::path(get, path = "/api/v1/agents/{id}", operation_id = "show_agent_session", tag = "agents", params(("id" = String, Path, description = "the session")),
    responses((status = 200, body = AgentSession), Problem))]
pub(crate) async fn show(State(app): State<App>, Path(path): Path<String>) -> Answer<Json<AgentSession>> {
    Ok(Json(app.engine()?.store().session(id(&path)?).await?))
}

/// Lists what was done in a session; the newest 2,000 are kept.
#[utoipa::path(get, path = "/api/v1/agents/{id}/activity", operation_id = "list_agent_activity", tag = "agents",
    params(("id" = String, Path, description = "the session"), ActivityAsked), responses((status = 200, body = ActivityPage), Problem))]
pub(crate) async fn activity(
    State(app): State<App>,
    Path(path): Path<String>,
    Asked(asked): Asked<ActivityAsked>,
) -> Answer<Json<ActivityPage>> {
    let limit = page_size(asked.limit);
    let after = filter::number("after", asked.after)?;
    let items = app.engine()?.store().activities(id(&path)?, after, limit).await?;
    let is_full = after.is_some() && items.len() >= limit as usize;
    let next_cursor = items.last().filter(|_| is_full).map(|last| last.number.to_string());
    Ok(Json(ActivityPage { items, next_cursor }))
}

/// Counts what agents did: sessions, tool calls, how many failed and how long they took, by tool and by agent. Each session counts whole.
#[utoipa::path(get, path = "/api/v1/agents/metrics", operation_id = "show_agent_metrics", tag = "agents", params(MetricsAsked),
    responses((status = 200, body = AgentMetrics), Problem))]
pub(crate) async fn metrics(State(app): State<App>, Asked(asked): Asked<MetricsAsked>) -> Answer<Json<AgentMetrics>> {
    let filter = SessionFilter {
        session: filter::id("session", asked.session.as_deref())?,
        project: asked.project,
        since: filter::time("since", asked.since.as_deref())?,
        ..SessionFilter::default()
    };
    Ok(Json(app.engine()?.store().agent_metrics(filter).await?))
}

/// Follows what agents do as server-sent events of the kinds `session.started`, `session.activity` and `session.ended`; their data names
/// the session (`session_id`), what was done last, and the tool used now.
#[utoipa::path(get, path = "/api/v1/agents/events", operation_id = "follow_agents", tag = "agents",
    params(FollowAsked, ("Last-Event-ID" = Option<i64>, Header, description = "the number of the last event seen")),
    responses((status = 200, content((Event = "text/event-stream"))), Problem))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asked): Asked<FollowAsked>,
) -> Answer<Response> {
    let filter = EventFilter {
        project: asked.project,
        session: filter::id("session", asked.session.as_deref())?,
        kinds: vec![EventKind::SessionStarted, EventKind::SessionActivity, EventKind::SessionEnded],
        ..EventFilter::default()
    };
    follow(&app, &caller, filter, last_event_id(&headers)?.or(asked.after), false).await
}

/// Takes the payload of an agent's hook, as the agent gives it to its hooks. `windlass hooks install` sees to it that it is sent.
///
/// The token of an agent inside a job tells of that agent's own session only; what its stream tells anyway is passed over.
#[utoipa::path(post, path = "/api/v1/hooks", operation_id = "tell_hook", tag = "agents",
    params(HookAsked, ("Windlass-Harness" = Option<String>, Header, description = "the agent, where the query does not name it")),
    request_body(content = serde_json::Value, description = "the payload"),
    responses((status = 204, description = "taken"), Problem))]
pub(crate) async fn hear(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asked): Asked<HookAsked>,
    Raw(payload): Raw,
) -> Answer<StatusCode> {
    caller.may_tell()?;
    let header = headers.get(HARNESS).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let harness: Harness = asked
        .harness
        .or(header)
        .ok_or_else(|| Problem::invalid("no agent is named").hint("add ?harness=claude, codex or gemini"))?
        .parse()?;
    // Its words are kept and shown: the tokens are taken out of them.
    let mut secrets = vec![("WINDLASS_TOKEN".to_owned(), app.token.secret().to_owned())];
    if let Ok(token) = bearer(&headers) {
        secrets.push(("WINDLASS_TOKEN".to_owned(), token.to_owned()));
    }
    let from = if let Caller::Agent(agent) = &caller { Some(agent.as_ref()) } else { None };
    app.engine()?.hook(harness, payload.into(), from, secrets).await?;
    Ok(StatusCode::NO_CONTENT)
}
