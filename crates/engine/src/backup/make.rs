//! Making a backup while everything runs.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use windlass_store::Exported;

use super::files::{self, Hashing, UNPUSHED};
use super::{Backup, FORMAT, FileEntry, MANIFEST, MakeBackup, Manifest};
use crate::engine::{Engine, Inner};
use crate::error::{EngineError, ErrorKind};

fn failed(what: &Path, e: &io::Error) -> EngineError {
    let kind = if e.kind() == io::ErrorKind::StorageFull { ErrorKind::Full } else { ErrorKind::Invalid };
    EngineError::new(kind, format!("the backup could not be written: {}: {e}", what.display()))
        .hint("nothing is left of it; see that the place has room and may be written, then try again")
}

/// Refuses a place that is taken, or that the backup would be part of.
fn check_place(inner: &Inner, path: &Path) -> Result<PathBuf, EngineError> {
    let refuse = |why: &str, hint: &str| Err(EngineError::new(ErrorKind::Invalid, format!("{}: {why}", path.display())).hint(hint));
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return refuse("is no path of a folder", "name a folder that does not exist yet");
    };
    if !path.is_absolute() {
        return refuse("is not absolute", "the daemon may be in another folder than you: give the whole path");
    }
    if path.symlink_metadata().is_ok() {
        return refuse("is there already", "a backup is never written over: give another name");
    }
    let Ok(parent) = parent.canonicalize() else {
        return refuse("is in no folder that exists", "make that folder first");
    };
    for own in [&inner.config.data_dir, &inner.config.workspace_root] {
        if parent.starts_with(own.canonicalize().unwrap_or_else(|_| own.clone())) {
            return refuse("is inside Windlass's own folders", "a backup belongs to another place, best to another disk");
        }
    }
    Ok(parent.join(name))
}

type Tables = BTreeMap<String, GzEncoder<Hashing>>;

