//! What `claude` prints: one JSON object a line. Unknown fields are ignored; unknown kinds never get here.

#![expect(clippy::struct_field_names, reason = "the names are the program's")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// `system/init`.
#[derive(Debug, Deserialize)]
pub(super) struct Init {
    pub(super) session_id: String,
    pub(super) model: Option<String>,
}

/// `system/api_retry`.
#[derive(Debug, Deserialize)]
pub(super) struct ApiRetry {
    #[serde(default)]
    pub(super) attempt: u64,
    #[serde(default)]
    pub(super) max_retries: u64,
    pub(super) error_status: Option<u16>,
    pub(super) error: Option<String>,
}

/// `assistant` and `user`.
#[derive(Debug, Deserialize)]
pub(super) struct Turn {
    pub(super) message: Message,
    /// Set inside a subagent.
    pub(super) parent_tool_use_id: Option<String>,
    #[serde(default, rename = "isReplay")]
    pub(super) is_replay: bool,
}

/// A message of the model's API.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) content: Content,
    pub(super) usage: Option<Tokens>,
}

/// A message's content: blocks, or text alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Blocks(Vec<Block>),
    Other(Value),
}

impl Default for Content {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

/// A block. One that is not known keeps its type.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Block {
    Known(Known),
    Other {
        #[serde(default, rename = "type")]
        kind: String,
    },
    Odd(serde::de::IgnoredAny),
}

/// The blocks that are known.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(default)]
        content: Value,
        is_error: Option<bool>,
    },
}

/// Token counts as the API gives them.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cache_creation_input_tokens: u64,
    pub(super) cache_read_input_tokens: u64,
}

/// `result`.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    #[serde(default)]
    pub(super) subtype: String,
    /// Without it nothing is claimed.
    pub(super) is_error: bool,
    pub(super) api_error_status: Option<u16>,
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) errors: Vec<Value>,
    pub(super) stop_reason: Option<String>,
    pub(super) total_cost_usd: Option<f64>,
    pub(super) usage: Option<Tokens>,
    /// By model, everything this process used, subagents included.
    #[serde(default, rename = "modelUsage")]
    pub(super) model_usage: BTreeMap<String, ModelUsage>,
    #[serde(default)]
    pub(super) permission_denials: Vec<Value>,
}

/// One model's part.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ModelUsage {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cache_read_input_tokens: u64,
    pub(super) cache_creation_input_tokens: u64,
}

/// `rate_limit_event`.
#[derive(Debug, Deserialize)]
pub(super) struct RateLimit {
    pub(super) rate_limit_info: RateLimitInfo,
}

/// How the subscription's limit stands.
#[derive(Debug, Deserialize)]
pub(super) struct RateLimitInfo {
    pub(super) status: Option<String>,
    #[serde(rename = "resetsAt")]
    pub(super) resets_at: Option<i64>,
}
