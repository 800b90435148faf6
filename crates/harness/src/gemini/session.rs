//! What gemini kept of a session: `tmp/<project>/chats/session-<minute>-<first 8 of the id>.jsonl` below its folder.
//!
//! * The file's name holds only the beginning of the id: its first line has the whole.
//! * When a session's first request fails, gemini takes the prompt out again. The file stays, `--resume` finds nothing in it,
//!   and `--session-id` refuses the id because the file is there.

use std::path::Path;

use serde_json::Value;

use crate::private_dir::read_planted;

/// Of a longer file the beginning decides.
const FILE_MAX: u64 = 32 * 1024 * 1024;

/// How a session can be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// There is none of this id: it can be begun.
    Nothing,
    /// There is one with a conversation in it.
    Conversation,
    /// The id is used, and there is nothing to go on with.
    Empty,
}

/// What is kept in gemini's folder of the session `id`.
pub(super) fn kept(folder: &Path, id: &str) -> Kept {
    let ending = format!("-{}.jsonl", &id[..8]);
    let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut kept = Kept::Nothing;
    for file in entries(&folder.join("tmp")).flat_map(|project| entries(&project.path().join("chats"))) {
        if !file.file_name().to_string_lossy().ends_with(&ending) {
            continue;
        }
        match read_planted(&file.path(), FILE_MAX).map(|bytes| in_file(&bytes, id)) {
            Ok(Kept::Conversation) => return Kept::Conversation,
            Ok(Kept::Empty) => kept = Kept::Empty,
            Ok(Kept::Nothing) | Err(_) => {}
        }
    }
    kept
}

/// Reads the lines as gemini does: a message is added, `$set.messages` replaces all.
fn in_file(bytes: &[u8], id: &str) -> Kept {
    let (mut is_it, mut conversation) = (false, false);
    // The last line may be half of one.
    for record in bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
        is_it |= record["sessionId"] == id;
        if let Some(messages) = record["$set"]["messages"].as_array().or_else(|| record["messages"].as_array()) {
            conversation = messages.iter().any(counts);
        } else {
            conversation |= counts(&record);
        }
    }
    match (is_it, conversation) {
        (false, _) => Kept::Nothing,
        (true, true) => Kept::Conversation,
        (true, false) => Kept::Empty,
    }
}

/// Whether a message is part of a conversation: what gemini says of itself, and commands, are not.
fn counts(message: &Value) -> bool {
    match message["type"].as_str() {
        Some("gemini") => true,
        Some("user") => {
            let content = &message["content"];
            let text = content.as_str().or_else(|| content[0]["text"].as_str()).unwrap_or_default().trim_start();
            !text.is_empty() && !["/", "?", "<session_context>", "<hook_context>"].iter().any(|begin| text.starts_with(begin))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a1fd61-cb55-7c4e-bf0c-30de93d810d8";
    const FIRST: &str = r#"{"sessionId":"01a1fd61-cb55-7c4e-bf0c-30de93d810d8","projectHash":"f0cb","kind":"main"}
{"$set":{"messages":[{"id":"1","type":"user","content":[{"text":"<session_context>\nThis is the Gemini CLI."}]}]}}
"#;
    const PROMPT: &str = r#"{"id":"2","type":"user","content":[{"text":"Do it."}]}
"#;
    const TAKEN_BACK: &str = r#"{"$set":{"messages":[{"id":"1","type":"user","content":[{"text":"<session_context>\nThis is the Gemini CLI."}]}]}}
"#;

    fn of(text: &str) -> Kept {
        let dir = tempfile::tempdir().unwrap();
        let chats = dir.path().join("tmp/tree/chats");
        std::fs::create_dir_all(&chats).unwrap();
        std::fs::write(chats.join("session-2026-11-21T09-13-01a1fd61.jsonl"), text).unwrap();
        kept(dir.path(), ID)
    }

    #[test]
    fn a_session_with_a_prompt_can_be_gone_on_with_even_when_its_last_line_is_cut() {
        assert_eq!(of(&format!("{FIRST}{PROMPT}")), Kept::Conversation);
        assert_eq!(of(&format!("{FIRST}{PROMPT}{{\"id\":\"3\",\"ty")), Kept::Conversation);
    }

    #[test]
    fn a_session_whose_prompt_was_taken_back_is_used_up() {
        assert_eq!(of(&format!("{FIRST}{PROMPT}{TAKEN_BACK}")), Kept::Empty);
        assert_eq!(of(FIRST), Kept::Empty);
    }

    #[test]
    fn the_session_of_another_id_with_the_same_beginning_is_another() {
        assert_eq!(of(&format!("{FIRST}{PROMPT}").replace("30de93d810d8", "000000000000")), Kept::Nothing);
        assert_eq!(kept(Path::new("/nowhere"), ID), Kept::Nothing);
    }
}
