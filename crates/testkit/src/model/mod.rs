//! A scripted model: a server on 127.0.0.1 that answers as the three providers' APIs do, by a list of turns.
//!
//! Claude Code, Codex and Gemini CLI can be pointed at it and do real work: the script says what "the model" says,
//! which tools it calls and how the API fails. It answers the Anthropic Messages API, the OpenAI
//! Responses API and the Gemini API, streaming or not.
//!
//! Only requests of an agent's *main loop* (those that offer tools) consume turns; side requests (titles, routing, token
//! counts) get a harmless answer. When no turn is left the answer is [`script::SPENT`].
//!
//! Start at [`ModelScript`] and [`ScriptedModel::start`].

mod anthropic;
mod frames;
mod gemini;
mod log;
mod openai;
mod request;
mod script;
mod server;

pub use log::{LoggedRequest, Outcome};
pub use request::Wire;
pub use script::{Ending, HttpError, ModelScript, SPENT, ScriptError, Stop, StreamError, Times, TokenUsage, Tool, Turn};
pub use server::ScriptedModel;
