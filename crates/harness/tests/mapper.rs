//! Any bytes at all through every mapping.

use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_harness::stream::{Line, LineSplitter};
use windlass_harness::{Exit, Mapper};
use windlass_types::{AgentEvent, Harness, RunEnd, Timestamp};

/// Every kind of line there is a capture of.
fn real_lines() -> Vec<Value> {
    let mut lines = Vec::new();
    for cli in ["claude", "codex", "gemini"] {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(cli);
        for name in ["subagent", "mcp", "hooks", "max_turns", "error_400", "shell"] {
            let text = std::fs::read_to_string(dir.join(format!("{name}.jsonl"))).unwrap_or_default();
            lines.extend(text.lines().filter_map(|l| serde_json::from_str(l).ok()));
        }
    }
    assert!(lines.len() > 50);
    lines
}

/// Replaces the `nth` value inside by `with`.
fn damage(value: &mut Value, nth: &mut usize, with: &Value) {
    if *nth == 0 {
        *value = with.clone();
    }
    *nth = nth.wrapping_sub(1);
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|v| damage(v, nth, with)),
        Value::Array(items) => items.iter_mut().for_each(|v| damage(v, nth, with)),
        _ => {}
    }
}

fn exit() -> impl Strategy<Value = Exit> {
    (prop::option::of(-1i32..256), prop::option::of(0i32..64), ".{0,40}").prop_map(|(code, signal, stderr_tail)| Exit {
        code,
        signal,
        stderr_tail,
    })
}

proptest! {
    #[test]
    fn no_bytes_bring_a_mapping_down(bytes in prop::collection::vec(any::<u8>(), 0..400), exit in exit()) {
        for harness in Harness::ALL {
            let mut mapper = Mapper::for_reading(harness);
            let mut splitter = LineSplitter::new(100);
            let mut lines = splitter.push(&bytes);
            lines.extend(splitter.finish());
            for line in &lines {
                mapper.line(line);
            }
            let end = mapper.finish(&exit, Timestamp(0));
            if exit.code != Some(0) || exit.signal.is_some() {
                prop_assert!(matches!(end, RunEnd::Failed { .. }), "{:?}", end);
            }
        }
    }

    #[test]
    fn no_damaged_event_brings_a_mapping_down(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40, prop::sample::select(vec![
            json!(null), json!(-1), json!(1e300), json!("text"), json!([]), json!({}), json!(u64::MAX), json!([{"type": "text"}]),
        ])), 1..20),
        exit in exit(),
    ) {
        thread_local! { static LINES: Vec<Value> = real_lines(); }
        LINES.with(|lines| {
            for harness in Harness::ALL {
                let mut mapper = Mapper::for_reading(harness);
                for (index, at, with) in &picks {
                    let mut value = lines[index.index(lines.len())].clone();
                    damage(&mut value, &mut at.clone(), with);
                    mapper.line(&Line::whole(&value.to_string()));
                }
                mapper.finish(&exit, Timestamp(i64::MAX));
            }
        });
    }
}

#[test]
fn a_kind_of_event_that_is_new_is_kept_as_unknown_by_its_name() {
    for harness in [Harness::Claude, Harness::Codex, Harness::Gemini, Harness::Simulated] {
        let mut mapper = Mapper::for_reading(harness);
        let events = mapper.line(&Line::whole(r#"{"type":"hologram","x":1}"#));
        assert_eq!(events, [AgentEvent::Unknown { what: "hologram".to_owned() }], "{harness}");
        assert_eq!(mapper.line(&Line::whole("[1]")), [AgentEvent::Unknown { what: "not_json".to_owned() }]);
        assert_eq!(mapper.line(&Line::whole("  ")), []);
    }
    let mut mapper = Mapper::for_reading(Harness::Claude);
    let events = mapper
        .line(&Line::whole(r#"{"type":"assistant","message":{"content":[{"type":"hologram"},{"type":"text","text":"hi","new":1}]}}"#));
    assert_eq!(events.len(), 2);
    assert_eq!(events[1], AgentEvent::Text { text: "hi".to_owned(), delta: false });
}

#[test]
fn a_line_of_a_million_values_is_not_read_and_a_long_text_is() {
    let mut mapper = Mapper::for_reading(Harness::Simulated);
    let values = format!(r#"{{"type":"text","text":"hi","x":[{}]}}"#, vec!["[]"; 1_000_000].join(","));
    assert_eq!(mapper.line(&Line::whole(&values)), [AgentEvent::Unknown { what: "too_long".to_owned() }]);
    let text = "a word ".repeat(1_000_000);
    assert_eq!(mapper.line(&Line::whole(&json!({"type": "text", "text": text}).to_string())), [AgentEvent::Text { text, delta: false }]);
}

#[test]
fn a_usage_limit_of_a_subscription_says_when_it_ends() {
    let mut mapper = Mapper::for_reading(Harness::Claude);
    let now = Timestamp(1_699_999_000_000);
    mapper.line(&Line::whole(r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1700000000}}"#));
    mapper.line(&Line::whole(
        r#"{"type":"result","subtype":"success","is_error":true,"result":"You've hit your limit","api_error_status":429}"#,
    ));
    let end = mapper.finish(&Exit { code: Some(1), ..Exit::default() }, now);
    let RunEnd::Failed { failure, .. } = end else { panic!("{end:?}") };
    assert_eq!(failure.retry_at, Some(Timestamp(1_700_000_000_000)));
}
