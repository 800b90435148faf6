//! Bringing a backup back while nothing runs on it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::{Access, Import, OpenOptions, StoreError, import, is_postgres};
use windlass_types::{AuditEntry, Clock, Ids, Timestamp};

use super::files::{self, UNPUSHED};
use super::{Backup, Manifest};
use crate::error::{EngineError, ErrorKind};
use crate::failpoint;

/// While this file is in a data directory, a restore was cut off in the middle: nothing may start there.
pub const RESTORE_UNFINISHED: &str = "restore-unfinished";
const OUTCOME: &str = "restore.json";
/// The longest path that a line of the audit log holds, in characters.
const PATH_CHARS_MAX: usize = 300;

/// Where a backup is restored to.
#[derive(Debug, Clone)]
pub struct RestoreTarget {
    /// The data directory. Whoever restores holds its lock.
    pub data_dir: PathBuf,
    /// Where workspaces are.
    pub workspace_root: PathBuf,
    /// The database: a path, `sqlite:PATH` or `postgres://…`.
    pub database_url: String,
    /// Where time comes from.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Ids,
    /// Who restores.
    pub by: Restorer,
}

/// Who restores, as the audit log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restorer {
    /// Who.
    pub who: String,
    /// How they are known.
    pub via: String,
    /// From where.
    pub peer: String,
}

impl Restorer {
    /// Whoever may write the data directory, and so has the token in it.
    pub fn owner() -> Self {
        Self { who: "person".to_owned(), via: "owner".to_owned(), peer: "command line".to_owned() }
    }
}

/// A backup was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// What was restored.
    pub backup: Backup,
    /// Where what was there before is now, if there was anything.
    pub aside: Option<String>,
    /// Bundles with commits that were on no repository's branch.
    pub bundles: Vec<String>,
    /// What became of who may do what, in a sentence.
    #[serde(default)]
    pub access: String,
}

/// How the last restore of a data directory went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RestoreOutcome {
    /// The backup.
    pub path: String,
    /// When it ended.
    pub at: Timestamp,
    /// What was restored; none when it failed.
    pub restored: Option<Restored>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The last restore of a data directory.
pub(crate) fn last_restore(data_dir: &Path) -> Option<RestoreOutcome> {
    serde_json::from_slice(&std::fs::read(data_dir.join(OUTCOME)).ok()?).ok()
}

/// Leaves word of how a restore went, for whoever asked for it.
pub fn write_outcome(data_dir: &Path, path: &Path, at: Timestamp, outcome: &Result<Restored, EngineError>) -> io::Result<()> {
    let outcome = RestoreOutcome {
        path: path.display().to_string(),
        at,
        restored: outcome.as_ref().ok().cloned(),
        error: outcome.as_ref().err().map(ToString::to_string),
    };
    let (file, new) = (data_dir.join(OUTCOME), data_dir.join(format!("{OUTCOME}.new")));
    std::fs::write(&new, serde_json::to_vec(&outcome)?)?;
    std::fs::rename(new, file)
}

fn failed(what: &Path) -> impl FnOnce(io::Error) -> EngineError {
    let what = what.display().to_string();
    move |e| {
        let kind = if e.kind() == io::ErrorKind::StorageFull { ErrorKind::Full } else { ErrorKind::Internal };
        EngineError::new(kind, format!("the backup could not be restored: {what}: {e}")).hint("mend that, then restore it again")
    }
}

/// The folders of the data directory that belong to the state of the database.
const STATE: [&str; 5] = ["transcripts", "bundles", "git", "housekeeping.json", "agent.sock"];

