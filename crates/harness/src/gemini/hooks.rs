//! Gemini CLI's hooks. Its tool calls have no ids, and a command that failed is told by a line of its answer.

use serde_json::Value;
use windlass_types::{ActivityKind, ActivityNote};

use crate::hooks::{Hook, answer, common, or_empty, plain, stop, text, tool_end, tool_start, unknown};

/// The tool that runs commands.
const SHELL: &str = "run_shell_command";

pub(crate) const EVENTS: &[&str] = &["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "Notification", "SessionEnd"];

pub(crate) fn read(payload: &Value) -> Hook {
    let model = text(&payload["llm_request"], "model");
    let hook = common(payload, notes(payload));
    Hook { model: model.or(hook.model), ..hook }
}

fn notes(payload: &Value) -> Vec<ActivityNote> {
    match payload["hook_event_name"].as_str().unwrap_or_default() {
        "SessionStart" => plain(ActivityKind::SessionStart, or_empty(payload, "source")),
        "BeforeAgent" => plain(ActivityKind::Prompt, or_empty(payload, "prompt")),
        "BeforeTool" => tool_start(payload),
        "AfterTool" => {
            let failure = failure(payload);
            vec![tool_end(payload, Some(failure.is_none()), failure.unwrap_or_default())]
        }
        "AfterAgent" => stop(true, or_empty(payload, "prompt_response")),
        "Notification" => plain(ActivityKind::Notice, or_empty(payload, "message")),
        "SessionEnd" => plain(ActivityKind::SessionEnd, or_empty(payload, "reason")),
        // Before and after each piece of each answer of the model.
        "PreCompress" | "BeforeModel" | "AfterModel" | "BeforeToolSelection" => Vec::new(),
        _ => unknown(payload),
    }
}

/// Why a tool failed, if it did.
fn failure(payload: &Value) -> Option<String> {
    let response = &payload["tool_response"];
    let said = answer(&response["llmContent"]);
    match &response["error"] {
        Value::Null => {}
        Value::String(error) => return Some(error.clone()),
        error => return Some(text(error, "message").unwrap_or(said)),
    }
    let code =
        said.lines().find_map(|line| line.trim().strip_prefix("Exit Code: ")?.trim().parse::<i64>().ok()).filter(|code| *code != 0)?;
    // What the command prints could say so too, of another tool.
    (payload["tool_name"] == SHELL).then(|| format!("Exit code {code}: {}", or_empty(response, "returnDisplay")))
}
