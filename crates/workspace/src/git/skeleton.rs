//! Git directories written by hand: quicker than `git clone`, and nothing in them that we did not put there.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;

/// A git directory to be made.
pub(crate) struct Skeleton<'a> {
    pub(crate) bare: bool,
    /// The branch that HEAD names.
    pub(crate) head_branch: &'a str,
    /// Object folders that it borrows from.
    pub(crate) alternates: &'a [PathBuf],
    /// Full names and hashes.
    pub(crate) refs: &'a [(String, String)],
    /// A hash of the repository; its length tells the object format.
    pub(crate) sample_hash: &'a str,
    /// The `shallow` file of the mirror, when it has one.
    pub(crate) shallow: Option<&'a [u8]>,
}

impl Skeleton<'_> {
    /// Writes it to `path`, which must not exist.
    pub(crate) fn create(&self, path: &Path) -> Result<(), WorkspaceError> {
        let failed = |what: &Path| WorkspaceError::io(format!("writing {}", what.display()));
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(failed(&folder))?;
        }
        let config = config(self.bare, self.sample_hash.len() == 64);
        let write = |name: &str, content: &[u8]| {
            let file = path.join(name);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent).map_err(failed(parent))?;
            }
            fs::write(&file, content).map_err(failed(&file))
        };
        write("config", config.as_bytes())?;
        write("HEAD", format!("ref: refs/heads/{}\n", self.head_branch).as_bytes())?;
        if !self.alternates.is_empty() {
            let mut lines = String::new();
            for folder in self.alternates {
                let _ = writeln!(lines, "{}", folder.display());
            }
            write("objects/info/alternates", lines.as_bytes())?;
        }
        for (name, hash) in self.refs {
            write(name, format!("{hash}\n").as_bytes())?;
        }
        if let Some(shallow) = self.shallow {
            write("shallow", shallow)?;
        }
        Ok(())
    }
}

fn config(bare: bool, sha256: bool) -> String {
    let mut config = String::from("[core]\n");
    let _ = writeln!(config, "\trepositoryformatversion = {}\n\tfilemode = true\n\tbare = {bare}", u8::from(sha256));
    if sha256 {
        config.push_str("[extensions]\n\tobjectformat = sha256\n");
    }
    config
}

/// Whether one of the engine's own git directories holds no more configuration than we put there: no filter, hook, attribute or include
/// of an agent that found its way to it. Where agents cannot be kept from these directories this is what stops them.
pub(crate) fn check_pristine(git_dir: &Path) -> Result<(), WorkspaceError> {
    let tampered = |what: &str| Err(WorkspaceError::Tampered { path: git_dir.to_owned(), what: what.to_owned() });
    match fs::read_to_string(git_dir.join("config")) {
        Ok(text) if text == config(true, false) || text == config(true, true) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        _ => return tampered("the engine's own git configuration was changed"),
    }
    for name in ["hooks", "config.worktree", "commondir", "info/attributes", "info/exclude", "info/grafts", "info/sparse-checkout"] {
        if fs::symlink_metadata(git_dir.join(name)).is_ok() {
            return tampered("files that git would obey were put into the engine's own git directory");
        }
    }
    Ok(())
}

/// Writes a file so that it is either the old or the new one after a crash.
pub(crate) fn write_atomic(path: &Path, content: &[u8]) -> Result<(), WorkspaceError> {
    let failed = || WorkspaceError::io(format!("writing {}", path.display()));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let mut file = fs::File::create(&new).map_err(failed())?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed())?;
    fs::rename(&new, path).map_err(failed())
}

/// Removes a file, link or folder, also one whose folders an agent has made unwritable. Links are not followed.
pub(crate) fn remove_tree(path: &Path) -> Result<(), WorkspaceError> {
    let failed = || WorkspaceError::io(format!("removing {}", path.display()));
    let gone = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(meta) if meta.is_dir() => gone(fs::remove_dir_all(path))
            .or_else(|_| {
                make_writable(path);
                gone(fs::remove_dir_all(path))
            })
            .map_err(failed()),
        _ => gone(fs::remove_file(path)).map_err(failed()),
    }
}

fn make_writable(path: &Path) {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        // `file_type` does not follow links.
        folders.extend(entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()));
    }
}
