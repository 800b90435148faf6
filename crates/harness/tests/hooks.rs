//! The payloads of real hooks, mapped: one snapshot for each agent; and whatever else may be sent.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_harness::{hook, hook_events};
use windlass_types::{ActivityKind, Harness, SessionTally, Timestamp};

const HOOKED: [Harness; 3] = [Harness::Claude, Harness::Codex, Harness::Gemini];

/// The payloads of an agent, by the name of their file.
fn payloads(harness: Harness) -> Vec<(String, Value)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hooks")).join(harness.as_str());
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    files.iter().map(named).collect()
}

fn told(harness: Harness) -> String {
    let mut text = String::new();
    for (name, payload) in payloads(harness) {
        let hook = hook(harness, &payload);
        assert!(hook.session_id.is_some() && hook.cwd.as_deref() == Some("/repo"), "{name}: {hook:?}");
        let model = hook.model.map_or_else(String::new, |model| format!(" ({model})"));
        let _ = writeln!(text, "{name}{model}");
        for note in hook.notes {
            let _ = write!(text, "  {}", note.kind);
            let parts = [("tool", note.tool), ("call", note.call), ("ok", note.ok.map(|ok| ok.to_string()))];
            for (what, value) in parts.into_iter().chain([("ms", note.duration_ms.map(|ms| ms.to_string()))]) {
                if let Some(value) = value {
                    let _ = write!(text, " {what}={value}");
                }
            }
            let _ = writeln!(text, "{} {:?}", if note.only_if_open { " if open" } else { "" }, note.summary);
        }
    }
    text
}

#[test]
fn what_claudes_hooks_mean() {
    insta::assert_snapshot!("claude", told(Harness::Claude));
}

#[test]
fn what_codexs_hooks_mean() {
    insta::assert_snapshot!("codex", told(Harness::Codex));
}

#[test]
fn what_geminis_hooks_mean() {
    insta::assert_snapshot!("gemini", told(Harness::Gemini));
}

#[test]
fn the_tools_of_a_real_run_are_counted_with_those_that_were_refused() {
    let mut tally = SessionTally::default();
    for (_, payload) in payloads(Harness::Claude).into_iter().filter(|(name, _)| name.starts_with("hooks-")) {
        for note in hook(Harness::Claude, &payload).notes {
            tally.take(Timestamp(0), &note);
        }
    }
    // Written, refused, not found, refused, a subagent.
    assert_eq!((tally.tools_used, tally.tools_failed, tally.open.len()), (5, 3, 0));
    assert_eq!(tally.title.as_deref(), Some("Write hello.txt"));
}

#[test]
fn every_hook_that_is_installed_is_one_that_was_seen_and_means_something() {
    for harness in HOOKED {
        let seen = payloads(harness);
        for event in hook_events(harness) {
            let known = seen.iter().find(|(_, payload)| payload["hook_event_name"] == *event);
            // A notification is for a person at a terminal: nobody has one recorded.
            let payload =
                known.map_or_else(|| json!({"hook_event_name": event, "message": "wants to know"}), |(_, payload)| payload.clone());
            assert!(known.is_some() || *event == "Notification", "{harness:?} {event}");
            assert!(!hook(harness, &payload).notes.is_empty(), "{harness:?} {event}");
        }
    }
    assert!(hook_events(Harness::Command).is_empty() && hook(Harness::Command, &json!({"session_id": "x"})).session_id.is_none());
}

#[test]
fn an_event_of_a_later_version_is_a_notice_and_what_is_no_hook_is_nothing() {
    for harness in HOOKED {
        let notes = hook(harness, &json!({"session_id": "x", "hook_event_name": "TelepathyBegan"})).notes;
        assert_eq!(
            notes.iter().map(|note| (note.kind, note.summary.as_str())).collect::<Vec<_>>(),
            [(ActivityKind::Notice, "TelepathyBegan")]
        );
        for odd in [json!(null), json!([]), json!("x"), json!({}), json!({"hook_event_name": 7, "session_id": []})] {
            assert_eq!(hook(harness, &odd), windlass_harness::Hook::default());
        }
    }
}

#[test]
fn a_long_payload_is_told_in_short() {
    let long = "y".repeat(3_000_000);
    let payload =
        json!({"session_id": "x", "hook_event_name": "PreToolUse", "tool_name": long, "tool_input": {"command": long}, "cwd": long});
    let told = format!("{:?}", hook(Harness::Claude, &payload));
    assert!(told.len() < 20_000, "{}", told.len());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        Just(json!("Exit code: 99999999999999999999")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,6}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_payload_makes_a_mapping_fail(fields in prop::collection::vec((0_usize..9, any_json()), 0..6), harness in 0_usize..3, event in 0_usize..12) {
        let names = ["session_id", "cwd", "tool_name", "tool_input", "tool_response", "tool_calls", "duration_ms", "llm_request", "source"];
        let harness = HOOKED[harness];
        let mut payload = json!({});
        for (name, value) in fields {
            payload[names[name]] = value;
        }
        if let Some(event) = hook_events(harness).get(event) {
            payload["hook_event_name"] = json!(event);
        }
        let mut tally = SessionTally::default();
        for note in hook(harness, &payload).notes {
            tally.take(Timestamp(i64::MAX), &note);
        }
    }
}
