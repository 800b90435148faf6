//! A pool of checked-out trees for each large repository, so that a workspace there need not wait for a checkout.
//!
//! A tree is made ready in the background. A workspace takes one by renaming it into its own place; from then on it is that workspace's
//! alone and never comes back, whatever becomes of the work. With it goes git's index of it and nothing else, and the workspace's own
//! checkout still looks at every file.
//!
//! **Invariant:** a tree is made, moved, taken and removed only under its lock, by whichever process. It is ready only while its record is
//! there: written last, removed first. What has no record was never shown to anybody and is removed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windlass_types::Timestamp;

use super::inventory::{folders, size_of};
use super::lock::try_lock;
use super::record::Mark;
use super::{Workspace, Workspaces, blocking, private_dir};
use crate::git::{Skeleton, WorkspaceError, remove_tree, write_atomic};

const RECORD: &str = "ready.json";

/// How many ready trees are kept, and for which repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolPolicy {
    /// The most for each repository; 0: none are made or taken.
    pub size: u32,
    /// A repository with fewer files is checked out quickly enough.
    pub min_files: u32,
}

impl Default for PoolPolicy {
    fn default() -> Self {
        Self { size: 1, min_files: 5_000 }
    }
}

/// A tree of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolTree {
    slot: Slot,
    /// When it was made, or brought to the commit it is at; `None`: it is not ready.
    pub ready_at: Option<Timestamp>,
}

/// The place of a tree in a pool, whether or not there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    /// Which of the pool's it is.
    number: u32,
    tree: PathBuf,
    /// The git directory that it was checked out with.
    git_dir: PathBuf,
}

/// Says that a tree is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    commit: String,
    tree: Mark,
    /// The files of a tree are not forced to the disk: after the machine itself went down they may be torn.
    boot: String,
    at: Timestamp,
}

/// A ready tree that nobody else can take.
#[derive(Debug)]
pub(super) struct Ready {
    slot: Slot,
    record: Record,
    _held: File,
}

impl Ready {
    /// Puts the tree at `tree` and its index into `git_dir`, neither of which may have one. The first rename is what takes it.
    pub(super) fn move_to(self, tree: &Path, git_dir: &Path) -> Result<(), WorkspaceError> {
        let failed = || WorkspaceError::io(format!("taking {}", self.slot.tree.display()));
        fs::rename(&self.slot.tree, tree).map_err(failed())?;
        fs::rename(self.slot.git_dir.join("index"), git_dir.join("index")).map_err(failed())?;
        remove_tree(&self.slot.git_dir)?;
        if Mark::of(tree) == Some(self.record.tree) { Ok(()) } else { Err(foreign(tree)) }
    }
}

impl Slot {
    /// Its record, if the tree is there and as it was left.
    fn ready(&self) -> Option<Record> {
        let bytes = fs::read(self.git_dir.join(RECORD)).ok()?;
        let record: Record = serde_json::from_slice(&bytes).ok()?;
        let is_ours = Mark::of(&self.tree) == Some(record.tree) && fs::symlink_metadata(self.tree.join(".git")).is_err();
        (is_ours && record.boot == boot()).then_some(record)
    }

    fn remove(&self) -> Result<(), WorkspaceError> {
        remove_tree(&self.git_dir.join(RECORD))?;
        remove_tree(&self.tree)?;
        remove_tree(&self.git_dir)
    }
}

impl Workspaces {
    /// The same with another pool; without this there is none.
    #[must_use]
    pub fn with_pool(mut self, pool: PoolPolicy) -> Self {
        self.pool = pool;
        self
    }

    fn slot(&self, name: &str, number: u32) -> Slot {
        let tree = self.root.join(".pool").join(format!("{name}.{number}"));
        Slot { number, tree, git_dir: self.data_dir.join("pool").join(format!("{name}.{number}.git")) }
    }

    fn slots_of(&self, mirror: &Path) -> Vec<Slot> {
        let name = mirror.file_stem().unwrap_or_default().to_string_lossy();
        (0..self.pool.size).map(|number| self.slot(&name, number)).collect()
    }

