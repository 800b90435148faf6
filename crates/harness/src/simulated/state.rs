//! What a simulated session remembers: how far its last run came.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How far a run came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The turn it played, from 0 up.
    pub(super) turn: usize,
    /// For which job of its type.
    pub(super) nth: u32,
    /// In which run of the verify loop.
    pub(super) iteration: u32,
    /// How many of its steps are done.
    pub(super) steps_done: usize,
    /// It ended by itself and successfully: a later run begins its turn anew.
    pub(super) ended: bool,
    /// The last thing it said.
    pub(super) said: String,
}

/// The file of a session.
pub(super) fn file(folder: &Path, session_id: &str) -> PathBuf {
    folder.join(format!("{session_id}.json"))
}

pub(super) fn load(path: &Path) -> Option<State> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

pub(super) fn save(path: &Path, state: &State) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(state)?)?;
    std::fs::rename(new, path)
}
