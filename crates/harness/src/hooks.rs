//! Hooks: programs that agents start at what they do, with a JSON payload that says what it is.
//!
//! **Invariant:** whatever is sent has a meaning or none; nothing makes a mapping fail.

use serde_json::Value;
use windlass_types::{ActivityKind, ActivityNote, Harness};

use crate::activity::about;
use crate::mapper::{VALUES_MAX, values_at_most};
use crate::outcome::cut;
use crate::{claude, codex, gemini};

/// The most of a text that is passed on: more than a summary can hold.
const TEXT_MAX: usize = 4 * 1024;

/// What a hook's payload says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook {
    /// The agent's own id of its session; nothing else of the payload counts without it.
    pub session_id: Option<String>,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// The model it uses.
    pub model: Option<String>,
    /// What was done, in order.
    pub notes: Vec<ActivityNote>,
}

/// Reads the payload of an agent's hook. Agents without hooks say nothing.
pub fn hook(harness: Harness, payload: &Value) -> Hook {
    match harness {
        Harness::Claude => claude::hooks::read(payload),
        Harness::Codex => codex::hooks::read(payload),
        Harness::Gemini => gemini::hooks::read(payload),
        Harness::Command | Harness::Simulated => Hook::default(),
    }
}

/// Reads the payload of an agent's hook as it was sent; `None` for what is not JSON, or holds more values than any payload does.
pub fn read_hook(harness: Harness, json: &str) -> Option<Hook> {
    if values_at_most(json.as_bytes()) > VALUES_MAX {
        return None;
    }
    serde_json::from_str(json).ok().map(|payload| hook(harness, &payload))
}

/// The hooks by which an agent tells what it does; empty for agents without any.
pub const fn hook_events(harness: Harness) -> &'static [&'static str] {
    match harness {
        Harness::Claude => claude::hooks::EVENTS,
        Harness::Codex => codex::hooks::EVENTS,
        Harness::Gemini => gemini::hooks::EVENTS,
        Harness::Command | Harness::Simulated => &[],
    }
}

/// A text of a payload.
pub(crate) fn text(payload: &Value, field: &str) -> Option<String> {
    let text = payload.get(field)?.as_str()?;
    (!text.trim().is_empty()).then(|| cut(text, TEXT_MAX).to_owned())
}

/// The same, or none of it.
pub(crate) fn or_empty(payload: &Value, field: &str) -> String {
    text(payload, field).unwrap_or_default()
}

/// What all three agents call the same.
pub(crate) fn common(payload: &Value, notes: Vec<ActivityNote>) -> Hook {
    Hook { session_id: text(payload, "session_id"), cwd: text(payload, "cwd"), model: text(payload, "model"), notes }
}

/// Something without more than a summary.
pub(crate) fn plain(kind: ActivityKind, summary: impl Into<String>) -> Vec<ActivityNote> {
    vec![ActivityNote::new(kind, summary)]
}

/// An answer that ended, well or not.
pub(crate) fn stop(ok: bool, summary: impl Into<String>) -> Vec<ActivityNote> {
    vec![ActivityNote { ok: Some(ok), ..ActivityNote::new(ActivityKind::Stop, summary) }]
}

/// The beginning of the tool call that a payload names.
pub(crate) fn tool_start(payload: &Value) -> Vec<ActivityNote> {
    let tool = or_empty(payload, "tool_name");
    vec![ActivityNote::tool_start(tool, text(payload, "tool_use_id"), about(&payload["tool_input"]))]
}

/// The end of the tool call that a payload names.
pub(crate) fn tool_end(payload: &Value, ok: Option<bool>, why: String) -> ActivityNote {
    let summary = if ok == Some(false) && !why.is_empty() { why } else { about(&payload["tool_input"]) };
    let ended = ActivityNote::tool_end(text(payload, "tool_name"), text(payload, "tool_use_id"), true, summary);
    ActivityNote { ok, duration_ms: payload["duration_ms"].as_i64(), ..ended }
}

/// An event that is not known here is shown by its name; a payload without one says nothing.
pub(crate) fn unknown(payload: &Value) -> Vec<ActivityNote> {
    text(payload, "hook_event_name").map_or_else(Vec::new, |name| plain(ActivityKind::Notice, name))
}

/// What a tool answered, as text: itself, or the texts in it.
pub(crate) fn answer(response: &Value) -> String {
    let of = |value: &Value| match value {
        Value::String(text) => cut(text, TEXT_MAX).to_owned(),
        value => or_empty(value, "text"),
    };
    match response {
        Value::Array(parts) => cut(&parts.iter().take(16).map(of).collect::<Vec<_>>().join(" "), TEXT_MAX).to_owned(),
        other => of(other),
    }
}