    /// A ready tree of the mirror's repository, if there is one that nobody else is at. It is still in the pool until it is moved.
    pub(super) async fn ready_tree(&self, mirror: &Path) -> Result<Option<Ready>, WorkspaceError> {
        for slot in self.slots_of(mirror) {
            if !slot.git_dir.join(RECORD).exists() {
                continue;
            }
            let Some(held) = try_lock(&slot.git_dir).await? else { continue };
            match slot.ready() {
                Some(record) => return Ok(Some(Ready { slot, record, _held: held })),
                None => blocking(move || slot.remove()).await?,
            }
        }
        Ok(None)
    }

    /// Makes the trees that the pool of a workspace's repository lacks, and brings the others to the commit that the workspace began at;
    /// how many. Does nothing for a small repository, or when another tree of its size takes more than `room_bytes`. To be done in the
    /// background, soon after the workspace was prepared.
    pub async fn fill_pool(&self, workspace: &Workspace, now: Timestamp, room_bytes: u64) -> Result<u32, WorkspaceError> {
        let mut filled = 0;
        let mut room_bytes = room_bytes;
        if self.pool.size == 0 || index_entries(&workspace.engine_git_dir) < self.pool.min_files {
            return Ok(filled);
        }
        let mirror = self.mirror_path(&workspace.repo);
        for slot in self.slots_of(&mirror) {
            let Some(held) = try_lock(&slot.git_dir).await? else { continue };
            let record = slot.ready();
            if record.as_ref().is_some_and(|record| record.commit == workspace.base_commit) {
                continue;
            }
            if record.is_none() {
                let tree = workspace.path.clone();
                let bytes = blocking(move || Ok(size_of(&tree))).await?;
                let Some(left) = room_bytes.checked_sub(bytes) else { continue };
                room_bytes = left;
            }
            let made = self.make_ready(&slot, record.is_some(), &mirror, &workspace.base_commit, now, held).await;
            if let Err(error) = made {
                blocking(move || slot.remove()).await?;
                return Err(error);
            }
            filled += 1;
        }
        Ok(filled)
    }

    async fn make_ready(
        &self,
        slot: &Slot,
        is_there: bool,
        mirror: &Path,
        commit: &str,
        now: Timestamp,
        held: File,
    ) -> Result<(), WorkspaceError> {
        let (place, mirror, head) = (slot.clone(), mirror.to_owned(), commit.to_owned());
        blocking(move || {
            if is_there {
                return remove_tree(&place.git_dir.join(RECORD));
            }
            place.remove()?;
            private_dir(&place.tree)?;
            let shallow = Self::shallow_of(&mirror);
            let alternates = [mirror.join("objects")];
            let shallow = shallow.as_deref();
            Skeleton { bare: true, head_branch: "ready", alternates: &alternates, refs: &[], sample_hash: &head, shallow }
                .create(&place.git_dir)
        })
        .await?;
        // The checkout holds the lock too: should this process be killed, nobody takes what git still writes.
        let checkout = self.checkout(&slot.git_dir, &slot.tree, commit);
        checkout.holding(held.try_clone().map_err(WorkspaceError::io("locking a tree of the pool"))?).ok().await?;
        let (slot, commit) = (slot.clone(), commit.to_owned());
        blocking(move || {
            let tree = Mark::of(&slot.tree).ok_or_else(|| foreign(&slot.tree))?;
            let record = Record { commit, tree, boot: boot(), at: now };
            let file = slot.git_dir.join(RECORD);
            let bytes = serde_json::to_vec(&record).map_err(|error| WorkspaceError::io("writing a record")(error.into()))?;
            write_atomic(&file, &bytes)
        })
        .await
    }

    /// Whether everything in a tree is in its index: what somebody has put there beside it must reach no agent.
    pub(super) async fn holds_only_tracked(&self, git_dir: &Path, tree: &Path) -> Result<bool, WorkspaceError> {
        let listed = self.git.call("ls-files").args(["-z", "--cached"]).git_dir(git_dir).env("GIT_WORK_TREE", tree).in_folder(tree);
        let listed = listed.ok().await?.stdout;
        let tree = tree.to_owned();
        blocking(move || Ok(only_listed(&tree, &listed))).await
    }

