//! The launcher itself: the body of the hidden verb `windlass launch`.
//!
//! It is small and synchronous; only what carries connections out of a network namespace has threads of its own. It is PID 1 of a PID namespace, or else a child subreaper; in both cases every
//! process that the program starts and abandons becomes its child, so *no children left* means *nothing left*.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, pidfd_open,
    set_child_subreaper, set_dumpable_behavior, setrlimit, setsid, wait,
};

use super::proc::{self, descendants, freeze_and_kill, nap, timespec};
use super::spec::{Limits, OverLimit};
use super::usage;
use super::wire::{Answer, MAX_LINE_BYTES, Order, WireSpec, line, take_line};

/// How often orphans that became our children are reaped while the program runs.
const REAP_EVERY: Duration = Duration::from_millis(200);
/// The same while it is being stopped.
const REAP_EVERY_STOPPING: Duration = Duration::from_millis(5);
/// How often the tree's memory and processes are looked at, where they are limited.
const MEASURE_EVERY: Duration = Duration::from_millis(100);
/// How much sooner than others the kernel, short of memory, ends what runs here: the engine is not to be its choice.
const OOM_SCORE: &[u8] = b"500";
/// How long killed processes may take to vanish before we leave them to the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Longer times mean the same, and cannot overflow the clock.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The exit status when not started by an engine.
const EXIT_USAGE: i32 = 64;
/// The exit status when the conversation broke.
const EXIT_BROKEN: i32 = 70;

/// Runs the launcher on standard input, which must be its lifeline, and returns the exit status.
///
/// Call it first thing in `main`, before any thread, runtime or argument parser.
pub fn launch_main() -> i32 {
    let Some(lifeline) = Lifeline::take() else { return EXIT_USAGE };
    match Launch::new(lifeline).run() {
        Ok(()) => 0,
        Err(Broken) => EXIT_BROKEN,
    }
}

/// The engine is gone or speaks nonsense; whatever ran was killed.
struct Broken;

struct Lifeline {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

enum Heard {
    Order(Order),
    Nothing,
    Closed,
}

impl Lifeline {
    /// Moves the lifeline from standard input to a descriptor that the program does not inherit.
    fn take() -> Option<Self> {
        let stdin = rustix::stdio::stdin();
        rustix::net::sockopt::socket_type(stdin).ok()?;
        let fd = rustix::io::fcntl_dupfd_cloexec(stdin, 3).ok()?;
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()?;
        rustix::stdio::dup2_stdin(null).ok()?;
        Some(Self { fd, buffer: Vec::new() })
    }

    fn say(&self, answer: &Answer) -> Result<(), Broken> {
        let bytes = line(answer).map_err(|_| Broken)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match send(&self.fd, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = &rest[sent..],
                Err(Errno::INTR) => {}
                Err(_) => return Err(Broken),
            }
        }
        Ok(())
    }

