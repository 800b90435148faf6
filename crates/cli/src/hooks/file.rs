//! A settings file, read and written: whole or not at all, with what was there kept beside it.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Place, edit};
use crate::failure::{CliError, Result};

/// The longest settings that are read, in bytes.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What is put behind a file's name for what was there before.
const BACKUP: &str = "before-windlass";

/// A settings file as it is now.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it really is.
    pub(crate) file: PathBuf,
    /// Whether a link leads there.
    pub(crate) by_link: bool,
    /// What it says; `None` when there is none.
    pub(crate) text: Option<String>,
}

/// Finds the file of a place, where its links lead.
pub(crate) fn find(place: &Place) -> Result<Found> {
    let shown = place.file.display();
    let real = real_path(&place.file).map_err(|e| CliError::usage(format!("{shown} cannot be reached: {e}")))?;
    if let Some(root) = &place.inside {
        let root = root.canonicalize().map_err(|e| CliError::usage(format!("{} cannot be reached: {e}", root.display())))?;
        if !real.starts_with(&root) {
            return Err(CliError::usage(format!("{shown} is a link that leads out of the project, to {}", real.display()))
                .hint("nothing was written there; put a file in its place, or use --user"));
        }
    }
    Ok(Found { by_link: real != place.file && is_through_link(&place.file), text: read(&real)?, file: real })
}

/// What a file says; `None` when there is none.
fn read(path: &Path) -> Result<Option<String>> {
    use std::io::Read as _;
    let shown = path.display();
    // What is no file may never answer: a pipe that nobody writes to, a terminal.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = match std::fs::File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(CliError::usage(format!("cannot read {shown}: {e}"))),
    };
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err(CliError::usage(format!("{shown} is not a file")).hint("nothing was written there; put a file in its place"));
    }
    let mut text = String::new();
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 > BYTES_MAX => Err(CliError::usage(format!("{shown} is longer than {BYTES_MAX} bytes"))),
        Ok(_) => Ok(Some(text)),
        Err(e) => Err(CliError::usage(format!("cannot read {shown}: {e}"))),
    }
}

/// Where a path leads whose last parts may not be there yet.
fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Ok(real) => Ok(real),
        // A link to nothing would be followed into the dark when it is written.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(real_path(parent)?.join(name)),
            _ => Err(e),
        },
        Err(e) => Err(e),
    }
}

/// Whether the file itself, or the agent's folder that it is in, is a link.
fn is_through_link(path: &Path) -> bool {
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
    is_link(path) || path.parent().is_some_and(is_link)
}

/// Where what was there before is kept.
fn backup_of(file: &Path) -> PathBuf {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    file.with_file_name(format!("{name}.{BACKUP}"))
}

/// What was there before hooks of ours came, as far as it was kept.
pub(crate) fn original(found: &Found) -> Option<String> {
    read(&backup_of(&found.file)).ok().flatten()
}

/// Writes the new text. What was there before hooks of ours came is kept beside it, and stays there: a text with hooks of ours in it is
/// kept only where nothing is yet. The path of what was kept now.
pub(crate) fn write(found: &Found, text: &str) -> Result<Option<PathBuf>> {
    let failed = |e: std::io::Error| CliError::usage(format!("cannot write {}: {e}", found.file.display()));
    let Some(folder) = found.file.parent() else { return Err(CliError::usage("a settings file has to be in a folder")) };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mode = std::fs::metadata(&found.file).ok().map(|meta| meta.permissions().mode());
    let backup = backup_of(&found.file);
    let kept = found.text.as_ref().filter(|before| !edit::has_ours(before) || backup.symlink_metadata().is_err());
    if let Some(before) = kept {
        replace(folder, &backup, before, mode).map_err(failed)?;
    }
    replace(folder, &found.file, text, mode).map_err(failed)?;
    Ok(kept.map(|_| backup))
}

