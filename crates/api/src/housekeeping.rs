//! Housekeeping, backup and restore.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use windlass_engine::{Backup, EngineError, ErrorKind, Housekeeping, HousekeepingRun, MakeBackup, RestoreBackup, Restorer};

use crate::audit::Note;
use crate::auth::Caller;
use crate::extract::Sent;
use crate::problem::{Answer, Problem};
use crate::server::Peer;
use crate::state::App;

/// How a round is run.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunHousekeeping {
    /// Removes nothing, and tells what would be.
    dry_run: bool,
}

/// Runs to its end even when nobody waits for the answer any more.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Answer<T> {
    let broke = |e: tokio::task::JoinError| Problem::from(EngineError::new(ErrorKind::Internal, format!("it broke off: {e}")));
    tokio::spawn(work).await.map_err(broke)
}

/// Shows what is kept how long, and what the last round did.
#[utoipa::path(get, path = "/api/v1/housekeeping", operation_id = "show_housekeeping", tag = "housekeeping", responses((status = 200, body = Housekeeping), Problem))]
pub(crate) async fn show(State(app): State<App>) -> Answer<Json<Housekeeping>> {
    Ok(Json(app.engine()?.housekeeping().await?))
}

/// Runs a round of housekeeping now.
#[utoipa::path(post, path = "/api/v1/housekeeping", operation_id = "run_housekeeping", tag = "housekeeping", request_body = RunHousekeeping,
    responses((status = 200, body = HousekeepingRun), Problem))]
pub(crate) async fn run(State(app): State<App>, Sent(how): Sent<RunHousekeeping>) -> Answer<Response> {
    let engine = app.engine()?.clone();
    let run = Json(to_its_end(async move { engine.keep_house(how.dry_run).await }).await?);
    Ok(if how.dry_run { (Extension(Note::OnlyTold), run).into_response() } else { run.into_response() })
}

/// Writes a backup to a folder of the daemon's machine, while everything goes on.
#[utoipa::path(post, path = "/api/v1/backup", operation_id = "make_backup", tag = "housekeeping", request_body = MakeBackup,
    responses((status = 201, body = Backup), Problem))]
pub(crate) async fn backup(State(app): State<App>, Sent(wanted): Sent<MakeBackup>) -> Answer<(StatusCode, Json<Backup>)> {
    let engine = app.engine()?.clone();
    let backup = to_its_end(async move { engine.backup(wanted).await }).await??;
    Ok((StatusCode::CREATED, Json(backup)))
}

/// Checks a backup, then stops the engine, restores it and starts again: `GET /api/v1/housekeeping` tells how it went.
#[utoipa::path(post, path = "/api/v1/restore", operation_id = "restore_backup", tag = "housekeeping", request_body = RestoreBackup,
    responses((status = 202, body = Backup), Problem))]
pub(crate) async fn restore(
    State(app): State<App>,
    caller: Caller,
    peer: Option<Extension<Peer>>,
    Sent(wanted): Sent<RestoreBackup>,
) -> Answer<(StatusCode, Json<Backup>)> {
    let peer = peer.map_or(Peer::Unknown, |Extension(peer)| peer).to_string();
    let by = Restorer { who: caller.by(), via: caller.via().to_owned(), peer };
    Ok((StatusCode::ACCEPTED, Json(app.engine()?.ask_for_restore(wanted, by).await?)))
}
