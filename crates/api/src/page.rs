//! The page a browser sees: static, without a token, and without anything of anybody's work.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::App;

/// The page and its style sheet.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/", get(page)).route("/page.css", get(style))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("page.html"))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("page.css"))
}
