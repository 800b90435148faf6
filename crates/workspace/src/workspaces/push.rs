//! Handing the branch back to where the repository came from.

use super::mirror::TRANSFER_TIMEOUT;
use super::{Workspace, Workspaces};
use crate::git::{Commitish, WorkspaceError, check_branch, single_line};

/// The origin has the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The full name of the branch there.
    pub remote_ref: String,
    /// The commit it is at.
    pub sha: String,
    /// It was there already.
    pub already: bool,
}

impl Workspaces {
    /// Pushes one commit to the assignment's branch at the recorded address, by an explicit refspec. Never forces: a branch there with
    /// other commits is refused. Whether a remote address may be pushed to at all is for the engine to decide, before this.
    pub async fn push(&self, workspace: &Workspace, sha: &str) -> Result<Pushed, WorkspaceError> {
        let sha = Commitish::parse(sha)?;
        check_branch(&workspace.branch)?;
        let remote_ref = format!("refs/heads/{}", workspace.branch);
        let push = self.git.call("push").git_dir(&workspace.engine_git_dir).timeout(TRANSFER_TIMEOUT);
        let push = push.args(["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]);
        let push = self.with_transport(push, &workspace.repo, "receive-pack");
        let refspec = format!("{}:{remote_ref}", sha.as_str());
        let output = push.arg("--").args([workspace.repo.as_str().as_ref(), &refspec]).run().await?;
        // One line for our refspec: flag, tab, from:to, tab, summary.
        let text = output.text();
        let line = text.lines().find_map(|line| {
            let (flag, rest) = line.split_once('\t')?;
            let (refs, summary) = rest.split_once('\t')?;
            refs.ends_with(&format!(":{remote_ref}")).then_some((flag, summary))
        });
        match line {
            Some((flag @ (" " | "*" | "="), _)) if output.code == Some(0) => {
                Ok(Pushed { remote_ref, sha: sha.as_str().to_owned(), already: flag == "=" })
            }
            Some((_, summary)) => Err(WorkspaceError::PushRefused {
                branch: workspace.branch.clone(),
                repo: workspace.repo.as_str().into_owned(),
                reason: single_line(summary, 300),
            }),
            None => Err(WorkspaceError::Git { verb: "push".to_owned(), message: output.complaint }),
        }
    }
}
