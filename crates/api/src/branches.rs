//! The branch registry: which branches Windlass works on, and how far each is on its way into its base.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::BranchFilter;
use windlass_types::{Branch, BranchMove};

use crate::auth::Caller;
use crate::extract::{Asked, Path, id, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A page of branches, those of the newest assignments first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BranchPage {
    /// The branches.
    items: Vec<Branch>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which branches.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this project.
    project: Option<String>,
    /// That are `active`, `merging` or `merged`.
    status: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Lists the registered branches.
#[utoipa::path(get, path = "/api/v1/branches", operation_id = "list_branches", tag = "jobs", params(ListAsked),
    responses((status = 200, body = BranchPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<BranchPage>> {
    let status = filter::word("status", asked.status.as_deref())?;
    let filter = BranchFilter { project: asked.project, status };
    let page = app.engine()?.store().branches(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(BranchPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Says that an assignment's branch was merged, where Windlass cannot see it (a squash, another repository).
#[utoipa::path(post, path = "/api/v1/branches/{assignment}/merged", operation_id = "branch_merged", tag = "jobs",
    params(("assignment" = String, Path, description = "the assignment's id")), responses((status = 200, body = Branch), Problem))]
pub(crate) async fn merged(State(app): State<App>, caller: Caller, Path(assignment): Path<String>) -> Answer<Json<Branch>> {
    let branch = app.engine()?.store().move_branch(id(&assignment)?, BranchMove::Merge, caller.by()).await?;
    branch.map(Json).ok_or_else(|| Problem::not_found("the branch left the registry"))
}

/// Takes an assignment's branch out of the registry: nobody has to merge cleanly with it any more.
#[utoipa::path(post, path = "/api/v1/branches/{assignment}/release", operation_id = "release_branch", tag = "jobs",
    params(("assignment" = String, Path, description = "the assignment's id")), responses((status = 204, description = "it is out"), Problem))]
pub(crate) async fn release(State(app): State<App>, caller: Caller, Path(assignment): Path<String>) -> Answer<StatusCode> {
    app.engine()?.store().move_branch(id(&assignment)?, BranchMove::Release, caller.by()).await?;
    Ok(StatusCode::NO_CONTENT)
}
