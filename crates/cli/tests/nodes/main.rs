//! Several nodes over one PostgreSQL: what they share, what passes between them, and what happens when the network does not.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a test tells what it did")]

mod cluster;
mod housekeeping;
mod intake;
mod outage;
mod partition;
mod restart;
mod roles;
mod upgrade;
