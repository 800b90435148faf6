//! Files of a backup: written to the disk, hashed, and never outside its folder.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::FileEntry;

/// The folder of commits that are on no repository's branch yet.
pub(super) const UNPUSHED: &str = "unpushed";

/// Whether a path stays below the folder that it is joined to.
pub(super) fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A new file for its owner only.
pub(super) fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        private_dir(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The size and the hash of a file.
pub(super) fn hash(path: &Path) -> io::Result<(u64, String)> {
    // What is no plain file is never opened: a FIFO would hold us up for ever.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    let mut reader = BufReader::with_capacity(128 * 1024, File::open(path)?);
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
    Ok((bytes, hex(&hash.finalize())))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Copies a file, on disk when it returns; its entry.
pub(super) fn copy(from: &Path, folder: &Path, path: String) -> io::Result<FileEntry> {
    let to = folder.join(&path);
    let mut writer = Hashing::new(create(&to)?);
    let mut reader = File::open(from)?;
    io::copy(&mut reader, &mut writer)?;
    writer.finish(path)
}

/// Every plain file below a folder, as paths below it; what vanishes meanwhile is passed over.
pub(super) fn plain_files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = folder.join(entry.file_name());
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file that is hashed as it is written.
pub(super) struct Hashing {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Hashing {
    pub(super) fn new(file: File) -> Self {
        Self { file, hash: Sha256::new(), bytes: 0 }
    }

    /// Brings it to the disk.
    pub(super) fn finish(self, path: String) -> io::Result<FileEntry> {
        self.file.sync_all()?;
        Ok(FileEntry { path, bytes: self.bytes, sha256: hex(&self.hash.finalize()) })
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_not_inside() {
        for path in ["", "/etc/passwd", "../x", "a/../../b", "./a"] {
            assert!(!is_inside(path), "{path}");
        }
        assert!(is_inside("transcripts/a/b.jsonl.gz"));
    }
}
