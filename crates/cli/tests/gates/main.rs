//! Gates and limits, seen from outside: the real binary, real repositories, and agents that lie, hang, flood and cheat.
//!
//! Each test has a daemon, a data directory and a repository of its own, and looks at what only the outside can tell: the
//! answers of the daemon, the commits in the repository, the processes of the machine.
#![allow(missing_docs, clippy::print_stderr, reason = "tests")]

#[path = "../crash/daemon.rs"]
mod daemon;

mod bench;

mod bad_input;
mod breaker;
mod budgets;
mod by_hand;
mod callbacks;
mod clashes;
mod control;
mod credentials;
mod dead_letters;
mod delivery;
mod escape;
mod interrupts;
mod limits;
mod mcp;
mod nothing;
mod notifications;
mod odd_trees;
mod operations;
mod pm;
mod projects;
mod proposals;
mod quota;
mod remote;
mod retries;
mod sandbox;
mod secrets;
mod standstill;
mod starting;
mod trust;
mod verify;
