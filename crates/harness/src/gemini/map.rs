//! What `gemini`'s events mean.
//!
//! * Its exit code for an API error is the HTTP status modulo 256 (429 gives 173): it looks like a signal and is none.
//! * SIGTERM and SIGINT give exit code 0 without a final event.
//! * What a cut attempt had said stays in the stream, and the next attempt says it again.

use serde_json::Value;
use windlass_types::{AgentEnd, AgentEvent, Failure, FailureKind, Harness, RunEnd, Timestamp, Usage};

use super::wire::{Init, Message, Outcome, Stats, ToolResult, ToolUse};
use crate::Exit;
use crate::mapper::{Prices, TOOL_OUTPUT_MAX, shape, unknown, weigh};
use crate::outcome::{api_failure, cut, last_words, login_hint};

/// The longest final message that is put together.
const TEXT_MAX: usize = 4 * 1024 * 1024;
/// A shorter beginning that is said twice may be meant.
const DOUBLED_MIN: usize = 16;

/// One run's state.
#[derive(Debug, Default)]
pub(crate) struct Map {
    prices: Prices,
    model: Option<String>,
    /// What was said since the last tool call, in its pieces.
    text: String,
    pieces: Vec<usize>,
    denials: u32,
    end: Option<(AgentEnd, String)>,
    spoke: bool,
}

impl Map {
    pub(crate) fn new(prices: Prices) -> Self {
        Self { prices, ..Self::default() }
    }

    pub(crate) fn event(&mut self, value: Value) -> Vec<AgentEvent> {
        self.spoke = true;
        let kind = value["type"].as_str().unwrap_or_default().to_owned();
        let events = match kind.as_str() {
            "init" => shape::<Init>(value).map(|i| {
                self.model.clone_from(&i.model);
                vec![AgentEvent::Session { session_id: i.session_id, model: i.model }]
            }),
            "message" => shape::<Message>(value).map(|m| self.message(m)),
            "tool_use" => shape::<ToolUse>(value).map(|t| {
                self.forget_text();
                vec![AgentEvent::ToolStarted { id: t.tool_id, name: t.tool_name, input: t.parameters }]
            }),
            "tool_result" => shape::<ToolResult>(value).map(|t| self.tool_result(t)),
            "error" => {
                let text = value["message"].as_str().or_else(|| value["error"]["message"].as_str());
                text.map(|t| vec![AgentEvent::Notice { text: t.to_owned() }])
            }
            "result" => shape::<Outcome>(value).map(|o| self.result(o)),
            _ => None,
        };
        events.unwrap_or_else(|| vec![unknown(if kind.is_empty() { "no_type" } else { &kind })])
    }

    fn message(&mut self, message: Message) -> Vec<AgentEvent> {
        // The prompt comes back as the user's message.
        if message.role != "assistant" {
            self.forget_text();
            return Vec::new();
        }
        if !message.delta {
            self.forget_text();
        }
        if self.text.len() + message.content.len() <= TEXT_MAX {
            self.pieces.push(self.text.len());
            self.text.push_str(&message.content);
        }
        vec![AgentEvent::Text { text: message.content, delta: message.delta }]
    }

    fn forget_text(&mut self) {
        self.text.clear();
        self.pieces.clear();
    }

    fn tool_result(&mut self, result: ToolResult) -> Vec<AgentEvent> {
        self.forget_text();
        let error = result.error.unwrap_or_default();
        if matches!(error.kind.as_str(), "tool_not_registered" | "policy_violation") {
            self.denials = self.denials.saturating_add(1);
        }
        let output = result.output.unwrap_or(error.message);
        vec![AgentEvent::ToolEnded {
            id: result.tool_id,
            is_error: result.status != "success",
            output: cut(&output, TOOL_OUTPUT_MAX).to_owned(),
        }]
    }

    fn result(&mut self, outcome: Outcome) -> Vec<AgentEvent> {
        let ok = outcome.status == "success";
        let error = outcome.error.unwrap_or_default();
        let usage = outcome.stats.map(|stats| self.prices.priced(usage_of(stats), self.model.as_deref()));
        let text = if ok { self.final_text() } else { error.message.clone() };
        let api_status = if ok { None } else { status_in(&error.message) };
        let end = AgentEnd { ok, text, usage, api_status, denials: self.denials };
        self.end = Some((end.clone(), error.kind));
        let usage = end.usage.map(|usage| AgentEvent::Usage { usage });
        usage.into_iter().chain([AgentEvent::Ended { end }]).collect()
    }

    /// The final message, without the beginning that a cut attempt had already said.
    fn final_text(&self) -> String {
        let again = self.pieces.iter().rev().find(|at| **at >= DOUBLED_MIN && self.text[**at..].starts_with(&self.text[..**at]));
        self.text[again.copied().unwrap_or(0)..].to_owned()
    }

