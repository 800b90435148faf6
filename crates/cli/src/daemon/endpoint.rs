//! `<data>/endpoint.json`: where clients find the daemon while it serves.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{FULL_DISK_RETRY, Kind};
use crate::client::find::ENDPOINT_FILE;
use crate::failure::{CliError, Result};

/// The file; removed when this is dropped.
pub(crate) struct EndpointFile {
    path: PathBuf,
}

impl EndpointFile {
    /// Writes it; a daemon on a full disk waits for room.
    pub(super) async fn write(data_dir: &Path, url: &str, kind: Kind) -> Result<Self> {
        let path = data_dir.join(ENDPOINT_FILE);
        let mut content = json!({ "url": url, "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION") });
        if kind == Kind::Embedded {
            content["embedded"] = true.into();
        }
        let aside = data_dir.join(format!(".{ENDPOINT_FILE}.{}", std::process::id()));
        let mut told = false;
        loop {
            let written = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&aside)
                .and_then(|mut file| writeln!(file, "{content}").and_then(|()| file.sync_all()))
                .and_then(|()| std::fs::rename(&aside, &path));
            match written {
                Ok(()) => return Ok(Self { path }),
                Err(e) if kind == Kind::Daemon && is_full(&e) => {
                    if !told {
                        tracing::error!(error = %e, "nobody finds the daemon before {} is written; free some space", path.display());
                        told = true;
                    }
                    tokio::time::sleep(FULL_DISK_RETRY).await;
                }
                Err(e) => {
                    return Err(CliError::fault(format!("cannot write {}: {e}", path.display()))
                        .hint("see that the data directory is yours and has room"));
                }
            }
        }
    }
}

fn is_full(e: &std::io::Error) -> bool {
    matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge)
}

impl Drop for EndpointFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether what serves a data directory is a `windlass run` for its own assignment.
pub(crate) fn is_embedded(data_dir: &Path) -> bool {
    let text = std::fs::read(data_dir.join(ENDPOINT_FILE)).unwrap_or_default();
    serde_json::from_slice::<Value>(&text).is_ok_and(|v| v.get("embedded").and_then(Value::as_bool).unwrap_or(false))
}