    /// The next order; with `block` it waits for one.
    fn hear(&mut self, block: bool) -> Heard {
        let flags = if block { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        let mut chunk = [0_u8; 8192];
        loop {
            if let Some(line) = take_line(&mut self.buffer) {
                return serde_json::from_slice(&line).map_or(Heard::Closed, Heard::Order);
            }
            match recv(&self.fd, &mut chunk, flags) {
                Ok((0, _)) => return Heard::Closed,
                Ok((read, _)) if self.buffer.len() + read <= MAX_LINE_BYTES => self.buffer.extend_from_slice(&chunk[..read]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Heard::Nothing,
                Ok(_) | Err(_) => return Heard::Closed,
            }
        }
    }
}

fn lease_end(left_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(left_ms).min(LONGEST)
}

struct Launch {
    lifeline: Lifeline,
    me: Pid,
    agent: Option<Pid>,
    status: Option<WaitStatus>,
    hunting: bool,
    survivors_killed: u32,
    lease_ended: bool,
    limits: Limits,
    over: Option<OverLimit>,
}

impl Launch {
    fn new(lifeline: Lifeline) -> Self {
        Self {
            lifeline,
            me: getpid(),
            agent: None,
            status: None,
            hunting: false,
            survivors_killed: 0,
            lease_ended: false,
            limits: Limits::default(),
            over: None,
        }
    }

    fn in_namespace(&self) -> bool {
        self.me.is_init()
    }

    fn run(mut self) -> Result<(), Broken> {
        // No controlling terminal: a Ctrl-C at the engine's is not for the agent, and nothing can ask for a password there.
        let _ = setsid();
        // The program runs as the same user: it must not take our descriptors or trace us.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        if !self.in_namespace() && set_child_subreaper(Some(self.me)).is_err() {
            return self.refuse("launcher", "the kernel does not make this process a child subreaper", None);
        }
        let Heard::Order(Order::Spec(spec)) = self.lifeline.hear(true) else { return Err(Broken) };
        let mut command = match prepare(&spec) {
            Ok(command) => command,
            Err((what, error)) => return self.refuse(&what, &error.to_string(), error.raw_os_error()),
        };
        self.lifeline.say(&Answer::Ready(true))?;
        let mut lease_ends = None;
        loop {
            match self.lifeline.hear(true) {
                Heard::Order(Order::Lease { left_ms }) => lease_ends = Some(lease_end(left_ms)),
                Heard::Order(Order::Go(true)) => break,
                Heard::Order(Order::Stop { .. }) => return self.refuse(&spec.program, "stopped before it started", None),
                _ => return Err(Broken),
            }
        }
        if lease_ends.is_some_and(|at| Instant::now() >= at) {
            // The engine stood still: the job may be another's by now. Nothing is started.
            self.lifeline.say(&Answer::Started { pid: 0 })?;
            return self.lifeline.say(&Answer::Exited { code: None, signal: None, survivors_killed: 0, lease_ended: true, over: None });
        }
        match start(&mut command, &spec) {
            Ok(pid) => self.agent = Pid::from_raw(pid as i32),
            Err((what, error)) => return self.refuse(&what, &error.to_string(), error.raw_os_error()),
        }
        self.limits = spec.limits;
        drop((command, spec));
        let pid = self.agent.map_or(0, |pid| pid.as_raw_nonzero().get());
        let told = self.lifeline.say(&Answer::Started { pid });
        let watched = told.and_then(|()| self.watch(lease_ends));
        self.exterminate();
        watched?;
        let status = self.status;
        self.lifeline.say(&Answer::Exited {
            code: status.and_then(WaitStatus::exit_status),
            signal: status.and_then(WaitStatus::terminating_signal),
            survivors_killed: self.survivors_killed,
            lease_ended: self.lease_ended,
            over: self.over,
        })
    }

    fn refuse(&self, what: &str, message: &str, errno: Option<i32>) -> Result<(), Broken> {
        self.lifeline.say(&Answer::Refused { what: what.to_owned(), message: message.to_owned(), errno })
    }

    /// Returns when the program ended, was stopped (whatever is left is out of grace), or the engine is gone.
    fn watch(&mut self, mut lease_ends: Option<Instant>) -> Result<(), Broken> {
        let agent_fd = self.agent.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let mut kill_at: Option<Instant> = None;
        let is_measured = self.limits.max_memory_bytes.is_some() || self.limits.max_processes.is_some();
        loop {
            let any_left = self.reap();
            if !any_left || (self.status.is_some() && kill_at.is_none()) {
                return Ok(());
            }
            if is_measured {
                self.over = self.passed_limit();
                if self.over.is_some() {
                    return Ok(());
                }
            }
            let tick = match (kill_at.is_some(), is_measured) {
                (true, _) => REAP_EVERY_STOPPING,
                (false, true) => MEASURE_EVERY,
                (false, false) => REAP_EVERY,
            };
            let mut fds = vec![PollFd::new(&self.lifeline.fd, PollFlags::IN)];
            if self.status.is_none()
                && let Some(fd) = &agent_fd
            {
                fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
            }
            let _ = poll(&mut fds, Some(&timespec(tick)));
            loop {
                match self.lifeline.hear(false) {
                    Heard::Nothing => break,
                    Heard::Order(Order::Stop { grace_ms }) => {
                        let at = Instant::now() + Duration::from_millis(grace_ms).min(LONGEST);
                        if kill_at.is_none() {
                            self.terminate();
                        }
                        kill_at = Some(kill_at.map_or(at, |before| before.min(at)));
                    }
                    Heard::Order(Order::Lease { left_ms }) => {
                        lease_ends = Some(lease_end(left_ms));
                    }
                    _ => return Err(Broken),
                }
            }
            if lease_ends.is_some_and(|at| Instant::now() >= at) {
                self.lease_ended = true;
                return Ok(());
            }
            if kill_at.is_some_and(|at| Instant::now() >= at) {
                return Ok(());
            }
        }
    }

    /// The limit that the tree has passed, if any.
    fn passed_limit(&self) -> Option<OverLimit> {
        let tree = descendants(&proc::all(), &[self.me.as_raw_nonzero().get()]);
        let count = tree.len() as u64;
        if self.limits.max_processes.is_some_and(|max| count > max) {
            return Some(OverLimit::Processes(count));
        }
        let max = self.limits.max_memory_bytes?;
        let in_folders = if self.in_namespace() { usage::in_folders() } else { 0 };
        if usage::roughly(&tree).saturating_add(in_folders) <= max {
            return None;
        }
        let bytes = usage::exactly(&tree).saturating_add(in_folders);
        (bytes > max).then_some(OverLimit::Memory(bytes))
    }

    /// Asks everything to end.
    fn terminate(&self) {
        if self.in_namespace() {
            let _ = kill_process_group(Pid::INIT, Signal::TERM);
            return;
        }
        if let Some(agent) = self.agent.filter(|_| self.status.is_none()) {
            let _ = kill_process_group(agent, Signal::TERM);
        }
        for process in descendants(&proc::all(), &[self.me.as_raw_nonzero().get()]) {
            if Some(process.pid) != self.agent.map(|pid| pid.as_raw_nonzero().get()) {
                process.signal(Signal::TERM);
            }
        }
    }

    /// Reaps the dead; false when no child is left.
    fn reap(&mut self) -> bool {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if Some(pid) == self.agent && self.status.is_none() {
                        self.status = Some(status);
                    } else if self.hunting && status.terminating_signal() == Some(Signal::KILL.as_raw()) {
                        self.survivors_killed += 1;
                    }
                }
                Ok(None) => return true,
                Err(Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    /// Kills everything that is left and waits until it is gone.
    fn exterminate(&mut self) {
        if !self.reap() {
            return;
        }
        self.hunting = true;
        let deadline = Instant::now() + KILL_PATIENCE;
        loop {
            if self.in_namespace() {
                let _ = kill_process_group(Pid::INIT, Signal::KILL);
            } else {
                let me = self.me.as_raw_nonzero().get();
                freeze_and_kill(|all| descendants(all, &[me]));
            }
            // Death takes a moment; look often at first.
            for _ in 0..10 {
                if !self.reap() {
                    return;
                }
                nap(Duration::from_micros(300));
            }
            if Instant::now() >= deadline {
                return;
            }
        }
    }
}

fn prepare(spec: &WireSpec) -> Result<Command, (String, std::io::Error)> {
    let named = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| (what, error)
    };
    let stdin = match &spec.stdin {
        None => Stdio::null(),
        Some(text) => Stdio::from(memory_file(text.as_bytes()).map_err(named("standard input"))?),
    };
    if let Some(socket) = &spec.proxy {
        super::pipe::open(socket.into()).map_err(named("the way out of the network namespace"))?;
    }
    std::env::set_current_dir(&spec.cwd).map_err(named(&spec.cwd))?;
    limit(spec.limits, getpid().is_init()).map_err(named("resource limits"))?;
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(&spec.env).stdin(stdin).process_group(0);
    Ok(command)
}

/// Starts the program, confined where it is to be.
fn start(command: &mut Command, spec: &WireSpec) -> Result<u32, (String, std::io::Error)> {
    let failed = |error| (spec.program.clone(), error);
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let Some(confine) = &spec.confine else { return Ok(command.spawn().map_err(failed)?.id()) };
    // On a thread of its own: what is taken from it, and from what it starts, the launcher keeps.
    let started = std::thread::scope(|scope| {
        let confined = scope.spawn(|| {
            confine.apply().map_err(|message| ("the sandbox".to_owned(), std::io::Error::other(message)))?;
            Ok(command.spawn().map_err(failed)?.id())
        });
        confined.join()
    });
    started.unwrap_or_else(|_| Err(failed(std::io::Error::other("the thread that starts it ended"))))
}

pub(crate) fn memory_file(content: &[u8]) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn limit(limits: Limits, in_namespace: bool) -> std::io::Result<()> {
    let set = |resource, value: Option<u64>| match value {
        Some(value) => setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }),
        None => Ok(()),
    };
    // A core file would put the agent's token on the disk.
    set(Resource::Core, Some(0))?;
    set(Resource::Fsize, limits.max_file_bytes)?;
    // Outside a namespace the kernel would count all that the user runs.
    set(Resource::Nproc, limits.max_processes.filter(|_| in_namespace))?;
    Ok(())
}
