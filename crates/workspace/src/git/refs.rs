//! Reading the refs of a git directory that an agent could write, without running git on it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// More refs than this are not looked at: it is reported instead.
const MAX_REFS: usize = 20_000;
const MAX_PACKED_BYTES: u64 = 16 * 1024 * 1024;
const MAX_LOOSE_BYTES: u64 = 4096;

/// Every ref with its value (a hash, or what else the file says), or why they cannot be read.
pub(crate) fn read_refs(git_dir: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut refs = BTreeMap::new();
    if git_dir.join("reftable").exists() {
        return Err("its refs were moved to another format".to_owned());
    }
    if let Some(packed) = read_plain(&git_dir.join("packed-refs"), MAX_PACKED_BYTES)? {
        for line in packed.lines().filter(|line| !line.starts_with(['#', '^'])) {
            if let Some((hash, name)) = line.split_once(' ') {
                refs.insert(name.to_owned(), hash.to_owned());
            }
        }
    }
    let mut folders = vec!["refs".to_owned()];
    while let Some(folder) = folders.pop() {
        let kind = fs::symlink_metadata(git_dir.join(&folder)).map_err(|_| format!("{folder} is missing"))?.file_type();
        if !kind.is_dir() {
            return Err(format!("{folder} is not a folder"));
        }
        for entry in fs::read_dir(git_dir.join(&folder)).map_err(|_| format!("{folder} cannot be read"))?.flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(name),
                Ok(kind) if kind.is_file() => {
                    let value = read_plain(&entry.path(), MAX_LOOSE_BYTES)?.unwrap_or_default();
                    refs.insert(name, value.trim_end().to_owned());
                }
                _ => return Err(format!("{name} is neither a file nor a folder")),
            }
            if refs.len() + folders.len() > MAX_REFS {
                return Err(format!("it has more than {MAX_REFS} refs"));
            }
        }
    }
    Ok(refs)
}

fn read_plain(path: &Path, max_bytes: u64) -> Result<Option<String>, String> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file: File = match fs::OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(format!("{} cannot be read", path.display())),
    };
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(format!("{} is not a file", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(|_| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("{} is too large", path.display()));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
