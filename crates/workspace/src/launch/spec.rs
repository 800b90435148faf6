//! What to start, and how it ended.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::view::View;

/// The variable whose exact entry in a process's environment says to which job it belongs.
pub const JOB_MARKER: &str = "WINDLASS_JOB_ID";

/// A program to start under the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchSpec {
    /// Absolute path; see [`resolve_program`](super::resolve_program).
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub args: Vec<String>,
    /// Its whole environment: nothing is inherited. An entry for [`JOB_MARKER`] lets [`sweep`](super::sweep) find what it leaves behind.
    pub env: BTreeMap<String, String>,
    /// Where it starts.
    pub cwd: PathBuf,
    /// What it reads.
    pub stdin: Stdin,
    /// What it may use.
    pub limits: Limits,
    /// What it sees of this machine's files. Without bubblewrap and Landlock it sees what the engine does.
    pub view: View,
}

/// Standard input of a started program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing to read.
    #[default]
    Null,
    /// This text, from memory.
    Text(String),
}

/// Limits of one process tree; `None` leaves what the engine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of all its processes together, in bytes. Looked at many times a second, not kept by the kernel: programs with a JIT reserve
    /// much more than they use. What passes it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
    /// The longest file one process may write, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_file_bytes: Option<u64>,
    /// Its processes at once. Looked at in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_processes: Option<u64>,
}

/// The limit that a process tree was killed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverLimit {
    /// It had so many bytes of memory.
    Memory(u64),
    /// It was so many processes.
    Processes(u64),
}

/// How a started program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exited {
    /// Its exit status, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// How many processes it had left behind, which were killed.
    pub survivors_killed: u32,
    /// It was killed because the engine had not renewed the job's lease in time.
    pub lease_ended: bool,
    /// It was killed because it passed this limit.
    pub over: Option<OverLimit>,
}

impl Exited {
    /// Whether it ended by itself with status 0.
    pub const fn success(self) -> bool {
        matches!(self.code, Some(0))
    }
}