/// Writes a text that hooks of ours were taken out of. Nothing of ours stays: a file that was there for them alone goes, and so does what was kept
/// of it where it is that again.
pub(crate) fn restore(found: &Found, text: &str) -> Result<Option<PathBuf>> {
    let failed = |e: std::io::Error| CliError::usage(format!("cannot write {}: {e}", found.file.display()));
    let Some(folder) = found.file.parent() else { return Err(CliError::usage("a settings file has to be in a folder")) };
    match original(found) {
        None if text.chars().filter(|c| !c.is_whitespace()).eq("{}".chars()) => {
            std::fs::remove_file(&found.file).map_err(failed)?;
            // Only where nothing else is in it.
            let _ = std::fs::remove_dir(folder);
            return Ok(None);
        }
        Some(original) if original == text => std::fs::remove_file(backup_of(&found.file)).map_err(failed)?,
        _ => {}
    }
    let mode = std::fs::metadata(&found.file).ok().map(|meta| meta.permissions().mode());
    replace(folder, &found.file, text, mode).map_err(failed)?;
    Ok(None)
}

/// Puts a file in its place in one step.
fn replace(folder: &Path, file: &Path, text: &str, mode: Option<u32>) -> std::io::Result<()> {
    let mut new = tempfile::Builder::new()
        .prefix(".windlass-")
        .permissions(std::fs::Permissions::from_mode(mode.unwrap_or(0o644)))
        .tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    if let Some(mode) = mode {
        // The process's mask may have taken some of it away.
        new.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    new.persist(file).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use windlass_types::Harness;

    fn place(file: PathBuf, inside: Option<&Path>) -> Place {
        Place { harness: Harness::Claude, file, inside: inside.map(Path::to_path_buf) }
    }

    #[test]
    fn what_was_there_is_kept_beside_and_the_mode_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let file = root.join("new/settings.json");
        let found = find(&place(file.clone(), Some(&root))).unwrap();
        assert_eq!((found.text.as_deref(), found.by_link), (None, false));
        assert_eq!(write(&found, "one").unwrap(), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let found = find(&place(file.clone(), Some(&root))).unwrap();
        let backup = write(&found, "two").unwrap().unwrap();
        assert_eq!(
            (std::fs::read_to_string(&file).unwrap(), std::fs::read_to_string(&backup).unwrap()),
            ("two".to_owned(), "one".to_owned())
        );
        assert!([&file, &backup].iter().all(|file| std::fs::metadata(file).unwrap().permissions().mode() & 0o777 == 0o600));
        assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn a_link_is_followed_and_told_and_not_out_of_a_project() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (project, outside) = (root.join("project"), root.join("outside.json"));
        std::fs::create_dir(&project).unwrap();
        std::fs::write(&outside, "{}").unwrap();
        symlink(&outside, project.join("settings.json")).unwrap();
        let refused = find(&place(project.join("settings.json"), Some(&project))).unwrap_err();
        assert!(refused.message.contains("leads out of the project"), "{refused}");
        let found = find(&place(project.join("settings.json"), None)).unwrap();
        assert_eq!((found.by_link, &found.file), (true, &outside));
        write(&found, "new").unwrap();
        assert!(project.join("settings.json").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "new");
        symlink(root.join("nothing"), project.join("dark.json")).unwrap();
        assert!(find(&place(project.join("dark.json"), None)).is_err());
        symlink(&root, project.join("folder")).unwrap();
        assert!(find(&place(project.join("folder/new.json"), Some(&project))).is_err());
    }

    #[test]
    fn what_was_there_before_ours_is_kept_however_often_ours_change() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().canonicalize().unwrap().join("settings.json");
        let ours = |program: &str| edit::install("{}", &super::super::Wanted::of(Harness::Claude, program, &[])).unwrap();
        let write = |text: &str| write(&find(&place(file.clone(), None)).unwrap(), text).unwrap();
        let kept = || original(&find(&place(file.clone(), None)).unwrap());
        std::fs::write(&file, ours("/older/windlass")).unwrap();
        assert!(write(&ours("/old/windlass")).is_some(), "there is no other");
        assert_eq!(kept(), Some(ours("/older/windlass")));
        write("{\"mine\": 1}");
        assert!(write(&ours("windlass")).is_some(), "what is newer, and only theirs");
        assert_eq!(write(&ours("/new/windlass")), None);
        assert_eq!(write("{}"), None);
        assert_eq!(kept().as_deref(), Some("{\"mine\": 1}"));
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().canonicalize().unwrap().join("settings.json");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(find(&place(pipe, None)).unwrap_err().message.ends_with("is not a file"));
        assert!(find(&place("/dev/null".into(), None)).unwrap_err().message.ends_with("is not a file"));
        assert!(find(&place("/dev/zero".into(), None)).is_err());
    }
}
