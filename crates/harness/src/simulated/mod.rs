//! A scripted agent, built in: for demonstrations, and for people's own acceptance tests.
//!
//! The script is TOML. Of its turns the first one whose conditions all hold is played; a condition that is left out holds.
//!
//! ```toml
//! [[turn]]
//! type = "implement"        # the job's type
//! nth = 1                   # the nth job of that type in the assignment
//! iteration = 1             # the nth run inside the job's verify loop
//! attempt = 1               # the nth attempt at the job
//! steps = [
//!   { say = "I add the greeting." },
//!   { write = { path = "hello.txt", content = "hello\n" } },
//!   { run = "git add --intent-to-add ." },
//!   { usage = { input_tokens = 1200, output_tokens = 80, cost_usd = 0.01 } },
//!   { end = "Done." },
//! ]
//!
//! [[turn]]                  # everything else
//! process = false           # inside the engine, without a process
//! steps = [{ verdict = { action = "complete", reason = "It is there." } }]
//! ```
//!
//! | step | what it does |
//! |---|---|
//! | `say = "text"` | says it; the last thing said is the final message |
//! | `write = {path, content}`, `append = {path, content}` | changes a file, its folders made as needed |
//! | `run = "command"` | runs it with `sh -c`; its failure is shown and does not end the run |
//! | `usage = {input_tokens, output_tokens, cost_usd}` | adds to what the run used |
//! | `verdict = {…}` | says the table as JSON |
//! | `nothing_to_change = "why"` | says so, the way Windlass understands |
//! | `end = "text"`, `claim_done = "text"` | ends with success, whatever is true |
//! | `fail = "text"` | ends with a failure for good |
//! | `api_error = "text"` | ends with a failure that may pass |
//! | `quota = {retry_after_secs = 5}` | ends with a rate limit |
//! | `unauthorized = true` | ends with refused credentials |
//! | `exit = 3` | ends with that exit code and no final event |
//! | `crash = true` | kills itself |
//! | `sleep_ms = 100`, `stall = true` | waits; for ever |
//! | `ignore_sigterm = true` | outlives SIGTERM from here on |
//! | `background = "command"` | leaves a process behind, in a session of its own |
//! | `flood_mib = 64` | prints that much without a line end |
//! | `garbage = true` | prints bytes that are no text, and half a line |
//! | `witness = "path"` | appends when it starts, and when it ends by itself, to that file, with whether it was alone on its assignment |
//! | `usage_unknown = true` | ends without telling what it used |
//!
//! A run that ends without saying how has succeeded. A resumed run goes on after the last step that ended; a step that
//! ends the run counts as ended, so a crash happens once in a session. With `process = false` only `say`, `usage`,
//! `usage_unknown`, `sleep_ms`, `verdict`, `nothing_to_change` and the steps that end the run with a word are allowed.

mod flags;
mod in_process;
mod map;
mod run;
mod script;
mod state;
mod wire;

use windlass_types::{Failure, FailureKind, Harness, Probe, Problem};

pub(crate) use flags::invocation;
pub use in_process::in_process;
pub(crate) use map::Map;
pub use run::main;
use script::Script;

/// The hidden verb with which the `windlass` program plays a script: `windlass simulate-agent …` calls [`main`] with what
/// follows it.
pub const VERB: &str = "simulate-agent";

/// Whether a script can be read; if not, what is wrong with it and where.
pub fn check(script: &str) -> Result<(), Failure> {
    Script::parse_again(script).map(drop)
}

/// Whether the turn for this run is played inside the engine. A script that cannot be read is not.
///
/// The number of the attempt is not known here: a turn that asks for one, and that would match otherwise, makes the run
/// a process, which plays the right turn either way.
pub fn is_in_process(script: &str, job_type: &str, nth: u32, iteration: u32) -> bool {
    let when = script::When { job_type, nth, iteration, attempt: None };
    Script::parse_again(script).is_ok_and(|s| s.turn(&when).is_some_and(|(_, turn)| turn.attempt.is_none() && !turn.process))
}

pub(crate) fn no_turn(when: &script::When<'_>) -> Failure {
    Failure::new(
        FailureKind::BadConfiguration,
        format!("the simulated agent's script has no turn for {} job {}, run {}", when.job_type, when.nth, when.iteration),
    )
    .hint("add a [[turn]] without conditions at its end")
}

pub(crate) fn probe(settings: &crate::Settings) -> Probe {
    let mut probe = crate::probe::empty(Harness::Simulated);
    if settings.windlass_exe.is_absolute() {
        probe.path = Some(settings.windlass_exe.display().to_string());
        probe.version = Some(env!("CARGO_PKG_VERSION").to_owned());
    } else {
        probe.problems.push(Problem {
            what: "the path of the windlass program itself is not known".to_owned(),
            hint: "start windlass by its absolute path".to_owned(),
        });
    }
    probe
}
