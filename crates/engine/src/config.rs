//! What an engine is started with. The binary resolves environment, files and flags once and passes values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use windlass_telemetry::Traces;
use windlass_types::{
    AssignmentId, Backend, BreakerPolicy, Budget, Clock, Harness, HostRule, Ids, NetworkMode, NodeId, RetryPolicy, Role, SandboxLevel,
    SandboxLimits, SandboxMode,
};

use crate::callbacks::CallbackConfig;
use crate::housekeeping::Retention;
use crate::notify::NotifyConfig;

/// A named, bounded executor.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// Its name; jobs that name none go to `default`.
    pub name: String,
    /// How many jobs it runs at once.
    pub max_concurrent_tasks: u32,
    /// The agent of its jobs that name none.
    pub harness: Option<Harness>,
    /// The program of its `command` jobs that name none.
    pub program: Option<String>,
    /// How long one run of an agent may take, in seconds.
    pub task_timeout_secs: Option<u64>,
    /// How failures of its jobs are tried again, where it differs from the node's.
    pub retry: Option<RetryPolicy>,
    /// When their failures open a breaker, where it differs from the node's.
    pub breaker: Option<BreakerPolicy>,
}

/// How open pull requests are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgeWatch {
    /// The shortest time between two looks at one, in seconds.
    pub interval_secs: u64,
    /// How many jobs reviews and failed checks may lead to, of one pull request; 0: none.
    pub max_follow_ups: u32,
}

impl Default for ForgeWatch {
    fn default() -> Self {
        Self { interval_secs: 30, max_follow_ups: 3 }
    }
}

/// What keeps an agent apart from the rest, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// The best level that works here.
    #[default]
    Auto,
    /// This level, or refuse to start. `Off` is no launcher at all: nothing but a process group, for measuring.
    Level(SandboxLevel),
}

/// The sandbox of this node's attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SandboxConfig {
    /// For projects that do not say.
    pub mode: SandboxMode,
    /// Paths that its programs see and cannot write, beside the system's own.
    pub read_only: Vec<PathBuf>,
    /// Paths that they see and can write: caches that assignments may share.
    pub writable: Vec<PathBuf>,
    /// Whom they may speak to, for projects that do not say.
    pub network: NetworkMode,
    /// Hosts that the programs of every project may speak to, where they have a network of their own.
    pub network_allow: Vec<HostRule>,
    /// What they may use, for projects that do not say.
    pub limits: SandboxLimits,
}

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where transcripts, run files and the engine's own git directories live.
    pub data_dir: PathBuf,
    /// Which node this is, where that is known to be one whose earlier lives are over; else a new one.
    pub node: Option<NodeId>,
    /// What this node does.
    pub roles: Vec<Role>,
    /// The only place agents may write.
    pub workspace_root: PathBuf,
    /// The workers of this node.
    pub workers: Vec<WorkerConfig>,
    /// The agent for each job type (`default` for the rest), when nothing nearer says.
    pub harness_defaults: BTreeMap<String, Harness>,
    /// How agents are called.
    pub harness: windlass_harness::Settings,
    /// The user's own logins, as the binary found them.
    pub user: windlass_harness::UserFiles,
    /// How failures are tried again, where the worker does not say.
    pub retry: RetryPolicy,
    /// The accounts of agents that name one: each has a breaker of its own.
    pub accounts: BTreeMap<Harness, String>,
    /// When breakers open, where the worker does not say.
    pub breaker: BreakerPolicy,
    /// How long a claim lasts without a heartbeat, in milliseconds.
    pub lease_ms: i64,
    /// How long one run of an agent may take, in seconds, when nothing nearer says.
    pub timeout_secs: u64,
    /// How long an agent may print nothing, in seconds, when nothing nearer says.
    pub idle_timeout_secs: u64,
    /// How often an agent may be sent back with the check's output, when nothing nearer says.
    pub max_iterations: u32,
    /// Limits of a new assignment that brings none.
    pub default_budget: Budget,
    /// What keeps agents apart.
    pub isolation: Isolation,
    /// What its programs see and may use.
    pub sandbox: SandboxConfig,
    /// Works on this assignment only, from the first claim on; [`Engine::only`](crate::Engine::only) names another later.
    pub only_assignment: Option<AssignmentId>,
    /// The `windlass` program, for launchers and for agents to call.
    pub windlass_exe: PathBuf,
    /// How agents reach this engine: `unix:PATH` or an HTTP address.
    pub agent_url: String,
    /// Variables of the daemon's environment that agents get too.
    pub env_pass: BTreeMap<String, String>,
    /// How the forge is reached, where there is a token for one.
    pub forge: Option<windlass_delivery::ForgeConfig>,
    /// How open pull requests are looked at.
    pub forge_watch: ForgeWatch,
    /// Secrets by name: redacted in every stream before it is stored or parsed.
    pub secrets: Vec<(String, String)>,
    /// How long an agent has between the polite and the hard signal, in milliseconds.
    pub kill_grace_ms: u64,
    /// The most one run may print, in bytes.
    pub output_max_bytes: u64,
    /// How long things are kept, and how much room they may take.
    pub retention: Retention,
    /// Who is told of the end of operations, and how.
    pub callbacks: CallbackConfig,
    /// Who is told what needs a person, and how.
    pub notify: NotifyConfig,
    /// How many checked-out trees are kept ready for each large repository; 0: none.
    pub pool_size: u32,
    /// Where spans go, if anywhere.
    pub traces: Option<Arc<Traces>>,
    /// Where time comes from.
    pub clock: Clock,
    /// Where ids and random numbers come from.
    pub ids: Ids,
}

