//! The real agent CLIs, installed from npm in `crates/testkit/npm` at the versions pinned there.

use std::path::{Path, PathBuf};

use windlass_types::Harness;

use crate::skip::skipped;

/// Where the programs of `npm/package.json` are installed.
pub(crate) const NODE_MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/npm/node_modules");

/// How to install them.
pub(crate) const INSTALL: &str = "Run `npm ci --prefix crates/testkit/npm` (about 800 MB).";

/// The agent CLIs that tests can run.
#[derive(Debug)]
pub struct AgentCli;

impl AgentCli {
    /// The program of a harness, or `None` after a loud skip when it is not installed.
    ///
    /// # Panics
    ///
    /// With `CI=true`, when it is not installed; and for a harness that has no program of its own.
    pub fn find(harness: Harness) -> Option<PathBuf> {
        let name = match harness {
            Harness::Claude => "claude",
            Harness::Codex => "codex",
            Harness::Gemini => "gemini",
            Harness::Command | Harness::Simulated => panic!("the harness {} has no program of its own", harness.as_str()),
        };
        let program = Path::new(NODE_MODULES).join(".bin").join(name);
        if program.exists() {
            return Some(program);
        }
        skipped(&format!("the agent CLI {name}"), INSTALL);
        None
    }
}