    pub(crate) fn finish(&mut self, exit: &Exit, now: Timestamp) -> RunEnd {
        if let (Some((end, _)), Some(code)) = (&mut self.end, exit.code)
            && !end.ok
            && end.api_status.is_none()
        {
            end.api_status = status_of_exit(code);
        }
        let kind = self.end.as_ref().map(|(_, kind)| kind.as_str());
        weigh(
            Harness::Gemini,
            exit,
            self.end.as_ref().map(|(end, _)| end),
            |end| {
                if exit.code == Some(53) || kind == Some("FatalTurnLimitedError") {
                    return Failure::new(FailureKind::AgentFailed, format!("gemini used up its turns: {}", cut(&end.text, 600)))
                        .hint("allow more turns, or make the job smaller");
                }
                api_failure(Harness::Gemini, end.api_status, &end.text, FailureKind::ApiError, now)
            },
            |code| self.silent(code, &exit.stderr_tail),
        )
    }

    /// The exit codes that have a meaning of their own when nothing was said.
    fn silent(&self, code: i32, stderr: &str) -> Option<Failure> {
        let words = last_words(stderr);
        match code {
            41 => Some(
                Failure::new(FailureKind::NotLoggedIn, format!("gemini has no credentials: {words}")).hint(login_hint(Harness::Gemini)),
            ),
            52 => Some(
                Failure::new(FailureKind::BadConfiguration, format!("gemini refused its settings: {words}"))
                    .hint("look at the settings it names"),
            ),
            55 => Some(
                Failure::new(FailureKind::BadConfiguration, format!("gemini does not trust the folder: {words}"))
                    .hint("this version of gemini is not one that Windlass knows: install a current one"),
            ),
            1 if !self.spoke && stderr.contains("--help") => Some(
                Failure::new(FailureKind::BadConfiguration, "gemini refused its arguments")
                    .hint("this version of gemini is not one that Windlass knows: install a current one"),
            ),
            _ => None,
        }
    }
}

/// Thoughts and the prompts of tools are in the total and nowhere else.
fn usage_of(stats: Stats) -> Usage {
    Usage {
        input_tokens: stats.input_tokens.saturating_sub(stats.cached),
        output_tokens: stats.output_tokens.max(stats.total_tokens.saturating_sub(stats.input_tokens)),
        cache_read_tokens: stats.cached,
        cache_write_tokens: 0,
        cost_micros: None,
    }
}

/// `[API Error: {"error":{"code":401,…`.
fn status_in(message: &str) -> Option<u16> {
    message.match_indices("\"code\"").find_map(|(at, word)| {
        let digits: String =
            message[at + word.len()..].trim_start_matches([':', ' ']).chars().take_while(char::is_ascii_digit).take(4).collect();
        digits.parse().ok().filter(|status| (400..=599).contains(status))
    })
}

/// The HTTP status that this exit code is the rest of.
fn status_of_exit(code: i32) -> Option<u16> {
    const STATUSES: [u16; 14] = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529];
    STATUSES.into_iter().find(|s| i32::from(*s & 0xff) == code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_cut_attempt_said_already_is_not_said_twice() {
        let mut map = Map::default();
        for piece in ["This answer is cut before", " its ", "This answer is cut before", " its ", "end."] {
            map.event(json!({"type": "message", "role": "assistant", "content": piece, "delta": true}));
        }
        map.event(json!({"type": "result", "status": "success"}));
        let end = map.finish(&Exit { code: Some(0), ..Exit::default() }, Timestamp(0));
        assert_eq!(end, RunEnd::Finished { text: "This answer is cut before its end.".to_owned(), usage: None });
    }

    #[test]
    fn the_final_message_begins_after_the_last_tool() {
        let mut map = Map::default();
        map.event(json!({"type": "message", "role": "assistant", "content": "I look.", "delta": true}));
        map.event(
            json!({"type": "tool_result", "tool_id": "1", "status": "error", "error": {"type": "tool_not_registered", "message": "no"}}),
        );
        map.event(json!({"type": "message", "role": "assistant", "content": "Done.", "delta": true}));
        let events = map.event(json!({"type": "result", "status": "success", "stats": {"total_tokens": 130, "input_tokens": 100, "output_tokens": 20, "cached": 40}}));
        let Some(AgentEvent::Ended { end }) = events.last() else { panic!("{events:?}") };
        assert_eq!((end.text.as_str(), end.denials), ("Done.", 1));
        let usage = end.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.cache_read_tokens, usage.output_tokens), (60, 40, 30));
    }

    #[test]
    fn exit_codes_are_statuses_and_no_signals() {
        assert_eq!(status_of_exit(144), Some(400));
        assert_eq!(status_of_exit(173), Some(429));
        assert_eq!(status_of_exit(247), Some(503));
        assert_eq!(status_of_exit(143), None);
        assert_eq!(status_of_exit(1), None);
    }
}
