//! A home, a tree, and an agent run to its end.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use uuid::Uuid;
use windlass_harness::stream::LineSplitter;
use windlass_harness::{Exit, Invocation, Mapper, RunRequest, Session, Settings, Stdin, UserFiles, prepare};
use windlass_types::{AgentEvent, FailureKind, Harness, RunEnd, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000_000);
pub(crate) const SESSION: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) events: Vec<AgentEvent>,
    pub(crate) end: RunEnd,
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "tree", "user"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn request(&self, harness: Harness) -> RunRequest {
        let path = std::env::var("PATH").unwrap_or_default();
        RunRequest {
            harness,
            job_type: "implement".to_owned(),
            prompt: "Write hello.txt".to_owned(),
            system_prompt: None,
            session: Session::New { id: SESSION },
            cwd: self.path("tree"),
            home: self.path("home"),
            model: None,
            read_only: false,
            env: BTreeMap::from([("PATH".to_owned(), path), ("WINDLASS_ATTEMPT_NUMBER".to_owned(), "1".to_owned())]),
            program: None,
            script: None,
            timeout_secs: 60,
            sandboxed: false,
            max_turns: None,
            cost_limit_micros: None,
            nth: 1,
            iteration: 1,
            user: UserFiles { home: Some(self.path("user")), ..UserFiles::default() },
        }
    }
}

pub(crate) fn spawn(invocation: &Invocation) -> Child {
    let stdin = match &invocation.stdin {
        Stdin::Null => Stdio::null(),
        Stdin::Text(_) => Stdio::piped(),
    };
    let mut child = Command::new(&invocation.program)
        .args(&invocation.args)
        .env_clear()
        .envs(&invocation.env)
        .current_dir(&invocation.cwd)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let (Stdin::Text(text), Some(mut to)) = (&invocation.stdin, child.stdin.take()) {
        to.write_all(text.as_bytes()).unwrap();
    }
    child
}

pub(crate) fn run(request: &RunRequest, settings: &Settings) -> Ran {
    let invocation = prepare(request, settings).unwrap();
    let mut mapper = Mapper::new(request, settings);
    let output = spawn(&invocation).wait_with_output().unwrap();
    let mut splitter = LineSplitter::default();
    let mut lines = splitter.push(&output.stdout);
    lines.extend(splitter.finish());
    let events = lines.iter().flat_map(|l| mapper.line(l)).collect();
    let exit = Exit {
        code: output.status.code(),
        signal: output.status.signal(),
        stderr_tail: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    Ran { events, end: mapper.finish(&exit, NOW), exit, stdout }
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        match &self.end {
            RunEnd::Finished { text, .. } => text,
            RunEnd::Failed { .. } => panic!("{self:#?}"),
        }
    }

    pub(crate) fn failure(&self) -> (FailureKind, Option<i64>) {
        match &self.end {
            RunEnd::Failed { failure, .. } => (failure.kind, failure.retry_at.map(|at| at.since_ms(NOW))),
            RunEnd::Finished { .. } => panic!("{self:#?}"),
        }
    }

    pub(crate) fn session(&self) -> String {
        let id = self.events.iter().find_map(|e| match e {
            AgentEvent::Session { session_id, .. } => Some(session_id.clone()),
            _ => None,
        });
        id.unwrap_or_else(|| panic!("{self:#?}"))
    }
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
