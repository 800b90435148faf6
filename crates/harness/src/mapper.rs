//! One agent's stream, read line by line, and its end weighed.

use serde_json::Value;
use windlass_types::{AgentEnd, AgentEvent, Failure, Harness, RunEnd, Timestamp, Usage};

use crate::outcome::crashed;
use crate::stream::Line;
use crate::{Price, RunRequest, Settings, claude, codex, command, gemini, simulated};

/// How an agent's process ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, when it exited.
    pub code: Option<i32>,
    /// The signal that killed it, when one did.
    pub signal: Option<i32>,
    /// The end of its standard error: for people, and for an agent that never began.
    pub stderr_tail: String,
}

/// Reads what one run of an agent prints.
#[derive(Debug)]
pub struct Mapper {
    harness: Harness,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Claude(claude::Map),
    Codex(codex::Map),
    Gemini(gemini::Map),
    Command(command::Map),
    Simulated(simulated::Map),
}

/// What the mapping of an agent knows about costs: the prices, and the model when it is asked for by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices {
    pub(crate) model: Option<String>,
    pub(crate) prices: std::collections::BTreeMap<String, Price>,
}

impl Prices {
    /// `usage` with its cost, when the model's price is known.
    pub(crate) fn priced(&self, usage: Usage, model: Option<&str>) -> Usage {
        let price = model.or(self.model.as_deref()).and_then(|m| self.prices.get(m));
        Usage { cost_micros: price.map(|p| p.cost(&usage)), ..usage }
    }
}

impl Mapper {
    /// For a run that [`prepare`](crate::prepare) made ready.
    pub fn new(request: &RunRequest, settings: &Settings) -> Self {
        let harness = request.harness;
        let prices = Prices {
            model: request.model(settings).map(str::to_owned),
            prices: settings.of(harness).map(|h| h.prices.clone()).unwrap_or_default(),
        };
        let inner = match harness {
            Harness::Codex => Inner::Codex(codex::Map::new(prices, codex::Ledger::of(request))),
            Harness::Gemini => Inner::Gemini(gemini::Map::new(prices)),
            other => Self::for_reading(other).inner,
        };
        Self { harness, inner }
    }

    /// For reading a transcript again: what the lines mean, with no costs of our own making.
    pub fn for_reading(harness: Harness) -> Self {
        let inner = match harness {
            Harness::Claude => Inner::Claude(claude::Map::default()),
            Harness::Codex => Inner::Codex(codex::Map::default()),
            Harness::Gemini => Inner::Gemini(gemini::Map::default()),
            Harness::Command => Inner::Command(command::Map::default()),
            Harness::Simulated => Inner::Simulated(simulated::Map::default()),
        };
        Self { harness, inner }
    }

    /// What one line of standard output means.
    pub fn line(&mut self, line: &Line) -> Vec<AgentEvent> {
        if let Inner::Command(map) = &mut self.inner {
            return map.line(line);
        }
        let unknown = |what: &str| vec![AgentEvent::Unknown { what: what.to_owned() }];
        if line.is_too_long() || values_at_most(&line.bytes) > VALUES_MAX {
            return unknown("too_long");
        }
        let Ok(text) = std::str::from_utf8(&line.bytes) else { return unknown("not_utf8") };
        if text.trim().is_empty() {
            return Vec::new();
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else { return unknown("not_json") };
        if !value.is_object() {
            return unknown("not_json");
        }
        match &mut self.inner {
            Inner::Claude(map) => map.event(value),
            Inner::Codex(map) => map.event(value),
            Inner::Gemini(map) => map.event(value),
            Inner::Simulated(map) => map.event(value),
            Inner::Command(_) => Vec::new(),
        }
    }

    /// How the run ended: its exit and its last word together. Success is exit code 0 **and** a final event that says so.
    pub fn finish(&mut self, exit: &Exit, now: Timestamp) -> RunEnd {
        match &mut self.inner {
            Inner::Claude(map) => map.finish(exit, now),
            Inner::Codex(map) => map.finish(exit, now),
            Inner::Gemini(map) => map.finish(exit, now),
            Inner::Command(map) => map.finish(exit),
            Inner::Simulated(map) => map.finish(exit, now),
        }
    }

    /// Which agent it reads.
    pub const fn harness(&self) -> Harness {
        self.harness
    }
}

/// The rule that all agents with a final event share. `why` tells the failure of a final event that says one,
/// `silent` that of an exit without any, where its code has a meaning of its own.
pub(crate) fn weigh(
    harness: Harness,
    exit: &Exit,
    end: Option<&AgentEnd>,
    why: impl FnOnce(&AgentEnd) -> Failure,
    silent: impl FnOnce(i32) -> Option<Failure>,
) -> RunEnd {
    let usage = end.and_then(|e| e.usage);
    let failure = match (end, exit.code, exit.signal) {
        (Some(end), Some(0), None) if end.ok => return RunEnd::Finished { text: end.text.clone(), usage },
        (Some(end), _, None) if !end.ok => why(end),
        (Some(end), ..) if end.ok => crashed(harness, exit, "after it said that it had succeeded"),
        (None, Some(code), None) if code != 0 => silent(code).unwrap_or_else(|| crashed(harness, exit, "without its final event")),
        (None, ..) => crashed(harness, exit, "without its final event"),
        (Some(_), ..) => crashed(harness, exit, "after it said that it had failed"),
    };
    RunEnd::Failed { failure, usage }
}

/// The most values of one line that are read: a line of nothing but `[[],[],…` takes twenty times its size in memory.
pub(crate) const VALUES_MAX: usize = 256 * 1024;

/// No JSON text has more values than this: each but the first comes after a comma or an opening bracket.
pub(crate) fn values_at_most(json: &[u8]) -> usize {
    memchr::memchr3_iter(b',', b'[', b'{', json).count() + 1
}

/// The longest text of a tool's answer that is passed on.
pub(crate) const TOOL_OUTPUT_MAX: usize = 16 * 1024;

/// Reads an event as one of the known shapes; `None` when it is none of them.
pub(crate) fn shape<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// The event for a line that no shape fits, named by the line's own `type`.
pub(crate) fn unknown(what: &str) -> AgentEvent {
    AgentEvent::Unknown { what: crate::outcome::cut(what, 200).to_owned() }
}
