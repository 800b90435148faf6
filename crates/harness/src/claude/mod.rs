//! Claude Code: `claude -p --output-format stream-json --verbose`.

pub(crate) mod flags;
pub(crate) mod hooks;
mod map;
pub(crate) mod probe;
mod wire;

pub(crate) use map::Map;
