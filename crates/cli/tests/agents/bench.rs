//! One daemon, one repository, one scripted model, one agent CLI.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_testkit::cli::AgentCli;
use windlass_testkit::model::{ModelScript, ScriptedModel};
use windlass_testkit::process::{Process, processes_with_env};
use windlass_testkit::repo::TempRepo;
use windlass_types::Harness;

use crate::daemon::Daemon;

/// How long anything may take that ends by itself. Three CLIs on two busy cores are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How long one look is apart from the next: each look is a process.
const LOOK_EVERY_NS: i64 = 100_000_000;

/// The key that an agent has and may have. Not one of them is like another, so that a leak tells whose it is.
pub(crate) const fn key(harness: Harness) -> (&'static str, &'static str) {
    match harness {
        Harness::Claude => ("ANTHROPIC_API_KEY", "sk-scripted-claude-key"),
        Harness::Codex => ("OPENAI_API_KEY", "sk-scripted-codex-key"),
        _ => ("GEMINI_API_KEY", "sk-scripted-gemini-key"),
    }
}

/// The agents that are real programs.
pub(crate) const CLIS: [Harness; 3] = [Harness::Claude, Harness::Codex, Harness::Gemini];

/// Everything that one test needs, gone when it is dropped.
pub(crate) struct Bench {
    pub(crate) harness: Harness,
    // The daemon is ended before what it works on is deleted.
    pub(crate) daemon: Daemon,
    pub(crate) model: ScriptedModel,
    pub(crate) repo: TempRepo,
    dir: tempfile::TempDir,
}

/// What a test wants set otherwise than usual.
#[derive(Default)]
pub(crate) struct Setup {
    /// Further lines of `[engine]`.
    engine: &'static str,
    /// Whom the agent may speak to; usually everybody.
    network: Option<&'static str>,
    /// Further tables of the configuration.
    tables: String,
    /// Variables of the daemon, after the usual ones.
    env: Vec<(String, String)>,
    /// Files in the home of the person who starts the daemon.
    home_files: Vec<(String, String)>,
}

impl Setup {
    pub(crate) fn engine(mut self, line: &'static str) -> Self {
        self.engine = line;
        self
    }

    pub(crate) fn network(mut self, mode: &'static str) -> Self {
        self.network = Some(mode);
        self
    }

    pub(crate) fn tables(mut self, tables: String) -> Self {
        self.tables = tables;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn home_file(mut self, path: &str, content: &str) -> Self {
        self.home_files.push((path.to_owned(), content.to_owned()));
        self
    }
}

impl Bench {
    /// Starts all of it; `None` after a loud skip when the CLI is not installed.
    pub(crate) fn start(harness: Harness, script: ModelScript) -> Option<Self> {
        Self::start_with(harness, script, Setup::default())
    }

    pub(crate) fn start_with(harness: Harness, script: ModelScript, setup: Setup) -> Option<Self> {
        let program = AgentCli::find(harness)?;
        let dir = tempfile::Builder::new().prefix("windlass-agents-").tempdir().unwrap();
        let data = dir.path().join("data");
        for folder in [&data, &dir.path().join("home")] {
            fs::create_dir(folder).unwrap();
        }
        for (path, content) in &setup.home_files {
            let file = dir.path().join("home").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let model = ScriptedModel::start(script);
        fs::write(
            data.join("windlass.toml"),
            config(harness, &program.display().to_string(), setup.engine, setup.network.unwrap_or("open")) + &setup.tables,
        )
        .unwrap();
        let mut daemon = Daemon::new(&data).env("HOME", dir.path().join("home").display().to_string());
        for cli in CLIS {
            daemon = daemon.env(key(cli).0, key(cli).1);
        }
        for (name, value) in [
            ("ANTHROPIC_BASE_URL", model.url()),
            ("OPENAI_BASE_URL", format!("{}/v1", model.url())),
            ("GOOGLE_GEMINI_BASE_URL", model.url()),
        ] {
            daemon = daemon.env(name, value);
        }
        // What the tester is logged in with is not the tests' business; an empty variable is none.
        for unset in [
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "ANTHROPIC_CUSTOM_HEADERS",
            "CODEX_API_KEY",
            "GOOGLE_API_KEY",
            "GOOGLE_GENAI_USE_VERTEXAI",
            "CLAUDE_CONFIG_DIR",
            "CODEX_HOME",
            "GEMINI_CLI_HOME",
        ] {
            daemon = daemon.env(unset, "");
        }
        for (name, value) in setup.env {
            daemon = daemon.env(&name, value);
        }
        let mut bench = Self { harness, daemon, model, repo: TempRepo::failing_check(), dir };
        assert!(bench.daemon.start(), "the daemon serves: {}", bench.daemon.log());
        Some(bench)
    }

    /// Writes a file beside the data directory.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The home of the person who started the daemon.
    pub(crate) fn user_home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Puts another script behind the same address.
    pub(crate) fn next_model(&mut self, script: ModelScript) {
        let port = self.model.port();
        // The old one lets go of the port before the new one takes it.
        drop(std::mem::replace(&mut self.model, ScriptedModel::start(ModelScript::new())));
        self.model = ScriptedModel::start_on(script, port).unwrap();
    }

    /// Hands the goal in and gives the assignment's id.
    pub(crate) fn submit(&self, extra: &[&str]) -> String {
        let repo = self.repo.path().display().to_string();
        let harness = self.harness.as_str();
        let mut args = vec!["run", "Make ./check.sh pass.", "--repo", &repo, "--harness", harness, "--detach"];
        args.extend(extra);
        self.daemon.json(&args).expect("the daemon takes the goal")["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn assignment(&self, id: &str) -> Value {
        self.daemon.json(&["assignment", id]).expect("the assignment is shown")
    }

    /// A job with its attempts and their stages.
    pub(crate) fn job(&self, id: &str, index: usize) -> Value {
        let job = self.assignment(id)["jobs"][index]["id"].as_str().expect("the job is there").to_owned();
        self.daemon.json(&["job", &job]).expect("the job is shown")
    }

    /// Looks at an assignment until `look` sees what it wants.
    pub(crate) fn until<T>(&self, id: &str, what: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let assignment = self.assignment(id);
            if let Some(found) = look(&assignment) {
                return found;
            }
            assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}\n{}", self.account(id));
            pause();
        }
    }

