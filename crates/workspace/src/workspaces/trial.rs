//! Merging on trial: would two commits merge without a conflict? Nothing but objects is written, and no working tree is touched.
//!
//! **Invariant:** no attribute of a repository counts, and no merge driver runs: neither can hide a conflict, or do anything at all.

use std::fmt::Write as _;

use windlass_types::AssignmentId;

use super::{Source, Workspace, Workspaces};
use crate::git::{Call, Commitish, RepoAddress, WorkspaceError, check_branch, check_pristine};

/// The most files that are named of one clash.
const FILES_MAX: usize = 200;

/// What a merge on trial has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// It would merge.
    Clean,
    /// It would not.
    Clash {
        /// The files in conflict, as git names them; at most 200.
        files: Vec<String>,
        /// The tree that the merge would leave, with conflict markers in the files.
        tree: String,
    },
    /// The other commit is nowhere to be read.
    Missing,
}

/// git's own name for a tree without files.
const fn empty_tree(hash_len: usize) -> &'static str {
    match hash_len {
        64 => "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        _ => "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    }
}

impl Workspaces {
    /// Where the branch that the work started from is now, by a look at the origin; `None` when it is gone. The commit is here then.
    pub async fn base_head(&self, workspace: &Workspace) -> Result<Option<String>, WorkspaceError> {
        self.head_of(&workspace.repo, &workspace.base_branch, &workspace.base_commit).await
    }

    async fn head_of(&self, repo: &RepoAddress, branch: &str, sample_hash: &str) -> Result<Option<String>, WorkspaceError> {
        let name = format!("refs/heads/{}", check_branch(branch)?);
        let found = |refs: Vec<(String, String)>| refs.into_iter().find(|(name, _)| name == branch).map(|(_, commit)| commit);
        let Some(path) = repo.local_path() else {
            let mirror = self.fetch_mirror(repo, sample_hash).await?;
            return Ok(found(self.local_refs(&mirror, &name).await?));
        };
        let head = found(self.local_refs(path, &name).await?);
        if let Some(head) = &head
            && !self.commit_exists(Source::Repo(repo), head).await?
        {
            self.fetch_mirror(repo, head).await?;
        }
        Ok(head)
    }

    /// Which of these commits a repository's branch has, by a look at the origin.
    pub async fn merged_into(&self, repo: &str, branch: &str, commits: &[String]) -> Result<Vec<String>, WorkspaceError> {
        let repo = RepoAddress::parse(repo)?;
        let sample = commits.first().map_or("", String::as_str);
        let Some(head) = self.head_of(&repo, branch, sample).await? else { return Ok(Vec::new()) };
        let mut merged = Vec::new();
        for commit in commits {
            let source = Source::Repo(&repo);
            if self.commit_exists(source, commit).await? && self.is_ancestor(source, commit, &head).await? {
                merged.push(commit.clone());
            }
        }
        Ok(merged)
    }

    /// Whether a commit can be read here: in the workspace, in the mirror (fetched anew where it is missing), or in the workspace of
    /// `lender` on this machine, which may be about to push it.
    pub async fn is_reachable(&self, workspace: &Workspace, commit: &str, lender: Option<&AssignmentId>) -> Result<bool, WorkspaceError> {
        if self.is_here(workspace, commit, lender).await? {
            return Ok(true);
        }
        self.fetch_mirror(&workspace.repo, &workspace.base_commit).await?;
        self.is_here(workspace, commit, lender).await
    }

    pub(super) async fn is_here(&self, workspace: &Workspace, commit: &str, lender: Option<&AssignmentId>) -> Result<bool, WorkspaceError> {
        let name = format!("{}^{{commit}}", Commitish::parse(commit)?.as_str());
        Ok(self.borrowing(workspace, "cat-file", lender)?.args(["-e", &name]).run().await?.code == Some(0))
    }

    /// Whether `ancestor`, which may be another assignment's, is `descendant` or comes before it.
    pub async fn has_commit(
        &self,
        workspace: &Workspace,
        descendant: &str,
        ancestor: &str,
        lender: Option<&AssignmentId>,
    ) -> Result<bool, WorkspaceError> {
        let (descendant, ancestor) = (Commitish::parse(descendant)?, Commitish::parse(ancestor)?);
        let call = self.borrowing(workspace, "merge-base", lender)?;
        Ok(call.args(["--is-ancestor", ancestor.as_str(), descendant.as_str()]).run().await?.code == Some(0))
    }

