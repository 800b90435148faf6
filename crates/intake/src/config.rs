//! What an intake is started with. The binary resolves environment, files and flags once and passes values.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_engine::WorkerConfig;
use windlass_types::{Harness, RetryPolicy};

/// Who does the work of a worker's tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilesMode {
    /// Windlass: each task is an assignment.
    #[default]
    Worker,
    /// An outside executor, which takes `tasks/` and writes `results/` and `execution_meta/`; Windlass retries and dead-letters.
    Hybrid,
}

impl FilesMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Worker, Self::Hybrid];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Hybrid => "hybrid",
        }
    }
}

impl std::fmt::Display for FilesMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for FilesMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not a mode (one of: worker, hybrid)"))
    }
}

/// A worker of the shared directory.
#[derive(Debug, Clone, PartialEq)]
pub struct FileWorker {
    /// Its name, and its directory's.
    pub name: String,
    /// Who does its work.
    pub mode: FilesMode,
    /// The project of its tasks that name none; `scratch` without.
    pub project: Option<String>,
    /// The agent of its tasks that name none, if it has one of its own.
    pub harness: Option<Harness>,
    /// How many tasks an outside executor may have at once, as far as anybody said.
    pub max_concurrent_tasks: u32,
    /// A file whose text its agents are told before each task.
    pub prompt: Option<PathBuf>,
    /// Whether a pm job judges its work.
    pub review: bool,
    /// How an outside executor's failures are tried again.
    pub retry: RetryPolicy,
    /// How long an outside executor may have a task and say nothing, in seconds.
    pub timeout_secs: u64,
}

/// Where the shared directory is and who works in it.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesConfig {
    /// The root of the worker layout.
    pub root: PathBuf,
    /// In place of `tasks/` under the root.
    pub task_dir: Option<PathBuf>,
    /// In place of `triggers/`.
    pub trigger_dir: Option<PathBuf>,
    /// In place of `results/`.
    pub result_dir: Option<PathBuf>,
    /// In place of `heartbeats/`.
    pub heartbeat_dir: Option<PathBuf>,
    /// In place of `dlq/`.
    pub dlq_dir: Option<PathBuf>,
    /// In place of `pipes/`.
    pub pipe_dir: Option<PathBuf>,
    /// Where `<worker>.md` is a worker's prompt, for workers that name none.
    pub prompts_dir: Option<PathBuf>,
    /// The configured workers.
    pub workers: Vec<FileWorker>,
    /// What a directory under `tasks/` that nobody configured becomes; its name is put in.
    pub found: (FileWorker, WorkerConfig),
    /// How often heartbeats are written, in seconds.
    pub heartbeat_interval_secs: u64,
    /// How long the rows of outside executors' tasks that are done are kept, in seconds; for ever without.
    pub keep_done_secs: Option<u64>,
}
