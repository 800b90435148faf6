//! What of a thread's tokens has been counted already.
//!
//! Codex reports usage for the whole thread, past runs included. The last count that was reported is kept in the
//! assignment's home, so that a resumed run costs what it adds. A run that was killed reported nothing: what it used is
//! in the next count.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::wire::Tokens;
use crate::private_dir::{PrivateDir, read_planted};
use crate::{RunRequest, Session};

const FILE: &str = "codex-usage.json";
const FILE_MAX: u64 = 64 * 1024;

/// The counts of the thread that is resumed, and where to keep the next ones.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    home: Option<PathBuf>,
    known: Option<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    thread_id: String,
    usage: Tokens,
}

impl Ledger {
    pub(crate) fn of(request: &RunRequest) -> Self {
        let read = || -> Option<Entry> {
            let Session::Resume { session_id } = &request.session else { return None };
            let text = read_planted(&request.home.join(".windlass").join(FILE), FILE_MAX).ok()?;
            serde_json::from_slice::<Entry>(&text).ok().filter(|e| &e.thread_id == session_id)
        };
        Self { home: Some(request.home.clone()), known: read() }
    }

    /// What of `total`, the thread's count, is new; and keeps it as counted.
    pub(super) fn count(&mut self, thread_id: Option<&str>, total: Tokens) -> Tokens {
        let before = self.known.as_ref().filter(|e| Some(e.thread_id.as_str()) == thread_id).map(|e| e.usage).unwrap_or_default();
        if let (Some(home), Some(thread_id)) = (&self.home, thread_id) {
            let entry = Entry { thread_id: thread_id.to_owned(), usage: total };
            // Without it the next run counts too much, which no budget minds less than too little.
            if let Ok(bytes) = serde_json::to_vec(&entry) {
                let _ = PrivateDir::open(home).and_then(|h| h.dir(".windlass")).and_then(|d| d.write(FILE, &bytes));
            }
        }
        total.less(before)
    }
}
