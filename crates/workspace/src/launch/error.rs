//! What can go wrong between the engine and a started program.

use std::io;

use rustix::io::Errno;
use windlass_types::{Failure, FailureKind};

/// A program could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The program is nowhere on the PATH it would get.
    #[error("the program {program:?} was not found in {path:?}")]
    NotFound {
        /// The name looked for.
        program: String,
        /// Where it was looked for.
        path: String,
    },
    /// A setting of the program cannot be passed on.
    #[error("{what} cannot be passed to a program: {reason}")]
    BadSpec {
        /// Which setting.
        what: String,
        /// Why not.
        reason: &'static str,
    },
    /// The launcher itself could not be started.
    #[error("the launcher could not be started: {source}")]
    NoLauncher {
        /// The system's reason.
        source: io::Error,
    },
    /// The launcher could not start the program.
    #[error("{what} could not be started: {message}")]
    Refused {
        /// The program or the setting that was refused.
        what: String,
        /// The system's reason.
        message: String,
        /// The system's number for it.
        errno: Option<i32>,
    },
    /// The launcher went away without saying how the program ended; what it left was killed.
    #[error("the launcher of the program was killed; {swept} processes that it left were killed")]
    LauncherLost {
        /// How many were found and killed.
        swept: usize,
    },
    /// The launcher said something that is not part of the conversation, or nothing in time.
    #[error("the launcher did not answer as expected ({0})")]
    Protocol(&'static str),
}

impl LaunchError {
    /// The failure of the job, with its class and what to do.
    pub fn failure(&self) -> Failure {
        let message = self.to_string();
        match self {
            Self::NotFound { program, .. } => {
                Failure::new(FailureKind::NotInstalled, message).hint(format!("install {program} or set its absolute path"))
            }
            Self::BadSpec { .. } => Failure::new(FailureKind::BadConfiguration, message),
            Self::Refused { errno, what, .. } => match errno.map(Errno::from_raw_os_error) {
                Some(Errno::NOENT) => {
                    Failure::new(FailureKind::NotInstalled, message).hint(format!("check that {what} exists, and its interpreter too"))
                }
                Some(Errno::ACCESS | Errno::NOEXEC | Errno::TOOBIG | Errno::NOTDIR | Errno::INVAL) => {
                    Failure::new(FailureKind::BadConfiguration, message)
                        .hint(format!("check {what}: its permissions, format and arguments"))
                }
                Some(Errno::NOSPC) => Failure::new(FailureKind::DiskFull, message),
                _ => Failure::new(FailureKind::SpawnFailed, message),
            },
            Self::NoLauncher { .. } | Self::Protocol(_) => Failure::new(FailureKind::SpawnFailed, message),
            Self::LauncherLost { .. } => Failure::new(FailureKind::AgentCrashed, message),
        }
    }
}

impl From<&LaunchError> for Failure {
    fn from(error: &LaunchError) -> Self {
        error.failure()
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        error.failure()
    }
}
