//! Runs a command with one throwaway PostgreSQL for all its tests: `windlass-test-postgres COMMAND ARG…`.
//!
//! The server's address is in `WINDLASS_TEST_POSTGRES_URL`; each test makes a database of its own in it. Without a PostgreSQL to be had
//! the command runs all the same, and each test says that it skipped.
#![allow(clippy::print_stderr, reason = "a program for the terminal")]

use std::process::{Command, ExitCode};

use windlass_testkit::postgres::{TestPostgres, URL_VARIABLE};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let Some(program) = args.next() else {
        eprintln!("usage: windlass-test-postgres COMMAND ARG…");
        return ExitCode::from(2);
    };
    let mut command = Command::new(program);
    command.args(args);
    // Of this program's own package the command is not told: cargo would build some crates anew for it.
    let ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    let server = match std::env::var_os(URL_VARIABLE) {
        Some(_) => None,
        None => TestPostgres::start().inspect_err(|e| eprintln!("SKIPPED: no PostgreSQL could be started: {e:#}")).ok(),
    };
    if let Some(server) = &server {
        command.env(URL_VARIABLE, server.url());
    }
    match command.status() {
        Ok(status) => status.code().and_then(|c| u8::try_from(c).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(e) => {
            eprintln!("could not start the command: {e}");
            ExitCode::FAILURE
        }
    }
}
