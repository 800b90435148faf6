//! The settings that this daemon runs with, and where each comes from. Secrets are never among them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// One setting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingView {
    /// Its key in the configuration file.
    pub key: String,
    /// Its value; null where nothing is set.
    #[schema(value_type = serde_json::Value)]
    pub value: serde_json::Value,
    /// `flag`, `environment`, `file` or `default`.
    pub origin: String,
    /// Where exactly: the variable, or file and line.
    pub from: String,
}

/// All settings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingList {
    /// The settings, in the order of the documentation.
    items: Vec<SettingView>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// Lists the settings that this daemon runs with, and where each comes from.
#[utoipa::path(get, path = "/api/v1/settings", operation_id = "list_settings", tag = "control", responses((status = 200, body = SettingList), crate::problem::Problem))]
pub(crate) async fn list(State(app): State<App>) -> Json<SettingList> {
    Json(SettingList { items: app.settings.clone(), next_cursor: None })
}
