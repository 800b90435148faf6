//! What every agent's stream is mapped to, whichever program printed it.
//!
//! The wire formats are the harness crate's business; the engine, the store and the page see only these.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Micros, Timestamp};

/// The agents Windlass can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Harness {
    /// Anthropic's Claude Code.
    Claude,
    /// OpenAI's Codex CLI.
    Codex,
    /// Google's Gemini CLI.
    Gemini,
    /// Any program: the prompt on standard input and in a file.
    Command,
    /// Built in and scripted, for demonstrations and acceptance tests.
    Simulated,
}

impl Harness {
    /// Every harness, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::Claude, Self::Codex, Self::Gemini, Self::Command, Self::Simulated];

    /// The name used in configuration, SQL, JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Command => "command",
            Self::Simulated => "simulated",
        }
    }
}

crate::text_enum!(Harness, "harness");

/// Tokens and money that an agent reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Usage {
    /// Tokens sent to the model, those read from a cache not counted.
    pub input_tokens: u64,
    /// Tokens the model wrote, reasoning included.
    pub output_tokens: u64,
    /// Input tokens read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to the provider's cache.
    pub cache_write_tokens: u64,
    /// What the agent says it cost, in millionths of a US dollar; `None` where it reports tokens only.
    pub cost_micros: Option<Micros>,
}

impl Usage {
    /// All tokens, of every kind: what a token budget counts.
    pub const fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens).saturating_add(self.cache_read_tokens).saturating_add(self.cache_write_tokens)
    }

    /// Adds another run's usage; the cost is known only if both are.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            cost_micros: self.cost_micros.zip(other.cost_micros).map(|(a, b)| Micros(a.0.saturating_add(b.0))),
        }
    }
}

/// One thing an agent did, as its stream told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The agent named its session: the handle by which a later attempt resumes it.
    Session {
        /// The agent's own session or thread id.
        session_id: String,
        /// The model it says it uses.
        model: Option<String>,
    },
    /// Text for people. Deltas are joined before they get here, except where `delta` says so.
    Text {
        /// What the agent said.
        text: String,
        /// A piece of a longer text, to be joined with its neighbours.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        delta: bool,
    },
    /// The agent's reasoning, where it shows it.
    Thinking {
        /// What it thought.
        text: String,
    },
    /// A tool call began.
    ToolStarted {
        /// The call's id in this stream.
        id: String,
        /// The tool's name as the agent prints it.
        name: String,
        /// Its arguments, as given.
        input: serde_json::Value,
    },
    /// A tool call ended.
    ToolEnded {
        /// The call's id in this stream.
        id: String,
        /// Whether the tool says that it failed (a refusal is a failure).
        is_error: bool,
        /// What it answered, cut to a bound.
        output: String,
    },
    /// Tokens used so far in this process, where the stream tells before the end.
    Usage {
        /// The running total of this process.
        usage: Usage,
    },
    /// The agent meets trouble and goes on by itself: a retry, a warning.
    Notice {
        /// What it said about it.
        text: String,
    },
    /// The agent's own last word on how it went.
    Ended {
        /// What it says.
        end: AgentEnd,
    },
    /// A line that no mapping knows: kept, never fatal.
    Unknown {
        /// The line's own `type`, or why it could not be read (`not_json`, `too_long`, `not_utf8`).
        what: String,
    },
}

/// An agent's final event, before it is weighed against the exit code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentEnd {
    /// Whether the agent says that it succeeded.
    pub ok: bool,
    /// Its final message, or the error's text.
    pub text: String,
    /// What this process used, where it is known.
    pub usage: Option<Usage>,
    /// The HTTP status of the model's API that ended it, where it is told.
    pub api_status: Option<u16>,
    /// Tools it was refused: with permissions missing an agent "succeeds" with nothing done.
    pub denials: u32,
}

/// How a run of an agent ended, weighed from exit code *and* final event. See each harness's `map`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunEnd {
    /// Exit code 0 and a final event that says success. Only the gates decide whether the work is good.
    Finished {
        /// The final message.
        text: String,
        /// What it used; `None` where the agent did not say.
        usage: Option<Usage>,
    },
    /// The run failed.
    Failed {
        /// Why, as a class that decides what happens next.
        failure: crate::Failure,
        /// What it used before it failed; `None` where the agent did not say.
        usage: Option<Usage>,
    },
}

/// What can be known of an agent on this machine without running it on a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// Which agent.
    pub harness: Harness,
    /// The program's absolute path, when it was found.
    pub path: Option<String>,
    /// Its version, when it told.
    pub version: Option<String>,
    /// How it would log in (`api_key`, `login_file`), or `None` when it could not.
    pub login: Option<String>,
    /// When the login ends, for one that cannot renew itself.
    pub login_expires_at: Option<Timestamp>,
    /// What stands in the way, each with what to do about it. Empty: ready.
    pub problems: Vec<Problem>,
}

/// Something missing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ProbeProblem)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What a person can do.
    pub hint: String,
}
