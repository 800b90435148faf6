//! Pull requests: where an assignment's branch is proposed to people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// What became of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestState {
    /// It waits.
    Open,
    /// It was closed and not merged.
    Closed,
    /// It was merged.
    Merged,
}

impl PullRequestState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Merged];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }
}

crate::text_enum!(PullRequestState, "pull request state");

/// What the checks of a commit say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChecksVerdict {
    /// There are none: none yet, or the repository has none.
    Unreported,
    /// None has failed, and some are not over.
    Pending,
    /// All are over and none has failed.
    Success,
    /// At least one has failed.
    Failure,
}

/// The pull request of an assignment's branch, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullRequest {
    /// Whose repository on the forge: `OWNER/NAME`.
    pub repository: String,
    /// Its number there.
    pub number: u64,
    /// Where people see it.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What became of it.
    pub state: PullRequestState,
    /// The commit that was last pushed to its branch.
    pub head: String,
    /// What the checks of that commit said when they were last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<ChecksVerdict>,
    /// When it was last looked at.
    pub seen_at: Timestamp,
}

/// Whether a text names a repository of a forge: `OWNER/NAME`, each of letters, digits, `.`, `-` and `_`.
pub fn is_forge_repository(text: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.len() <= 100
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_of_a_forge_is_two_plain_names() {
        assert!(is_forge_repository("acme/anvil.rs"));
        for bad in ["", "acme", "acme/", "/anvil", "a/b/c", "a/..", "../b", "a b/c", "a/b?x", "a/%2e", &format!("a/{}", "x".repeat(101))] {
            assert!(!is_forge_repository(bad), "{bad:?}");
        }
    }
}