/// Restores a backup into a place where nothing runs. What is there already forbids it, or with `force` is moved aside. Blocks.
pub fn restore(target: &RestoreTarget, folder: &Path, force: bool) -> Result<Restored, EngineError> {
    let manifest = Manifest::verified(folder)?;
    files::private_dir(&target.data_dir).map_err(failed(&target.data_dir))?;
    let cut_off = target.data_dir.join(RESTORE_UNFINISHED);
    let stamp = target.clock.now().0;
    let place = Place::new(target, stamp);
    let replaced = place.replaced(&cut_off);
    if !force && !cut_off.exists() && place.is_occupied() {
        return Err(EngineError::new(ErrorKind::Conflict, format!("{} is not empty", target.data_dir.display()))
            .hint("give another --data-dir, or move what is there aside with --force"));
    }
    // Everything new is on the disk before anything old is touched.
    let staged = target.data_dir.join("restoring");
    remove_all(&staged).map_err(failed(&staged))?;
    let stage = stage_files(&manifest, folder, &staged).map_err(failed(&staged));
    let mut aside = None;
    let done = stage.and_then(|()| {
        let access = if is_postgres(&target.database_url) {
            // The old tables move aside and the new ones come in one transaction: cut off, all is as it was.
            let aside = (force || cut_off.exists()).then(|| format!("windlass_before_{stamp}"));
            import_to(target, &target.database_url, Replaces { aside, file: None }, &manifest, folder)?
        } else {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(with_end(&place.new_database(), end));
            }
            let replaces = Replaces { aside: None, file: replaced.as_ref().map(|path| path.display().to_string()) };
            import_to(target, &place.new_database().display().to_string(), replaces, &manifest, folder)?
        };
        mark(&cut_off, place.moved_to().or(replaced).as_deref()).map_err(failed(&cut_off))?;
        aside = place.move_aside().map_err(failed(&target.data_dir))?;
        failpoint::hit("restore.moved");
        place.move_in(&staged).map_err(failed(&target.data_dir))?;
        std::fs::remove_file(&cut_off).map_err(failed(&cut_off))?;
        Ok(access.to_string())
    });
    let _ = remove_all(&staged);
    let access = done.inspect_err(|_| drop(std::fs::remove_file(place.new_database())))?;
    let bundles = files::plain_files(&target.data_dir.join("bundles").join(UNPUSHED));
    let bundles = bundles.iter().map(|file| target.data_dir.join("bundles").join(UNPUSHED).join(file).display().to_string()).collect();
    Ok(Restored { backup: manifest.summary(folder), aside: aside.map(|path| path.display().to_string()), bundles, access })
}

/// Says that a restore is in its middle, and where the database is that it replaces: who restores again has to know what it knows.
fn mark(cut_off: &Path, replaced: Option<&Path>) -> io::Result<()> {
    let new = with_end(cut_off, ".new");
    let mut file = File::create(&new)?;
    file.write_all(replaced.map_or(&[][..], |path| path.as_os_str().as_bytes()))?;
    file.sync_all()?;
    std::fs::rename(new, cut_off)?;
    files::sync_dir(cut_off.parent().unwrap_or(Path::new("/")))
}

fn remove_all(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn stage_files(manifest: &Manifest, folder: &Path, staged: &Path) -> io::Result<()> {
    for entry in &manifest.files {
        let path = match entry.path.split_once('/') {
            Some(("transcripts" | "bundles", _)) => entry.path.clone(),
            Some((UNPUSHED, name)) => format!("bundles/{UNPUSHED}/{name}"),
            _ => continue,
        };
        files::copy(&folder.join(&entry.path), staged, path)?;
    }
    for name in ["transcripts", "bundles"] {
        files::private_dir(&staged.join(name))?;
    }
    Ok(())
}

fn options(target: &RestoreTarget, url: &str) -> OpenOptions {
    OpenOptions { url: url.to_owned(), clock: target.clock.clone(), ids: target.ids.clone() }
}

/// What a restore replaces in the database that is written, or beside it.
struct Replaces {
    /// The schema for PostgreSQL's tables.
    aside: Option<String>,
    /// SQLite's file.
    file: Option<String>,
}

fn import_to(target: &RestoreTarget, url: &str, replaces: Replaces, manifest: &Manifest, folder: &Path) -> Result<Access, EngineError> {
    let mut rows = |table: &str| -> io::Result<Box<dyn BufRead>> {
        failpoint::hit("restore.table");
        let file = folder.join("database").join(format!("{table}.jsonl.gz"));
        match File::open(file) {
            Ok(file) => Ok(Box::new(BufReader::new(GzDecoder::new(BufReader::new(file))))),
            // A table without rows has no file.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Box::new(io::empty())),
            Err(e) => Err(e),
        }
    };
    let from = format!("a backup of {}", manifest.made_at);
    let by = target.by.clone();
    let line = AuditEntry {
        id: String::new(),
        at: Timestamp(0),
        who: by.who,
        via: by.via,
        action: "restore_backup".to_owned(),
        method: String::new(),
        path: format!("{} of {}", folder.display().to_string().chars().take(PATH_CHARS_MAX).collect::<String>(), manifest.made_at),
        status: 200,
        peer: by.peer,
    };
    let Replaces { aside, file: replaced } = replaces;
    let (tables, made_at) = (manifest.tables.as_slice(), manifest.made_at);
    let backup = Import { schema: manifest.schema, tables, rows: &mut rows, from, made_at, line, aside, replaced };
    match import(&options(target, url), backup) {
        Err(StoreError::Conflict(why)) => {
            Err(EngineError::new(ErrorKind::Conflict, why).hint("stop every node; what is in the database is moved aside with --force"))
        }
        other => Ok(other?),
    }
}

/// What is moved where.
struct Place<'a> {
    target: &'a RestoreTarget,
    /// SQLite's file.
    database: Option<PathBuf>,
    aside: String,
}

