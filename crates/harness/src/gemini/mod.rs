//! Gemini CLI: `gemini --output-format stream-json`.

pub(crate) mod flags;
mod map;
pub(crate) mod probe;
mod session;
mod untrusted;
mod wire;

pub(crate) use map::Map;
