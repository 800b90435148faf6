//! The engine's side: starting a launcher and talking to it.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::net::Shutdown;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use windlass_types::SandboxLevel;

use super::confine::Confine;
use super::error::LaunchError;
use super::proc::{self, Process};
use super::spec::{Exited, JOB_MARKER, LaunchSpec, Stdin};
use super::sweep::{blocking, end_leftovers, kill_tree, sweep};
use super::view::View;
use super::wire::{Answer, MAX_LINE_BYTES, Order, WireSpec, line, take_line};

/// How long the launcher may take to say that it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to start the program.
const GO_PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take, beyond the grace, to end a tree.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// How long the launcher's own process may take to end after its last word.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer of a launcher.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Starts programs under a launcher.
#[derive(Debug, Clone)]
pub struct Launcher {
    exe: PathBuf,
    level: SandboxLevel,
    bwrap: Option<PathBuf>,
    keeps_network: bool,
    #[cfg(feature = "simulation")]
    host: Option<super::simulated::Host>,
}

impl Launcher {
    /// A launcher that re-executes `exe` (with the argument `launch`) and keeps programs apart at `level`; without bubblewrap no better
    /// than by rlimits. Whether the level works here is not looked at: see [`Launcher::detect`].
    pub fn new(exe: impl Into<PathBuf>, level: SandboxLevel) -> Self {
        let bwrap = (level == SandboxLevel::Bubblewrap).then(|| find_in_path("bwrap", SYSTEM_PATH)).flatten();
        let level = if level == SandboxLevel::Bubblewrap && bwrap.is_none() { SandboxLevel::Rlimits } else { level };
        Self {
            exe: exe.into(),
            level,
            bwrap,
            keeps_network: false,
            #[cfg(feature = "simulation")]
            host: None,
        }
    }

    /// A launcher on a machine that a simulation plays.
    #[cfg(feature = "simulation")]
    pub fn simulated(host: super::simulated::Host) -> Self {
        Self { host: Some(host), ..Self::new(PathBuf::from("/"), SandboxLevel::Off) }
    }

    /// The best level that really works here, found by running a program at it.
    pub async fn detect(exe: impl Into<PathBuf>) -> Self {
        let exe = exe.into();
        for level in [SandboxLevel::Bubblewrap, SandboxLevel::Landlock, SandboxLevel::Rlimits] {
            let mut launcher = Self::new(exe.clone(), level);
            if launcher.level != level {
                tracing::warn!("bubblewrap was not found: programs get no namespace of their own");
                continue;
            }
            match launcher.self_test().await {
                Ok(()) => {
                    // Nobody calls it, so it need not be there.
                    let no_network = View { closed: true, proxy: Some(PathBuf::from("/no-way-out")), ..View::default() };
                    launcher.keeps_network = level == SandboxLevel::Bubblewrap && launcher.test(no_network).await.is_ok();
                    return launcher;
                }
                Err(error) => tracing::warn!(level = level.as_str(), %error, "the self-test of the sandbox level {level} failed"),
            }
        }
        Self::new(exe, SandboxLevel::Off)
    }

    /// How far programs with a closed view are kept apart.
    pub const fn level(&self) -> SandboxLevel {
        self.level
    }

    /// Whether a closed view can have a network of its own here; known once [`Launcher::detect`] has looked.
    pub const fn keeps_network(&self) -> bool {
        self.keeps_network
    }

    /// Runs a program that must start and see the system, and, where files are kept from it, must not see the rest.
    ///
    /// # Errors
    /// What went wrong; the level does not work here.
    pub async fn self_test(&self) -> Result<(), LaunchError> {
        self.test(View { closed: true, ..View::default() }).await
    }

