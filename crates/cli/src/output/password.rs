//! Asking for a password: never shown, never in an argument.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::failure::{CliError, Result};

/// The longest line that is read.
const LINE_MAX: u64 = 4096;

/// The first line of standard input.
pub(crate) fn from_stdin() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().take(LINE_MAX).read_line(&mut line).map_err(|e| CliError::usage(format!("cannot read the password: {e}")))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() {
        return Err(CliError::usage("standard input holds no password").hint("printf '%s\\n' \"$PASSWORD\" | windlass users …"));
    }
    Ok(line.to_owned())
}

/// What a person types twice, unseen.
pub(crate) fn asked_twice(what: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage("nobody is there to type a password").hint("give it on standard input with --password-stdin"));
    }
    let first = unseen(&format!("{what}: "))?;
    if first != unseen("the same again: ")? {
        return Err(CliError::usage("the two passwords differ"));
    }
    Ok(first)
}

fn unseen(prompt: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let failed = |e: rustix::io::Errno| CliError::fault(format!("the terminal cannot be asked: {e}"));
    let before = tcgetattr(&stdin).map_err(failed)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &quiet).map_err(failed)?;
    eprint_plain(prompt);
    let read = from_stdin();
    let restored = tcsetattr(&stdin, OptionalActions::Flush, &before).map_err(failed);
    eprint_plain("\n");
    restored.and(read)
}

fn eprint_plain(text: &str) {
    use std::io::Write as _;
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{text}").and_then(|()| err.flush());
}
