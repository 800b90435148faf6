//! What a hook does: it hands on what its agent gives it, quickly, and the agent notices nothing of how that went.

use std::io::Read as _;
use std::time::Duration;

use serde_json::Value;
use windlass_types::Harness;

use crate::cli::Context;

/// How long an agent is held up at most, when a daemon is there and does not answer.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The longest payload that is handed on, in bytes; a longer one is read to its end and forgotten.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The longest text of a payload that is handed on, in bytes: what was written and read is none of what is shown.
const TEXT_MAX: usize = 4 * 1024;

/// Hands on the payload on standard input.
pub(crate) async fn send(harness: Harness, context: &Context) {
    // Whatever goes wrong: a later hook tells again.
    let _ = tokio::time::timeout(PATIENCE, hand_on(harness, context)).await;
}

async fn hand_on(harness: Harness, context: &Context) -> Option<()> {
    let text = tokio::task::spawn_blocking(read).await.ok()??;
    let mut payload: Value = serde_json::from_str(&text).ok()?;
    shorten(&mut payload);
    let client = context.client().ok()?;
    let _: Value = client.post(&format!("/api/v1/hooks?harness={}", harness.as_str()), &payload).await.ok()?;
    Some(())
}

fn read() -> Option<String> {
    let mut stdin = std::io::stdin().lock();
    let mut text = String::new();
    let length = stdin.by_ref().take(BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    if length as u64 > BYTES_MAX {
        // An agent may take a closed pipe for a fault of its own.
        std::io::copy(&mut stdin, &mut std::io::sink()).ok()?;
        return None;
    }
    Some(text)
}

/// Cuts long texts.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_MAX => {
            let mut end = TEXT_MAX;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn long_texts_are_cut_and_the_shape_stays() {
        let mut payload = json!({"tool_input": {"content": "ä".repeat(1_000_000), "lines": ["x".repeat(9_000), "short"]}, "n": 1});
        shorten(&mut payload);
        assert_eq!(payload["tool_input"]["content"].as_str().map(str::len), Some(TEXT_MAX));
        assert_eq!((payload["tool_input"]["lines"][1].as_str(), payload["n"].as_i64()), (Some("short"), Some(1)));
    }
}
