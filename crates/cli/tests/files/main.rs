//! The shared directory of task files, as those who write and read it see it.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a test tells what it did")]

#[path = "../crash/daemon.rs"]
mod daemon;

mod bad_input;
mod bench;
mod crash;
mod hybrid;
mod many;
mod outcomes;
mod seed;
mod two_daemons;
