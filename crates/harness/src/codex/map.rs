//! What `codex`'s events mean.
//!
//! * `error` events are retries in progress, not the end; `turn.completed` and `turn.failed` are.
//! * No event tells of a refused patch or an unknown tool: only the diff does.

use serde_json::{Value, json};
use windlass_types::{AgentEnd, AgentEvent, Failure, FailureKind, Harness, RunEnd, Timestamp, Usage};

use super::ledger::Ledger;
use super::wire::{Completed, ItemEvent, ItemKind};
use crate::Exit;
use crate::mapper::{Prices, TOOL_OUTPUT_MAX, shape, unknown, weigh};
use crate::outcome::{api_failure, cut, last_words};

/// One run's state.
#[derive(Debug, Default)]
pub(crate) struct Map {
    prices: Prices,
    ledger: Ledger,
    thread_id: Option<String>,
    text: String,
    end: Option<AgentEnd>,
    spoke: bool,
}

impl Map {
    pub(crate) fn new(prices: Prices, ledger: Ledger) -> Self {
        Self { prices, ledger, ..Self::default() }
    }

    pub(crate) fn event(&mut self, value: Value) -> Vec<AgentEvent> {
        self.spoke = true;
        let kind = value["type"].as_str().unwrap_or_default().to_owned();
        let item_kind = value["item"]["type"].as_str().unwrap_or_default().to_owned();
        let events = match kind.as_str() {
            "thread.started" => value["thread_id"].as_str().map(|id| self.session(id)),
            "turn.started" => Some(Vec::new()),
            "item.started" => shape::<ItemEvent>(value).map(started),
            "item.updated" => shape::<ItemEvent>(value).map(|_| Vec::new()),
            "item.completed" => shape::<ItemEvent>(value).map(|e| self.completed(e)),
            "error" => value["message"].as_str().map(|m| vec![AgentEvent::Notice { text: m.to_owned() }]),
            "turn.completed" => shape::<Completed>(value).map(|c| self.turn_completed(&c)),
            "turn.failed" => value["error"]["message"].as_str().map(|m| self.turn_failed(m)),
            _ => None,
        };
        events.unwrap_or_else(|| {
            let what = if item_kind.is_empty() { kind } else { format!("{kind}/{item_kind}") };
            vec![unknown(if what.is_empty() { "no_type" } else { &what })]
        })
    }

    fn session(&mut self, id: &str) -> Vec<AgentEvent> {
        self.thread_id = Some(id.to_owned());
        vec![AgentEvent::Session { session_id: id.to_owned(), model: self.prices.model.clone() }]
    }

