//! What the simulated agent's events mean.

use serde_json::Value;
use windlass_types::{AgentEnd, AgentEvent, Failure, FailureKind, Harness, Micros, RunEnd, Timestamp, Usage};

use super::wire::{Event, Problem, Tokens};
use crate::Exit;
use crate::mapper::{shape, unknown, weigh};

/// One run's state.
#[derive(Debug, Default)]
pub(crate) struct Map {
    end: Option<AgentEnd>,
    problem: Option<Problem>,
}

impl Map {
    pub(crate) fn event(&mut self, value: Value) -> Vec<AgentEvent> {
        let kind = value["type"].as_str().unwrap_or("no_type").to_owned();
        let Some(event) = shape::<Event>(value) else { return vec![unknown(&kind)] };
        vec![match event {
            Event::Session { session_id, .. } => AgentEvent::Session { session_id, model: Some("simulated".to_owned()) },
            Event::Text { text } => AgentEvent::Text { text, delta: false },
            Event::ToolStarted { id, name, input } => AgentEvent::ToolStarted { id, name, input },
            Event::ToolEnded { id, is_error, output } => AgentEvent::ToolEnded { id, is_error, output },
            Event::Usage(tokens) => AgentEvent::Usage { usage: usage_of(tokens) },
            Event::End { ok, text, usage, error } => {
                self.problem = error;
                let end = AgentEnd { ok, text, usage: usage.map(usage_of), api_status: None, denials: 0 };
                self.end = Some(end.clone());
                AgentEvent::Ended { end }
            }
        }]
    }

    pub(crate) fn finish(&mut self, exit: &Exit, now: Timestamp) -> RunEnd {
        let problem = self.problem.clone().unwrap_or(Problem::Failed);
        weigh(Harness::Simulated, exit, self.end.as_ref(), |end| failure(&problem, &end.text, now), |_| None)
    }
}

pub(super) fn usage_of(tokens: Tokens) -> Usage {
    Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cost_micros: Some(Micros(tokens.cost_micros)),
        ..Usage::default()
    }
}

pub(super) fn failure(problem: &Problem, text: &str, now: Timestamp) -> Failure {
    match problem {
        Problem::Failed => Failure::new(FailureKind::AgentFailed, format!("the simulated agent failed: {text}")),
        Problem::ApiError => Failure::new(FailureKind::ApiError, format!("the simulated agent's model failed: {text}")),
        Problem::RateLimited { retry_after_secs } => {
            let failure = Failure::new(FailureKind::RateLimited, "the simulated agent's quota is reached");
            match retry_after_secs {
                Some(secs) => failure.retry_at(now.plus_ms(i64::from(*secs) * 1000)),
                None => failure,
            }
        }
        Problem::Unauthorized => Failure::new(FailureKind::Unauthorized, "the simulated agent's credentials were refused")
            .hint("take the step `unauthorized` out of the script"),
        Problem::NoTurn => Failure::new(FailureKind::BadConfiguration, text).hint("add a [[turn]] without conditions at the script's end"),
    }
}
