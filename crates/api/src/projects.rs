//! Projects: a repository, its settings, and what of its own file is trusted.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_engine::TrustCandidate;
use windlass_types::{Project, ProjectSettings, is_valid_name};

use crate::auth::Caller;
use crate::etag;
use crate::extract::{Path, Sent};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// All projects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectList {
    /// The projects, by name.
    items: Vec<Project>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// A project as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutProject {
    /// The repository: an absolute path or a URL.
    repo: String,
    /// What its work is run with.
    #[serde(default)]
    settings: ProjectSettings,
}

/// What to trust.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// The hash that the candidate named.
    hash: String,
}

/// Lists the projects.
#[utoipa::path(get, path = "/api/v1/projects", operation_id = "list_projects", tag = "projects", responses((status = 200, body = ProjectList), Problem))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<ProjectList>> {
    Ok(Json(ProjectList { items: app.engine()?.store().projects().await?, next_cursor: None }))
}

/// Shows a project.
#[utoipa::path(get, path = "/api/v1/projects/{name}", operation_id = "show_project", tag = "projects", params(("name" = String, Path, description = "the project")),
    responses((status = 200, body = Project), Problem))]
pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Answer<Json<Project>> {
    let name = valid(name)?;
    let project = app.engine()?.store().project(&name).await?;
    project.map(Json).ok_or_else(|| Problem::not_found(format!("there is no project {name:?}")).hint("make it with `windlass init`"))
}

/// Makes a project, or changes it. With `If-Match`, only while it is what GET answered with that tag; else it is refused (412).
#[utoipa::path(put, path = "/api/v1/projects/{name}", operation_id = "put_project", tag = "projects",
    params(("name" = String, Path, description = "the project"), ("If-Match" = Option<String>, Header, description = "the ETag of the project as it was read")),
    request_body = PutProject, responses((status = 200, body = Project), Problem))]
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(name): Path<String>,
    Sent(wanted): Sent<PutProject>,
) -> Answer<Json<Project>> {
    let name = valid(name)?;
    let now = app.engine()?.store().project(&name).await?;
    let seen = if etag::if_match(&headers, now.as_ref())? { now } else { None };
    Ok(Json(app.engine()?.init_project(Some(name), wanted.repo, wanted.settings, seen, &caller.by()).await?))
}

/// Shows what trusting a project would trust.
#[utoipa::path(get, path = "/api/v1/projects/{name}/trust", operation_id = "show_trust_candidate", tag = "projects", params(("name" = String, Path, description = "the project")),
    responses((status = 200, body = TrustCandidate), Problem))]
pub(crate) async fn trust_candidate(State(app): State<App>, Path(name): Path<String>) -> Answer<Json<TrustCandidate>> {
    Ok(Json(app.engine()?.trust_candidate(&valid(name)?).await?))
}

/// Trusts what the hash names, and nothing later.
#[utoipa::path(post, path = "/api/v1/projects/{name}/trust", operation_id = "trust_project", tag = "projects", params(("name" = String, Path, description = "the project")),
    request_body = Trust, responses((status = 200, body = Project), Problem))]
pub(crate) async fn trust(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(trust): Sent<Trust>,
) -> Answer<Json<Project>> {
    Ok(Json(app.engine()?.trust(&valid(name)?, &trust.hash, &caller.by()).await?))
}

fn valid(name: String) -> Answer<String> {
    if is_valid_name(&name) {
        return Ok(name);
    }
    Err(Problem::bad_request("that is not a project's name").hint("a name is a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -"))
}
