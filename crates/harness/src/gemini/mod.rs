//! Gemini CLI: `gemini --output-format stream-json`.

pub(crate) mod flags;
pub(crate) mod hooks;
mod map;
pub(crate) mod probe;
mod session;
mod untrusted;
mod wire;

pub(crate) use map::Map;
