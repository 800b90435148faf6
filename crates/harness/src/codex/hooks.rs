//! Codex's hooks, and what it gives to the program named by `notify`.
//!
//! How a command ended is not told; how a patch did is, in the first line of the answer.

use serde_json::Value;
use windlass_types::{ActivityKind, ActivityNote};

use crate::hooks::{Hook, answer, common, or_empty, plain, stop, text, tool_end, tool_start, unknown};

pub(crate) const EVENTS: &[&str] = &["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"];

pub(crate) fn read(payload: &Value) -> Hook {
    if payload["type"] == "agent-turn-complete" {
        return Hook {
            session_id: text(payload, "thread-id"),
            cwd: text(payload, "cwd"),
            model: None,
            notes: stop(true, or_empty(payload, "last-assistant-message")),
        };
    }
    common(payload, notes(payload))
}

fn notes(payload: &Value) -> Vec<ActivityNote> {
    match payload["hook_event_name"].as_str().unwrap_or_default() {
        "SessionStart" => plain(ActivityKind::SessionStart, or_empty(payload, "source")),
        "UserPromptSubmit" => plain(ActivityKind::Prompt, or_empty(payload, "prompt")),
        "PreToolUse" => tool_start(payload),
        "PostToolUse" => {
            let said = answer(&payload["tool_response"]);
            let code = said.strip_prefix("Exit code: ").and_then(|rest| rest.lines().next()?.trim().parse::<i64>().ok());
            vec![tool_end(payload, code.map(|code| code == 0), said)]
        }
        "PermissionRequest" => plain(ActivityKind::Notice, format!("asks whether it may use {}", or_empty(payload, "tool_name"))),
        "Stop" => stop(true, or_empty(payload, "last_assistant_message")),
        "SessionEnd" => plain(ActivityKind::SessionEnd, or_empty(payload, "reason")),
        "PreCompact" | "PostCompact" => Vec::new(),
        _ => unknown(payload),
    }
}
