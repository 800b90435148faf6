//! One process for each data directory and for each database file: locks that the kernel takes back when their holder dies, however it
//! dies.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{Kind, endpoint};
use crate::config::Settings;
use crate::failure::{CliError, Result};
use crate::output;

/// The most of a lock's file that is read, in bytes.
const HOLDER_MAX: u64 = 8 * 1024;
/// How many links in a row may lead to a database.
const LINKS_MAX: usize = 16;

/// The locks, held while this lives. Their files stay: removing one would let two processes each lock their own.
pub(crate) struct Lock {
    _data_dir: File,
    _database: Option<File>,
}

impl Lock {
    /// Takes them. A short-lived engine waits for another short-lived one; everybody else is refused.
    pub(super) async fn take(settings: &Settings, kind: Kind) -> Result<Self> {
        let dir = &settings.data_dir;
        let path = dir.join("lock");
        let file = open(&path).map_err(|e| {
            CliError::fault(format!("the data directory {} cannot be written: {e}", dir.display()))
                .hint("see that you own it and may write it, or name another with --data-dir or WINDLASS_DATA_DIR")
        })?;
        let data_dir = lock(&path, file, dir, kind, |holder| {
            CliError::fault(format!("another windlass{} serves {}", holder.shown(), dir.display()))
                .hint("use that one, stop it, or give this one its own --data-dir")
        });
        let data_dir = data_dir.await?;
        Ok(Self { _data_dir: data_dir, _database: database(settings, kind).await? })
    }
}

/// Locks the database's file, wherever it is: a process on another data directory may name it too. PostgreSQL sees to itself.
async fn database(settings: &Settings, kind: Kind) -> Result<Option<File>> {
    let Some(database) = windlass_store::sqlite_file(&settings.database_url).map(real_file) else { return Ok(None) };
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = database.with_file_name(name);
    let file = match open(&path) {
        Ok(file) => file,
        // Where there is no folder there can be no database: opening it says so.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => {
            return Err(CliError::fault(format!("the database {} cannot be locked: {}: {e}", database.display(), path.display()))
                .hint("see that you own its folder and may write it, or name another database (WINDLASS_DATABASE_URL)"));
        }
    };
    let file = lock(&path, file, &settings.data_dir, kind, |holder| {
        let whose = holder.data_dir.as_ref().map(|dir| format!(", on the data directory {}", dir.display())).unwrap_or_default();
        CliError::fault(format!("another windlass{}{whose}, works with the database {}", holder.shown(), database.display()))
            .hint("use that one, stop it, or name another database for this one (WINDLASS_DATABASE_URL)")
    });
    file.await.map(Some)
}

/// The file that a path leads to, which need not be there yet.
fn real_file(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        let Ok(target) = path.read_link() else { break };
        path = path.with_file_name("").join(target);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Locks a file for the process that serves this data directory.
async fn lock(path: &Path, mut file: File, data_dir: &Path, kind: Kind, refused: impl Fn(&Holder) -> CliError) -> Result<File> {
    let mut tries = 0u32;
    let mut told = false;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(e) => {
                return Err(CliError::fault(format!("{} cannot be locked: {e}", path.display()))
                    .hint("put the data directory and the database on a local disk"));
            }
        }
        let holder = Holder::of(path);
        let embedded = endpoint::is_embedded(holder.data_dir.as_deref().unwrap_or(data_dir));
        // One that has just begun or is about to end has no endpoint for a moment.
        if kind == Kind::Daemon || (!embedded && tries > 10) {
            return Err(refused(&holder));
        }
        if embedded && !told {
            let what = path.parent().unwrap_or(path).display();
            output::say(&format!("another `windlass run`{} works on {what}: waiting for it to end", holder.shown()));
            told = true;
        }
        tries = if embedded { 0 } else { tries + 1 };
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // For people and for the next one's message; the lock itself is the kernel's.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}\n{}", std::process::id(), data_dir.display()));
    Ok(file)
}

/// Who holds a lock, as far as its file says.
#[derive(Default)]
struct Holder {
    pid: Option<u32>,
    data_dir: Option<PathBuf>,
}

impl Holder {
    fn of(path: &Path) -> Self {
        let mut text = String::new();
        if File::open(path).and_then(|file| file.take(HOLDER_MAX).read_to_string(&mut text)).is_err() {
            return Self::default();
        }
        let mut lines = text.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok());
        Self { pid, data_dir: lines.next().map(PathBuf::from).filter(|dir| dir.is_absolute()) }
    }

    fn shown(&self) -> String {
        self.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    }
}
