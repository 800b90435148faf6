//! Codex CLI: `codex exec --json`.

pub(crate) mod flags;
pub(crate) mod hooks;
mod ledger;
mod map;
pub(crate) mod probe;
mod wire;

pub(crate) use ledger::Ledger;
pub(crate) use map::Map;
