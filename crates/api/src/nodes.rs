//! The nodes that share the database.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use windlass_types::Node;

use crate::problem::{Answer, Problem};
use crate::state::App;

/// All nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NodeList {
    /// The nodes, by host.
    items: Vec<Node>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// Lists the nodes that live, and those that did until lately.
#[utoipa::path(get, path = "/api/v1/nodes", operation_id = "list_nodes", tag = "control", responses((status = 200, body = NodeList), Problem))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<NodeList>> {
    Ok(Json(NodeList { items: app.engine()?.nodes().await?, next_cursor: None }))
}
