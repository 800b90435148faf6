//! What an agent inside a job may do: know its place, tell its progress and, as a pm, give its verdict.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use windlass_engine::AgentIdentity;
use windlass_types::{Phase, Verdict};

use crate::auth::{Agent, bearer};
use crate::extract::{Sent, shaped};
use crate::problem::{Answer, Problem};
use crate::state::App;

const MESSAGE_BYTES_MAX: usize = 4096;

/// How far an agent says it is; what is missing stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TellProgress {
    /// Where the work is at.
    #[serde(default)]
    phase: Option<Phase>,
    /// How much of it is done, 0 to 100.
    #[serde(default)]
    #[schema(maximum = 100)]
    progress: Option<u8>,
    /// A word for people; at most 4096 bytes.
    #[serde(default)]
    message: Option<String>,
}

/// Tells an agent its place.
#[utoipa::path(get, path = "/api/v1/agent", operation_id = "show_agent", tag = "agent", responses((status = 200, body = AgentIdentity), Problem))]
pub(crate) async fn identity(Agent(agent): Agent) -> Json<AgentIdentity> {
    Json(agent.as_ref().clone())
}

/// Takes a pm job's verdict, if its rules allow it; it is applied when the job has ended and its evidence was found.
#[utoipa::path(post, path = "/api/v1/agent/verdict", operation_id = "give_verdict", tag = "agent", request_body = Verdict,
    responses((status = 202, description = "taken"), Problem))]
pub(crate) async fn verdict(
    State(app): State<App>,
    Agent(agent): Agent,
    headers: HeaderMap,
    Sent(said): Sent<Value>,
) -> Answer<(StatusCode, Json<Taken>)> {
    let verdict: Verdict = without_tokens(&app, &headers, said)?;
    app.engine()?.verdict(&agent, verdict).await?;
    Ok((StatusCode::ACCEPTED, Json(Taken { status: "accepted" })))
}

/// Takes an agent's word on how far it is.
#[utoipa::path(post, path = "/api/v1/agent/progress", operation_id = "tell_progress", tag = "agent", request_body = TellProgress,
    responses((status = 202, description = "taken"), Problem))]
pub(crate) async fn progress(
    State(app): State<App>,
    Agent(agent): Agent,
    headers: HeaderMap,
    Sent(said): Sent<Value>,
) -> Answer<(StatusCode, Json<Taken>)> {
    let said: TellProgress = without_tokens(&app, &headers, said)?;
    if said.progress.is_some_and(|progress| progress > 100) {
        return Err(Problem::invalid("progress goes from 0 to 100"));
    }
    if said.message.as_ref().is_some_and(|message| message.len() > MESSAGE_BYTES_MAX) {
        return Err(Problem::invalid(format!("a message may have {MESSAGE_BYTES_MAX} bytes")));
    }
    app.engine()?.agent_progress(&agent, said.phase, said.progress, said.message).await?;
    Ok((StatusCode::ACCEPTED, Json(Taken { status: "accepted" })))
}

/// That something was taken.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(crate) struct Taken {
    /// `accepted`.
    status: &'static str,
}

/// What an agent said, with the daemon's token and its own taken out: its words are kept and shown.
fn without_tokens<T: DeserializeOwned>(app: &App, headers: &HeaderMap, mut said: Value) -> Answer<T> {
    for token in [app.token.secret(), bearer(headers)?] {
        redact(&mut said, token);
    }
    shaped(serde_json::from_value(said))
}

fn redact(value: &mut Value, token: &str) {
    match value {
        Value::String(text) if text.contains(token) => *text = text.replace(token, "[redacted]"),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, token)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact(field, token)),
        _ => {}
    }
}
