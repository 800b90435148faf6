//! The simulated agent alone, for this crate's tests: what the hidden verb of `windlass` does.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The first argument is the verb.
    let args: Vec<String> = std::env::args().skip(2).collect();
    ExitCode::from(u8::try_from(windlass_harness::simulated::main(&args, &std::env::vars().collect())).unwrap_or(1))
}
