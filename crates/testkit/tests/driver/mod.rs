//! Runs the real agent CLIs against the scripted model, each in a home of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use windlass_testkit::cli::AgentCli;
use windlass_testkit::model::{ModelScript, ScriptedModel};
use windlass_testkit::process::{Process, descendants, kill, kill_tree, processes_with_env};
use windlass_testkit::wait::eventually;
use windlass_types::Harness;

/// Longer than any of these runs may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(90);

/// The session that claude and gemini are told to use.
const SESSION: &str = "5e550001-0000-4000-8000-000000000001";

/// The variable by which everything an agent starts can be found.
const MARK: &str = "WINDLASS_TEST_MARK";

/// An agent with its model, its private home and a repository to work in.
pub(crate) struct Agent {
    pub(crate) harness: Harness,
    pub(crate) model: ScriptedModel,
    program: PathBuf,
    dir: TempDir,
}

/// How a run went.
pub(crate) struct Run {
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// The lines of standard output that are JSON.
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

/// A run that goes on.
pub(crate) struct Running {
    child: Child,
    pub(crate) pid: u32,
    mark: String,
}

impl Agent {
    /// An agent, or `None` where its program is not installed.
    pub(crate) fn new(harness: Harness, script: ModelScript) -> Option<Self> {
        let program = AgentCli::find(harness)?;
        let dir = TempDir::with_prefix("windlass-cli-").unwrap();
        for sub in ["home/.gemini", "codex", "claude", "repo", "tmp"] {
            std::fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        let settings = json!({
            "security": {"auth": {"selectedType": "gemini-api-key"}},
            "privacy": {"usageStatisticsEnabled": false},
            "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false, "maxAttempts": 1},
            "telemetry": {"enabled": false},
        });
        std::fs::write(dir.path().join("home/.gemini/settings.json"), settings.to_string()).unwrap();
        let git = std::process::Command::new("git").args(["init", "--quiet"]).current_dir(dir.path().join("repo")).status().unwrap();
        assert!(git.success());
        Some(Self { harness, model: ScriptedModel::start(script), program, dir })
    }

    /// The repository it works in.
    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// Reads a file of the repository.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.repo().join(name)).ok()
    }

    /// Gives it a prompt and waits for its end.
    pub(crate) async fn run(&self, prompt: &str) -> Run {
        self.start(prompt, None).end().await
    }

    /// Goes on in a session and waits for the end.
    pub(crate) async fn resume(&self, session: &str, prompt: &str) -> Run {
        self.start(prompt, Some(session)).end().await
    }

    /// Gives it a prompt.
    pub(crate) fn start(&self, prompt: &str, resume: Option<&str>) -> Running {
        let home = self.dir.path();
        let mark = home.display().to_string();
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home.join("home")).env("TMPDIR", home.join("tmp"));
        command.env(MARK, &mark).current_dir(self.repo());
        match self.harness {
            Harness::Claude => claude(&mut command, &self.model, home, prompt, resume),
            Harness::Codex => codex(&mut command, &self.model, home, prompt, resume),
            _ => gemini(&mut command, &self.model, home, prompt, resume),
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let pid = child.id().unwrap();
        Running { child, pid, mark }
    }
}

fn claude(command: &mut Command, model: &ScriptedModel, home: &Path, prompt: &str, resume: Option<&str>) {
    command.env("ANTHROPIC_BASE_URL", model.url()).env("ANTHROPIC_API_KEY", "scripted").env("CLAUDE_CONFIG_DIR", home.join("claude"));
    for quiet in ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING"] {
        command.env(quiet, "1");
    }
    // As root it refuses to skip permissions unless it is told that it is sandboxed.
    command.env("IS_SANDBOX", "1").env("CLAUDE_CODE_MAX_RETRIES", "1");
    command.args(["-p", "--output-format", "stream-json", "--verbose", "--model", "claude-sonnet-4-5", "--dangerously-skip-permissions"]);
    command.args([if resume.is_some() { "--resume" } else { "--session-id" }, resume.unwrap_or(SESSION), "--", prompt]);
}

