//! Looking at workspaces and repositories from beside the work: nothing here changes a workspace or waits for its user.

use super::prepare::workspace;
use super::record::Record;
use super::{Changes, Source, Workspace, Workspaces};
use crate::git::{Commitish, RepoAddress, WorkspaceError};
use windlass_types::AssignmentId;

/// The shortest abbreviation of a commit that names one.
const MIN_ABBREVIATION: usize = 7;

impl Workspaces {
    /// The assignment's workspace, if it has one here. Leaves everything as it is, so that it may be asked while an agent works there.
    pub fn find(&self, project: &str, assignment_id: &AssignmentId) -> Result<Option<Workspace>, WorkspaceError> {
        let engine_git_dir = self.engine_git_dir(assignment_id);
        let folders = self.folders(project, assignment_id)?;
        Ok(Record::read(&engine_git_dir)?.map(|record| workspace(&folders, engine_git_dir, &record)))
    }

    /// What lies between two commits of the assignment's branch.
    pub async fn changes_of(&self, workspace: &Workspace, from: &str, to: &str) -> Result<Changes, WorkspaceError> {
        let (from, to) = (Commitish::parse(from)?, Commitish::parse(to)?);
        self.changes_between(workspace, from.as_str(), to.as_str().to_owned()).await
    }

    /// Whether `commit`, whole or abbreviated to at least seven digits, is one that this assignment put on its branch.
    pub async fn is_own_commit(&self, workspace: &Workspace, commit: &str) -> Result<bool, WorkspaceError> {
        let wanted = commit.to_ascii_lowercase();
        if wanted.len() < MIN_ABBREVIATION || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(false);
        }
        let head = self.head(workspace)?;
        let own = self.commits(Source::Workspace(workspace), &workspace.base_commit, &head).await?;
        Ok(own.iter().any(|c| c.sha.starts_with(&wanted)))
    }

    /// The newest commit of the branch that ends with exactly these trailers.
    pub async fn commit_with(&self, workspace: &Workspace, trailers: &[(String, String)]) -> Result<Option<String>, WorkspaceError> {
        let head = self.head(workspace)?;
        let own = self.commits(Source::Workspace(workspace), &workspace.base_commit, &head).await?;
        Ok(own.into_iter().rev().find(|c| crate::git::has_trailers(&format!("{}\n", c.message), trailers)).map(|c| c.sha))
    }

    /// Some files of a repository at the head of `base` (by default the branch that is checked out there), read through its mirror; and
    /// the commit they were read from.
    pub async fn read_at_base(
        &self,
        repo: &str,
        base: Option<&str>,
        paths: &[String],
        max_bytes: u64,
    ) -> Result<(String, Vec<(String, Vec<u8>)>), WorkspaceError> {
        let facts = self.inspect(repo, base).await?;
        let address = RepoAddress::parse(repo)?;
        if !self.commit_exists(Source::Repo(&address), &facts.base_commit).await? {
            self.fetch_mirror(&address, &facts.base_commit).await?;
        }
        let mut found = Vec::new();
        for path in paths {
            if let Some(bytes) = self.read_at(Source::Repo(&address), &facts.base_commit, path, max_bytes).await? {
                found.push((path.clone(), bytes));
            }
        }
        Ok((facts.base_commit, found))
    }

    /// What git calls itself.
    pub async fn git_version(&self) -> Result<String, WorkspaceError> {
        Ok(self.git.call("version").ok().await?.text())
    }
}
