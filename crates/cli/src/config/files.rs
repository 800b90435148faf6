//! `[files]`: the shared directory, its places and its own settings file.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use windlass_intake::FilesMode;

use super::layers::Layers;
use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// The largest settings file of a shared directory, in bytes.
const ENV_FILE_MAX: u64 = 64 * 1024;

/// What that file may set: a worker's settings, nothing of the daemon itself.
const ENV_FILE_NAMES: &[&str] = &[
    "MAX_CONCURRENT_TASKS",
    "TASK_TIMEOUT",
    "HEARTBEAT_INTERVAL",
    "MAX_RETRIES",
    "RETRY_BACKOFF",
    "INITIAL_RETRY_DELAY",
    "CIRCUIT_BREAKER_THRESHOLD",
    "CIRCUIT_BREAKER_TIMEOUT",
    "TASK_DIR",
    "TRIGGER_DIR",
    "RESULT_DIR",
    "HEARTBEAT_DIR",
    "DLQ_DIR",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "ENABLE_METRICS",
    "METRICS_PORT",
    "CLAUDE_COMMAND",
    "WORKER_NAME",
    "WORKERS",
];

/// `[files]` as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawFiles {
    pub(crate) root: Option<PathBuf>,
    pub(crate) task_dir: Option<PathBuf>,
    pub(crate) trigger_dir: Option<PathBuf>,
    pub(crate) result_dir: Option<PathBuf>,
    pub(crate) heartbeat_dir: Option<PathBuf>,
    pub(crate) dlq_dir: Option<PathBuf>,
    pub(crate) pipe_dir: Option<PathBuf>,
    pub(crate) mode: Option<FilesMode>,
    pub(crate) project: Option<String>,
    pub(crate) prompts_dir: Option<PathBuf>,
    pub(crate) env_file: Option<PathBuf>,
}

/// The shared directory, where there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FilesSettings {
    pub(crate) root: PathBuf,
    pub(crate) task_dir: Option<PathBuf>,
    pub(crate) trigger_dir: Option<PathBuf>,
    pub(crate) result_dir: Option<PathBuf>,
    pub(crate) heartbeat_dir: Option<PathBuf>,
    pub(crate) dlq_dir: Option<PathBuf>,
    pub(crate) pipe_dir: Option<PathBuf>,
    pub(crate) mode: FilesMode,
    pub(crate) project: Option<String>,
    pub(crate) prompts_dir: Option<PathBuf>,
    pub(crate) heartbeat_interval_secs: u64,
}

pub(super) fn files(l: &mut Layers<'_>, raw: &RawFile, heartbeat_interval_secs: u64) -> Result<Option<FilesSettings>> {
    let f = &raw.files;
    let absolute = |path: Option<PathBuf>| path.map(|path| super::settings::absolute(&path)).transpose();
    let root = l.given("files.root", &["WINDLASS_SHARED_DIR"], None, f.root.clone())?;
    if let Some(relative) = root.as_ref().filter(|root| root.is_relative()) {
        // Relative to what? A daemon starts wherever somebody stands.
        return Err(
            CliError::usage(format!("`files.root` is {}, and has to be an absolute path", relative.display())).hint("begin it with /")
        );
    }
    let mut dir = |key: &str, var: &'static str, top: &Option<PathBuf>, own: &Option<PathBuf>| {
        absolute(l.given(key, &[var], None, top.clone().or_else(|| own.clone()))?)
    };
    let task_dir = dir("task_dir", "TASK_DIR", &raw.task_dir, &f.task_dir)?;
    let trigger_dir = dir("trigger_dir", "TRIGGER_DIR", &raw.trigger_dir, &f.trigger_dir)?;
    let result_dir = dir("result_dir", "RESULT_DIR", &raw.result_dir, &f.result_dir)?;
    let heartbeat_dir = dir("heartbeat_dir", "HEARTBEAT_DIR", &raw.heartbeat_dir, &f.heartbeat_dir)?;
    let dlq_dir = dir("dlq_dir", "DLQ_DIR", &raw.dlq_dir, &f.dlq_dir)?;
    let pipe_dir = absolute(l.given("files.pipe_dir", &[], None, f.pipe_dir.clone())?)?;
    let prompts_dir = absolute(l.given("files.prompts_dir", &[], None, f.prompts_dir.clone())?)?;
    let mode = l.pick("files.mode", &[], None, f.mode, FilesMode::Worker)?;
    let project = l.given("files.project", &[], None, f.project.clone())?;
    l.given("files.env_file", &[], None, f.env_file.clone())?;
    // The folder of the task files alone says where the others are.
    let Some(root) = root.or_else(|| task_dir.as_ref().and_then(|dir| Some(dir.parent()?.to_owned()))) else { return Ok(None) };
    Ok(Some(FilesSettings {
        root,
        task_dir,
        trigger_dir,
        result_dir,
        heartbeat_dir,
        dlq_dir,
        pipe_dir,
        mode,
        project,
        prompts_dir,
        heartbeat_interval_secs,
    }))
}

