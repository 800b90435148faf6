//! What there is on the fake: repositories, and all that is in them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::repo::Git;

/// Everything.
#[derive(Debug, Default)]
pub(super) struct World {
    /// By full name in lower case: names differ by more than case.
    repositories: BTreeMap<String, Repository>,
    last_id: u64,
}

#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) owner: String,
    pub(super) name: String,
    /// The commit of each branch.
    pub(super) branches: BTreeMap<String, String>,
    /// Where its branches are read from before each answer, if they are a real repository's.
    pub(super) git: Option<Git>,
    pub(super) pulls: Vec<Pull>,
    pub(super) checks: Vec<Check>,
    pub(super) statuses: Vec<Status>,
}

#[derive(Debug)]
pub(super) struct Pull {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) head: String,
    pub(super) head_sha: String,
    pub(super) base: String,
    pub(super) base_sha: String,
    pub(super) open: bool,
    pub(super) merged: bool,
    pub(super) mergeable: Option<bool>,
    pub(super) comments: Vec<Comment>,
    pub(super) reviews: Vec<Review>,
    pub(super) review_comments: Vec<ReviewComment>,
}

#[derive(Debug)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) author: String,
    pub(super) body: String,
}

#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) name: String,
    /// `None` while it runs.
    pub(super) conclusion: Option<String>,
}

#[derive(Debug)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) sha: String,
    pub(super) context: String,
    pub(super) state: String,
}

#[derive(Debug)]
pub(super) struct Review {
    pub(super) id: u64,
    pub(super) new: NewReview,
}

#[derive(Debug)]
pub(super) struct ReviewComment {
    pub(super) id: u64,
    pub(super) review: u64,
    pub(super) path: String,
    pub(super) line: Option<u32>,
    pub(super) body: String,
}

/// A review that somebody writes.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// Their login; `None` for one who is gone.
    pub author: Option<String>,
    /// What they are to the repository, in GitHub's word.
    pub association: String,
    /// What they decide.
    pub state: ReviewState,
    /// What they say.
    pub body: String,
    /// When it was submitted, in RFC 3339; `None` for one that is still being written.
    pub submitted_at: Option<String>,
}

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// It may be merged.
    Approved,
    /// It may not.
    ChangesRequested,
    /// Nothing.
    Commented,
    /// It no longer counts.
    Dismissed,
    /// It is not submitted.
    Pending,
}

impl NewReview {
    /// A review of a collaborator's.
    pub fn of(author: &str, state: ReviewState, body: &str, submitted_at: &str) -> Self {
        Self {
            author: Some(author.to_owned()),
            association: "COLLABORATOR".to_owned(),
            state,
            body: body.to_owned(),
            submitted_at: Some(submitted_at.to_owned()),
        }
    }
}

impl ReviewState {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
            Self::Pending => "PENDING",
        }
    }
}

impl World {
    /// A new id, higher than all before.
    pub(super) const fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn repository(&mut self, full_name: &str) -> Option<&mut Repository> {
        let repository = self.repositories.get_mut(&full_name.to_ascii_lowercase())?;
        repository.look();
        Some(repository)
    }

    /// Makes a repository whose branches are those of a real one.
    pub(super) fn follow(&mut self, full_name: &str, git: Git) {
        self.push(full_name, "main", &"0".repeat(40));
        self.repositories.values_mut().filter(|r| format!("{}/{}", r.owner, r.name) == full_name).for_each(|r| r.git = Some(git.clone()));
    }

    /// The repository that a test speaks of.
    pub(super) fn known(&mut self, full_name: &str) -> &mut Repository {
        self.repository(full_name).unwrap_or_else(|| panic!("the fake has no repository {full_name}"))
    }

    /// The pull request that a test speaks of.
    pub(super) fn pull(&mut self, full_name: &str, number: u64) -> &mut Pull {
        self.known(full_name).pull(number).unwrap_or_else(|| panic!("{full_name} has no pull request {number}"))
    }

    /// Makes the repository where it is not there yet, and sets a branch of it.
    pub(super) fn push(&mut self, full_name: &str, branch: &str, sha: &str) {
        let (owner, name) = full_name.split_once('/').unwrap_or_else(|| panic!("{full_name} is not OWNER/NAME"));
        let id = self.id();
        let new = || Repository { id, owner: owner.to_owned(), name: name.to_owned(), ..Repository::default() };
        let repository = self.repositories.entry(full_name.to_ascii_lowercase()).or_insert_with(new);
        repository.set(branch, sha);
    }
}

impl Repository {
    fn set(&mut self, branch: &str, sha: &str) {
        self.branches.insert(branch.to_owned(), sha.to_owned());
        for pull in self.pulls.iter_mut().filter(|pull| pull.open && pull.head == branch) {
            sha.clone_into(&mut pull.head_sha);
        }
    }

    /// Reads the branches of the real repository, where there is one.
    fn look(&mut self) {
        let Some(git) = &self.git else { return };
        let refs = git.refs();
        self.branches.clear();
        for (name, sha) in refs {
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                self.set(branch, &sha);
            }
        }
    }

    pub(super) fn pull(&mut self, number: u64) -> Option<&mut Pull> {
        self.pulls.iter_mut().find(|pull| pull.number == number)
    }

    /// Changes a pull request as a request's body says.
    pub(super) fn edit(&mut self, number: u64, change: &Value) {
        let Some(pull) = self.pull(number) else { return };
        if let Some(title) = change["title"].as_str() {
            title.clone_into(&mut pull.title);
        }
        if let Some(body) = change["body"].as_str() {
            pull.body = Some(body.to_owned());
        }
        if let Some(state) = change["state"].as_str() {
            pull.open = state == "open";
        }
    }
}