    /// The trees of all pools, also those that are not ready.
    pub async fn pool_trees(&self) -> Result<Vec<PoolTree>, WorkspaceError> {
        let (trees, git_dirs) = (self.root.join(".pool"), self.data_dir.join("pool"));
        let names = blocking(move || {
            let mut names: HashSet<String> = HashSet::new();
            if trees.exists() {
                names.extend(folders(&trees)?.into_iter().map(|(name, _)| name));
            }
            let stem = |name: String| name.strip_suffix(".git").map(str::to_owned);
            names.extend(folders(&git_dirs)?.into_iter().filter_map(|(name, _)| stem(name)));
            Ok(names)
        })
        .await?;
        let slot = |name: String| {
            let (stem, number) = name.rsplit_once('.')?;
            Some(self.slot(stem, number.parse().ok()?))
        };
        let mut found: Vec<Slot> = names.into_iter().filter_map(slot).collect();
        found.sort_by(|a, b| a.tree.cmp(&b.tree));
        Ok(found.into_iter().map(|slot| PoolTree { ready_at: slot.ready().map(|record| record.at), slot }).collect())
    }

    /// The room that a tree of a pool takes, in bytes.
    pub async fn pool_tree_size(&self, found: &PoolTree) -> u64 {
        let places = [found.slot.tree.clone(), found.slot.git_dir.clone()];
        blocking(move || Ok(places.iter().map(|place| size_of(place)).sum())).await.unwrap_or(0)
    }

    /// Removes a tree of a pool; false when it is being made or taken.
    pub async fn remove_pool_tree(&self, found: &PoolTree) -> Result<bool, WorkspaceError> {
        let slot = found.slot.clone();
        let Some(held) = try_lock(&slot.git_dir).await? else { return Ok(false) };
        blocking(move || {
            let _held = held;
            slot.remove()
        })
        .await?;
        Ok(true)
    }

    /// Removes what crashes have left half made, what an earlier run of the machine made, and what is more than the pool may hold; how many.
    pub async fn tidy_pools(&self) -> Result<u32, WorkspaceError> {
        let mut removed = 0;
        for found in self.pool_trees().await? {
            let is_wanted = found.ready_at.is_some() && found.slot.number < self.pool.size;
            if !is_wanted && self.remove_pool_tree(&found).await? {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn foreign(tree: &Path) -> WorkspaceError {
    WorkspaceError::Tampered { path: tree.to_owned(), what: "it is not the folder that was made ready".to_owned() }
}

/// Which run of the machine this is.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// How many files an index names, by its header; 0 when there is none.
fn index_entries(git_dir: &Path) -> u32 {
    let mut header = [0_u8; 12];
    let read = File::open(git_dir.join("index")).and_then(|mut file| file.read_exact(&mut header));
    match (read, header.split_last_chunk::<4>()) {
        (Ok(()), Some((b"DIRC\0\0\0\x02" | b"DIRC\0\0\0\x03" | b"DIRC\0\0\0\x04", count))) => u32::from_be_bytes(*count),
        _ => 0,
    }
}

/// Whether a tree holds no file and no folder but those that lead to the listed paths, each of which ends with a zero. No link is followed.
fn only_listed(tree: &Path, listed: &[u8]) -> bool {
    let files: HashSet<&[u8]> = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()).collect();
    let mut parents: HashSet<&[u8]> = HashSet::new();
    for path in &files {
        let mut path = *path;
        while let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
            path = &path[..end];
            if !parents.insert(path) {
                break;
            }
        }
    }
    let mut left: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(folder) = left.pop() {
        let Ok(entries) = fs::read_dir(tree.join(std::ffi::OsStr::from_bytes(&folder))) else { return false };
        for entry in entries {
            let Ok((entry, kind)) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind))) else { return false };
            let mut path = folder.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.file_name().as_bytes());
            // A submodule is a listed folder, with nothing in it.
            let is_listed = files.contains(path.as_slice()) || (kind.is_dir() && parents.contains(path.as_slice()));
            if !is_listed {
                return false;
            }
            if kind.is_dir() {
                left.push(path);
            }
        }
    }
    true
}
