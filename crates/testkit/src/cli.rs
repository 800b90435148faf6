//! The real agent CLIs, installed from npm in `crates/testkit/npm` at the versions pinned there.

use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_types::Harness;

use crate::skip::skipped;

/// The folder whose `package.json` pins the programs: `npm ci` there installs them.
pub const NPM_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/npm");

/// Where they are then.
pub(crate) const NODE_MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/npm/node_modules");

/// How to install them.
pub(crate) const INSTALL: &str = "Run `npm ci --prefix crates/testkit/npm` (about 1.2 GB).";

/// The versions that are wanted.
const PINNED: &str = include_str!("../npm/package.json");

/// The agent CLIs that tests can run.
#[derive(Debug)]
pub struct AgentCli;

impl AgentCli {
    /// The program of a harness, or `None` after a loud skip when it is not installed in the pinned version.
    ///
    /// # Panics
    ///
    /// With `CI=true`, where others skip; and for a harness that has no program of its own.
    pub fn find(harness: Harness) -> Option<PathBuf> {
        let (name, package) = match harness {
            Harness::Claude => ("claude", "@anthropic-ai/claude-code"),
            Harness::Codex => ("codex", "@openai/codex"),
            Harness::Gemini => ("gemini", "@google/gemini-cli"),
            Harness::Command | Harness::Simulated => panic!("the harness {} has no program of its own", harness.as_str()),
        };
        let program = Path::new(NODE_MODULES).join(".bin").join(name);
        let (wanted, installed) = (pinned(package), installed(package));
        if program.exists() && installed == wanted {
            return Some(program);
        }
        skipped(&format!("the agent CLI {name} {}", wanted.unwrap_or_default()), INSTALL);
        None
    }
}

/// The version that `package.json` wants.
pub(crate) fn pinned(package: &str) -> Option<String> {
    let pins: Value = serde_json::from_str(PINNED).ok()?;
    pins["dependencies"][package].as_str().map(str::to_owned)
}

/// The version that is there.
pub(crate) fn installed(package: &str) -> Option<String> {
    let manifest = std::fs::read_to_string(Path::new(NODE_MODULES).join(package).join("package.json")).ok()?;
    let manifest: Value = serde_json::from_str(&manifest).ok()?;
    manifest["version"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_to_one_version() {
        for package in ["@anthropic-ai/claude-code", "@openai/codex", "@google/gemini-cli", "@octokit/openapi"] {
            let version = pinned(package).unwrap();
            assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{package} {version}");
        }
    }

    #[test]
    fn the_lockfile_names_no_registry() {
        let lockfile = include_str!("../npm/package-lock.json");
        assert!(!lockfile.contains("\"resolved\"") && !lockfile.contains("registry"));
    }
}
