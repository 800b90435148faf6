//! What an agent's stream says of what it does, for the list of what agents do.

use serde_json::Value;
use windlass_types::{ActivityKind, ActivityNote, AgentEvent};

use crate::outcome::cut;
use crate::veil::veiled;

/// The most of a text that is passed on: more than a summary can hold.
const TEXT_MAX: usize = 4 * 1024;

/// Reads an agent's events, one after the other.
#[derive(Debug, Default)]
pub struct ActivityMap {
    has_begun: bool,
    /// Pieces of a text that goes on.
    said: String,
}

impl ActivityMap {
    /// What an event says was done; mostly one thing, or nothing.
    pub fn event(&mut self, event: &AgentEvent) -> Vec<ActivityNote> {
        if let AgentEvent::Text { text, delta: true } = event {
            let room = TEXT_MAX.saturating_sub(self.said.len());
            self.said.push_str(cut(text, room));
            return Vec::new();
        }
        let note = match event {
            AgentEvent::Session { .. } if !self.has_begun => {
                self.has_begun = true;
                Some(ActivityNote::new(ActivityKind::SessionStart, ""))
            }
            AgentEvent::Text { text, .. } => message(text),
            AgentEvent::ToolStarted { id, name, input } => Some(ActivityNote::tool_start(name, Some(id.clone()), about(input))),
            AgentEvent::ToolEnded { id, is_error, output } => {
                let why = if *is_error { cut(output, TEXT_MAX) } else { "" };
                Some(ActivityNote::tool_end(None, Some(id.clone()), !is_error, why))
            }
            AgentEvent::Notice { text } => Some(ActivityNote::new(ActivityKind::Notice, cut(text, TEXT_MAX))),
            AgentEvent::Ended { end } => {
                Some(ActivityNote { ok: Some(end.ok), ..ActivityNote::new(ActivityKind::Stop, cut(&end.text, TEXT_MAX)) })
            }
            // Not of what is done, though it shows that something is.
            AgentEvent::Session { .. } | AgentEvent::Thinking { .. } | AgentEvent::Usage { .. } | AgentEvent::Unknown { .. } => None,
        };
        let Some(note) = note else { return Vec::new() };
        let said = std::mem::take(&mut self.said);
        message(&said).into_iter().chain([note]).collect()
    }
}

fn message(text: &str) -> Option<ActivityNote> {
    (!text.trim().is_empty()).then(|| ActivityNote::new(ActivityKind::Message, cut(text.trim(), TEXT_MAX)))
}

/// The fields by which a tool's arguments say what it is about, the telling ones first.
const TELLING: [&str; 14] = [
    "command",
    "cmd",
    "file_path",
    "notebook_path",
    "path",
    "dir_path",
    "pattern",
    "query",
    "url",
    "description",
    "prompt",
    "skill",
    "name",
    "text",
];

/// What a tool call is about, by its arguments: the command, the file, the words that are looked for.
pub(crate) fn about(input: &Value) -> String {
    veiled(&told_by(input))
}

fn told_by(input: &Value) -> String {
    if let Some(text) = input.as_str() {
        return of_text(text);
    }
    // An agent's list of what it has to do says nothing in one line.
    let told = TELLING.iter().find_map(|field| match input.get(field)? {
        Value::String(text) if !text.trim().is_empty() => Some(of_text(text)),
        // A command as its words.
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().take(64).filter_map(Value::as_str).collect();
            (!words.is_empty()).then(|| cut(&words.join(" "), TEXT_MAX).to_owned())
        }
        _ => None,
    });
    told.or_else(|| changed_files(input)).unwrap_or_default()
}

fn of_text(text: &str) -> String {
    if !text.trim_start().starts_with("*** Begin Patch") {
        return cut(text.trim(), TEXT_MAX).to_owned();
    }
    let heads = ["*** Add File: ", "*** Update File: ", "*** Delete File: "];
    let files = text.lines().filter_map(|line| heads.iter().find_map(|head| line.strip_prefix(head)));
    cut(&files.take(20).collect::<Vec<_>>().join(" "), TEXT_MAX).to_owned()
}

/// The files of a change as codex tells it: `changes[{path}]`.
fn changed_files(input: &Value) -> Option<String> {
    let files: Vec<&str> = input.get("changes")?.as_array()?.iter().take(20).filter_map(|change| change["path"].as_str()).collect();
    (!files.is_empty()).then(|| cut(&files.join(" "), TEXT_MAX).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_about_its_command_its_file_or_its_patch() {
        assert_eq!(about(&json!({"description": "run", "command": "make test"})), "make test");
        assert_eq!(about(&json!({"file_path": "a.rs", "content": "x"})), "a.rs");
        assert_eq!(about(&json!({"command": ["ls", "-l"]})), "ls -l");
        assert_eq!(
            about(&json!({"command": "*** Begin Patch\n*** Add File: a b.txt\n+x\n*** Delete File: c\n*** End Patch\n"})),
            "a b.txt c"
        );
        assert_eq!(about(&json!({"changes": [{"path": "x"}, {"kind": "add"}]})), "x");
        for odd in [json!(null), json!([1]), json!({"command": 7}), json!({"todos": []})] {
            assert_eq!(about(&odd), "");
        }
    }

    #[test]
    fn pieces_of_a_text_are_one_message() {
        let mut map = ActivityMap::default();
        let piece = |text: &str| AgentEvent::Text { text: text.to_owned(), delta: true };
        assert!(map.event(&piece("I wri")).is_empty() && map.event(&piece("te it.")).is_empty());
        let notes = map.event(&AgentEvent::ToolStarted { id: "1".to_owned(), name: "write".to_owned(), input: json!({"path": "a"}) });
        let told: Vec<_> = notes.iter().map(|note| (note.kind, note.summary.as_str())).collect();
        assert_eq!(told, [(ActivityKind::Message, "I write it."), (ActivityKind::ToolStart, "a")]);
        assert_eq!(map.event(&AgentEvent::Thinking { text: "hm".to_owned() }), []);
    }
}