    async fn test(&self, view: View) -> Result<(), LaunchError> {
        let test = if self.level == SandboxLevel::Landlock { "test -r /bin/sh && ! ls / 2>/dev/null" } else { "test -r /bin/sh" };
        let spec = LaunchSpec {
            program: resolve_program("sh", SYSTEM_PATH)?,
            args: vec!["-c".to_owned(), test.to_owned()],
            env: [("PATH".to_owned(), SYSTEM_PATH.to_owned())].into(),
            cwd: PathBuf::from("/"),
            stdin: Stdin::Null,
            limits: super::Limits::default(),
            view,
        };
        let mut launched = self.spawn(spec).await?;
        launched.go().await?;
        match tokio::time::timeout(EXIT_PATIENCE, launched.wait()).await {
            Ok(Ok(exited)) if exited.success() => Ok(()),
            Ok(Ok(_)) => Err(LaunchError::Protocol("the test program did not see what it should")),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LaunchError::Protocol("the test program did not end")),
        }
    }

    /// Starts a launcher and hands it the spec. The program itself starts at [`Launched::go`], so that the caller can record
    /// [`Launched::pid`] and [`Launched::start_time`] first (at level [`SandboxLevel::Off`], which has no launcher, it starts at once).
    pub async fn spawn(&self, spec: LaunchSpec) -> Result<Launched, LaunchError> {
        let spec = check(spec)?;
        #[cfg(feature = "simulation")]
        if let Some(host) = &self.host {
            return Ok(Launched::played(host.spawn(spec)));
        }
        if self.level == SandboxLevel::Off { Self::spawn_bare(spec) } else { self.spawn_launcher(spec).await }
    }

    /// Ends what one attempt left behind on this machine; `launcher` is the recorded pid and start time, where there is one. Returns how many
    /// processes had to be killed. See [`end_leftovers`] and [`sweep`].
    pub async fn end_leftovers(&self, launcher: Option<(u32, u64)>, job: &str, patience: Duration) -> usize {
        #[cfg(feature = "simulation")]
        if let Some(host) = &self.host {
            return host.sweep(job).await;
        }
        match launcher {
            Some((pid, start_time)) => end_leftovers(pid, start_time, job, patience).await,
            None => sweep(job).await,
        }
    }

    async fn spawn_launcher(&self, spec: LaunchSpec) -> Result<Launched, LaunchError> {
        let marker = spec.env.get(JOB_MARKER).cloned();
        let label = marker.as_deref().unwrap_or("-");
        let (ours, theirs) = StdStream::pair().map_err(no_launcher)?;
        ours.set_nonblocking(true).map_err(no_launcher)?;
        let lifeline = Arc::new(Lifeline { stream: UnixStream::from_std(ours).map_err(no_launcher)? });

        let mut command = match &self.bwrap {
            Some(bwrap) => {
                let mut command = Command::new(bwrap);
                command.args(spec.view.namespace_args(&self.exe));
                command.arg("--").arg(&self.exe);
                // The monitor outside the namespace must outlive a Ctrl-C at the engine's terminal.
                command.process_group(0);
                command
            }
            None => Command::new(&self.exe),
        };
        command
            .args([OsString::from("launch"), OsString::from(label)])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(no_launcher)?;
        // The command owns our copy of the launcher's end; while it is open we would never see the launcher's death.
        drop(command);
        let mut launched = Launched::new(&mut child, Some(lifeline), marker)?;
        launched.child = Some(child);

        let order = Order::Spec(Box::new(self.wire_spec(spec)?));
        let handshake = async {
            launched.say(&order).await?;
            match launched.hear().await? {
                Answer::Ready(true) => Ok(()),
                Answer::Refused { what, message, errno } => Err(LaunchError::Refused { what, message, errno }),
                _ => Err(LaunchError::Protocol("not ready")),
            }
        };
        tokio::time::timeout(READY_PATIENCE, handshake).await.map_err(|_| LaunchError::Protocol("no answer"))??;
        Ok(launched)
    }

    fn wire_spec(&self, spec: LaunchSpec) -> Result<WireSpec, LaunchError> {
        let text = |path: PathBuf| {
            path.into_os_string()
                .into_string()
                .map_err(|path| LaunchError::BadSpec { what: PathBuf::from(path).display().to_string(), reason: "the path is not UTF-8" })
        };
        let confine = if self.level == SandboxLevel::Landlock && spec.view.closed {
            let (read_only, writable) = spec.view.allowed(&self.exe);
            let texts = |paths: Vec<PathBuf>| paths.into_iter().filter_map(|path| path.into_os_string().into_string().ok()).collect();
            Some(Confine { read_only: texts(read_only), writable: texts(writable) })
        } else {
            None
        };
        let proxy = spec.view.proxy.filter(|_| self.level == SandboxLevel::Bubblewrap && spec.view.closed).map(text).transpose()?;
        Ok(WireSpec {
            program: text(spec.program)?,
            args: spec.args,
            env: spec.env,
            cwd: text(spec.cwd)?,
            stdin: match spec.stdin {
                Stdin::Null => None,
                Stdin::Text(text) => Some(text),
            },
            limits: spec.limits,
            confine,
            proxy,
        })
    }

    fn spawn_bare(spec: LaunchSpec) -> Result<Launched, LaunchError> {
        let stdin = match &spec.stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Text(text) => Stdio::from(super::child::memory_file(text.as_bytes()).map_err(no_launcher)?),
        };
        let program = spec.program.clone();
        let mut command = Command::new(&spec.program);
        command.args(&spec.args).env_clear().envs(&spec.env).current_dir(&spec.cwd);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| LaunchError::Refused {
            what: program.display().to_string(),
            message: error.to_string(),
            errno: error.raw_os_error(),
        })?;
        let mut launched = Launched::new(&mut child, None, spec.env.get(JOB_MARKER).cloned())?;
        launched.child = Some(child);
        Ok(launched)
    }
}

