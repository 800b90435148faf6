//! The OpenAPI document that is checked in.

use std::path::Path;

use serde_json::Value;
use windlass_api::openapi_json;

#[test]
fn the_checked_in_document_describes_the_routes_that_are_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let current = openapi_json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &current).expect("written");
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == current,
        "docs/reference/openapi.json is stale; make it anew with\n    UPDATE_OPENAPI=1 cargo test -p windlass-api --test api document"
    );
}

#[test]
fn the_document_says_what_it_is_and_that_a_token_is_needed() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Windlass");
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert_eq!(document["security"][0]["token"], serde_json::json!([]));
}

#[test]
fn every_reference_in_the_document_leads_somewhere_and_every_operation_has_its_own_name() {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut wanted = vec![&document];
    while let Some(value) = wanted.pop() {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                wanted.extend(map.values());
            }
            Value::Array(items) => wanted.extend(items),
            _ => {}
        }
    }
    let paths = document["paths"].as_object().expect("paths");
    let mut names: Vec<_> =
        paths.values().flat_map(|path| path.as_object().expect("methods").values()).map(|o| o["operationId"].to_string()).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}
