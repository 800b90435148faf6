//! Backup and restore: the database as of one moment, transcripts, bundles and work that is nowhere else, in one folder with a manifest.
//!
//! **Invariants:** a backup is there whole or not at all, and each file is checked by its hash after it was written and before it is read;
//! a restore reads everything before it changes anything, and moves what was there aside instead of deleting it.

mod files;
mod make;
mod restore;

use std::path::Path;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::ExportedTable;
use windlass_types::Timestamp;

use crate::error::{EngineError, ErrorKind};

pub(crate) use restore::last_restore;
pub use restore::{RESTORE_UNFINISHED, RestoreOutcome, RestoreTarget, Restored, Restorer, restore, write_outcome};

/// The form of a backup's folder.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// What a backup leaves out, so that nobody looks for it there.
const LEFT_OUT: [&str; 5] = ["the API token", "the configuration file", "agents' logins", "mirrors", "uncommitted changes in workspaces"];

/// Where a backup is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeBackup {
    /// A folder that does not exist yet, by its absolute path on the daemon's machine.
    pub path: String,
}

/// A backup to bring back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreBackup {
    /// The backup's folder, by its absolute path on the daemon's machine.
    pub path: String,
    /// What is there now is moved aside; without this it forbids the restore.
    #[serde(default)]
    pub force: bool,
}

/// A backup was made, or is about to be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Backup {
    /// Its folder.
    pub path: String,
    /// The moment that it shows.
    pub made_at: Timestamp,
    /// Its size, in bytes.
    pub bytes: u64,
    /// How many assignments are in it.
    pub assignments: u64,
    /// How many jobs.
    pub jobs: u64,
    /// Bundles of commits that were on no repository's branch yet.
    pub unpushed: u64,
    /// What is not in it.
    pub left_out: Vec<String>,
}

/// What is in a backup's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The Windlass that made it.
    windlass: String,
    /// The moment that it shows.
    made_at: Timestamp,
    /// The schema number of its database.
    schema: i64,
    tables: Vec<ExportedTable>,
    files: Vec<FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileEntry {
    /// Below the backup's folder.
    path: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Reads a backup's manifest and all of its files, and checks them.
    pub fn verified(folder: &Path) -> Result<Self, EngineError> {
        let refuse = |why: String| EngineError::new(ErrorKind::Invalid, format!("{} is no backup to restore: {why}", folder.display()));
        let text = std::fs::read(folder.join(MANIFEST)).map_err(|e| {
            refuse(format!("{MANIFEST}: {e}")).hint("name the folder that `windlass backup` made, as the machine of the daemon sees it")
        })?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|e| refuse(format!("{MANIFEST}: {e}")))?;
        if manifest.format > FORMAT || manifest.schema > windlass_store::known_schema() {
            return Err(refuse(format!("a later windlass made it ({})", manifest.windlass)).hint("restore it with that version"));
        }
        for entry in &manifest.files {
            if !files::is_inside(&entry.path) {
                return Err(refuse(format!("it names the file {:?}, which is not in it", entry.path)));
            }
            let (bytes, sha256) = files::hash(&folder.join(&entry.path)).map_err(|e| refuse(format!("{}: {e}", entry.path)))?;
            if bytes != entry.bytes || sha256 != entry.sha256 {
                return Err(refuse(format!("{} is not as it was written", entry.path)).hint("take another copy of the backup"));
            }
        }
        Ok(manifest)
    }

    fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|found| found.name == table).map_or(0, |found| found.rows)
    }

    /// What a person wants to know of it.
    pub fn summary(&self, folder: &Path) -> Backup {
        Backup {
            path: folder.display().to_string(),
            made_at: self.made_at,
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            assignments: self.rows("assignments"),
            jobs: self.rows("jobs"),
            unpushed: self.files.iter().filter(|file| file.path.starts_with(files::UNPUSHED)).count() as u64,
            left_out: LEFT_OUT.map(str::to_owned).to_vec(),
        }
    }
}
