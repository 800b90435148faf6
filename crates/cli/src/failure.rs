//! How a verb ends when it does not end well: the exit code, what happened, and what to do next.

use std::fmt;

/// The exit codes. Programs rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// A fault of Windlass or of the machine.
    Fault = 1,
    /// What was asked makes no sense, or not now.
    Usage = 2,
    /// Somebody has to act first.
    Blocked = 3,
    /// The work failed, or is dead, or was called off.
    Failed = 4,
    /// No daemon answers.
    NoDaemon = 5,
    /// A secret was found.
    Found = 6,
    /// Somebody pressed Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened, to what. Empty: everything has been said, and only the code is left to give.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

pub(crate) type Result<T, E = CliError> = std::result::Result<T, E>;

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// What was asked makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A fault of Windlass or of the machine.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self::new(Exit::Fault, message)
    }

    /// Everything has been said.
    pub(crate) const fn silent(exit: Exit) -> Self {
        Self { exit, message: String::new(), hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do next, if there is something.
    #[must_use]
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

/// Errors of writing to standard output: a reader that went away is no fault.
impl From<std::io::Error> for CliError {
    fn from(e: std::io::Error) -> Self {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            Self::silent(Exit::Done)
        } else {
            Self::fault(format!("could not write the answer: {e}"))
        }
    }
}
