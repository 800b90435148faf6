//! Code operations: what services ask for, and what they get back, in their own words.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_engine::{OperationLinks, OperationView};
use windlass_store::{EventFilter, OperationFilter};
use windlass_types::{AssignmentId, Event, OperationRequest, OperationResult, OperationStatus};

use crate::audit::Note;
use crate::auth::Caller;
use crate::events::{follow, last_event_id};
use crate::extract::{Asked, Path, Sent, id, page_size};
use crate::filter;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// An operation that was taken, or the one that the same key made before.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationAccepted {
    /// Its id.
    id: AssignmentId,
    /// The same.
    operation_id: AssignmentId,
    /// Where it stands.
    status: OperationStatus,
    /// Whether this request made it.
    created: bool,
    /// Where its parts are found.
    links: OperationLinks,
}

/// A page of operations, the newest first. It may be short though there are more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationPage {
    /// The operations, without their requests and results.
    items: Vec<OperationView>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which operations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAsked {
    /// Of this organization.
    organization_id: Option<String>,
    /// Of this session.
    session_id: Option<String>,
    /// Of these statuses: `queued,running`.
    status: Option<String>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Takes a code operation. The same key, in the header or in the body, makes it once.
#[utoipa::path(post, path = "/api/v1/code-operations", operation_id = "submit_operation", tag = "operations", request_body = OperationRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key makes the same operation once")),
    responses((status = 202, body = OperationAccepted), (status = 200, description = "the key made it before", body = OperationAccepted), Problem))]
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Sent(mut request): Sent<OperationRequest>,
) -> Answer<(StatusCode, Extension<Note>, Json<OperationAccepted>)> {
    if let Some(key) = key_of(&headers)? {
        if request.idempotency_key.as_ref().is_some_and(|sent| *sent != key) {
            return Err(Problem::invalid("the header Idempotency-Key and the body's idempotencyKey differ").hint("send one of them"));
        }
        request.idempotency_key = Some(key);
    }
    let (operation, created) = app.engine()?.submit_operation(request, &caller.by()).await?;
    let accepted =
        OperationAccepted { id: operation.id, operation_id: operation.id, status: operation.status, created, links: operation.links };
    let about = Note::About(accepted.id.to_string());
    Ok((if created { StatusCode::ACCEPTED } else { StatusCode::OK }, Extension(about), Json(accepted)))
}

fn key_of(headers: &HeaderMap) -> Answer<Option<String>> {
    let mut keys = headers.get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::bad_request("more than one Idempotency-Key was sent")),
        (Some(key), None) => match key.to_str() {
            Ok(key) => Ok(Some(key.trim().to_owned())),
            Err(_) => Err(Problem::bad_request("Idempotency-Key has characters that a header cannot hold")),
        },
    }
}

/// Lists code operations, the newest first.
#[utoipa::path(get, path = "/api/v1/code-operations", operation_id = "list_operations", tag = "operations", params(ListAsked),
    responses((status = 200, body = OperationPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<ListAsked>) -> Answer<Json<OperationPage>> {
    let status = filter::words("status", asked.status.as_deref())?;
    let filter = OperationFilter { organization: asked.organization_id, session: asked.session_id, status };
    let page = app.engine()?.operations(filter, asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(OperationPage { items: page.items, next_cursor: page.next_cursor }))
}

/// Shows a code operation: where it stands and why, how far it is, and its result once it is over.
#[utoipa::path(get, path = "/api/v1/code-operations/{id}", operation_id = "show_operation", tag = "operations", params(("id" = String, Path, description = "the operation")),
    responses((status = 200, body = OperationView), Problem))]
pub(crate) async fn show(State(app): State<App>, Path(path): Path<String>) -> Answer<Json<OperationView>> {
    Ok(Json(app.engine()?.operation(id(&path)?).await?))
}

/// Shows what came of a code operation. While it goes on there is nothing (404), and the refusal says where it stands.
#[utoipa::path(get, path = "/api/v1/code-operations/{id}/result", operation_id = "show_operation_result", tag = "operations", params(("id" = String, Path, description = "the operation")),
    responses((status = 200, body = OperationResult), Problem))]
pub(crate) async fn result(State(app): State<App>, Path(path): Path<String>) -> Answer<Response> {
    let wanted: AssignmentId = id(&path)?;
    match app.engine()?.operation_result(wanted).await? {
        (_, Some(result)) => Ok(Json(result).into_response()),
        (status, None) => Err(Problem::not_found(format!("{wanted} has no result yet: it is {status}"))
            .hint("follow its events, or ask again later; a callback tells you by itself")
            .retry_after(2)),
    }
}

/// Calls a code operation off, with what runs of it. One that is called off already stays so.
#[utoipa::path(post, path = "/api/v1/code-operations/{id}/cancel", operation_id = "cancel_operation", tag = "operations", params(("id" = String, Path, description = "the operation")),
    responses((status = 200, body = OperationView), Problem))]
pub(crate) async fn cancel(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<OperationView>> {
    Ok(Json(app.engine()?.cancel_operation(id(&path)?, &caller.by()).await?))
}

/// Follows a code operation from its beginning, or from `Last-Event-ID` on, as server-sent events. The stream ends after the event that
/// ended the operation; asked for more after that, it answers 204.
#[utoipa::path(get, path = "/api/v1/code-operations/{id}/events", operation_id = "follow_operation", tag = "operations",
    params(("id" = String, Path, description = "the operation"), ("Last-Event-ID" = Option<i64>, Header, description = "the number of the last event seen")),
    responses((status = 200, content((Event = "text/event-stream"))), (status = 204, description = "it is over, and all of it was told"), Problem))]
pub(crate) async fn events(State(app): State<App>, caller: Caller, headers: HeaderMap, Path(path): Path<String>) -> Answer<Response> {
    let wanted: AssignmentId = id(&path)?;
    let operation = app.engine()?.store().operation(wanted).await?;
    let filter = EventFilter { assignment: Some(operation.assignment.id), ..EventFilter::default() };
    let after = last_event_id(&headers)?.unwrap_or(0);
    follow(&app, &caller, filter, Some(after), true).await
}
