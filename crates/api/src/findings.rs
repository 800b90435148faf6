//! What looks like secrets in assignments' work, and stands in its way.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::FindingFilter;
use windlass_types::Finding;

use crate::extract::{Asked, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A page of findings, those of the newest assignment first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingPage {
    /// The findings.
    items: Vec<Finding>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which findings.
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

/// Lists what looks like secrets in work that was not pushed for it. A finding goes when a later scan of the work passes.
#[utoipa::path(get, path = "/api/v1/findings", operation_id = "list_findings", tag = "jobs", params(ListAsked),
    responses((status = 200, body = FindingPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<FindingPage>> {
    let filter = FindingFilter { project: asked.project, assignment: filter::id("assignment", asked.assignment.as_deref())? };
    let page = app.engine()?.store().findings(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(FindingPage { items: page.items, next_cursor: page.next_cursor }))
}