impl Engine {
    /// Writes a backup while everything goes on: the database as of one moment, then the files beside it.
    pub async fn backup(&self, wanted: MakeBackup) -> Result<Backup, EngineError> {
        let inner = &self.inner;
        let path = check_place(inner, Path::new(&wanted.path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = path.with_file_name(format!(".{name}.{}.part", &inner.config.ids.secret().chars().take(8).collect::<String>()));
        let made = write_all(inner, &part, &path).await;
        match made {
            Ok(manifest) => {
                let backup = manifest.summary(&path);
                inner.store.set_backed_up(manifest.made_at).await?;
                tracing::info!(path = %path.display(), bytes = backup.bytes, jobs = backup.jobs, "a backup was made: {}", path.display());
                Ok(backup)
            }
            Err(e) => {
                let _ = std::fs::remove_dir_all(&part);
                Err(e)
            }
        }
    }
}

async fn write_all(inner: &Arc<Inner>, part: &Path, path: &Path) -> Result<Manifest, EngineError> {
    files::private_dir(part).map_err(|e| failed(part, &e))?;
    let (exported, mut entries) = write_database(inner, part).await?;
    entries.extend(write_unpushed(inner, part).await?);
    let (inner, part, path) = (Arc::clone(inner), part.to_owned(), path.to_owned());
    let written = tokio::task::spawn_blocking(move || {
        write_files(&inner, &part, &mut entries).map_err(|e| failed(&part, &e))?;
        let manifest = Manifest {
            format: FORMAT,
            windlass: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: exported.at,
            schema: exported.schema,
            tables: exported.tables,
            files: entries,
        };
        let finish = || -> io::Result<()> {
            let mut file = files::create(&part.join(MANIFEST))?;
            file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
            file.sync_all()?;
            for folder in folders_of(&manifest) {
                files::sync_dir(&part.join(folder))?;
            }
            files::sync_dir(&part)
        };
        finish().map_err(|e| failed(&part, &e))?;
        // What cannot be read back is no backup.
        Manifest::verified(&part)?;
        renameat_with(CWD, &part, CWD, &path, RenameFlags::NOREPLACE)
            .map_err(io::Error::from)
            .and_then(|()| files::sync_dir(path.parent().unwrap_or(Path::new("/"))))
            .map_err(|e| failed(&path, &e))?;
        Ok(manifest)
    });
    written.await.map_err(|e| EngineError::new(ErrorKind::Internal, format!("writing the backup broke off: {e}")))?
}

fn folders_of(manifest: &Manifest) -> std::collections::BTreeSet<PathBuf> {
    let ancestors = |file: &FileEntry| Path::new(&file.path).ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>();
    manifest.files.iter().flat_map(ancestors).collect()
}

fn table_file(table: &str) -> String {
    format!("database/{table}.jsonl.gz")
}

async fn write_database(inner: &Inner, part: &Path) -> Result<(Exported, Vec<FileEntry>), EngineError> {
    let tables = Arc::new(std::sync::Mutex::new(Tables::new()));
    let (sink, folder) = (Arc::clone(&tables), part.to_owned());
    let row = move |table: &str, row: &str| {
        let mut tables = sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let file = match tables.get_mut(table) {
            Some(file) => file,
            None => {
                let file = Hashing::new(files::create(&folder.join(table_file(table)))?);
                tables.entry(table.to_owned()).or_insert(GzEncoder::new(file, Compression::fast()))
            }
        };
        file.write_all(row.as_bytes())?;
        file.write_all(b"\n")
    };
    let exported = inner.store.export(row).await?;
    let tables = std::mem::take(&mut *tables.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let entries = tables
        .into_iter()
        .map(|(table, file)| file.finish().and_then(|file| file.finish(table_file(&table))))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|e| failed(part, &e))?;
    Ok((exported, entries))
}

/// Commits that the engine has made and no repository has yet.
async fn write_unpushed(inner: &Inner, part: &Path) -> Result<Vec<FileEntry>, EngineError> {
    let inventory = inner.workspaces.inventory().await.map_err(|e| EngineError::from(e.failure()))?;
    let mut entries = Vec::new();
    for found in inventory {
        let Ok(Some(workspace)) = inner.workspaces.find(&found.project, &found.assignment_id) else { continue };
        let path = format!("{UNPUSHED}/{}.bundle", found.assignment_id);
        let to = part.join(&path);
        files::private_dir(&part.join(UNPUSHED)).map_err(|e| failed(part, &e))?;
        match inner.workspaces.bundle_unpushed(&workspace, &to).await {
            Ok(false) => {}
            Ok(true) => {
                let (bytes, sha256) = std::fs::File::open(&to)
                    .and_then(|file| file.sync_all())
                    .and_then(|()| files::hash(&to))
                    .map_err(|e| failed(&to, &e))?;
                entries.push(FileEntry { path, bytes, sha256 });
            }
            // One broken workspace must not stand between everything else and its backup.
            Err(e) => {
                let _ = std::fs::remove_file(&to);
                tracing::warn!(assignment.id = %found.assignment_id, error = %e, "the unpushed commits of {} are not in the backup", found.assignment_id);
            }
        }
    }
    Ok(entries)
}

/// Transcripts and bundles as they are. One that is written meanwhile is copied up to where it is, which every reader takes.
fn write_files(inner: &Inner, part: &Path, entries: &mut Vec<FileEntry>) -> io::Result<()> {
    for folder in ["transcripts", "bundles"] {
        let root = inner.config.data_dir.join(folder);
        for file in files::plain_files(&root) {
            let path = format!("{folder}/{}", file.display());
            match files::copy(&root.join(&file), part, path.clone()) {
                Ok(entry) => entries.push(entry),
                // Housekeeping was quicker.
                Err(e) if e.kind() == io::ErrorKind::NotFound => drop(std::fs::remove_file(part.join(path))),
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}
