//! The OpenAPI document: made from the routes, checked in as `docs/reference/openapi.json`.

use std::collections::HashMap;

use axum::Json;
use axum::http::Method;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};

use crate::problem::Problem;
use crate::router;

/// The document, as the file holds it.
pub fn openapi_json() -> String {
    let document = router::documented(None).into_openapi();
    // Printing a tree of strings cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// What stands above the routes.
pub(crate) fn head() -> OpenApi {
    let licence = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Windlass")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A control plane for headless coding agents. Every route but /health and /ready needs the token of the data directory, \
             or inside a job the token in the agent's environment, which opens that job's assignment only. What changes something is \
             sent as application/json. Refusals are problem details (RFC 9457).",
        ))
        .license(Some(licence))
        .build();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    OpenApiBuilder::new()
        .info(info)
        .components(Some(ComponentsBuilder::new().schema_from::<Problem>().security_scheme("token", token).build()))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}

/// The operation id of each route, by method and path.
pub(crate) fn operation_ids() -> HashMap<(Method, String), String> {
    let document = serde_json::to_value(router::documented(None).into_openapi()).unwrap_or_default();
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| methods.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation)))
        .filter_map(|(path, method, operation)| {
            Some(((method.to_uppercase().parse().ok()?, path.clone()), operation["operationId"].as_str()?.to_owned()))
        })
        .collect()
}

/// Shows this document.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "show_openapi", tag = "control", responses((status = 200, description = "this document", body = serde_json::Value), Problem))]
pub(crate) async fn document() -> Json<OpenApi> {
    Json(router::documented(None).into_openapi())
}
