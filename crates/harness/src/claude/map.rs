//! What `claude`'s events mean.
//!
//! * API failures say `subtype: "success"` with `is_error: true`: only `is_error` counts.
//! * The result's `usage` leaves subagents out and is zero when the budget cut the run; `modelUsage` has everything.
//! * `result` need not be the last line, and a message that the program made up itself (`<synthetic>`) is an error text.

use std::collections::HashSet;

use serde_json::Value;
use windlass_types::{AgentEnd, AgentEvent, Failure, FailureKind, Harness, Micros, RunEnd, Timestamp, Usage};

use super::wire::{ApiRetry, Block, Content, Init, Known, Outcome, RateLimit, Tokens, Turn};
use crate::Exit;
use crate::mapper::{TOOL_OUTPUT_MAX, shape, unknown, weigh};
use crate::outcome::{api_failure, cut, login_hint, says};

/// More message ids than any run has: beyond it the running total only stands still.
const MESSAGES_MAX: usize = 100_000;

/// One run's state.
#[derive(Debug, Default)]
pub(crate) struct Map {
    end: Option<(AgentEnd, Why)>,
    /// Anything at all was printed.
    spoke: bool,
    resets_at: Option<i64>,
    messages: HashSet<String>,
    running: Usage,
}

/// What of the result decides its failure.
#[derive(Debug, Default)]
struct Why {
    subtype: String,
    refused: bool,
}

impl Map {
    pub(crate) fn event(&mut self, value: Value) -> Vec<AgentEvent> {
        self.spoke = true;
        let kind = value["type"].as_str().unwrap_or_default().to_owned();
        let subtype = value["subtype"].as_str().unwrap_or_default().to_owned();
        let events = match (kind.as_str(), subtype.as_str()) {
            ("system", "init") => shape::<Init>(value).map(|i| vec![AgentEvent::Session { session_id: i.session_id, model: i.model }]),
            ("system", "api_retry") => shape::<ApiRetry>(value).map(|r| vec![AgentEvent::Notice { text: retry_text(&r) }]),
            ("system", "model_refusal_no_fallback") => Some(vec![AgentEvent::Notice { text: "the model refused to answer".to_owned() }]),
            ("system", "compact_boundary") => Some(vec![AgentEvent::Notice { text: "the conversation was compacted".to_owned() }]),
            // What goes on inside, of no use to anybody outside.
            (
                "system",
                "status" | "task_started" | "task_updated" | "task_notification" | "hook_started" | "hook_response" | "notification",
            )
            | ("stream_event", _) => Some(Vec::new()),
            ("assistant", _) => shape::<Turn>(value).map(|t| self.assistant(t)),
            ("user", _) => shape::<Turn>(value).map(user),
            ("rate_limit_event", _) => shape::<RateLimit>(value).map(|r| self.rate_limit(&r)),
            ("result", _) => shape::<Outcome>(value).map(|o| self.result(o)),
            _ => None,
        };
        events.unwrap_or_else(|| {
            let what = if subtype.is_empty() { kind } else { format!("{kind}/{subtype}") };
            vec![unknown(if what.is_empty() { "no_type" } else { &what })]
        })
    }

    fn assistant(&mut self, turn: Turn) -> Vec<AgentEvent> {
        let synthetic = turn.message.model.as_deref() == Some("<synthetic>");
        let inside = turn.parent_tool_use_id.is_some();
        let mut events = Vec::new();
        match turn.message.content {
            Content::Blocks(blocks) => {
                for block in blocks {
                    events.push(match block {
                        Block::Known(Known::Text { text }) if synthetic => AgentEvent::Notice { text },
                        // What a subagent says is said to the agent, not to people.
                        Block::Known(Known::Text { text }) if inside => AgentEvent::Thinking { text },
                        Block::Known(Known::Text { text }) => AgentEvent::Text { text, delta: false },
                        Block::Known(Known::Thinking { thinking }) => AgentEvent::Thinking { text: thinking },
                        Block::Known(Known::ToolUse { id, name, input }) => AgentEvent::ToolStarted { id, name, input },
                        Block::Known(Known::ToolResult { .. }) => unknown("assistant/tool_result"),
                        Block::Other { kind } => unknown(&format!("assistant/{kind}")),
                        Block::Odd(_) => unknown("assistant/odd"),
                    });
                }
            }
            Content::Other(Value::String(text)) => events.push(AgentEvent::Text { text, delta: false }),
            Content::Other(_) => events.push(unknown("assistant/odd")),
        }
        if let (Some(id), Some(tokens), false) = (turn.message.id, turn.message.usage, synthetic) {
            events.extend(self.count(id, tokens));
        }
        events
    }

    /// The running total. A message comes as several events, each with the counts at the message's start, so its output is
    /// far too low here: the result has the true ones.
    fn count(&mut self, id: String, tokens: Tokens) -> Option<AgentEvent> {
        if self.messages.len() >= MESSAGES_MAX || id.len() > 200 || !self.messages.insert(id) {
            return None;
        }
        self.running = self.running.plus(usage_of(tokens));
        Some(AgentEvent::Usage { usage: self.running })
    }

    fn rate_limit(&mut self, event: &RateLimit) -> Vec<AgentEvent> {
        if event.rate_limit_info.status.as_deref() == Some("rejected") {
            self.resets_at = event.rate_limit_info.resets_at;
            return vec![AgentEvent::Notice { text: "the provider's usage limit is reached".to_owned() }];
        }
        Vec::new()
    }

