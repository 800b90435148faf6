//! One full mirror per repository, which workspaces borrow their objects from.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Workspaces, blocking, lock::lock};
use crate::git::{Call, RepoAddress, Skeleton, WorkspaceError, remove_tree};

/// How long fetching from or pushing to a repository may take.
pub(super) const TRANSFER_TIMEOUT: Duration = Duration::from_mins(30);

impl Workspaces {
    /// Where the mirror of a repository is, whether or not it exists yet.
    pub(super) fn mirror_path(&self, repo: &RepoAddress) -> PathBuf {
        let mut name = repo.short_name() + "-";
        for byte in Sha256::digest(repo.as_str().as_bytes()).iter().take(8) {
            let _ = write!(name, "{byte:02x}");
        }
        self.data_dir.join("mirrors").join(name + ".git")
    }

    /// Brings the mirror up to date. `sample_hash` tells the object format when it has to be made.
    pub(super) async fn fetch_mirror(&self, repo: &RepoAddress, sample_hash: &str) -> Result<PathBuf, WorkspaceError> {
        let mirror = self.mirror_path(repo);
        let held = lock(&mirror).await?;
        if !mirror.join("HEAD").exists() {
            let (path, sample_hash) = (mirror.clone(), sample_hash.to_owned());
            blocking(move || {
                remove_tree(&path)?;
                Skeleton { bare: true, head_branch: "main", alternates: &[], refs: &[], sample_hash: &sample_hash, shallow: None }
                    .create(&path)
            })
            .await?;
        }
        match self.fetch_all(repo, &mirror, &held).await {
            // We hold the lock and a fetch holds it until its end: a lock file in the mirror is what a crash left.
            Err(WorkspaceError::Git { message, .. }) if message.contains(".lock': File exists") => {
                let path = mirror.clone();
                blocking(move || remove_stale_locks(&path)).await?;
                self.fetch_all(repo, &mirror, &held).await?;
            }
            other => other?,
        }
        Ok(mirror)
    }

    async fn fetch_all(&self, repo: &RepoAddress, mirror: &Path, held: &File) -> Result<(), WorkspaceError> {
        let held = held.try_clone().map_err(WorkspaceError::io("locking the mirror"))?;
        let fetch = self.git.call("fetch").git_dir(mirror).holding(held).timeout(TRANSFER_TIMEOUT);
        let fetch = fetch.args(["--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]);
        let fetch = fetch.args(["--no-auto-maintenance", "--update-shallow", "--force"]);
        let fetch = self.with_transport(fetch, repo, "upload-pack");
        fetch.arg("--").arg(repo.as_str().as_ref()).args(["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]).ok().await?;
        Ok(())
    }

    /// How a call talks to the origin: its far side without the repository's own programs, or as the user for a remote address.
    pub(super) fn with_transport<'a>(&'a self, call: Call<'a>, repo: &RepoAddress, far_side: &str) -> Call<'a> {
        match repo {
            RepoAddress::Local(_) => call.arg(format!("--{far_side}={}", self.git.far_side(far_side))),
            RepoAddress::Remote(address) => call.by_the_user_at(address),
        }
    }

    /// The mirror's list of commits without parents, when the origin is a shallow clone.
    pub(super) fn shallow_of(mirror: &Path) -> Option<Vec<u8>> {
        fs::read(mirror.join("shallow")).ok()
    }
}

fn remove_stale_locks(git_dir: &Path) -> Result<(), WorkspaceError> {
    let failed = |folder: &Path| WorkspaceError::io(format!("reading {}", folder.display()));
    let mut folders = vec![git_dir.join("refs")];
    let mut files =
        vec![git_dir.join("packed-refs.lock"), git_dir.join("shallow.lock"), git_dir.join("HEAD.lock"), git_dir.join("config.lock")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed(&folder))?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|end| end == "lock") {
                files.push(entry.path());
            }
        }
    }
    files.iter().try_for_each(|file| remove_tree(file))
}