    /// Merges two commits on trial. `lender` is the assignment of the second, where it may be nowhere else yet.
    pub async fn trial_merge(
        &self,
        workspace: &Workspace,
        ours: &str,
        theirs: &str,
        lender: Option<&AssignmentId>,
    ) -> Result<Trial, WorkspaceError> {
        let trials = self.trial_merges(workspace, ours, &[(theirs.to_owned(), lender.copied())]).await?;
        trials.into_iter().next().ok_or_else(|| odd("it gave no result"))
    }

    /// Merges a commit on trial with each of others, which may be in the workspaces of their assignments only; the results come in their
    /// order. Two calls of git do for all.
    pub async fn trial_merges(
        &self,
        workspace: &Workspace,
        ours: &str,
        theirs: &[(String, Option<AssignmentId>)],
    ) -> Result<Vec<Trial>, WorkspaceError> {
        let ours = Commitish::parse(ours)?;
        let parsed = theirs.iter().map(|(commit, _)| Commitish::parse(commit)).collect::<Result<Vec<_>, _>>()?;
        let asked: Vec<&str> = parsed.iter().map(Commitish::as_str).collect();
        let lenders: Vec<&AssignmentId> = theirs.iter().filter_map(|(_, lender)| lender.as_ref()).collect();
        let mut here = self.which_are_here(workspace, &asked, &lenders).await?;
        if here.contains(&false) {
            self.fetch_mirror(&workspace.repo, &workspace.base_commit).await?;
            here = self.which_are_here(workspace, &asked, &lenders).await?;
        }
        let mut pairs = String::new();
        for (theirs, _) in asked.iter().zip(&here).filter(|(_, here)| **here) {
            let _ = writeln!(pairs, "{} {theirs}", ours.as_str());
        }
        let merge = self.borrowing(workspace, "merge-tree", lenders)?.setting("merge.conflictStyle=merge");
        let merge = merge.env("GIT_ATTR_SOURCE", empty_tree(workspace.base_commit.len())).env("GIT_NO_REPLACE_OBJECTS", "1");
        let output = merge.args(["--stdin", "--write-tree", "--name-only", "--no-messages", "-z"]).stdin(pairs).ok().await?.stdout;
        let mut fields = output.split(|byte| *byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
        here.into_iter().map(|here| if here { read_trial(&mut fields) } else { Ok(Trial::Missing) }).collect()
    }

    async fn which_are_here(
        &self,
        workspace: &Workspace,
        commits: &[&str],
        lenders: &[&AssignmentId],
    ) -> Result<Vec<bool>, WorkspaceError> {
        let asked: String = commits.iter().flat_map(|commit| [*commit, "\n"]).collect();
        let check = self.borrowing(workspace, "cat-file", lenders.iter().copied())?.arg("--batch-check=%(objecttype)").stdin(asked);
        let here: Vec<bool> = check.ok().await?.text().lines().map(|line| line == "commit").collect();
        if here.len() == commits.len() { Ok(here) } else { Err(odd("it did not tell of every commit")) }
    }

    /// A call in the engine's git directory that can read other assignments' objects too.
    fn borrowing<'a>(
        &self,
        workspace: &Workspace,
        verb: &str,
        lenders: impl IntoIterator<Item = &'a AssignmentId>,
    ) -> Result<Call<'_>, WorkspaceError> {
        let mut folders = Vec::new();
        for lender in lenders.into_iter().map(|id| self.engine_git_dir(id)).filter(|lender| lender.join("HEAD").exists()) {
            check_pristine(&lender)?;
            let folder = lender.join("objects").display().to_string();
            // Quoted, a colon in it divides nothing.
            folders.push(format!("\"{}\"", folder.replace('\\', "\\\\").replace('"', "\\\"")));
        }
        let call = self.git.call(verb).git_dir(&workspace.engine_git_dir);
        Ok(if folders.is_empty() { call } else { call.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", folders.join(":")) })
    }
}

/// One result: whether it is clean, the tree, the files in conflict, an empty field.
fn read_trial(fields: &mut impl Iterator<Item = String>) -> Result<Trial, WorkspaceError> {
    let (status, tree) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let mut files: Vec<String> = fields.take_while(|field| !field.is_empty()).collect();
    match status.as_str() {
        "1" => Ok(Trial::Clean),
        "0" => {
            files.truncate(FILES_MAX);
            Ok(Trial::Clash { files, tree: Commitish::parse(&tree)?.as_str().to_owned() })
        }
        _ => Err(odd("a merge could not be tried")),
    }
}

fn odd(message: &str) -> WorkspaceError {
    WorkspaceError::Git { verb: "merge-tree".to_owned(), message: message.to_owned() }
}
