//! Faults: real daemons under load, a random schedule of what a month brings, and one checker at the end.
//!
//! Each row kills, stops, starves or lies to the system for a while under random work, lets it come to rest, and gives the
//! whole history (events, rows, what clients were told, what agents witnessed) to `windlass_testkit::invariants`.
//!
//! `CHAOS_SEED` repeats a schedule, `CHAOS_SECONDS` says how long each row makes trouble (3 by default: the short form), and
//! `cargo xtask chaos --minutes N` goes round with fresh seeds. A row that fails prints its seed and keeps its directory.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a test tells what it did")]

mod bed;
mod client;
mod load;
mod schedule;

#[path = "../crash/daemon.rs"]
mod daemon;

mod clock;
mod connection;
mod disk;
mod history;
mod kill;
mod poison;
mod power;
mod repeat;
mod stop;
mod wakeup;
mod zombie;
