//! Running git.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::error::WorkspaceError;
use super::login::Login;
use super::skeleton::write_atomic;
use crate::launch::{memory_file, resolve_program};

/// How long a call on this machine may take.
pub(super) const LOCAL_TIMEOUT: Duration = Duration::from_mins(2);
/// The most that is read of a call's output.
const MAX_OUTPUT_BYTES: usize = 64 * 1024 * 1024;
/// The most that is kept of what a call complains.
const MAX_COMPLAINT_BYTES: usize = 8 * 1024;

/// Variables of the engine's own environment that a call to a remote address may see: what finds and carries credentials.
const USER_VARIABLES: [&str; 24] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
];

/// Who commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name on every commit.
    pub name: String,
    /// Its address.
    pub email: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self { name: "Windlass".to_owned(), email: "windlass@localhost".to_owned() }
    }
}

/// git, with the engine's own configuration.
#[derive(Debug, Clone)]
pub struct Git {
    exe: PathBuf,
    home: PathBuf,
    config: PathBuf,
    path: String,
    identity: Identity,
    login: Option<Arc<Login>>,
}

impl Git {
    /// Finds git on `path` (as in `$PATH`) and writes the engine's configuration for it into `home`.
    pub fn open(home: &Path, path: &str, identity: Identity) -> Result<Self, WorkspaceError> {
        let exe = resolve_program("git", path).map_err(|_| WorkspaceError::NoGit)?;
        std::fs::create_dir_all(home).map_err(WorkspaceError::io(format!("creating {}", home.display())))?;
        let config = home.join("gitconfig");
        if std::fs::read_to_string(&config).ok().as_deref() != Some(CONFIG) {
            write_atomic(&config, CONFIG.as_bytes())?;
        }
        Ok(Self { exe, home: home.to_owned(), config, path: path.to_owned(), identity, login: None })
    }

    /// The same, logged in at a host.
    pub(crate) fn logged_in(mut self, login: Login) -> Self {
        self.login = Some(Arc::new(login));
        self
    }

    /// A call that uses the engine's configuration only.
    pub(crate) fn call(&self, verb: &str) -> Call<'_> {
        Call {
            git: self,
            verb: verb.to_owned(),
            options: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            stdin: Input::Null,
            as_user: false,
            timeout: LOCAL_TIMEOUT,
            max_output_bytes: MAX_OUTPUT_BYTES,
            cut: false,
        }
    }

    /// The far side of a fetch or push on this machine, started by git through a shell, with the far repository's hooks and programs off.
    pub(crate) fn far_side(&self, verb: &str) -> String {
        let exe = self.exe.display().to_string().replace('\'', "'\\''");
        format!("'{exe}' -c {} {verb}", FOREIGN_OVERRIDES.join(" -c "))
    }
}

/// What must not come from a repository's own configuration, said where nothing can override it. No setting needs quoting.
const FOREIGN_OVERRIDES: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=true",
    "core.pager=cat",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "receive.autogc=false",
    "receive.denyCurrentBranch=refuse",
];

/// The engine's whole git configuration.
const CONFIG: &str = "\
# Written by Windlass; changes are overwritten.
[safe]
\tdirectory = *
[init]
\tdefaultBranch = main
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tautocrlf = false
\tprotectHFS = true
\tprotectNTFS = true
\tquotePath = false
\tlogAllRefUpdates = false
\tfsync = committed,reference
\tfsyncMethod = batch
[commit]
\tgpgSign = false
[diff]
\tignoreSubmodules = all
[submodule]
\trecurse = false
[fetch]
\tunpackLimit = 100
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
[protocol]
\tallow = never
[protocol \"file\"]
\tallow = always
";

enum Input {
    Null,
    Bytes(Vec<u8>),
    File(File),
    Pipe,
}

/// One call of git, being built.
pub(crate) struct Call<'a> {
    git: &'a Git,
    verb: String,
    options: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    cwd: PathBuf,
    stdin: Input,
    as_user: bool,
    timeout: Duration,
    max_output_bytes: usize,
    cut: bool,
}

/// What a call printed.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) complaint: String,
    /// More was printed than was wanted; the call was ended.
    pub(crate) truncated: bool,
}

impl Output {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }
}

