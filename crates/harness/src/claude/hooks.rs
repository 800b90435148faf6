//! Claude Code's hooks.
//!
//! * A tool that was refused has no end of its own: only `PostToolBatch` tells what became of it.
//! * Compaction looks like the start of a session (`source: "compact"`), and is none.

use serde_json::Value;
use windlass_types::{ActivityKind, ActivityNote};

use crate::hooks::{Hook, answer, common, or_empty, plain, stop, text, tool_end, tool_start, unknown};

/// More calls than any batch has.
const BATCH_MAX: usize = 256;

pub(crate) const EVENTS: &[&str] = &[
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "StopFailure",
    "SessionEnd",
];

pub(crate) fn read(payload: &Value) -> Hook {
    common(payload, notes(payload))
}

fn notes(payload: &Value) -> Vec<ActivityNote> {
    match payload["hook_event_name"].as_str().unwrap_or_default() {
        "SessionStart" if payload["source"] == "compact" => plain(ActivityKind::Notice, "the conversation was compacted"),
        "SessionStart" => plain(ActivityKind::SessionStart, or_empty(payload, "source")),
        "UserPromptSubmit" => plain(ActivityKind::Prompt, or_empty(payload, "prompt")),
        "PreToolUse" => tool_start(payload),
        "PostToolUse" => vec![tool_end(payload, Some(true), String::new())],
        "PostToolUseFailure" => vec![tool_end(payload, Some(false), or_empty(payload, "error"))],
        "PostToolBatch" => batch(payload),
        "Notification" => plain(ActivityKind::Notice, or_empty(payload, "message")),
        "PermissionRequest" => plain(ActivityKind::Notice, format!("asks whether it may use {}", or_empty(payload, "tool_name"))),
        "PermissionDenied" => plain(ActivityKind::Notice, format!("may not use {}", or_empty(payload, "tool_name"))),
        "MessageDisplay" if payload["final"] == true => {
            text(payload, "delta").map_or_else(Vec::new, |said| plain(ActivityKind::Message, said))
        }
        "SubagentStart" => plain(ActivityKind::SubagentStart, or_empty(payload, "agent_type")),
        "SubagentStop" => plain(ActivityKind::SubagentEnd, or_empty(payload, "agent_type")),
        "Stop" => stop(true, or_empty(payload, "last_assistant_message")),
        "StopFailure" => {
            let said = text(payload, "last_assistant_message").unwrap_or_else(|| or_empty(payload, "error"));
            stop(false, said)
        }
        "SessionEnd" => plain(ActivityKind::SessionEnd, or_empty(payload, "reason")),
        // Told otherwise, or of no use to anybody who watches.
        "MessageDisplay"
        | "PreCompact"
        | "PostCompact"
        | "UserPromptExpansion"
        | "Setup"
        | "ConfigChange"
        | "InstructionsLoaded"
        | "CwdChanged"
        | "FileChanged" => Vec::new(),
        _ => unknown(payload),
    }
}

/// What became of calls that had no end: they were refused.
fn batch(payload: &Value) -> Vec<ActivityNote> {
    let calls = payload["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    // Without an id it could be any call.
    let known = calls.iter().take(BATCH_MAX).filter(|call| text(call, "tool_use_id").is_some());
    known.map(|call| ActivityNote { only_if_open: true, ..tool_end(call, Some(false), answer(&call["tool_response"])) }).collect()
}
