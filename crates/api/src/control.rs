//! The daemon itself: whether it lives, what it is, and what a person holds or lets go.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use windlass_engine::{Doctor, Status};
use windlass_intake::IntakeState;
use windlass_types::Harness;

use crate::auth::Caller;
use crate::extract::Path;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// One word on how it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Word {
    /// `ok`, `ready`, `recovering`, `storage` while the database cannot be written, or `stopping`.
    status: &'static str,
    /// Why, when it is `storage`; what does not work, where it is `ready` all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Says that the process answers. Asks nothing of store or engine.
#[utoipa::path(get, path = "/health", tag = "control", security(()), responses((status = 200, body = Word)))]
pub(crate) async fn health() -> Json<Word> {
    Json(Word { status: "ok", reason: None })
}

/// Says whether recovery is over and jobs are claimed.
#[utoipa::path(get, path = "/ready", tag = "control", security(()), responses((status = 200, body = Word), (status = 503, body = Word)))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let word = match app.storage_problem() {
        Some(reason) => Word { status: "storage", reason: Some(reason) },
        None if app.engine().is_ok_and(windlass_engine::Engine::is_ready) => {
            let lacks_files = app.files().is_some_and(|duty| matches!(duty.state(), IntakeState::Waiting(_)));
            let reason = lacks_files.then(|| "no task files are taken here: see `windlass files`".to_owned());
            return Json(Word { status: "ready", reason }).into_response();
        }
        None if app.engine().is_ok_and(windlass_engine::Engine::is_stopping) => Word { status: "stopping", reason: None },
        None => Word { status: "recovering", reason: None },
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(word)).into_response()
}

/// Says what the daemon is and how much it has to do.
#[utoipa::path(get, path = "/api/v1/status", tag = "control", responses((status = 200, body = Status), Problem))]
pub(crate) async fn status(State(app): State<App>) -> Answer<Json<Status>> {
    Ok(Json(app.engine()?.status().await?))
}

/// Looks at what is installed, logged in and missing.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "control", responses((status = 200, body = Doctor), Problem))]
pub(crate) async fn doctor(State(app): State<App>) -> Answer<Json<Doctor>> {
    Ok(Json(app.engine()?.doctor().await?))
}

/// Lets no job start until `resume`; what runs goes on.
#[utoipa::path(post, path = "/api/v1/pause", tag = "control", responses((status = 200, body = Status), Problem))]
pub(crate) async fn pause(State(app): State<App>, caller: Caller) -> Answer<Json<Status>> {
    app.engine()?.set_paused(true, &caller.by()).await?;
    status(State(app)).await
}

/// Lets jobs start again.
#[utoipa::path(post, path = "/api/v1/resume", tag = "control", responses((status = 200, body = Status), Problem))]
pub(crate) async fn resume(State(app): State<App>, caller: Caller) -> Answer<Json<Status>> {
    app.engine()?.set_paused(false, &caller.by()).await?;
    status(State(app)).await
}

/// Lets a harness go on that a quota has parked.
#[utoipa::path(post, path = "/api/v1/harnesses/{harness}/unpark", operation_id = "unpark_harness", tag = "control", params(("harness" = String, Path, description = "the agent")),
    responses((status = 200, body = Status), Problem))]
pub(crate) async fn unpark(State(app): State<App>, caller: Caller, Path(harness): Path<String>) -> Answer<Json<Status>> {
    app.engine()?.unpark_harness(harness.parse::<Harness>()?, &caller.by()).await?;
    status(State(app)).await
}
