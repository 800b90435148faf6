//! What can be read like a file: assignments, and the ends of transcripts.

use axum::http::Method;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::Value;

use super::ApiRequest;
use super::tools::Caller;

const JSON: &str = "application/json";
/// How many records of a transcript are read, from its end.
const RECORDS: u32 = 200;
/// The longest name of a resource, in characters.
const NAME_CHARS_MAX: usize = 120;

/// What asks for the assignments to list: the newest, or the one that the caller may see.
pub(super) fn listed(caller: Caller) -> ApiRequest {
    let target = if caller.is_bound { "/api/v1/me" } else { "/api/v1/work?sort=newest&limit=50" };
    ApiRequest { method: Method::GET, target: target.to_owned(), body: None }
}

/// The assignments of such an answer.
pub(super) fn found(answer: &str) -> Vec<Resource> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    if let Some(own) = answer["assignment_id"].as_str() {
        return vec![assignment(own, "the assignment that this token opens", "")];
    }
    let items = answer["items"].as_array().into_iter().flatten();
    items
        .filter_map(|item| {
            let title = item["title"].as_str().unwrap_or_default();
            let status = item["status"].as_str().unwrap_or_default();
            Some(assignment(item["id"].as_str()?, title, &format!("{status}: {}", item["summary"].as_str().unwrap_or_default())))
        })
        .collect()
}

fn assignment(id: &str, name: &str, description: &str) -> Resource {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let resource = Resource::new(format!("windlass://assignments/{id}"), name).with_mime_type(JSON);
    if description.is_empty() { resource } else { resource.with_description(description) }
}

/// The shapes of what can be read.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("windlass://assignments/{id}", "assignment")
            .with_description("An assignment with its line of jobs, their attempts and its verdicts.")
            .with_mime_type(JSON),
        ResourceTemplate::new("windlass://attempts/{id}/transcript", "transcript")
            .with_description(format!("What an agent printed: the last {RECORDS} records; `show_transcript` reads the rest."))
            .with_mime_type(JSON),
    ]
}

/// What asks for a resource; none for what is no resource.
pub(super) fn request(uri: &str) -> Option<ApiRequest> {
    let parts: Vec<&str> = uri.strip_prefix("windlass://")?.split('/').collect();
    // Ids are letters, digits and underlines: nothing that would be another path.
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let target = match parts.as_slice() {
        ["assignments", id] if is_id(id) => format!("/api/v1/assignments/{id}"),
        ["attempts", id, "transcript"] if is_id(id) => format!("/api/v1/attempts/{id}/transcript?tail={RECORDS}"),
        _ => return None,
    };
    Some(ApiRequest { method: Method::GET, target, body: None })
}

/// A resource as it is given.
pub(super) fn content(uri: String, text: String) -> ReadResourceResult {
    ReadResourceResult::new(vec![ResourceContents::TextResourceContents { uri, mime_type: Some(JSON.to_owned()), text, meta: None }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_assignments_and_transcripts_are_read() {
        let target = |uri: &str| request(uri).map(|request| request.target);
        assert_eq!(target("windlass://assignments/asg_1").as_deref(), Some("/api/v1/assignments/asg_1"));
        assert_eq!(target("windlass://attempts/att_1/transcript").as_deref(), Some("/api/v1/attempts/att_1/transcript?tail=200"));
        for uri in [
            "file:///etc/passwd",
            "windlass://assignments/",
            "windlass://assignments/../tokens",
            "windlass://assignments/a?b",
            "windlass://tokens",
            "",
        ] {
            assert_eq!(target(uri), None, "{uri}");
        }
    }
}
