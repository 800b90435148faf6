//! What `codex exec --json` prints: one JSON object a line. Unknown fields are ignored; unknown kinds never get here.

#![expect(clippy::struct_field_names, reason = "the names are the program's")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `item.started`, `item.updated`, `item.completed`.
#[derive(Debug, Deserialize)]
pub(super) struct ItemEvent {
    pub(super) item: Item,
}

/// Something the agent did; the ids count from 0 in each process.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) kind: ItemKind,
}

/// What it did.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ItemKind {
    AgentMessage {
        text: String,
    },
    Reasoning {
        text: String,
    },
    CommandExecution {
        command: String,
        #[serde(default)]
        aggregated_output: String,
        exit_code: Option<i64>,
        status: Option<String>,
    },
    FileChange {
        #[serde(default)]
        changes: Vec<Value>,
        status: Option<String>,
    },
    McpToolCall {
        #[serde(default)]
        server: String,
        tool: String,
        #[serde(default)]
        arguments: Value,
        result: Option<Value>,
        error: Option<Value>,
        status: Option<String>,
    },
    WebSearch {
        #[serde(default)]
        query: String,
    },
    TodoList {
        #[serde(default)]
        items: Vec<Todo>,
    },
    Error {
        message: String,
    },
}

/// A line of its list.
#[derive(Debug, Deserialize)]
pub(super) struct Todo {
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) completed: bool,
}

/// `turn.completed`.
#[derive(Debug, Deserialize)]
pub(super) struct Completed {
    pub(super) usage: Option<Tokens>,
}

/// Tokens of the whole thread. Cached ones are part of the input, reasoning is part of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    pub(super) input_tokens: u64,
    pub(super) cached_input_tokens: u64,
    pub(super) cache_write_input_tokens: u64,
    pub(super) output_tokens: u64,
}

impl Tokens {
    pub(super) const fn less(self, before: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(before.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_sub(before.cached_input_tokens),
            cache_write_input_tokens: self.cache_write_input_tokens.saturating_sub(before.cache_write_input_tokens),
            output_tokens: self.output_tokens.saturating_sub(before.output_tokens),
        }
    }
}
