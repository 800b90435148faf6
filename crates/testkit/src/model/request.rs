//! What a request is: which wire it speaks, whether it belongs to an agent's main loop, and what it says.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{anthropic, gemini, openai};

/// A provider's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Anthropic Messages: Claude Code.
    Anthropic,
    /// OpenAI Responses: Codex.
    OpenAi,
    /// Gemini: Gemini CLI.
    Gemini,
}

/// What is asked of the server.
pub(super) enum Asked {
    /// Whether anybody is there.
    Probe,
    /// Something with a fixed answer, such as a token count.
    Fixed(Wire, Value),
    /// An answer of the model.
    Model(ModelRequest),
    /// Nothing that this server knows.
    Unknown,
}

/// A request for an answer of the model, as far as answering needs it.
#[derive(Debug, Default)]
pub(super) struct ModelRequest {
    /// Which API; `None` only while it is being built.
    pub(super) wire: Option<Wire>,
    /// Whether the answer is to be streamed.
    pub(super) stream: bool,
    /// Whether it comes from an agent's main loop.
    pub(super) main_loop: bool,
    /// The model's name.
    pub(super) model: String,
    /// The names of the tools on offer.
    pub(super) tools: Vec<String>,
    /// The agent's working directory, where it tells.
    pub(super) cwd: Option<String>,
    /// The JSON schema that the answer must fit, where one is given.
    pub(super) schema: Option<Value>,
    /// Instructions and conversation.
    pub(super) said: Said,
}

/// The texts of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// Instructions and the whole conversation.
    pub(super) all: String,
    /// What came since the model last spoke.
    pub(super) newest: String,
}

impl ModelRequest {
    /// Whether a tool of this name is on offer.
    pub(super) fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|t| t == tool)
    }
}

impl Said {
    /// Collects the texts of `instructions` and of `conversation`, a list whose entries `by_model` tells apart.
    pub(super) fn new(instructions: &Value, conversation: &Value, by_model: impl Fn(&Value) -> bool) -> Self {
        let entries = conversation.as_array().map_or(&[][..], Vec::as_slice);
        let newest = entries.iter().rposition(by_model).map_or(0, |at| at + 1);
        let mut all = String::new();
        collect(instructions, &mut all);
        collect(conversation, &mut all);
        let mut last = String::new();
        // A conversation may be one plain text instead of a list.
        if entries.is_empty() {
            collect(conversation, &mut last);
        }
        for entry in &entries[newest..] {
            collect(entry, &mut last);
        }
        Self { all, newest: last }
    }
}

/// Appends every text in `value`, one a line.
fn collect(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(list) => list.iter().for_each(|v| collect(v, into)),
        Value::Object(map) => map.values().for_each(|v| collect(v, into)),
        _ => {}
    }
}

/// Reads what is asked, from method, path (without query) and body.
pub(super) fn understand(method: &str, path: &str, body: &Value) -> Asked {
    match (method, path) {
        ("HEAD" | "GET", "/") => Asked::Probe,
        ("GET", "/v1/models") => Asked::Fixed(Wire::OpenAi, json!({"object": "list", "data": [], "models": []})),
        ("POST", _) => anthropic::understand(path, body)
            .or_else(|| openai::understand(path, body))
            .or_else(|| gemini::understand(path, body))
            .unwrap_or(Asked::Unknown),
        _ => Asked::Unknown,
    }
}

/// A harmless value that fits a JSON schema: side requests want one.
pub(super) fn value_for_schema(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = schema["type"].as_str().unwrap_or("object").to_ascii_lowercase();
    match kind.as_str() {
        "string" => json!("x"),
        "number" | "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(10)),
        "boolean" => json!(false),
        "array" => json!([]),
        _ => {
            let properties = schema["properties"].as_object();
            properties
                .into_iter()
                .flatten()
                .map(|(name, inner)| (name.clone(), value_for_schema(inner)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_text_is_what_came_since_the_model_spoke() {
        let conversation = json!([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}, {"role": "user", "content": [{"text": "three"}]}]);
        let said = Said::new(&json!("rules"), &conversation, |e| e["role"] == "assistant");
        assert!(said.all.contains("rules") && said.all.contains("one") && said.all.contains("three"));
        assert!(said.newest.contains("three") && !said.newest.contains("one"));
    }

    #[test]
    fn a_schema_gets_a_value_that_fits() {
        let schema = json!({"type": "object", "properties": {"why": {"type": "string"}, "score": {"type": "integer", "minimum": 1}, "model": {"enum": ["flash", "pro"]}}});
        assert_eq!(value_for_schema(&schema), json!({"why": "x", "score": 1, "model": "flash"}));
    }
}