impl EngineConfig {
    /// The defaults, over a data directory.
    pub fn new(data_dir: PathBuf, windlass_exe: PathBuf) -> Self {
        let clock = Clock::system();
        Self {
            node: None,
            roles: Role::ALL.to_vec(),
            workspace_root: data_dir.join("workspaces"),
            agent_url: format!("unix:{}", data_dir.join("agent.sock").display()),
            data_dir,
            workers: vec![WorkerConfig {
                name: "default".to_owned(),
                max_concurrent_tasks: 2,
                harness: None,
                program: None,
                task_timeout_secs: None,
                retry: None,
                breaker: None,
            }],
            harness_defaults: BTreeMap::new(),
            harness: windlass_harness::Settings::default(),
            user: windlass_harness::UserFiles::default(),
            retry: RetryPolicy::default(),
            accounts: BTreeMap::new(),
            breaker: BreakerPolicy::default(),
            lease_ms: 30_000,
            timeout_secs: 600,
            idle_timeout_secs: 300,
            max_iterations: 3,
            default_budget: Budget { runs: Some(50), ..Budget::default() },
            isolation: Isolation::Auto,
            sandbox: SandboxConfig::default(),
            only_assignment: None,
            windlass_exe,
            env_pass: BTreeMap::new(),
            forge: None,
            forge_watch: ForgeWatch::default(),
            secrets: Vec::new(),
            callbacks: CallbackConfig::default(),
            notify: NotifyConfig::default(),
            traces: None,
            kill_grace_ms: 5_000,
            output_max_bytes: 256 * 1024 * 1024,
            retention: Retention::default(),
            pool_size: 1,
            ids: Ids::random(clock.clone()),
            clock,
        }
    }

    /// What an agent runs on: its breaker is shared with all nodes that use the same account.
    pub(crate) fn backend(&self, harness: Harness) -> Backend {
        match self.accounts.get(&harness) {
            Some(account) => Backend { harness, account: account.clone() },
            None => Backend::of(harness),
        }
    }

    /// The agent of a worker's jobs that name none, where neither their project nor their type does.
    pub(crate) fn usual_harness(&self, worker: &str) -> Harness {
        self.or_usual(self.workers.iter().find(|w| w.name == worker).and_then(|w| w.harness))
    }

    /// A worker's own agent, or the usual one.
    pub(crate) fn or_usual(&self, own: Option<Harness>) -> Harness {
        own.or_else(|| self.harness_defaults.get("default").copied()).unwrap_or(Harness::Claude)
    }

    /// How failures of a worker's jobs are tried again.
    pub(crate) fn retry_of(&self, worker: &str) -> RetryPolicy {
        self.workers.iter().find(|w| w.name == worker).and_then(|w| w.retry).unwrap_or(self.retry)
    }

    /// When failures of a worker's jobs open a breaker.
    pub(crate) fn breaker_of(&self, worker: &str) -> BreakerPolicy {
        self.workers.iter().find(|w| w.name == worker).and_then(|w| w.breaker).unwrap_or(self.breaker)
    }
}
