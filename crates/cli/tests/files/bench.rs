//! A shared directory, a daemon that serves it, and an agent that is a shell script.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use windlass_testkit::wait::eventually_blocking;

use crate::daemon::Daemon;

/// The agent signs the witness with its task's words, so that a second run of one would be seen.
const AGENT: &str = "#!/bin/sh\nprompt=$(cat)\nprintf '%s\\n' \"$prompt\" | grep -o 'sign:[a-z0-9-]*' >> \"WITNESS\"\ncase \"$prompt\" in\n\
    *fail-for-good*) echo 'it cannot be done'; exit 3;;\n*wait-for-gate*) while [ ! -e \"GATE\" ]; do sleep 0.05; done;;\nesac\necho 'Hello from the agent'\n";

pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// A directory with these lines of configuration behind the usual ones.
    pub(crate) fn new(config: &str) -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["data", "shared/tasks/marie", "shared/results"] {
            std::fs::create_dir_all(bench.dir.path().join(folder)).unwrap();
        }
        let path = |name: &str| bench.dir.path().join(name).display().to_string();
        let agent = AGENT.replace("WITNESS", &path("witness")).replace("GATE", &path("gate"));
        std::fs::write(path("agent"), agent).unwrap();
        let settings = format!(
            "max_retries = 0\nheartbeat_interval = 1\n[engine]\nisolation = \"off\"\n[files]\nroot = {:?}\n\
             [worker.marie]\nharness = \"command\"\nprogram = \"/bin/sh {}\"\nmax_concurrent_tasks = 8\n{config}",
            path("shared"),
            path("agent"),
        );
        std::fs::write(bench.data().join("windlass.toml"), settings).unwrap();
        bench
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn shared(&self, path: &str) -> PathBuf {
        self.dir.path().join("shared").join(path)
    }

    pub(crate) fn daemon(&self) -> Daemon {
        Daemon::new(&self.data())
    }

    pub(crate) fn started(&self) -> Daemon {
        let mut daemon = self.daemon();
        assert!(daemon.start());
        daemon
    }

    /// Drops a task the way careful writers do: aside, then renamed.
    pub(crate) fn drop_task(&self, id: &str, description: &str) {
        self.drop_file(&format!("{id}.json"), &json!({"task_id": id, "description": description, "worker": "marie"}).to_string());
    }

    pub(crate) fn drop_file(&self, name: &str, content: &str) {
        let aside = self.shared(&format!("tasks/marie/.{name}.new"));
        std::fs::write(&aside, content).unwrap();
        std::fs::rename(aside, self.shared(&format!("tasks/marie/{name}"))).unwrap();
    }

    pub(crate) fn result(&self, id: &str) -> Value {
        eventually(&format!("the result of {id}"), || read(&self.shared(&format!("results/marie/{id}.json"))))
    }

    /// Which tasks the agents ran, in order.
    pub(crate) fn witnessed(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join("witness")).unwrap_or_default();
        text.lines().map(|line| line.trim_start_matches("sign:").to_owned()).collect()
    }

    pub(crate) fn open_gate(&self) {
        std::fs::write(self.dir.path().join("gate"), "").unwrap();
    }

    /// Waits until nothing is left under `tasks/marie`.
    pub(crate) fn emptied(&self) {
        eventually("tasks/marie is empty", || names(&self.shared("tasks/marie")).is_empty().then_some(()));
    }

    /// Waits for a refused file and gives the reason beside it.
    pub(crate) fn refusal(&self, name: &str) -> String {
        eventually(&format!("{name} is refused"), || {
            let there = self.shared(&format!("dlq/marie/{name}"));
            let reason = std::fs::read_to_string(self.shared(&format!("dlq/marie/{name}.error.txt"))).ok()?;
            there.symlink_metadata().is_ok().then_some(reason)
        })
    }
}

/// A JSON file, if it is there. One that is there is whole.
pub(crate) fn read(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{} is not whole: {e}\n{text}", path.display())))
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits for a condition that has no event of its own.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    eventually_blocking(what, Duration::from_secs(90), look)
}
