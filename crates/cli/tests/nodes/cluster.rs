//! Nodes driven by the real binary, each with a data directory of its own, over one database.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use postgres::{Client, NoTls};
use serde_json::Value;
use windlass_testkit::postgres::{TestDatabase, TestPostgres};
use windlass_testkit::repo::TempRepo;
pub(crate) use windlass_testkit::wait::eventually_blocking as eventually;
use windlass_testkit::witness::Event;

/// The first attempt works until it is ended; the next ones do what is asked.
const SCRIPT: &str = r#"
[[turn]]
type = "implement"
attempt = 1
steps = [{ witness = "@WITNESS@" }, { stall = true }]

[[turn]]
type = "implement"
steps = [{ witness = "@WITNESS@" }, { write = { path = "answer.txt", content = "42\n" } }, { say = "42 now." }]
"#;

/// One database, one repository, one witness of what really ran.
pub(crate) struct Cluster {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) repo: TempRepo,
    pub(crate) witness: PathBuf,
    pub(crate) database: TestDatabase,
    lease_ms: u32,
}

impl Cluster {
    /// None, loudly, where there is no PostgreSQL.
    pub(crate) fn new(lease_ms: u32) -> Option<Self> {
        let database = TestPostgres::database_blocking()?;
        let dir = tempfile::tempdir().unwrap();
        let witness = dir.path().join("witness.jsonl");
        std::fs::write(dir.path().join("script.toml"), SCRIPT.replace("@WITNESS@", witness.to_str().unwrap())).unwrap();
        Some(Self { repo: TempRepo::failing_check(), dir, witness, database, lease_ms })
    }

    /// A node of it that does not run yet.
    pub(crate) fn node(&self, name: &str) -> Node {
        self.node_with(name, "")
    }

    /// The same with settings of its own.
    pub(crate) fn node_with(&self, name: &str, settings: &str) -> Node {
        let data = self.dir.path().join(name);
        std::fs::create_dir_all(&data).unwrap();
        let mut node = Node::in_dir(&data);
        self.database.url().clone_into(&mut node.url);
        let engine = format!("[engine]\nlease_ms = {}\nkill_grace_ms = 500\n", self.lease_ms);
        std::fs::write(data.join("windlass.toml"), format!("{settings}\n{engine}")).unwrap();
        node
    }

    /// A job whose first agent never ends; its assignment's id.
    pub(crate) fn submit_stalling(&self, node: &Node) -> String {
        let script = self.dir.path().join("script.toml");
        let args = [
            "run",
            "make the check pass",
            "--repo",
            self.repo.path().to_str().unwrap(),
            "--harness",
            "simulated",
            "--script",
            script.to_str().unwrap(),
            "--verify",
            "./check.sh",
            "--no-review",
            "--detach",
        ];
        node.json(&args).unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The database behind the nodes' backs.
    pub(crate) fn sql(&self) -> Client {
        Client::connect(self.database.url(), NoTls).unwrap()
    }

    /// Waits until an agent of the assignment signs the witness for the `nth` time.
    pub(crate) fn wait_for_agent(&self, nth: usize) {
        eventually(&format!("agent number {nth} has signed"), Duration::from_mins(1), || {
            let starts = windlass_testkit::witness::read(&self.witness).into_iter().filter(|line| line.event == Event::Start);
            (starts.count() >= nth).then_some(())
        });
    }

    /// No job has had two agents at once: each holds a lock on its job and signs whether it was alone.
    pub(crate) fn assert_never_two_at_once(&self) {
        for line in std::fs::read_to_string(&self.witness).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_ne!(line["alone"], false, "two agents of one job at once: {line}");
        }
    }

    /// The assignment ended well, with one commit.
    pub(crate) fn assert_done_once(&self, done: &Value) {
        assert_eq!(done["status"], "complete", "{done:#}");
        let branch = done["branch"].as_str().unwrap();
        assert_eq!(self.repo.git(&["rev-list", "--count", &format!("main..{branch}")]).trim(), "1");
        self.assert_never_two_at_once();
    }
}

/// One node.
pub(crate) struct Node {
    pub(crate) data: PathBuf,
    pub(crate) url: String,
    /// The network namespace it lives in, if not the machine's.
    pub(crate) inside: Option<String>,
    /// Its program.
    pub(crate) exe: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node in an empty directory, of no cluster.
    pub(crate) fn in_dir(data: &Path) -> Self {
        std::fs::write(data.join("windlass.toml"), "").unwrap();
        Self { data: data.to_owned(), url: String::new(), inside: None, exe: env!("CARGO_BIN_EXE_windlass").into(), child: None }
    }

    /// `windlass node` over this database.
    pub(crate) fn call_with_database(&self, url: &str) -> Command {
        let mut command = self.command(&["node", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", url);
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let exe = &self.exe;
        let mut command = match &self.inside {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(exe);
                command
            }
            None => Command::new(exe),
        };
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("WINDLASS_") || n.starts_with("XDG_") || n == "DATABASE_URL") {
                command.env_remove(name);
            }
        }
        // Its agents leave a trace outside of their workspaces.
        command.env("WINDLASS_SANDBOX", "off");
        command.env("WINDLASS_DATA_DIR", &self.data).env("WINDLASS_CONFIG", self.data.join("windlass.toml"));
        command.env("HOME", &self.data).env("NO_COLOR", "1").args(args).stdin(Stdio::null());
        command
    }

    /// Starts it with these roles; returns when it serves.
    pub(crate) fn start(&mut self, roles: &str) {
        self.start_as(&["node", "--roles", roles, "--listen", "127.0.0.1:0"]);
    }

    /// Starts it by this verb.
    pub(crate) fn start_as(&mut self, args: &[&str]) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.join("daemon.log")).unwrap();
        let name = if args.first() == Some(&"node") { "DATABASE_URL" } else { "WINDLASS_DATABASE_URL" };
        let mut child = self.command(args).env(name, &self.url).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.child = Some(child);
        assert!(line.starts_with("windlass ready on http://"), "{line:?}");
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn call(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A verb's JSON; `None` when it failed.
    pub(crate) fn json(&self, args: &[&str]) -> Option<Value> {
        let out = self.call(&[args, &["--json"]].concat());
        out.status.success().then(|| serde_json::from_slice(&out.stdout).unwrap())
    }

    /// The node's own id.
    pub(crate) fn id(&self) -> String {
        self.json(&["status"]).unwrap()["node"].as_str().unwrap().to_owned()
    }

    /// Waits until an assignment has ended.
    pub(crate) fn wait_for_end(&self, id: &str) -> Value {
        eventually("the assignment ends", Duration::from_mins(1), || self.json(&["assignment", id]).filter(|a| a["status"] != "active"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("── the log of {}\n{}", self.data.display(), read(&self.data.join("daemon.log")));
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
