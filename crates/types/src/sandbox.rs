//! What keeps the programs of an attempt apart from the rest of the machine, and when work may run without it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Failure, FailureKind, NetworkMode, text_enum};

/// Whether a project's programs run in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxMode {
    /// In the best that this machine has. Without one that holds, work from untrusted sources is refused.
    #[default]
    Auto,
    /// In a namespace with a view of its own, or not at all.
    Require,
    /// With the machine as the user sees it. Their processes still end with the attempt.
    Off,
}

impl SandboxMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Require, Self::Off];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Require => "require",
            Self::Off => "off",
        }
    }
}

text_enum!(SandboxMode, "sandbox mode");

/// How far a program is kept apart, from nothing up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Not at all: it sees what the user sees.
    Off,
    /// By limits of memory, processes and files only. It can read all that the user can, so tokens are no boundary.
    Rlimits,
    /// By Landlock: files that are not its own are refused. Its processes are not hidden from others.
    Landlock,
    /// By namespaces: files that are not its own, and other processes, are not there.
    Bubblewrap,
}

impl SandboxLevel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Rlimits, Self::Landlock, Self::Bubblewrap];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Rlimits => "rlimits",
            Self::Landlock => "landlock",
            Self::Bubblewrap => "bubblewrap",
        }
    }

    /// Whether files that are not the program's own are out of its reach, Windlass's token among them.
    pub const fn hides_files(self) -> bool {
        matches!(self, Self::Landlock | Self::Bubblewrap)
    }
}

text_enum!(SandboxLevel, "sandbox level");

/// What one process tree may use; `None`: as much as there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SandboxLimits {
    /// Memory of all its processes together, in bytes.
    pub max_memory: Option<u64>,
    /// Its processes at once.
    pub max_processes: Option<u64>,
    /// The longest file that it may write, in bytes.
    pub max_file_size: Option<u64>,
    /// All that is in the assignment's folder, in bytes.
    pub max_disk: Option<u64>,
}

impl SandboxLimits {
    /// These, and where they say nothing, those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            max_memory: self.max_memory.or(other.max_memory),
            max_processes: self.max_processes.or(other.max_processes),
            max_file_size: self.max_file_size.or(other.max_file_size),
            max_disk: self.max_disk.or(other.max_disk),
        }
    }
}

/// Whether the text of an assignment was written by somebody who may run programs on this machine anyway: on its command line, or in its
/// shared directory. What comes over the network (`api`, and whatever source there will be) may hold the words of strangers.
pub fn is_trusted_source(source: &str) -> bool {
    matches!(source, "cli" | "file")
}

/// The level at which an attempt's programs run, of the one that this machine `reached`.
///
/// # Errors
/// What is missing, as a failure of the configuration: the job waits unharmed until a person has seen to it.
pub fn sandbox_level(mode: SandboxMode, reached: SandboxLevel, source: &str) -> Result<SandboxLevel, Failure> {
    let refused = |what: String| {
        Err(Failure::new(FailureKind::SandboxMissing, what).hint(
            "install bubblewrap and permit unprivileged user namespaces on this node, and start its daemon without `--isolation` or \
             `engine.isolation` that keeps it lower (`windlass doctor` says what it reached); or set `sandbox` of the project to what you \
             accept. Then: windlass update-assignment ID --status active",
        ))
    };
    match mode {
        SandboxMode::Off => Ok(SandboxLevel::Off),
        SandboxMode::Require if reached != SandboxLevel::Bubblewrap => {
            refused(format!("the project requires the sandbox level bubblewrap, and this node reaches {reached}"))
        }
        SandboxMode::Auto if reached == SandboxLevel::Rlimits && !is_trusted_source(source) => refused(format!(
            "work from the source {source} is not trusted, and this node has no sandbox that would keep it from the daemon's token \
             (reached: {reached})"
        )),
        SandboxMode::Auto | SandboxMode::Require => Ok(reached),
    }
}

/// Whether an attempt's programs get a network of their own, out of which only allowed hosts are reached; `works`: this node can make one.
///
/// # Errors
/// It is wanted, cannot be made, and the project requires its sandbox.
pub fn keeps_network(mode: SandboxMode, network: NetworkMode, works: bool) -> Result<bool, Failure> {
    if network == NetworkMode::Open {
        return Ok(false);
    }
    let works = works && mode != SandboxMode::Off;
    if !works && mode == SandboxMode::Require {
        return Err(Failure::new(
            FailureKind::SandboxMissing,
            format!("the project requires a sandbox with the network {network}, and this node cannot keep that"),
        )
        .hint("install bubblewrap and permit unprivileged user and network namespaces on this node, then: windlass update-assignment ID --status active"));
    }
    Ok(works)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn require_runs_in_namespaces_or_not_at_all() {
        for reached in SandboxLevel::ALL {
            let level = sandbox_level(SandboxMode::Require, reached, "cli");
            assert_eq!(level.is_ok(), reached == SandboxLevel::Bubblewrap, "{reached}");
            if let Err(failure) = level {
                assert!(failure.message.contains(reached.as_str()) && failure.hint.is_some_and(|h| h.contains("bubblewrap")));
            }
        }
    }

    #[test]
    fn where_tokens_are_no_boundary_only_work_of_this_machines_own_people_runs() {
        for (source, runs) in [("cli", true), ("file", true), ("api", false), ("github", false), ("", false)] {
            assert_eq!(sandbox_level(SandboxMode::Auto, SandboxLevel::Rlimits, source).is_ok(), runs, "{source}");
            assert!(sandbox_level(SandboxMode::Auto, SandboxLevel::Landlock, source).is_ok());
            assert_eq!(sandbox_level(SandboxMode::Off, SandboxLevel::Bubblewrap, source), Ok(SandboxLevel::Off));
        }
    }

    #[test]
    fn a_network_that_cannot_be_kept_is_open_unless_the_sandbox_is_required() {
        for network in [NetworkMode::AllowList, NetworkMode::None] {
            assert_eq!(keeps_network(SandboxMode::Auto, network, true), Ok(true));
            assert_eq!(keeps_network(SandboxMode::Auto, network, false), Ok(false));
            assert_eq!(keeps_network(SandboxMode::Off, network, true), Ok(false));
            assert!(keeps_network(SandboxMode::Require, network, false).is_err());
        }
        assert_eq!(keeps_network(SandboxMode::Require, NetworkMode::Open, false), Ok(false));
    }

    #[test]
    fn a_nearer_limit_goes_before_a_farther_one() {
        let near = SandboxLimits { max_memory: Some(1), ..SandboxLimits::default() };
        let far = SandboxLimits { max_memory: Some(2), max_disk: Some(3), ..SandboxLimits::default() };
        assert_eq!(near.or(far), SandboxLimits { max_memory: Some(1), max_disk: Some(3), ..SandboxLimits::default() });
    }
}
