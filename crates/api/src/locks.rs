//! Which files of a repository are locked, by whom, and who waits for them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::LockFilter;
use windlass_types::FileLock;

use crate::extract::{Asked, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A page of locks, those of the newest assignment first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LockPage {
    /// The locks.
    items: Vec<FileLock>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which locks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this project.
    project: Option<String>,
    /// Of this assignment.
    assignment: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Lists the file locks of assignments that are not over: held while a job of theirs runs, else waiting for another or free.
#[utoipa::path(get, path = "/api/v1/locks", operation_id = "list_locks", tag = "jobs", params(ListAsked),
    responses((status = 200, body = LockPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<LockPage>> {
    let filter = LockFilter { project: asked.project, assignment: filter::id("assignment", asked.assignment.as_deref())? };
    let page = app.engine()?.store().locks(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(LockPage { items: page.items, next_cursor: page.next_cursor }))
}
