//! Starting programs so that nothing they start outlives them, whatever crashes.
//!
//! **Invariant:** every agent, verify command and `command` harness starts here. The engine holds one end of a socket, the *lifeline*;
//! the launcher holds the other and kills the whole tree when it closes. There is no instant at which a crash of the engine leaves an
//! orphan: before `go` nothing runs, and after it the launcher watches.
//!
//! [`Launcher::spawn`] → record [`Launched::pid`] → [`Launched::go`] → [`Launched::wait`].

mod child;
mod confine;
mod error;
mod launcher;
mod pipe;
mod proc;
#[cfg(feature = "simulation")]
pub mod simulated;
mod spec;
mod sweep;
mod task_env;
mod usage;
mod view;
mod wire;

pub use child::launch_main;
pub(crate) use child::memory_file;
pub use confine::landlock_gaps;
pub use error::LaunchError;
pub use launcher::{Launched, Launcher, Stopper, resolve_program};
pub use pipe::PROXY_PORT;
pub use spec::{Exited, JOB_MARKER, LaunchSpec, Limits, OverLimit, Stdin};
pub use sweep::{become_subreaper, end_leftovers, start_time, sweep, wait_gone};
pub use task_env::{RefusedVariable, check_task_env};
pub use view::View;
