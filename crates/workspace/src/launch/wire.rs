//! What the engine and its launcher say to each other over the lifeline: one JSON object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::confine::Confine;
use super::spec::{Limits, OverLimit};

/// The longest line either side accepts; a longer one ends the conversation.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// The engine to the launcher.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// What to start; always the first line.
    Spec(Box<WireSpec>),
    /// The engine has recorded the launcher: start the program.
    Go(bool),
    /// End it: SIGTERM, and after the grace SIGKILL to everything.
    Stop {
        /// How long the program may take to end by itself.
        grace_ms: u64,
    },
    /// The engine still holds the job's lease. When the time passes without another word, everything is killed: an engine that is
    /// stopped or hangs cannot do it, and somebody else may be given the job.
    Lease {
        /// How long the right surely lasts from now on.
        left_ms: u64,
    },
}

/// A [`LaunchSpec`](super::LaunchSpec) with its program resolved.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireSpec {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stdin: Option<String>,
    pub(super) limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) confine: Option<Confine>,
    /// The socket that the network namespace's way out leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proxy: Option<String>,
}

/// The launcher to the engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The spec is understood; waiting for `go`.
    Ready(bool),
    /// The program runs. The pid is the launcher's view: inside a PID namespace it means nothing outside.
    Started { pid: i32 },
    /// The program ended and nothing that it started is left.
    Exited {
        code: Option<i32>,
        signal: Option<i32>,
        survivors_killed: u32,
        #[serde(default)]
        lease_ended: bool,
        #[serde(default)]
        over: Option<OverLimit>,
    },
    /// Nothing was started.
    Refused { what: String, message: String, errno: Option<i32> },
}

/// One line, ready to be sent.
pub(super) fn line(message: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Takes the first whole line out of `buffer`.
pub(super) fn take_line(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = buffer.iter().position(|byte| *byte == b'\n')?;
    let rest = buffer.split_off(end + 1);
    let mut line = std::mem::replace(buffer, rest);
    line.pop();
    Some(line)
}