fn codex(command: &mut Command, model: &ScriptedModel, home: &Path, prompt: &str, resume: Option<&str>) {
    command.env("CODEX_HOME", home.join("codex")).env("SCRIPTED_KEY", "scripted");
    let provider = format!(
        "model_providers.scripted={{name=\"scripted\",base_url=\"{}/v1\",env_key=\"SCRIPTED_KEY\",wire_api=\"responses\",request_max_retries=1,stream_max_retries=1}}",
        model.url()
    );
    command.arg("exec");
    if resume.is_some() {
        command.arg("resume");
    }
    command.args(["--json", "-m", "gpt-5.5", "-c", "model_provider=\"scripted\"", "-c", &provider]);
    for quiet in ["analytics.enabled", "check_for_update_on_startup", "features.plugins", "features.apps", "features.remote_plugin"] {
        command.args(["-c", &format!("{quiet}=false")]);
    }
    command.args(["--disable", "unbounded_connection_retries", "--dangerously-bypass-approvals-and-sandbox"]).args(resume).arg(prompt);
}

fn gemini(command: &mut Command, model: &ScriptedModel, home: &Path, prompt: &str, resume: Option<&str>) {
    command.env("GOOGLE_GEMINI_BASE_URL", model.url()).env("GEMINI_API_KEY", "scripted").env("GEMINI_CLI_HOME", home.join("home"));
    for (key, value) in [("GEMINI_CLI_NO_RELAUNCH", "true"), ("GEMINI_CLI_TRUST_WORKSPACE", "true"), ("GEMINI_TELEMETRY_ENABLED", "false")]
    {
        command.env(key, value);
    }
    command.args(["--output-format", "stream-json", "--approval-mode", "yolo", "-m", "gemini-2.5-pro"]);
    command.args([if resume.is_some() { "--resume" } else { "--session-id" }, resume.unwrap_or(SESSION), "-p", prompt]);
}

impl Running {
    /// Waits for the end.
    pub(crate) async fn end(self) -> Run {
        let mark = self.mark.clone();
        let Ok(output) = tokio::time::timeout(DEADLINE, self.child.wait_with_output()).await else {
            panic!("the agent did not end; still running: {:?}", processes_with_env(MARK, &mark));
        };
        let output = output.unwrap();
        let events = output.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Run { code: output.status.code(), events, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    /// Waits until it runs a command of this name, somewhere beneath itself.
    pub(crate) async fn runs(&self, command: &str) -> Process {
        let look = || async { descendants(self.pid).into_iter().find(|p| p.command == command) };
        match eventually(DEADLINE, look).await {
            Some(process) => process,
            None => panic!("{command} was never run; beneath the agent: {:?}", descendants(self.pid)),
        }
    }

    /// Kills its own process alone, by a signal that it cannot catch, and gives what outlives it.
    pub(crate) async fn kill_alone(mut self) -> Vec<Process> {
        kill(self.pid);
        // A tool that lives on may hold the output open, so only the process's own end is waited for.
        self.child.wait().await.unwrap();
        processes_with_env(MARK, &self.mark)
    }

    /// Kills it and everything beneath it, and waits until nothing of it is left.
    pub(crate) async fn kill(self) -> Run {
        kill_tree(self.pid);
        let mark = self.mark.clone();
        let run = self.end().await;
        let left = || processes_with_env(MARK, &mark);
        assert!(eventually(DEADLINE, || async { left().is_empty().then_some(()) }).await.is_some(), "left over: {:?}", left());
        run
    }
}

impl Run {
    /// Whether exit code and final event both say success.
    pub(crate) fn succeeded(&self) -> bool {
        let good = self.events.iter().any(|e| match e["type"].as_str() {
            Some("result") => e["is_error"] == false || e["status"] == "success",
            Some("turn.completed") => true,
            _ => false,
        });
        good && self.code == Some(0)
    }

    /// The session's id, as its stream tells it.
    pub(crate) fn session(&self) -> String {
        let id = |e: &Value| e["session_id"].as_str().or(e["thread_id"].as_str()).map(str::to_owned);
        self.events.iter().find_map(id).unwrap_or_else(|| panic!("no session in {:?}", self.events))
    }

    /// All events as one text, for looking for words in it. What came in pieces stands joined at its end.
    pub(crate) fn said(&self) -> String {
        let mut said = self.events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        said.extend(self.events.iter().filter(|e| e["delta"] == true).filter_map(|e| e["content"].as_str()));
        said
    }
}
