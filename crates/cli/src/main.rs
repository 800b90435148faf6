//! The `windlass` binary: the daemon, and every verb that speaks with it.
//!
//! **Invariant:** the two hidden verbs, which are started for every agent, run before anything else is set up.
//! **Invariant:** data goes to standard output, everything else to standard error; exit codes are those of [`failure::Exit`].

mod cli;
mod client;
mod config;
mod daemon;
mod failure;
mod follow;
mod hooks;
mod output;
mod transcript;
mod verb;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Context};
use failure::{CliError, Exit, Result};

/// For SQLite and the engine alike: both make and drop thousands of small things for each job.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What a shell or a supervisor left open is none of an agent's business: it would stay open in every program that is started.
    close_fds::set_fds_cloexec(3, &[]);
    let hidden = std::env::args_os().nth(1);
    match hidden.as_ref().and_then(|word| word.to_str()) {
        Some("launch") => return code(windlass_workspace::launch::launch_main()),
        Some(windlass_harness::simulated::VERB) => return simulate_agent(),
        _ => {}
    }
    // What a hook prints and how it ends means something to the agent that started it.
    let is_hook = std::env::args_os().skip(1).take(2).eq(["hooks", "send"]);
    match ask(is_hook) {
        _ if is_hook => ExitCode::SUCCESS,
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            output::complain(&error);
            ExitCode::from(error.exit.code())
        }
    }
}

/// Plays the scripted agent.
fn simulate_agent() -> ExitCode {
    let args: Vec<String> = std::env::args_os().skip(2).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let env = std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    code(windlass_harness::simulated::main(&args, &env.collect()))
}

/// An exit code as the system takes one; what does not fit is a fault.
fn code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn ask(is_hook: bool) -> Result<Exit> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if is_hook && e.use_stderr() => return Ok(Exit::Done),
        Err(e) => e.exit(),
    };
    let context = Context { global: cli.global, env: config::Env::of_process()? };
    let mut builder = if cli.verb.runs_an_engine() {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        // What the daemon does is wait; two threads keep it small.
        builder.worker_threads(2).max_blocking_threads(16);
        builder
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build().map_err(|e| CliError::fault(format!("could not start: {e}")))?;
    let result = runtime.block_on(verb::dispatch(cli.verb, &context));
    // A thread that waits for standard input or a name look-up must not hold up the end.
    runtime.shutdown_background();
    result
}