/// Reads a settings file of lines `NAME=value`; what is odd in it is told in sentences.
///
/// Whoever writes it decides what is run. So it and its folder have to belong to the daemon's user or root and be writable to no other:
/// in a folder that others can write, a file that Windlass itself wrote for them could be put in its place.
pub(super) fn read_env_file(path: &Path) -> Result<(BTreeMap<String, String>, Vec<String>)> {
    use std::io::Read as _;
    let shown = path.display();
    let failed = |e: std::io::Error| CliError::usage(format!("cannot read the settings file {shown} (files.env_file): {e}"));
    let refused = |what: &str| {
        CliError::usage(format!("the settings file {shown} {what}, and whoever writes it decides what is run"))
            .hint("let it be a plain file in a folder that only root or the user of windlass can write, and name it whole: files.env_file = \"/etc/windlass/worker.env\"")
    };
    let own = |meta: &std::fs::Metadata| meta.mode() & 0o022 == 0 && (meta.uid() == 0 || meta.uid() == rustix::process::geteuid().as_raw());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !own(&std::fs::metadata(folder).map_err(failed)?) {
        return Err(refused("lies in a folder that others can write"));
    }
    // Not through a link, and without waiting for the writer of a pipe.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path);
    let file = match opened {
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Err(refused("is a link")),
        opened => opened.map_err(failed)?,
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_file() || meta.nlink() != 1 {
        return Err(refused("is no plain file of one name"));
    }
    if !own(&meta) {
        return Err(refused("can be written by others"));
    }
    let mut text = String::new();
    let size = file.take(ENV_FILE_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if size as u64 > ENV_FILE_MAX {
        return Err(CliError::usage(format!("the settings file {shown} is longer than {ENV_FILE_MAX} bytes")));
    }
    Ok(parse_env(&shown.to_string(), &text))
}

fn parse_env(name: &str, text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut found, mut warnings) = (BTreeMap::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
            warnings.push(format!("{name}:{number}: not NAME=value, and ignored"));
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        if !ENV_FILE_NAMES.contains(&key) {
            warnings.push(format!("{name}:{number}: {key} is no setting of a worker and ignored"));
            continue;
        }
        let quoted = |mark: char| value.strip_prefix(mark).and_then(|rest| rest.split_once(mark)).map(|(inside, _)| inside);
        let bare = value.split_once(" #").map_or(value, |(before, _)| before).trim_end();
        found.insert(key.to_owned(), quoted('"').or_else(|| quoted('\'')).unwrap_or(bare).to_owned());
    }
    (found, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_is_lines_of_names_and_values_and_sets_nothing_of_the_daemon() {
        let text = "# Worker\nMAX_RETRIES=5 # five\nexport WORKERS=\"marie, anga\"\nWINDLASS_DATA_DIR=/x\nPATH=/evil\nnonsense\n";
        let (found, warnings) = parse_env(".env", text);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("MAX_RETRIES".into(), "5".into()), ("WORKERS".into(), "marie, anga".into())]);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }

    #[test]
    fn a_settings_file_that_others_can_write_or_put_there_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode: u32| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let path = dir.path().join("worker.env");
        std::fs::write(&path, "MAX_RETRIES=5\n").unwrap();
        set(&path, 0o644);
        assert!(read_env_file(&path).is_ok());
        set(&path, 0o666);
        assert!(read_env_file(&path).is_err());
        set(&path, 0o644);
        for mode in [0o777, 0o770, 0o1777] {
            set(dir.path(), mode);
            assert!(read_env_file(&path).is_err(), "{mode:o}");
        }
        set(dir.path(), 0o700);
        assert!(read_env_file(&path).is_ok());
    }

    #[test]
    fn a_settings_file_is_not_read_through_a_link_a_second_name_or_a_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("letter.json"), "CLAUDE_COMMAND=/tmp/evil\n").unwrap();
        std::os::unix::fs::symlink(at("letter.json"), at("link.env")).unwrap();
        assert!(read_env_file(&at("link.env")).unwrap_err().message.contains("is a link"));
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe.env"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(read_env_file(&at("pipe.env")).unwrap_err().message.contains("no plain file"));
        std::fs::hard_link(at("letter.json"), at("second.env")).unwrap();
        assert!(read_env_file(&at("second.env")).is_err());
    }
}