    fn result(&mut self, outcome: Outcome) -> Vec<AgentEvent> {
        let errors =
            || outcome.errors.iter().map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).collect::<Vec<_>>().join("; ");
        let ok = !outcome.is_error && !outcome.subtype.starts_with("error");
        let text = outcome.result.clone().filter(|t| !t.is_empty()).unwrap_or_else(errors);
        let mut usage = outcome.usage.map(usage_of);
        if !outcome.model_usage.is_empty() {
            usage = Some(outcome.model_usage.values().fold(Usage { cost_micros: None, ..Usage::default() }, |sum, m| {
                sum.plus(Usage {
                    input_tokens: m.input_tokens,
                    output_tokens: m.output_tokens,
                    cache_read_tokens: m.cache_read_input_tokens,
                    cache_write_tokens: m.cache_creation_input_tokens,
                    cost_micros: None,
                })
            }));
        }
        let cost = outcome.total_cost_usd.filter(|c| c.is_finite() && *c >= 0.0).map(|usd| Micros((usd * 1e6).round() as i64));
        let usage = usage.map(|u| Usage { cost_micros: cost, ..u });
        let end = AgentEnd {
            ok,
            text,
            usage,
            api_status: outcome.api_error_status,
            denials: u32::try_from(outcome.permission_denials.len()).unwrap_or(u32::MAX),
        };
        let refused = outcome.stop_reason.as_deref() == Some("refusal");
        self.end = Some((end.clone(), Why { subtype: outcome.subtype, refused }));
        vec![AgentEvent::Ended { end }]
    }

    pub(crate) fn finish(&mut self, exit: &Exit, now: Timestamp) -> RunEnd {
        let why = self.end.as_ref().map(|(_, why)| why);
        weigh(
            Harness::Claude,
            exit,
            self.end.as_ref().map(|(end, _)| end),
            |end| {
                let failure = failed(end, why, now);
                match self.resets_at.and_then(|at| crate::retry_hint::from_epoch(at, now)) {
                    Some(at) if failure.kind == FailureKind::RateLimited && failure.retry_at.is_none() => failure.retry_at(at),
                    _ => failure,
                }
            },
            |_| if self.spoke { None } else { never_began(&exit.stderr_tail) },
        )
    }
}

fn user(turn: Turn) -> Vec<AgentEvent> {
    let Content::Blocks(blocks) = turn.message.content else { return Vec::new() };
    if turn.is_replay {
        return Vec::new();
    }
    blocks
        .into_iter()
        .filter_map(|block| match block {
            Block::Known(Known::ToolResult { tool_use_id, content, is_error }) => Some(AgentEvent::ToolEnded {
                id: tool_use_id,
                is_error: is_error.unwrap_or(false),
                output: cut(&text_of(&content), TOOL_OUTPUT_MAX).to_owned(),
            }),
            // Nobody types here: texts are the program's own.
            _ => None,
        })
        .collect()
}

/// A tool's answer: text, or blocks of which the texts count.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|b| b["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

const fn usage_of(tokens: Tokens) -> Usage {
    Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cache_read_tokens: tokens.cache_read_input_tokens,
        cache_write_tokens: tokens.cache_creation_input_tokens,
        cost_micros: None,
    }
}

fn retry_text(retry: &ApiRetry) -> String {
    let status = retry.error_status.map_or_else(String::new, |s| format!(" (HTTP {s})"));
    format!(
        "the model's API failed: {}{status}; try {} of {}",
        retry.error.as_deref().unwrap_or("unknown"),
        retry.attempt,
        retry.max_retries
    )
}

fn failed(end: &AgentEnd, why: Option<&Why>, now: Timestamp) -> Failure {
    let subtype = why.map_or("", |w| w.subtype.as_str());
    let text = cut(&end.text, 600);
    match subtype {
        "error_max_turns" => Failure::new(FailureKind::AgentFailed, format!("claude used up its turns: {text}"))
            .hint("allow more turns, or make the job smaller"),
        "error_max_budget_usd" => Failure::new(FailureKind::BudgetExceeded, format!("claude used up its money: {text}"))
            .hint("raise the budget, or cancel the assignment"),
        // The session is gone between the look and the start: the next attempt looks again.
        "error_during_execution" if text.contains("No conversation found") => {
            Failure::new(FailureKind::AgentCrashed, format!("claude could not go on with its session: {text}"))
        }
        _ if why.is_some_and(|w| w.refused) => {
            Failure::new(FailureKind::AgentFailed, format!("claude's model refused: {text}")).hint("say the goal in other words")
        }
        _ => {
            let otherwise = if subtype == "error_during_execution" { FailureKind::AgentCrashed } else { FailureKind::ApiError };
            api_failure(Harness::Claude, end.api_status, &end.text, otherwise, now)
        }
    }
}

/// Nothing at all on standard output: the call itself was refused. Its words are documented, and there is nothing else to go by.
fn never_began(stderr: &str) -> Option<Failure> {
    let lower = stderr.to_ascii_lowercase();
    let words = crate::outcome::last_words(stderr);
    if says(&lower, &["unknown option", "requires --verbose", "too many arguments", "argument missing"]) {
        return Some(
            Failure::new(FailureKind::BadConfiguration, format!("claude refused its arguments: {words}"))
                .hint("this version of claude is not one that Windlass knows: install a current one"),
        );
    }
    if says(&lower, &["cannot be used with root"]) {
        return Some(
            Failure::new(FailureKind::BadConfiguration, format!("claude refused to run: {words}"))
                .hint("run Windlass as another user than root"),
        );
    }
    if says(&lower, &["not logged in", "please run /login", "invalid api key"]) {
        return Some(
            Failure::new(FailureKind::NotLoggedIn, format!("claude has no credentials: {words}")).hint(login_hint(Harness::Claude)),
        );
    }
    None
}
