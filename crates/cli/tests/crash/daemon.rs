//! A real daemon in a directory of its own, driven by the real binary.
#![allow(dead_code, reason = "two suites share it, and each uses its own part")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) const EXE: &str = env!("CARGO_BIN_EXE_windlass");

/// A data directory and, while one runs, its daemon.
pub(crate) struct Daemon {
    pub(crate) data: PathBuf,
    pub(crate) child: Option<Child>,
    env: Vec<(String, String)>,
    /// A program that starts it, with its arguments.
    under: Vec<String>,
}

/// A command that sees nothing of the tester's own settings.
pub(crate) fn windlass(data: &Path) -> Command {
    windlass_under(&[], data)
}

fn windlass_under(program: &[String], data: &Path) -> Command {
    let mut words = program.iter().map(String::as_str).chain([EXE]);
    let mut command = Command::new(words.next().unwrap_or(EXE));
    command.args(words);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| n.starts_with("WINDLASS_") || n.starts_with("XDG_")) {
            command.env_remove(name);
        }
    }
    // Agents of these suites leave traces outside of their workspaces; a suite that means the sandbox says what it shows them.
    if !std::fs::read_to_string(data.join("windlass.toml")).is_ok_and(|text| text.contains("[sandbox]")) {
        command.env("WINDLASS_SANDBOX", "off");
    }
    command.env("WINDLASS_DATA_DIR", data).env("WINDLASS_CONFIG", data.join("windlass.toml")).env("HOME", data).env("NO_COLOR", "1");
    command
}

impl Daemon {
    pub(crate) fn new(data: &Path) -> Self {
        let config = data.join("windlass.toml");
        if !config.exists() {
            std::fs::write(config, "").unwrap();
        }
        Self { data: data.to_owned(), child: None, env: Vec::new(), under: Vec::new() }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a variable of the next start, or takes it away.
    pub(crate) fn set_env(&mut self, name: &str, value: Option<String>) {
        self.env.retain(|(known, _)| known != name);
        self.env.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// Has it started by another program.
    pub(crate) fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Starts `windlass up`; returns when it serves, or false when it died before.
    pub(crate) fn start(&mut self) -> bool {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("daemon.log")).unwrap();
        let mut child = windlass_under(&self.under, &self.data)
            .args(["up", "--listen", "127.0.0.1:0"])
            .envs(self.env.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let served = BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).is_ok_and(|n| n > 0)
            && line.starts_with("windlass ready on http://");
        self.child = Some(child);
        served
    }

    /// Waits until the daemon is gone by itself.
    pub(crate) fn wait_dead(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Sends a signal to the daemon.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        if let Some(pid) = self.child.as_ref().and_then(|child| rustix::process::Pid::from_raw(child.id().cast_signed())) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn call(&self, args: &[&str]) -> Output {
        windlass(&self.data).args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Calls a verb for its JSON; `None` when it failed.
    pub(crate) fn json(&self, args: &[&str]) -> Option<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        let out = self.call(&all);
        out.status.success().then(|| serde_json::from_slice(&out.stdout).unwrap())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("daemon.log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("── the daemon's log\n{}", self.log());
        }
    }
}