/// Where the system's own programs are.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// A program that was handed to a launcher. Dropping it closes the lifeline, which kills the whole tree.
#[derive(Debug)]
pub struct Launched {
    /// The process to record: the launcher's (or of the bubblewrap around it).
    pub pid: u32,
    /// When that process started; see [`start_time`](super::start_time).
    pub start_time: u64,
    /// The program's standard output; take it.
    pub stdout: Option<ChildStdout>,
    /// The program's standard error; take it.
    pub stderr: Option<ChildStderr>,
    child: Option<Child>,
    lifeline: Option<Arc<Lifeline>>,
    buffer: Vec<u8>,
    marker: Option<String>,
    ended: Option<Exited>,
    #[cfg(feature = "simulation")]
    played: Option<super::simulated::Played>,
}

impl Launched {
    fn new(child: &mut Child, lifeline: Option<Arc<Lifeline>>, marker: Option<String>) -> Result<Self, LaunchError> {
        let pid = child.id().ok_or(LaunchError::Protocol("ended at once"))?;
        Ok(Self {
            pid,
            // Our own unreaped child always has its line in /proc.
            start_time: super::start_time(pid).unwrap_or(0),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child: None,
            lifeline,
            buffer: Vec::new(),
            marker,
            ended: None,
            #[cfg(feature = "simulation")]
            played: None,
        })
    }

    #[cfg(feature = "simulation")]
    fn played((played, marker): (super::simulated::Played, Option<String>)) -> Self {
        Self {
            pid: played.pid,
            start_time: 1,
            stdout: None,
            stderr: None,
            child: None,
            lifeline: None,
            buffer: Vec::new(),
            marker,
            ended: None,
            played: Some(played),
        }
    }

    /// Starts the program.
    pub async fn go(&mut self) -> Result<(), LaunchError> {
        #[cfg(feature = "simulation")]
        if let Some(played) = &self.played {
            played.go();
            return Ok(());
        }
        if self.lifeline.is_none() {
            return Ok(());
        }
        self.say(&Order::Go(true)).await?;
        match tokio::time::timeout(GO_PATIENCE, self.hear()).await {
            Ok(Ok(Answer::Started { .. })) => Ok(()),
            Ok(Ok(Answer::Refused { what, message, errno })) => Err(LaunchError::Refused { what, message, errno }),
            Ok(Ok(_)) => Err(LaunchError::Protocol("not started")),
            Ok(Err(error)) => Err(error),
            // Under a subreaper, a program can stop its launcher before that has spoken.
            Err(_) => Err(self.launcher_lost().await),
        }
    }

    /// Waits until the program and everything that it started are gone. May be dropped and called again.
    pub async fn wait(&mut self) -> Result<Exited, LaunchError> {
        if let Some(exited) = self.ended {
            return Ok(exited);
        }
        #[cfg(feature = "simulation")]
        if let Some(played) = &mut self.played {
            let exited = played.wait().await?;
            self.ended = Some(exited);
            return Ok(exited);
        }
        let exited = if self.lifeline.is_some() { self.last_word().await? } else { self.bare_exit().await? };
        self.ended = Some(exited);
        self.lifeline = None;
        Ok(exited)
    }

    /// Ends the program: SIGTERM to all of it, after `grace` SIGKILL to all of it. Returns when it is gone.
    pub async fn stop(&mut self, grace: Duration) -> Result<Exited, LaunchError> {
        if let Some(exited) = self.ended {
            return Ok(exited);
        }
        let stopper = self.stopper();
        let ended = tokio::time::timeout(grace + STOP_PATIENCE, async {
            let ((), exited) = tokio::join!(stopper.stop(grace), self.wait());
            exited
        })
        .await;
        match ended {
            Ok(exited) => exited,
            // The launcher was stopped or hangs: do its work from here.
            Err(_) => Err(self.launcher_lost().await),
        }
    }

