//! What the scripted model answers: turns, given from Rust or read from JSON or TOML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model whose script is spent says.
pub const SPENT: &str = "There is nothing more to do.";

/// An ordered list of turns.
///
/// A request takes the first turn that is not spent and whose `match` fits it, so several agents can share one script.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelScript {
    /// The turns, in order.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// Whether requests that offer no tools take turns as well, for a caller that never offers any.
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_tools: bool,
}

/// One answer of the model: what it says and calls, or how it fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// Only for requests with this text anywhere in instructions or conversation.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Only for requests with this text in the newest message (a prompt or tool results).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_last: Option<String>,
    /// How often this turn answers before it is spent.
    #[serde(skip_serializing_if = "is_default")]
    pub times: Times,
    /// How long to wait before anything is answered.
    #[serde(skip_serializing_if = "is_default")]
    pub delay_ms: u64,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it calls, after saying that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// The tokens it reports.
    pub usage: TokenUsage,
    /// Why it stopped, where it is neither the end of the turn nor a tool call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Whether and how the answer breaks off.
    #[serde(skip_serializing_if = "is_default")]
    pub end: Ending,
    /// An HTTP error instead of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<HttpError>,
    /// An error inside a stream that began well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_error: Option<StreamError>,
}

/// A tool call, named neutrally and translated for the CLI that asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Tool {
    /// Writes a file, the path relative to the agent's working directory (or absolute).
    Write {
        /// Where.
        path: String,
        /// What.
        content: String,
    },
    /// Reads a file.
    Read(String),
    /// Runs a shell command and waits for it.
    Run(String),
    /// A call in the CLI's own words, passed on as it is.
    Native {
        /// The tool's name, such as `mcp__orch__report`.
        name: String,
        /// The tool's namespace, which only the Responses API has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The arguments: an object, or a text for a freeform tool.
        args: Value,
    },
}

/// How often a turn answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So many times.
    Count(u32),
    /// Whenever it fits.
    Always(Always),
}

/// The word `always` in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Always {
    /// `"always"`
    Always,
}

/// Tokens that the model reports for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenUsage {
    /// Tokens sent, those read from the cache not counted.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Tokens read from the provider's cache; two of the wires add them to the input they report.
    pub cached: u64,
}

/// Why a model stops, beside the end of its turn and tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The answer reached its length limit.
    MaxTokens,
    /// The model refuses.
    Refusal,
}

/// How an answer ends on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Whole.
    #[default]
    Complete,
    /// Nothing is ever answered.
    Hang,
    /// The stream stops half-way and stays open.
    HangMidStream,
    /// The connection breaks half-way.
    CutAbrupt,
    /// The stream ends half-way as if it were whole.
    CutClean,
}

/// An error status of the API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpError {
    /// The HTTP status.
    pub status: u16,
    /// The message; a plausible one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The provider's own code, where the wire has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Further headers, such as `retry-after`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body as it is, instead of one in the provider's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// An error that comes as an event of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamError {
    /// The provider's type or code, such as `overloaded_error` or `rate_limit_exceeded`.
    pub code: String,
    /// The message.
    pub message: String,
}

/// Why a script could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the model script {path}; name a readable .json or .toml file")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not JSON of the script's form.
    #[error("the model script is not valid JSON of the form {{\"turns\": [...]}}")]
    Json(#[from] serde_json::Error),
    /// It is not TOML of the script's form.
    #[error("the model script is not valid TOML of the form [[turns]]")]
    Toml(#[from] toml::de::Error),
}

impl ModelScript {
    /// A script without turns: the model says [`SPENT`] and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a turn.
    pub fn turn(mut self, turn: Turn) -> Self {
        self.turns.push(turn);
        self
    }

    /// Lets requests that offer no tools take turns as well.
    pub fn without_tools(mut self) -> Self {
        self.without_tools = true;
        self
    }

    /// Reads `{"turns": [...]}`.
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Reads `[[turns]]` tables.
    pub fn from_toml(text: &str) -> Result<Self, ScriptError> {
        Ok(toml::from_str(text)?)
    }

    /// Reads a file: TOML when its name ends so, else JSON.
    pub fn from_path(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Unreadable { path: path.to_owned(), source })?;
        if path.extension().is_some_and(|e| e == "toml") { Self::from_toml(&text) } else { Self::from_json(&text) }
    }
}

impl Turn {
    /// Says `text` and ends its turn.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// Calls a tool.
    pub fn tool(tool: Tool) -> Self {
        Self { tools: vec![tool], ..Self::default() }
    }

    /// Fails with an HTTP status and the provider's usual body.
    pub fn error(status: u16) -> Self {
        Self { error: Some(HttpError { status, ..HttpError::default() }), ..Self::default() }
    }

    /// Answers 429, naming a time to wait where one is given.
    pub fn rate_limited(retry_after_secs: Option<u64>) -> Self {
        let turn = Self::error(429);
        match retry_after_secs {
            Some(secs) => turn.header("retry-after", secs.to_string()),
            None => turn,
        }
    }

    /// Never answers; ends when the client goes away or the server is dropped.
    pub fn hang() -> Self {
        Self { end: Ending::Hang, ..Self::default() }
    }

    /// Begins to say `text` and then stands still.
    pub fn hang_mid_stream(text: impl Into<String>) -> Self {
        Self { end: Ending::HangMidStream, ..Self::text(text) }
    }

    /// Begins to say `text`; then the connection breaks.
    pub fn cut_abrupt(text: impl Into<String>) -> Self {
        Self { end: Ending::CutAbrupt, ..Self::text(text) }
    }

