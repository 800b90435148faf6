//! Where work happens: the launcher that starts every program, and (beside it) git and the workspaces.

pub mod launch;