impl Call<'_> {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The git directory that it works with.
    pub(crate) fn git_dir(self, path: &Path) -> Self {
        self.env("GIT_DIR", path)
    }

    /// A repository of the user's: found from its folder, never above it.
    pub(crate) fn in_foreign(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.cwd);
        self.foreign_overrides().env("GIT_CEILING_DIRECTORIES", path.parent().unwrap_or(path)).env("GIT_OPTIONAL_LOCKS", "0")
    }

    /// Where it runs.
    pub(crate) fn in_folder(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.cwd);
        self
    }

    fn foreign_overrides(mut self) -> Self {
        for setting in FOREIGN_OVERRIDES {
            self.options.extend(["-c".into(), setting.into()]);
        }
        self
    }

    /// One setting that nothing overrides.
    pub(crate) fn setting(mut self, setting: &str) -> Self {
        self.options.extend(["-c".into(), setting.into()]);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// Is written to while it runs.
    pub(super) fn asked(mut self) -> Self {
        self.stdin = Input::Pipe;
        self
    }

    /// Hands the call an open file that it does not read: a lock on it lasts until the call has ended, even when the engine has not.
    pub(crate) fn holding(mut self, file: File) -> Self {
        self.stdin = Input::File(file);
        self
    }

    /// With the user's own configuration, agent and credential helpers, and the forge's token where it is the forge's: for remote addresses
    /// only.
    pub(crate) fn by_the_user_at(mut self, address: &str) -> Self {
        self.as_user = true;
        let settings = self.git.login.as_ref().and_then(|login| login.settings_for(address));
        self.env.extend(settings.into_iter().flatten().map(|(name, value)| (name, value.into())));
        self
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Takes only so much output and ends the call then.
    pub(crate) fn cut_at(mut self, max_output_bytes: usize) -> Self {
        self.max_output_bytes = max_output_bytes;
        self.cut = true;
        self
    }

    /// Runs it; an exit status other than 0 is an error.
    pub(crate) async fn ok(self) -> Result<Output, WorkspaceError> {
        let verb = self.verb.clone();
        let output = self.run().await?;
        if output.code == Some(0) || output.truncated { Ok(output) } else { Err(WorkspaceError::Git { verb, message: output.complaint }) }
    }

    /// Runs it; the caller reads the exit status.
    pub(crate) async fn run(self) -> Result<Output, WorkspaceError> {
        let (timeout, max_output_bytes, cut) = (self.timeout, self.max_output_bytes, self.cut);
        let Started { verb, mut child, group, out, err } = self.start()?;
        let failed = |source: io::Error| WorkspaceError::Io { what: format!("running git {verb}"), source };
        let work = async {
            let (out, err) = tokio::join!(read_up_to(out, max_output_bytes, &group), read_tail(err));
            let (stdout, truncated) = out?;
            Ok::<_, io::Error>((stdout, truncated, err?, child.wait().await?))
        };
        let Ok(done) = tokio::time::timeout(timeout, work).await else {
            return Err(WorkspaceError::Timeout { verb, secs: timeout.as_secs() });
        };
        let (stdout, truncated, complaint, status) = done.map_err(failed)?;
        group.ended();
        if truncated && !cut {
            return Err(WorkspaceError::TooLarge { what: format!("the output of git {verb}"), limit_bytes: max_output_bytes as u64 });
        }
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        Ok(Output { code: status.code(), stdout, complaint, truncated })
    }

    /// Starts it.
    pub(super) fn start(self) -> Result<Started, WorkspaceError> {
        let Self { git, verb, options, args, env, cwd, stdin, as_user, .. } = self;
        let failed = |source: io::Error| WorkspaceError::Io { what: format!("running git {verb}"), source };
        if let Some((_, git_dir)) = env.iter().find(|(name, _)| *name == "GIT_DIR") {
            super::skeleton::check_pristine(Path::new(git_dir))?;
        }
        let stdin = match stdin {
            Input::Null => Stdio::null(),
            Input::Bytes(bytes) => Stdio::from(memory_file(&bytes).map_err(failed)?),
            Input::File(file) => Stdio::from(file),
            Input::Pipe => Stdio::piped(),
        };
        let mut command = Command::new(&git.exe);
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "--no-pager"]).args(options).arg(&verb).args(args);
        command.env_clear();
        if as_user {
            command.envs(USER_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
            command.env("GIT_ALLOW_PROTOCOL", "https:ssh");
            // No terminal to ask at: a password prompt of ssh fails at once.
            command.env("SSH_ASKPASS", "/bin/false").env("SSH_ASKPASS_REQUIRE", "force").env("GIT_ASKPASS", "/bin/false");
        } else {
            command.env("PATH", &git.path).env("HOME", &git.home).env("GIT_ALLOW_PROTOCOL", "file");
            command.env("GIT_CONFIG_GLOBAL", &git.config).env("GIT_CONFIG_SYSTEM", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            command.env("GIT_ATTR_NOSYSTEM", "1");
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").env("GIT_NO_LAZY_FETCH", "1").env("GIT_EDITOR", "true");
        for (who, what) in [("GIT_AUTHOR", &git.identity), ("GIT_COMMITTER", &git.identity)] {
            command.env(format!("{who}_NAME"), &what.name).env(format!("{who}_EMAIL"), &what.email);
        }
        command.envs(env).current_dir(cwd).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);

        let mut child = command.spawn().map_err(failed)?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id as i32)));
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(WorkspaceError::Git { verb, message: "no pipes".to_owned() });
        };
        Ok(Started { verb, child, group, out, err })
    }
}

/// A call that runs.
pub(super) struct Started {
    pub(super) verb: String,
    pub(super) child: Child,
    pub(super) group: Group,
    pub(super) out: ChildStdout,
    pub(super) err: ChildStderr,
}

/// The call's process group, killed unless the call ended by itself: git's helpers must not outlive it.
pub(super) struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    pub(super) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn read_up_to(mut from: impl AsyncRead + Unpin, max_bytes: usize, group: &Group) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    (&mut from).take(max_bytes as u64).read_to_end(&mut bytes).await?;
    let mut more = [0_u8; 1];
    let truncated = bytes.len() == max_bytes && from.read(&mut more).await? > 0;
    if truncated {
        group.kill();
    }
    Ok((bytes, truncated))
}

pub(super) async fn read_tail(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        match from.read(&mut chunk).await? {
            0 => return Ok(tail),
            read => tail.extend_from_slice(&chunk[..read]),
        }
        if tail.len() > 2 * MAX_COMPLAINT_BYTES {
            tail.drain(..tail.len() - MAX_COMPLAINT_BYTES);
        }
    }
}
