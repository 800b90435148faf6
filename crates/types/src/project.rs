//! Projects: a repository, its settings, and the namespace that isolates its work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Budget, Harness, NetworkMode, OnClash, SandboxLimits, SandboxMode, Timestamp};

/// The built-in project without a repository: its jobs only run, verify and settle.
pub const SCRATCH: &str = "scratch";

/// What a project's work is run with. From the daemon's configuration, the command line, or a trusted file of the repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProjectSettings {
    /// The check the engine runs on every change.
    pub verify: Option<String>,
    /// A command run once in a new workspace.
    pub setup: Option<String>,
    /// How often the agent may be sent back with the check's output.
    pub max_iterations: Option<u32>,
    /// The agent for each job type (`default` for the rest).
    pub harness_defaults: BTreeMap<String, Harness>,
    /// The model for each harness.
    pub models: BTreeMap<String, String>,
    /// Limits for each new assignment.
    pub budget: Budget,
    /// How long one run of an agent may take, in seconds.
    pub timeout_secs: Option<u64>,
    /// How many jobs of this project may run at once.
    pub max_concurrent: Option<u32>,
    /// Prompt templates by job type, in place of the built-in ones.
    pub templates: BTreeMap<String, String>,
    /// Whether every assignment's branch is proposed as a pull request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub propose: bool,
    /// The repository on the forge, `OWNER/NAME`, where the repository's own address does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forge_repository: Option<String>,
    /// What happens to work that changes a guarded path; it is held where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<crate::Guard>,
    /// What is guarded beside the built-in list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guarded_paths: Vec<String>,
    /// What is done when work does not merge cleanly with another branch; by default the agent merges the two in a further round.
    pub on_clash: Option<OnClash>,
    /// Whether its programs run in a sandbox. A repository's own file has no say in it.
    pub sandbox: Option<SandboxMode>,
    /// Whom its programs may speak to. A repository's own file has no say in it.
    pub network: Option<NetworkMode>,
    /// Hosts that they may speak to, beside those of the node: see `HostRule`. A repository's own file has no say in it.
    pub network_allow: Vec<String>,
    /// What its programs may use. A repository's own file has no say in it.
    pub limits: SandboxLimits,
}

/// A project as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Its name: unique, and the namespace of its work.
    pub name: String,
    /// The repository, as a path or URL; none for `scratch`.
    pub repo: Option<String>,
    /// The branch work starts from, when none is named.
    pub default_branch: Option<String>,
    /// What its work is run with.
    pub settings: ProjectSettings,
    /// The hash of the repository's own settings file that a person trusted, if any.
    pub trusted: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether a name can be a project's or worker's: a letter or digit, then at most 127 of `A-Za-z0-9._-`.
pub fn is_valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && name.len() <= 128
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A valid project name made from a folder's name.
pub fn name_from(text: &str) -> String {
    let mut name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).take(100).collect();
    while name.starts_with(|c: char| !c.is_ascii_alphanumeric()) {
        name.remove(0);
    }
    if name.is_empty() { "project".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_could_be_paths_or_options_are_not_valid() {
        for name in ["", ".", "..", "-rf", "a/b", "a\\b", "a\0b", "a b", "../x", &"x".repeat(129)] {
            assert!(!is_valid_name(name), "{name:?}");
        }
        assert!(is_valid_name("my-app_1.2"));
    }

    proptest! {
        #[test]
        fn a_name_made_from_any_text_is_valid(text in ".{0,200}") {
            prop_assert!(is_valid_name(&name_from(&text)));
        }
    }
}
