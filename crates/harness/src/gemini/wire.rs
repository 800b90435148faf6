//! What `gemini` prints: one JSON object a line. Unknown fields are ignored; unknown kinds never get here.

use serde::Deserialize;
use serde_json::Value;

/// `init`.
#[derive(Debug, Deserialize)]
pub(super) struct Init {
    pub(super) session_id: String,
    pub(super) model: Option<String>,
}

/// `message`.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
    #[serde(default)]
    pub(super) delta: bool,
}

/// `tool_use`.
#[derive(Debug, Deserialize)]
pub(super) struct ToolUse {
    pub(super) tool_name: String,
    pub(super) tool_id: String,
    #[serde(default)]
    pub(super) parameters: Value,
}

/// `tool_result`.
#[derive(Debug, Deserialize)]
pub(super) struct ToolResult {
    pub(super) tool_id: String,
    pub(super) status: String,
    pub(super) output: Option<String>,
    pub(super) error: Option<Problem>,
}

/// What went wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) message: String,
}

/// `result`.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) status: String,
    pub(super) error: Option<Problem>,
    pub(super) stats: Option<Stats>,
}

/// Tokens of this process. Cached ones are part of the input.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stats {
    pub(super) total_tokens: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cached: u64,
}
