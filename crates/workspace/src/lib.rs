//! Where work happens: the launcher that starts every program, git, and the workspaces that assignments work in.
//!
//! **Invariant:** a repository and everything an agent wrote are hostile here. Nothing in them is run, followed or read as configuration.

pub mod git;
pub mod launch;
pub mod outgoing;
pub mod scan;
pub mod workspaces;
