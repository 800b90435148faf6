//! Which commits are meant.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::git::{Commitish, Repository, WorkspaceError};

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// The commits that `tips` have and `without` have not.
    Commits {
        /// The newest commits.
        tips: Vec<Commitish>,
        /// Commits that are known already, with all before them.
        without: Vec<Commitish>,
    },
    /// One commit.
    Commit(Commitish),
    /// What is staged, against the last commit.
    Staged {
        /// The index, where it is not the usual one: git gives a hook its path in `GIT_INDEX_FILE`.
        index: Option<PathBuf>,
    },
}

impl Range {
    /// What `to` brings to somebody who has `from`.
    pub fn between(from: Commitish, to: Commitish) -> Self {
        Self::Commits { tips: vec![to], without: vec![from] }
    }
}

impl Repository {
    /// What a person means by `A..B`, `A...B` or a commit's name, and the commit that it starts from; `None` when it means nothing.
    ///
    /// As in git's own lists, `A...B` is what either has and the other has not; a missing end is `HEAD`. `0..B` is all that B has: git
    /// tells its hooks a hash of zeros where there is nothing yet.
    pub async fn range(&self, text: &str) -> Result<Option<(Range, Option<Commitish>)>, WorkspaceError> {
        let (dots, both) = if text.contains("...") { ("...", true) } else { ("..", false) };
        let Some((from, to)) = text.split_once(dots) else {
            let Some(commit) = self.commit(text).await? else { return Ok(None) };
            let parent = self.commit(&format!("{}^1", commit.as_str())).await?;
            return Ok(Some((Range::Commit(commit), parent)));
        };
        let end = |name: &str| if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() };
        let Some(to) = self.commit(&end(to)).await? else { return Ok(None) };
        if matches!(from.len(), 1 | 40 | 64) && from.bytes().all(|byte| byte == b'0') {
            return Ok(Some((Range::Commits { tips: vec![to], without: Vec::new() }, None)));
        }
        let Some(from) = self.commit(&end(from)).await? else { return Ok(None) };
        if !both {
            return Ok(Some((Range::between(from.clone(), to), Some(from))));
        }
        let shared = self.call("merge-base").args(["--all", from.as_str(), to.as_str()]).run().await?;
        let shared = shared.text().lines().map(Commitish::parse).collect::<Result<Vec<_>, _>>()?;
        let base = shared.first().cloned();
        Ok(Some((Range::Commits { tips: vec![from, to], without: shared }, base)))
    }

    /// The hashes of a range's commits, the oldest first; none for what is no commit yet.
    pub(super) async fn list(&self, range: &Range) -> Result<Vec<String>, WorkspaceError> {
        let (tips, without) = match range {
            Range::Commits { tips, without } => (tips, without),
            Range::Commit(commit) => return Ok(vec![commit.as_str().to_owned()]),
            Range::Staged { .. } => return Ok(Vec::new()),
        };
        let list = self.call("rev-list").args(["--topo-order", "--reverse"]).args(tips.iter().map(Commitish::as_str));
        let list = list.args(without.iter().map(|commit| format!("^{}", commit.as_str()))).arg("--").ok().await?;
        let list: Vec<String> =
            list.text().lines().map(|line| Ok(Commitish::parse(line)?.as_str().to_owned())).collect::<Result<_, WorkspaceError>>()?;
        let ends = self.shallow_ends().await?;
        match list.iter().find(|commit| ends.contains(commit.as_str())) {
            Some(commit) => Err(WorkspaceError::Shallow { commit: commit.clone() }),
            None => Ok(list),
        }
    }

    /// The commits before which a shallow clone ends.
    async fn shallow_ends(&self) -> Result<HashSet<String>, WorkspaceError> {
        let told = self.call("rev-parse").args(["--is-shallow-repository", "--path-format=absolute", "--git-path", "shallow"]).ok().await?;
        let told = told.text();
        let Some((is_shallow, file)) = told.split_once('\n') else { return Ok(HashSet::new()) };
        if is_shallow.trim() != "true" {
            return Ok(HashSet::new());
        }
        let read = std::fs::read_to_string(file.trim());
        let text = read.map_err(|source| WorkspaceError::Io { what: format!("read {}", file.trim()), source })?;
        Ok(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// What the index is compared with: the last commit, or nothing before the first.
    pub(super) async fn against_staged(&self) -> Result<String, WorkspaceError> {
        if let Some(head) = self.commit("HEAD").await? {
            return Ok(head.as_str().to_owned());
        }
        Ok(self.call("hash-object").args(["-t", "tree", "--stdin"]).ok().await?.text())
    }
}
