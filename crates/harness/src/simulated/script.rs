//! The script: turns, their conditions, their steps.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value};
use windlass_types::{Failure, FailureKind};

/// A whole script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    turn: Vec<Turn>,
}

/// What one run plays.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    #[serde(rename = "type")]
    job_type: Option<String>,
    nth: Option<u32>,
    iteration: Option<u32>,
    pub(super) attempt: Option<u32>,
    #[serde(default = "yes")]
    pub(super) process: bool,
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

const fn yes() -> bool {
    true
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Say(String),
    Write(FileStep),
    Append(FileStep),
    Run(String),
    SleepMs(u64),
    Stall(bool),
    Crash(bool),
    Exit(u8),
    FloodMib(u32),
    Quota(Quota),
    Unauthorized(bool),
    Fail(String),
    ApiError(String),
    ClaimDone(String),
    End(String),
    IgnoreSigterm(bool),
    Background(String),
    Usage(UsageStep),
    UsageUnknown(bool),
    Verdict(Map<String, Value>),
    Garbage(bool),
    NothingToChange(String),
    Witness(String),
}

/// A file and what goes into it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileStep {
    pub(super) path: String,
    pub(super) content: String,
}

/// A rate limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Quota {
    pub(super) retry_after_secs: Option<u32>,
}

/// What a step used.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UsageStep {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost_usd: f64,
}

/// What a turn is chosen by. Without `attempt` a turn that asks for one may match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When<'a> {
    pub(crate) job_type: &'a str,
    pub(crate) nth: u32,
    pub(crate) iteration: u32,
    pub(crate) attempt: Option<u32>,
}

impl Script {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let bad = |what: String| {
            Failure::new(FailureKind::BadConfiguration, format!("the simulated agent's script {what}")).hint("mend the script")
        };
        let script: Self = toml::from_str(text).map_err(|e| bad(format!("cannot be read: {e}")))?;
        for (number, turn) in (1..).zip(&script.turn) {
            if !turn.process && turn.steps.iter().any(|s| !s.needs_no_process()) {
                return Err(bad(format!("has a step in turn {number} that needs a process, and says process = false")));
            }
        }
        Ok(script)
    }

    /// The same, and quickly when it is the text of the last call: one script mostly plays many jobs in a row.
    pub(super) fn parse_again(text: &str) -> Result<Arc<Self>, Failure> {
        static LAST: Mutex<Option<(String, Arc<Script>)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, script)) = &*last
            && known == text
        {
            return Ok(Arc::clone(script));
        }
        let script = Arc::new(Self::parse(text)?);
        *last = Some((text.to_owned(), Arc::clone(&script)));
        Ok(script)
    }

    /// The first turn that matches, with its number from 0 up.
    pub(super) fn turn(&self, when: &When<'_>) -> Option<(usize, &Turn)> {
        self.turn.iter().enumerate().find(|(_, t)| {
            t.job_type.as_deref().is_none_or(|x| x == when.job_type)
                && t.nth.is_none_or(|x| x == when.nth)
                && t.iteration.is_none_or(|x| x == when.iteration)
                && t.attempt.zip(when.attempt).is_none_or(|(x, y)| x == y)
        })
    }
}

impl Step {
    /// Whether the engine can do it by itself.
    const fn needs_no_process(&self) -> bool {
        !matches!(
            self,
            Self::Write(_)
                | Self::Append(_)
                | Self::Run(_)
                | Self::Stall(_)
                | Self::Crash(_)
                | Self::Exit(_)
                | Self::FloodMib(_)
                | Self::IgnoreSigterm(_)
                | Self::Background(_)
                | Self::Garbage(_)
                | Self::Witness(_)
        )
    }

    /// Whether it is counted as done before it acts, for nothing comes after it.
    pub(super) const fn ends_the_run(&self) -> bool {
        matches!(
            self,
            Self::Crash(true)
                | Self::Exit(_)
                | Self::Quota(_)
                | Self::Unauthorized(true)
                | Self::Fail(_)
                | Self::ApiError(_)
                | Self::ClaimDone(_)
                | Self::End(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"
        [[turn]]
        type = "implement"
        attempt = 1
        steps = [{ crash = true }]
        [[turn]]
        type = "implement"
        iteration = 2
        steps = [{ write = { path = "a", content = "b" } }, { verdict = { action = "x", list = [1, "2"] } }]
        [[turn]]
        process = false
        steps = [{ say = "x" }, { quota = { retry_after_secs = 5 } }]
    "#;

    fn turn(job_type: &str, iteration: u32, attempt: Option<u32>) -> usize {
        Script::parse(SCRIPT).unwrap().turn(&When { job_type, nth: 1, iteration, attempt }).unwrap().0
    }

    #[test]
    fn the_first_turn_whose_conditions_hold_is_played() {
        assert_eq!(turn("implement", 1, Some(1)), 0);
        assert_eq!(turn("implement", 2, Some(2)), 1);
        assert_eq!(turn("implement", 1, Some(2)), 2);
        assert_eq!(turn("pm", 1, Some(1)), 2);
    }

    #[test]
    fn a_turn_that_may_ask_for_the_attempt_makes_the_run_a_process() {
        assert!(!crate::simulated::is_in_process(SCRIPT, "implement", 1, 1));
        assert!(crate::simulated::is_in_process(SCRIPT, "pm", 1, 1));
        assert!(!crate::simulated::is_in_process("nonsense", "pm", 1, 1));
    }

    #[test]
    fn what_cannot_be_read_or_done_is_refused_with_its_place() {
        for (text, part) in [
            ("[[turn]]\nsteps = [{ sya = \"x\" }]", "unknown variant `sya`"),
            ("[[turn]]\ntyp = \"x\"", "unknown field `typ`"),
            ("[[turn]]\nprocess = false\nsteps = [{ run = \"x\" }]", "turn 1"),
            ("x", "line 1"),
        ] {
            let failure = Script::parse_again(text).unwrap_err();
            assert!(failure.message.contains(part), "{}", failure.message);
            assert_eq!(failure.kind, FailureKind::BadConfiguration);
        }
    }
}
