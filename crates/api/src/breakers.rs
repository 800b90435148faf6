//! Circuit breakers: how the agents' backends stand.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use windlass_engine::BreakerView;
use windlass_types::{Backend, Harness};

use crate::auth::Caller;
use crate::extract::Path;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Every breaker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakerList {
    /// They.
    items: Vec<BreakerView>,
    /// Always null: there are few.
    next_cursor: Option<String>,
}

/// Lists the circuit breakers, one for each harness and account.
#[utoipa::path(get, path = "/api/v1/breakers", operation_id = "list_breakers", tag = "control",
    responses((status = 200, body = BreakerList), Problem))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<BreakerList>> {
    Ok(Json(BreakerList { items: app.engine()?.breakers().await?, next_cursor: None }))
}

/// Closes a breaker at once: somebody has seen that its backend works.
#[utoipa::path(post, path = "/api/v1/breakers/{harness}/{account}/close", operation_id = "close_breaker", tag = "control",
    params(("harness" = String, Path, description = "the agent"), ("account" = String, Path, description = "its account; `default` where none is named")),
    responses((status = 200, body = BreakerView), Problem))]
pub(crate) async fn close(
    State(app): State<App>,
    caller: Caller,
    Path((harness, account)): Path<(String, String)>,
) -> Answer<Json<BreakerView>> {
    let backend = Backend { harness: harness.parse::<Harness>()?, account };
    Ok(Json(app.engine()?.close_breaker(backend, &caller.by()).await?))
}