    /// Waits until the assignment is no longer active.
    pub(crate) fn end(&self, id: &str) -> Value {
        self.until(id, "the assignment ends", |a| (a["status"] != "active").then(|| a.clone()))
    }

    /// Waits until it is complete: anything else is told in full.
    pub(crate) fn complete(&self, id: &str) -> Value {
        let end = self.end(id);
        assert_eq!(end["status"], "complete", "{}", self.account(id));
        end
    }

    /// The living processes that work for an assignment.
    pub(crate) fn processes(id: &str) -> Vec<Process> {
        processes_with_env("WINDLASS_ASSIGNMENT_ID", id)
    }

    /// Waits until none of an assignment's processes lives any more.
    pub(crate) fn nothing_left(id: &str, within: Duration) {
        eventually(within, || Self::processes(id).is_empty()).unwrap_or_else(|| panic!("left over: {:?}", Self::processes(id)));
    }

    /// The delivered branch holds the answer, in one commit that names the job.
    pub(crate) fn assert_delivered(&self, done: &Value) {
        let branch = done["branch"].as_str().unwrap();
        assert_eq!(self.repo.file_at(branch, "answer.txt").as_deref(), Some("42\n"));
        let log = self.repo.git(&["log", "--format=%H %(trailers:key=Windlass-Job,valueonly,separator=%x2C)", &format!("main..{branch}")]);
        let job = &done["jobs"][0];
        assert_eq!(log.trim(), format!("{} {}", job["commit"].as_str().unwrap(), job["id"].as_str().unwrap()), "one commit, the job's");
        assert_eq!(self.repo.rev("main"), Some(self.repo.head()), "the user's own branch stays where it is");
        assert_eq!(self.repo.status(), "");
    }

    /// Everything that explains a failed test: the jobs, what the agent printed, what the model was asked.
    pub(crate) fn account(&self, id: &str) -> String {
        let mut text = format!("{:#}\n", self.assignment(id));
        for index in 0..self.assignment(id)["jobs"].as_array().map_or(0, Vec::len) {
            let _ = writeln!(text, "{:#}", self.job(id, index)["attempts_list"]);
        }
        let logs = self.daemon.call(&["logs", id]);
        text.push_str(&String::from_utf8_lossy(&logs.stdout));
        text.push_str(&String::from_utf8_lossy(&logs.stderr));
        for r in self.model.requests() {
            let newest: String = r.newest.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
            let _ = writeln!(
                text,
                "{} {} {} main_loop={} turn={:?} {:?} …{newest:?}",
                r.number, r.method, r.path, r.main_loop, r.turn, r.outcome
            );
        }
        text
    }
}

/// Waits for a condition that has no event of its own.
pub(crate) fn eventually(within: Duration, mut look: impl FnMut() -> bool) -> Option<()> {
    let end = Instant::now() + within;
    loop {
        let last = Instant::now() >= end;
        if look() {
            return Some(());
        }
        if last {
            return None;
        }
        pause();
    }
}

fn pause() {
    let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: LOOK_EVERY_NS }));
}

fn config(harness: Harness, program: &str, engine: &str, network: &str) -> String {
    let model = match harness {
        Harness::Claude => "claude-sonnet-4-5",
        Harness::Codex => "gpt-5.5",
        _ => "gemini-2.5-pro",
    };
    format!(
        "initial_retry_delay = 0.1\n\
         [engine]\nkill_grace_ms = 500\ndefault_park = 3\n{engine}\n\
         [sandbox]\nmode = \"auto\"\nnetwork = \"{network}\"\n[harness.{harness}]\nprogram = \"'{program}'\"\nmodel = \"{model}\"\n"
    )
}