    /// Begins to say `text`; then the stream ends too early, in good order.
    pub fn cut_clean(text: impl Into<String>) -> Self {
        Self { end: Ending::CutClean, ..Self::text(text) }
    }

    /// Begins a stream and fails inside it.
    pub fn stream_error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { stream_error: Some(StreamError { code: code.into(), message: message.into() }), ..Self::default() }
    }

    /// Says `text` before it calls its tools.
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Calls one tool more in the same turn.
    pub fn and_tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Only for requests with `text` anywhere in instructions or conversation.
    pub fn when(mut self, text: impl Into<String>) -> Self {
        self.matches = Some(text.into());
        self
    }

    /// Only for requests with `text` in the newest message.
    pub fn when_last(mut self, text: impl Into<String>) -> Self {
        self.match_last = Some(text.into());
        self
    }

    /// Answers so many times before it is spent.
    pub fn times(mut self, count: u32) -> Self {
        self.times = Times::Count(count);
        self
    }

    /// Is never spent: turns after it are reached only by requests that it does not fit.
    pub fn always(mut self) -> Self {
        self.times = Times::Always(Always::Always);
        self
    }

    /// Waits before it answers.
    pub fn after_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    /// Reports these tokens.
    pub fn tokens(mut self, input: u64, output: u64) -> Self {
        self.usage.input = input;
        self.usage.output = output;
        self
    }

    /// Reports that so many input tokens came from the cache.
    pub fn cached_tokens(mut self, cached: u64) -> Self {
        self.usage.cached = cached;
        self
    }

    /// Stops for a reason of its own.
    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Gives an error (made by [`Turn::error`]) another message.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.error.get_or_insert_default().message = Some(message.into());
        self
    }

    /// Gives an error (made by [`Turn::error`]) a provider's code.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.error.get_or_insert_default().code = Some(code.into());
        self
    }

    /// Gives an error (made by [`Turn::error`]) a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.error.get_or_insert_default().headers.insert(name.into(), value.into());
        self
    }

    /// Gives an error (made by [`Turn::error`]) a body of its own.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.error.get_or_insert_default().body = Some(body.into());
        self
    }
}

impl Tool {
    /// Writes a file.
    pub fn write(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self::Write { path: path.into(), content: content.into() }
    }

    /// Reads a file.
    pub fn read(path: impl Into<String>) -> Self {
        Self::Read(path.into())
    }

    /// Runs a shell command.
    pub fn run(command: impl Into<String>) -> Self {
        Self::Run(command.into())
    }

    /// Calls a tool in the CLI's own words.
    pub fn native(name: impl Into<String>, args: Value) -> Self {
        Self::Native { name: name.into(), namespace: None, args }
    }
}

impl Times {
    /// Whether a turn that answered `used` times may answer again.
    pub(super) fn allows(self, used: u32) -> bool {
        match self {
            Self::Count(count) => used < count,
            Self::Always(_) => true,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Default for TokenUsage {
    fn default() -> Self {
        Self { input: 100, output: 10, cached: 0 }
    }
}

impl HttpError {
    /// The message to show when the script names none.
    pub(super) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(match self.status {
            400 => "bad request",
            401 => "invalid api key",
            403 => "not permitted",
            429 => "rate limit reached",
            503 | 529 => "overloaded",
            _ => "scripted error",
        })
    }

    /// The body to send: the script's own, or `usual` in the provider's form.
    pub(super) fn body_or(&self, usual: Value) -> String {
        self.body.clone().unwrap_or_else(|| usual.to_string())
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_toml_and_rust_say_the_same() {
        let rust = ModelScript::new()
            .turn(Turn::rate_limited(Some(1)).times(2))
            .turn(Turn::tool(Tool::write("hello.txt", "hello\n")).saying("I write.").when("fix it").tokens(1000, 50))
            .turn(Turn::tool(Tool::run("make check")).always());
        let json = r#"{"turns": [
            {"error": {"status": 429, "headers": {"retry-after": "1"}}, "times": 2},
            {"match": "fix it", "text": "I write.", "tools": [{"write": {"path": "hello.txt", "content": "hello\n"}}], "usage": {"input": 1000, "output": 50}},
            {"tools": [{"run": "make check"}], "times": "always"}
        ]}"#;
        let toml = r#"
            [[turns]]
            error = { status = 429, headers = { retry-after = "1" } }
            times = 2
            [[turns]]
            match = "fix it"
            text = "I write."
            tools = [{ write = { path = "hello.txt", content = "hello\n" } }]
            usage = { input = 1000, output = 50 }
            [[turns]]
            tools = [{ run = "make check" }]
            times = "always"
        "#;
        assert_eq!(ModelScript::from_json(json).unwrap(), rust);
        assert_eq!(ModelScript::from_toml(toml).unwrap(), rust);
        assert_eq!(ModelScript::from_json(&serde_json::to_string(&rust).unwrap()).unwrap(), rust);
    }

    #[test]
    fn the_script_in_the_readme_can_be_read() {
        let readme = include_str!("../../README.md");
        let script = readme.split_once("```toml").and_then(|(_, after)| after.split_once("```")).unwrap().0;
        assert_eq!(ModelScript::from_toml(script).unwrap().turns.len(), 3);
    }

    #[test]
    fn a_misspelt_field_is_an_error() {
        assert!(ModelScript::from_json(r#"{"turns": [{"txt": "x"}]}"#).is_err());
    }
}
