//! git through its own CLI, one typed wrapper around it, and the names and messages that are fit to be passed to it.
//!
//! **Invariant:** nothing that an agent or a repository wrote is ever configuration of a git that the engine runs: its global
//! configuration is the engine's own file, the system's is off, hooks and monitors are off, and protocols are an allow-list. Only calls to
//! a remote address use the user's own configuration, for credentials.

mod error;
mod login;
mod message;
mod names;
mod objects;
mod refs;
mod repository;
mod run;
mod skeleton;
mod stream;

pub use error::WorkspaceError;
pub use login::Login;
pub use message::{commit_message, has_trailers, single_line};
pub use names::{Commitish, RepoAddress, branch_name, check_branch};
pub(crate) use objects::Objects;
pub(crate) use refs::read_refs;
pub use repository::Repository;
pub(crate) use run::Call;
pub use run::{Git, Identity};
pub(crate) use skeleton::{Skeleton, check_pristine, remove_tree, write_atomic};
pub(crate) use stream::Stream;
