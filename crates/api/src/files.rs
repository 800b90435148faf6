//! The shared directory of task files.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_intake::{FilesStatus, IntakeState};
use windlass_types::{Task, Timestamp};

use crate::extract::{Asked, page_size};
use crate::filter;
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
        IntakeState::Here(intake) => Ok(Json(intake.status().await)),
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

/// Which dead letters of outside executors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OutsideAsked {
    /// Of this worker.
    worker: Option<String>,
    /// That died at this time or later (RFC 3339).
    since: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// A task that an outside executor (hybrid mode) could not do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutsideDeadLetter {
    /// Its worker and its own id, `marie/a`.
    id: String,
    /// Always `dead`.
    status: &'static str,
    /// Whose directory it was in.
    worker: String,
    /// Its own id.
    task_id: String,
    /// How many tries failed.
    attempts: usize,
    /// What is known of the last.
    reason: Option<String>,
    /// When it died.
    died_at: Option<Timestamp>,
    /// The file that holds it whole, where this node knows the shared directory.
    letter: Option<String>,
    /// What runs it again.
    replay: String,
}

/// Dead letters of outside executors.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutsideDeadLetters {
    /// They, the last first.
    items: Vec<OutsideDeadLetter>,
    /// Always null.
    next_cursor: Option<String>,
}

fn outside_letter(app: &App, task: &Task) -> OutsideDeadLetter {
    OutsideDeadLetter {
        id: format!("{}/{}", task.worker, task.task_id),
        status: "dead",
        worker: task.worker.clone(),
        task_id: task.task_id.clone(),
        attempts: task.tries.len(),
        reason: task.tries.last().map(|last| last.error.clone()),
        died_at: task.ended_at,
        letter: app.files().map(|duty| duty.letter_of(task).display().to_string()),
        replay: format!("drop its task, which its letter holds, into tasks/{}/ again", task.worker),
    }
}

/// Lists the tasks that outside executors could not do, the last first. One that was dropped again is none any more.
#[utoipa::path(get, path = "/api/v1/files/dead-letters", operation_id = "list_outside_dead_letters", tag = "control", params(OutsideAsked),
    responses((status = 200, body = OutsideDeadLetters), Problem))]
pub(crate) async fn dead_letters(State(app): State<App>, Asked(asked): Asked<OutsideAsked>) -> Answer<Json<OutsideDeadLetters>> {
    let since = filter::time("since", asked.since.as_deref())?;
    let dead = app.engine()?.store().outside_dead(asked.worker, since, page_size(asked.limit)).await.map_err(Problem::from)?;
    // Whether a file is there is asked of the disk.
    let items = tokio::task::spawn_blocking(move || dead.iter().map(|task| outside_letter(&app, task)).collect());
    let items = items.await.map_err(|e| Problem::unavailable(format!("the shared directory could not be looked at: {e}")))?;
    Ok(Json(OutsideDeadLetters { items, next_cursor: None }))
}