impl<'a> Place<'a> {
    fn new(target: &'a RestoreTarget, stamp: i64) -> Self {
        let url = &target.database_url;
        let database = (!is_postgres(url))
            .then(|| PathBuf::from(url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url.as_str())));
        Self { target, database, aside: format!("before-restore-{stamp}") }
    }

    fn new_database(&self) -> PathBuf {
        self.database.as_ref().map_or_else(|| self.target.data_dir.join("no-database"), |path| with_end(path, ".restoring"))
    }

    /// SQLite's file that is replaced: where it belongs, or where a restore that was cut off has moved it.
    fn replaced(&self, cut_off: &Path) -> Option<PathBuf> {
        let database = self.database.as_ref()?;
        if database.symlink_metadata().is_ok() {
            return Some(database.clone());
        }
        let moved_to = std::fs::read(cut_off).ok()?;
        (!moved_to.is_empty()).then(|| PathBuf::from(OsString::from_vec(moved_to)))
    }

    /// Where SQLite's file will be once it is moved aside, if there is one.
    fn moved_to(&self) -> Option<PathBuf> {
        let database = self.database.as_ref().filter(|path| path.symlink_metadata().is_ok())?;
        Some(self.beside(database).join(database.file_name()?))
    }

    /// The folder that a database is moved to, wherever it is: a rename does not cross file systems.
    fn beside(&self, database: &Path) -> PathBuf {
        database.parent().unwrap_or(&self.target.data_dir).join(&self.aside)
    }

    fn is_occupied(&self) -> bool {
        self.database.as_ref().is_some_and(|path| path.exists())
            || ["transcripts", "git"].iter().any(|name| !files::plain_files(&self.target.data_dir.join(name)).is_empty())
    }

    /// Moves everything that belongs to the old database into a folder beside it; where, if there was anything. Workspaces stay on their
    /// own disk, in a hidden folder of their root.
    fn move_aside(&self) -> io::Result<Option<PathBuf>> {
        let folder = self.target.data_dir.join(&self.aside);
        let mut moved = false;
        let mut to_folder = |from: &Path, folder: &Path| -> io::Result<()> {
            let Some(name) = from.file_name() else { return Ok(()) };
            if from.symlink_metadata().is_ok() {
                files::private_dir(folder)?;
                std::fs::rename(from, folder.join(name))?;
                moved = true;
            }
            Ok(())
        };
        if let Some(database) = &self.database {
            let beside = self.beside(database);
            for end in ["", "-wal", "-shm"] {
                to_folder(&with_end(database, end), &beside)?;
            }
        }
        for name in STATE {
            to_folder(&self.target.data_dir.join(name), &folder)?;
        }
        let root = &self.target.workspace_root;
        let hidden = root.join(format!(".{}", self.aside));
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                to_folder(&entry.path(), &hidden)?;
            }
        }
        Ok(moved.then_some(folder))
    }

    fn move_in(&self, staged: &Path) -> io::Result<()> {
        for name in ["transcripts", "bundles"] {
            std::fs::rename(staged.join(name), self.target.data_dir.join(name))?;
        }
        if let Some(database) = &self.database {
            let new = self.new_database();
            File::open(&new)?.sync_all()?;
            for end in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(with_end(&new, end));
            }
            std::fs::rename(&new, database)?;
            files::sync_dir(database.parent().unwrap_or(Path::new("/")))?;
        }
        files::sync_dir(&self.target.data_dir)
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
