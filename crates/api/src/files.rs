//! The shared directory of task files.

use axum::Json;
use axum::extract::State;
use windlass_intake::FilesStatus;

use crate::problem::{Answer, Problem};
use crate::state::App;

/// Says how the shared directory stands: its workers, what waits, what was taken, what could not be written.
#[utoipa::path(get, path = "/api/v1/files", tag = "control", responses((status = 200, body = FilesStatus), Problem))]
pub(crate) async fn files(State(app): State<App>) -> Answer<Json<FilesStatus>> {
    app.engine()?;
    let none = || Problem::not_found("this daemon serves no shared directory").hint("name one: [files] root, or WINDLASS_SHARED_DIR");
    let elsewhere =
        || Problem::unavailable("another node takes the task files now").hint("ask that one: windlass nodes shows who holds the duty");
    Ok(Json(app.files().ok_or_else(none)?.current().ok_or_else(elsewhere)?.status()))
}
