//! Notifications: the channels that tell people what needs them, and what was told lately.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use windlass_engine::Notifications;

use crate::extract::Sent;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// Which channel is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestNotification {
    /// Its name.
    channel: String,
}

/// Shows the channels, without their secrets, and what was told lately.
#[utoipa::path(get, path = "/api/v1/notifications", operation_id = "list_notifications", tag = "control",
    responses((status = 200, body = Notifications), Problem))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<Notifications>> {
    Ok(Json(app.engine()?.notifications().await?))
}

/// Sends a message by a channel at once that says that it is a test. Refused, with the reason, when it is not taken.
#[utoipa::path(post, path = "/api/v1/notifications/test", operation_id = "test_notification", tag = "control", request_body = TestNotification,
    responses((status = 204, description = "it was taken"), Problem))]
pub(crate) async fn test(State(app): State<App>, Sent(which): Sent<TestNotification>) -> Answer<StatusCode> {
    app.engine()?.test_notification(&which.channel).await?;
    Ok(StatusCode::NO_CONTENT)
}