    /// A handle that can stop the program from elsewhere while this one waits.
    pub fn stopper(&self) -> Stopper {
        let group = self.lifeline.is_none().then_some(Process { pid: self.pid as i32, start_time: self.start_time });
        Stopper {
            lifeline: self.lifeline.as_ref().map(Arc::downgrade).unwrap_or_default(),
            group,
            #[cfg(feature = "simulation")]
            played: self.played.clone(),
        }
    }

    async fn say(&self, order: &Order) -> Result<(), LaunchError> {
        let Some(lifeline) = &self.lifeline else { return Err(LaunchError::Protocol("no lifeline")) };
        lifeline.say(order).await
    }

    async fn hear(&mut self) -> Result<Answer, LaunchError> {
        let Some(lifeline) = self.lifeline.clone() else { return Err(LaunchError::Protocol("no lifeline")) };
        loop {
            if let Some(line) = take_line(&mut self.buffer) {
                return serde_json::from_slice(&line).map_err(|_| LaunchError::Protocol("not an answer"));
            }
            lifeline.stream.readable().await.map_err(no_launcher)?;
            let mut chunk = [0_u8; 4096];
            match lifeline.stream.try_read(&mut chunk) {
                Ok(0) => return Err(self.launcher_lost().await),
                Ok(read) if self.buffer.len() + read <= MAX_ANSWER_BYTES => self.buffer.extend_from_slice(&chunk[..read]),
                Ok(_) => return Err(LaunchError::Protocol("too long an answer")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(self.launcher_lost().await),
            }
        }
    }

    async fn last_word(&mut self) -> Result<Exited, LaunchError> {
        let exited = match self.hear().await? {
            Answer::Exited { code, signal, survivors_killed, lease_ended, over } => {
                Exited { code, signal, survivors_killed, lease_ended, over }
            }
            Answer::Refused { what, message, errno } => return Err(LaunchError::Refused { what, message, errno }),
            _ => return Err(LaunchError::Protocol("not an end")),
        };
        self.ended = Some(exited);
        if let Some(child) = &mut self.child
            && tokio::time::timeout(EXIT_PATIENCE, child.wait()).await.is_err()
        {
            tracing::warn!(pid = self.pid, "a launcher did not end after its last word");
            self.kill_tree().await;
        }
        Ok(exited)
    }

    async fn bare_exit(&mut self) -> Result<Exited, LaunchError> {
        use std::os::unix::process::ExitStatusExt;
        let Some(child) = &mut self.child else { return Err(LaunchError::Protocol("no child")) };
        // No child to wait for: a sweep killed and reaped it.
        let Ok(status) = child.wait().await else {
            return Ok(Exited { code: None, signal: Some(9), survivors_killed: 0, lease_ended: false, over: None });
        };
        Ok(Exited { code: status.code(), signal: status.signal(), survivors_killed: 0, lease_ended: false, over: None })
    }

    /// The launcher died without a word: ends what it may have left.
    async fn launcher_lost(&mut self) -> LaunchError {
        let mut swept = self.kill_tree().await;
        if let Some(marker) = &self.marker {
            swept += sweep(marker).await;
        }
        if let Some(child) = &mut self.child {
            let _ = tokio::time::timeout(EXIT_PATIENCE, child.wait()).await;
        }
        self.lifeline = None;
        LaunchError::LauncherLost { swept }
    }

    async fn kill_tree(&self) -> usize {
        let root = Process { pid: self.pid as i32, start_time: self.start_time };
        blocking(move || kill_tree(root)).await.unwrap_or(0)
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        #[cfg(feature = "simulation")]
        if let Some(played) = &self.played {
            return played.cut();
        }
        match &self.lifeline {
            // Stoppers may still hold the stream for a moment: shut it down, not only our handle.
            Some(lifeline) => {
                let _ = rustix::net::shutdown(&lifeline.stream, Shutdown::Both);
            }
            None if self.ended.is_none() && self.child.as_ref().is_some_and(|child| child.id().is_some()) => {
                kill_group(Process { pid: self.pid as i32, start_time: self.start_time }, Signal::KILL);
            }
            None => {}
        }
    }
}

/// Stops a program that another task waits for. Cheap to clone; does nothing when the program is gone.
#[derive(Debug, Clone)]
pub struct Stopper {
    lifeline: Weak<Lifeline>,
    group: Option<Process>,
    #[cfg(feature = "simulation")]
    played: Option<super::simulated::Played>,
}

impl Stopper {
    /// Asks the launcher to end the program: SIGTERM, after `grace` SIGKILL. Does not wait for the end.
    pub async fn stop(&self, grace: Duration) {
        #[cfg(feature = "simulation")]
        if let Some(played) = &self.played {
            return played.stop(grace);
        }
        if let Some(lifeline) = self.lifeline.upgrade() {
            let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
            let _ = lifeline.say(&Order::Stop { grace_ms }).await;
        } else if let Some(leader) = self.group {
            kill_group(leader, Signal::TERM);
            super::wait_gone(leader.pid as u32, leader.start_time, grace).await;
            kill_group(leader, Signal::KILL);
        }
    }
}

#[derive(Debug)]
struct Lifeline {
    stream: UnixStream,
}

impl Lifeline {
    async fn say(&self, order: &Order) -> Result<(), LaunchError> {
        let bytes = line(order).map_err(|_| LaunchError::Protocol("cannot be written as JSON"))?;
        if bytes.len() > MAX_LINE_BYTES {
            return Err(LaunchError::BadSpec { what: "the prompt or environment".to_owned(), reason: "longer than 16 MiB" });
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            self.stream.writable().await.map_err(no_launcher)?;
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The launcher is gone; reading says so, with the reason it may have left.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

impl Stopper {
    /// Tells the launcher how long the job's lease surely lasts from now on; when that time passes without another word it kills
    /// everything, even if this process is stopped. Does nothing at level [`SandboxLevel::Off`].
    pub async fn renew(&self, left: Duration) {
        #[cfg(feature = "simulation")]
        if let Some(played) = &self.played {
            return played.renew(left);
        }
        if let Some(lifeline) = self.lifeline.upgrade() {
            let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            let _ = lifeline.say(&Order::Lease { left_ms }).await;
        }
    }
}

fn kill_group(leader: Process, signal: Signal) {
    if proc::stat(leader.pid).is_none_or(|stat| stat.process == leader)
        && let Some(pid) = Pid::from_raw(leader.pid)
    {
        let _ = kill_process_group(pid, signal);
    }
}

fn no_launcher(source: io::Error) -> LaunchError {
    LaunchError::NoLauncher { source }
}

fn check(spec: LaunchSpec) -> Result<LaunchSpec, LaunchError> {
    let bad = |what: &str, reason| LaunchError::BadSpec { what: what.to_owned(), reason };
    if !spec.program.is_absolute() {
        return Err(bad(&spec.program.display().to_string(), "the program must be an absolute path"));
    }
    let View { hidden, read_only, writable, .. } = &spec.view;
    if let Some(path) = hidden.iter().chain(read_only).chain(writable).find(|path| !path.is_absolute()) {
        return Err(bad(&path.display().to_string(), "what a program sees is named by absolute paths"));
    }
    if !spec.cwd.is_absolute() {
        return Err(bad(&spec.cwd.display().to_string(), "the working directory must be an absolute path"));
    }
    if spec.args.iter().any(|arg| arg.contains('\0')) {
        return Err(bad("an argument", "it contains a zero byte"));
    }
    if let Some((name, _)) = spec.env.iter().find(|(name, value)| name.is_empty() || name.contains(['\0', '=']) || value.contains('\0')) {
        return Err(bad(&format!("the variable {name:?}"), "its name or value is not possible in an environment"));
    }
    Ok(spec)
}

/// The absolute path of `program`: itself when it is one, else the first executable file of that name in `path` (as in `$PATH`).
///
/// A bare name would have to be looked up in the child, which makes starting it ten times slower; and a relative path would depend on
/// a folder that the agent can write.
pub fn resolve_program(program: &str, path: &str) -> Result<PathBuf, LaunchError> {
    let not_found = || LaunchError::NotFound { program: program.to_owned(), path: path.to_owned() };
    if program.starts_with('/') {
        let absolute = PathBuf::from(program);
        return if is_executable(&absolute) { Ok(absolute) } else { Err(not_found()) };
    }
    if program.is_empty() || program.contains('/') {
        return Err(LaunchError::BadSpec { what: format!("{program:?}"), reason: "a program is a bare name or an absolute path" });
    }
    find_in_path(program, path).ok_or_else(not_found)
}

fn find_in_path(program: &str, path: &str) -> Option<PathBuf> {
    path.split(':').filter(|folder| folder.starts_with('/')).map(|folder| Path::new(folder).join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}
