//! The shared directory of task files.

use axum::Json;
use axum::extract::State;
use windlass_intake::{FilesStatus, IntakeState};

use crate::problem::{Answer, Problem};
use crate::state::App;

/// Says how the shared directory stands: its workers, what waits, what was taken, what could not be written.
#[utoipa::path(get, path = "/api/v1/files", tag = "control", responses((status = 200, body = FilesStatus), Problem))]
pub(crate) async fn files(State(app): State<App>) -> Answer<Json<FilesStatus>> {
    app.engine()?;
    let duty = app.files().ok_or_else(|| {
        Problem::not_found("this daemon serves no shared directory").hint("name one: [files] root, or WINDLASS_SHARED_DIR")
    })?;
    match duty.state() {
        IntakeState::Here(intake) => Ok(Json(intake.status())),
        IntakeState::Elsewhere => {
            Err(Problem::unavailable("another node takes the task files now")
                .hint("ask that one: `windlass nodes` shows who holds the duty"))
        }
        IntakeState::NoRole => Err(Problem::unavailable("this node takes no task files: it has not the role intake")
            .hint("ask the one that takes them: `windlass nodes` shows who holds the duty")),
        IntakeState::Waiting(why) => Err(Problem::unavailable(format!("no task files are taken here: {why}"))
            .hint("one daemon takes the files of a directory: stop the other, give each its own root, or make them nodes of one database")),
    }
}