    fn completed(&mut self, event: ItemEvent) -> Vec<AgentEvent> {
        let id = event.item.id;
        let failed = |status: Option<&str>| matches!(status, Some("failed" | "declined"));
        let ended = |id, is_error, output: &str| AgentEvent::ToolEnded { id, is_error, output: cut(output, TOOL_OUTPUT_MAX).to_owned() };
        vec![match event.item.kind {
            ItemKind::AgentMessage { text } => {
                self.text.clone_from(&text);
                AgentEvent::Text { text, delta: false }
            }
            ItemKind::Reasoning { text } => AgentEvent::Thinking { text },
            ItemKind::CommandExecution { aggregated_output, exit_code, status, .. } => {
                ended(id, failed(status.as_deref()) || exit_code.is_some_and(|c| c != 0), &aggregated_output)
            }
            ItemKind::FileChange { changes, status } => ended(id, failed(status.as_deref()), &paths(&changes)),
            ItemKind::McpToolCall { result, error, status, .. } => {
                let error = error.filter(|e| !e.is_null());
                let is_error = failed(status.as_deref()) || error.is_some();
                let answer = error.or(result).unwrap_or_default();
                let text = answer["content"].as_array().map(|c| c.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n"));
                ended(id, is_error, &text.unwrap_or_else(|| answer.to_string()))
            }
            ItemKind::WebSearch { query } => ended(id, false, &query),
            ItemKind::TodoList { items } => {
                let list: Vec<String> = items.iter().map(|t| format!("[{}] {}", if t.completed { 'x' } else { ' ' }, t.text)).collect();
                AgentEvent::Thinking { text: list.join("\n") }
            }
            ItemKind::Error { message } => AgentEvent::Notice { text: message },
        }]
    }

    fn turn_completed(&mut self, completed: &Completed) -> Vec<AgentEvent> {
        let usage = completed.usage.map(|total| {
            let new = self.ledger.count(self.thread_id.as_deref(), total);
            let usage = Usage {
                input_tokens: new.input_tokens.saturating_sub(new.cached_input_tokens).saturating_sub(new.cache_write_input_tokens),
                output_tokens: new.output_tokens,
                cache_read_tokens: new.cached_input_tokens,
                cache_write_tokens: new.cache_write_input_tokens,
                cost_micros: None,
            };
            self.prices.priced(usage, None)
        });
        let text = std::mem::take(&mut self.text);
        self.ended(AgentEnd { ok: true, text, usage, api_status: None, denials: 0 })
    }

    fn turn_failed(&mut self, message: &str) -> Vec<AgentEvent> {
        self.ended(AgentEnd { ok: false, text: message.to_owned(), usage: None, api_status: status_in(message), denials: 0 })
    }

    fn ended(&mut self, end: AgentEnd) -> Vec<AgentEvent> {
        self.end = Some(end.clone());
        let usage = end.usage.map(|usage| AgentEvent::Usage { usage });
        usage.into_iter().chain([AgentEvent::Ended { end }]).collect()
    }

    pub(crate) fn finish(&mut self, exit: &Exit, now: Timestamp) -> RunEnd {
        weigh(
            Harness::Codex,
            exit,
            self.end.as_ref(),
            |end| {
                // The bare body of an answer is what a refused request looks like: 400, and not tried again.
                let otherwise = if end.text.trim_start().starts_with('{') { FailureKind::AgentFailed } else { FailureKind::ApiError };
                api_failure(Harness::Codex, end.api_status, &end.text, otherwise, now)
            },
            |code| {
                let words = last_words(&exit.stderr_tail);
                if code == 2 && !self.spoke {
                    return Some(
                        Failure::new(FailureKind::BadConfiguration, format!("codex refused its arguments: {words}"))
                            .hint("this version of codex is not one that Windlass knows: install a current one"),
                    );
                }
                (!self.spoke && exit.stderr_tail.contains("Not inside a trusted directory")).then(|| {
                    Failure::new(FailureKind::BadConfiguration, format!("codex refused its folder: {words}"))
                        .hint("run the job in a git repository")
                })
            },
        )
    }
}

fn started(event: ItemEvent) -> Vec<AgentEvent> {
    let id = event.item.id;
    let tool = |name: String, input| vec![AgentEvent::ToolStarted { id, name, input }];
    match event.item.kind {
        ItemKind::CommandExecution { command, .. } => tool("shell".to_owned(), json!({ "command": command })),
        ItemKind::FileChange { changes, .. } => tool("apply_patch".to_owned(), json!({ "path": paths(&changes), "changes": changes })),
        ItemKind::McpToolCall { server, tool: name, arguments, .. } => tool(format!("{server}.{name}"), arguments),
        ItemKind::WebSearch { query } => tool("web_search".to_owned(), json!({ "query": query })),
        // Their completion tells all.
        ItemKind::AgentMessage { .. } | ItemKind::Reasoning { .. } | ItemKind::TodoList { .. } | ItemKind::Error { .. } => Vec::new(),
    }
}

fn paths(changes: &[Value]) -> String {
    changes.iter().filter_map(|c| c["path"].as_str()).collect::<Vec<_>>().join(" ")
}

/// `unexpected status 401 Unauthorized`, `last status: 429 Too Many Requests`.
fn status_in(message: &str) -> Option<u16> {
    message.match_indices("status").find_map(|(at, word)| {
        let digits: String =
            message[at + word.len()..].trim_start_matches([':', ' ']).chars().take_while(char::is_ascii_digit).take(4).collect();
        digits.parse().ok().filter(|status| (400..=599).contains(status))
    })
}

#[cfg(test)]
mod tests {
    use super::status_in;

    #[test]
    fn a_status_is_read_from_the_message() {
        assert_eq!(status_in("unexpected status 401 Unauthorized: x"), Some(401));
        assert_eq!(status_in("exceeded retry limit, last status: 429 Too Many Requests"), Some(429));
        assert_eq!(status_in("status 7, status: none, statuses 12345"), None);
    }
}
