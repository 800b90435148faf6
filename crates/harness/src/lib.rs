//! How each agent CLI is called, what it prints, and what that means.
//!
//! **Invariant:** nothing here runs an agent on a task. [`prepare`] says what to run, [`Mapper`] reads what it prints,
//! and [`Mapper::finish`] weighs the exit code *and* the final event: success needs both. Only [`probe`] starts a
//! program, with `--version` and for a few seconds.
//!
//! **Invariant:** this library never reads its own environment. Variables, search path and login files come in through
//! [`Settings`] and [`UserFiles`].
//!
//! One folder per agent: `flags` (arguments, environment, files), `wire` (what is printed), `map` (what it means),
//! `probe` (what can be known without a task), `hooks` (what it tells of itself where a person starts it). [`stream`] cuts, cleans and keeps the bytes, whichever agent wrote them.

mod activity;
mod claude;
mod codex;
mod command;
mod gemini;
mod hooks;
mod hosts;
mod login;
mod mapper;
mod outcome;
mod prepare;
mod private_dir;
mod probe;
mod program;
mod request;
mod retry_clock;
mod retry_hint;
mod settings;
pub mod simulated;
pub mod stream;
mod veil;

pub use activity::ActivityMap;
pub use hooks::{Hook, hook, hook_events, read_hook};
pub use mapper::{Exit, Mapper};
pub use prepare::prepare;
pub use probe::probe;
pub use program::split_words;
pub use request::{Invocation, RunRequest, Session, Stdin};
pub use settings::{HarnessSettings, Price, Settings, UserFiles};

/// The reason an agent gives for having changed nothing: what follows `NOTHING_TO_CHANGE:` at the start of a line of its
/// final message. Without a reason it does not count.
pub fn nothing_to_change(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.trim_start().strip_prefix("NOTHING_TO_CHANGE:").map(str::trim)).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::nothing_to_change;

    #[test]
    fn nothing_to_change_needs_its_own_line_and_a_reason() {
        assert_eq!(nothing_to_change("I looked.\nNOTHING_TO_CHANGE: it is there already\n"), Some("it is there already"));
        assert_eq!(nothing_to_change("say NOTHING_TO_CHANGE: if so"), None);
        assert_eq!(nothing_to_change("NOTHING_TO_CHANGE:\nreason"), None);
    }
}
