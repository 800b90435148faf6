//! The branch registry: which branches Windlass works on, and how far each is on its way into its base.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, Timestamp};

/// How far a branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BranchStatus {
    /// Its assignment works on it.
    Active,
    /// It is delivered and waits to be merged.
    Merging,
    /// Its base branch has all of it.
    Merged,
}

impl BranchStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Merging, Self::Merged];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Merging => "merging",
            Self::Merged => "merged",
        }
    }

    /// The only place that knows what becomes of a registered branch; `None` when it leaves the registry. What a move does not concern
    /// stays as it is.
    pub const fn next(self, by: BranchMove) -> Option<Self> {
        use BranchMove as M;
        match (self, by) {
            (_, M::Work) => Some(Self::Active),
            (Self::Active, M::Complete { pushed: true }) => Some(Self::Merging),
            // Of what was never pushed nothing is anywhere else: there is nothing to merge, or to clash with.
            (Self::Active, M::Complete { pushed: false } | M::Cancel { pushed: false }) | (_, M::Release) => None,
            (_, M::Merge) => Some(Self::Merged),
            (status, M::Complete { .. } | M::Cancel { .. }) => Some(status),
        }
    }
}

crate::text_enum!(BranchStatus, "branch status");

/// What may happen to a registered branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BranchMove {
    /// Work on it begins, or goes on.
    Work,
    /// Its assignment is complete.
    Complete {
        /// Whether anything of it was pushed, or is about to be.
        pushed: bool,
    },
    /// Its assignment is called off. What was pushed stays registered until somebody releases it.
    Cancel {
        /// Whether anything of it was pushed, or is about to be.
        pushed: bool,
    },
    /// Its base branch has all of it, or a person says that it was merged.
    Merge,
    /// A person says that it counts no more.
    Release,
}

/// A registered branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Branch {
    /// The assignment that works on it.
    pub assignment_id: AssignmentId,
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// How far it is.
    pub status: BranchStatus,
    /// The last commit that was pushed, as far as is known.
    pub head: Option<String>,
    /// The commit that is pushed, or about to be: what others must merge with.
    pub declared: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What is done when an assignment's work does not merge cleanly with another branch or with what its base has become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnClash {
    /// The agent merges the two in a further round.
    #[default]
    Rebase,
    /// A person decides.
    Hold,
}

impl OnClash {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Rebase, Self::Hold];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Hold => "hold",
        }
    }
}

crate::text_enum!(OnClash, "way out of a clash");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_goes_from_active_over_merging_to_merged() {
        let delivered = BranchStatus::Active.next(BranchMove::Complete { pushed: true });
        assert_eq!(delivered, Some(BranchStatus::Merging));
        assert_eq!(BranchStatus::Merging.next(BranchMove::Merge), Some(BranchStatus::Merged));
        assert_eq!(BranchStatus::Merged.next(BranchMove::Work), Some(BranchStatus::Active), "its assignment was opened again");
    }

    #[test]
    fn what_was_pushed_stays_until_it_is_merged_or_released() {
        for status in BranchStatus::ALL {
            for by in [BranchMove::Complete { pushed: true }, BranchMove::Cancel { pushed: true }, BranchMove::Work, BranchMove::Merge] {
                assert!(status.next(by).is_some(), "{status} {by:?}");
            }
            assert_eq!(status.next(BranchMove::Release), None);
        }
        assert_eq!(BranchStatus::Active.next(BranchMove::Cancel { pushed: false }), None);
        assert_eq!(BranchStatus::Active.next(BranchMove::Complete { pushed: false }), None);
    }
}
