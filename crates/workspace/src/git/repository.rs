//! A repository that is only read: the engine's own of a workspace, or one of the user's.

use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::names::Commitish;
use super::run::{Call, Git};

/// A repository that is only read. It is hostile: nothing in it is run or followed, and nothing hides one of its commits behind another
/// (replacements and grafts are off, its commit graph is not believed).
#[derive(Debug, Clone)]
pub struct Repository {
    git: Git,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// A git directory of the engine's.
    Own(PathBuf),
    /// A work tree of the user's.
    Tree(PathBuf),
    /// A repository of the user's without one.
    Bare(PathBuf),
}

impl Repository {
    /// A git directory of the engine's.
    pub(crate) fn own(git: Git, git_dir: &Path) -> Self {
        Self { git, place: Place::Own(git_dir.to_owned()) }
    }

    /// The repository of the user's that a folder is in; `None` when it is in none.
    pub fn around(git: Git, folder: &Path) -> Result<Option<Self>, WorkspaceError> {
        let folder = folder.canonicalize().map_err(WorkspaceError::io(format!("finding {}", folder.display())))?;
        let is_bare = |folder: &Path| ["objects", "refs", "HEAD"].iter().all(|name| folder.join(name).exists());
        let place = folder.ancestors().find_map(|folder| {
            if folder.join(".git").symlink_metadata().is_ok() {
                Some(Place::Tree(folder.to_owned()))
            } else {
                is_bare(folder).then(|| Place::Bare(folder.to_owned()))
            }
        });
        Ok(place.map(|place| Self { git, place }))
    }

    /// The top folder of the user's work tree; `None` for one that has none.
    pub fn tree(&self) -> Option<&Path> {
        match &self.place {
            Place::Tree(folder) => Some(folder),
            Place::Own(_) | Place::Bare(_) => None,
        }
    }

    pub(crate) fn call(&self, verb: &str) -> Call<'_> {
        let call = self.git.call(verb).setting("core.commitGraph=false").setting("advice.graftFileDeprecated=false");
        let call = call.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_GRAFT_FILE", "/dev/null");
        match &self.place {
            Place::Own(git_dir) => call.git_dir(git_dir),
            // Its configuration must not move the tree elsewhere.
            Place::Tree(folder) => call.in_foreign(folder).env("GIT_WORK_TREE", folder),
            Place::Bare(folder) => call.in_foreign(folder),
        }
    }

    /// The commit that a revision names (a branch, a tag, `HEAD~3`, a hash); `None` when it names none.
    pub async fn commit(&self, revision: &str) -> Result<Option<Commitish>, WorkspaceError> {
        let name = format!("{revision}^{{commit}}");
        let output = self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options", &name]).run().await?;
        match output.code {
            Some(0) => Ok(Some(Commitish::parse(&output.text())?)),
            // With `--quiet` it complains only about what is wrong with the repository itself.
            Some(1) if output.complaint.is_empty() => Ok(None),
            _ => Err(self.refused("rev-parse", output.complaint)),
        }
    }

    /// Files of the work tree below `under` (its top, when that is empty) that are tracked or could be: their paths from the top. What is
    /// ignored is left out.
    pub async fn files(&self, under: &Path) -> Result<Vec<Vec<u8>>, WorkspaceError> {
        let list = self.call("ls-files").args(["-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
        // Not a pattern, whatever is in it.
        let list = list.env("GIT_LITERAL_PATHSPECS", "1").arg("--");
        let list = if under.as_os_str().is_empty() { list } else { list.arg(under) };
        let output = list.run().await?;
        if output.code != Some(0) {
            return Err(self.refused("ls-files", output.complaint));
        }
        Ok(output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect())
    }

    fn refused(&self, verb: &str, complaint: String) -> WorkspaceError {
        let path = match &self.place {
            Place::Own(path) | Place::Tree(path) | Place::Bare(path) => path.display().to_string(),
        };
        if complaint.contains("not a git repository") {
            return WorkspaceError::NotARepository { path };
        }
        WorkspaceError::Git { verb: verb.to_owned(), message: complaint }
    }
}
