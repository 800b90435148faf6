//! The figures for Prometheus: on the API behind the token, and on a listener of their own that answers nothing else.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::guard;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Shows the figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "control", responses((status = 200, content_type = "text/plain", body = String), Problem))]
pub(crate) async fn metrics(State(app): State<App>) -> Answer<Response> {
    if !app.metrics {
        return Err(Problem::not_found("metrics are switched off").hint("set enable_metrics (ENABLE_METRICS) to true"));
    }
    let engine = app.engine()?;
    let newest = *engine.subscribe().borrow();
    let text = engine.metrics_text(app.readers.behind(newest)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// The listener of its own: figures and nothing else, for whoever reaches it. No name or token of anybody is in them.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .fallback(|| async { Problem::not_found("only /metrics is here") })
        .layer(map_response(guard::harden))
        .with_state(app)
}
