//! What the simulated agent prints: one JSON object a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Event {
    Session { session_id: String, resumed: bool },
    Text { text: String },
    ToolStarted { id: String, name: String, input: Value },
    ToolEnded { id: String, is_error: bool, output: String },
    Usage(Tokens),
    End { ok: bool, text: String, usage: Option<Tokens>, error: Option<Problem> },
}

/// What the run has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "named as the usage they become")]
pub(super) struct Tokens {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost_micros: i64,
}

/// Why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Problem {
    Failed,
    ApiError,
    RateLimited { retry_after_secs: Option<u32> },
    Unauthorized,
    NoTurn,
}
