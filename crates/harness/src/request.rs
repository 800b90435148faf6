//! What the engine wants run, and the call that does it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use uuid::Uuid;
use windlass_types::{Harness, Micros};

use crate::UserFiles;

/// One run of an agent, as the engine wants it.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Which agent.
    pub harness: Harness,
    /// The job's type: `plan`, `implement`, `review`, `uat`, `document`, `pm` or `chat`.
    pub job_type: String,
    /// What the agent is told.
    pub prompt: String,
    /// What is added to the agent's own system prompt. An agent without a way to add to it gets it before the prompt.
    pub system_prompt: Option<String>,
    /// The session to begin or to go on with.
    pub session: Session,
    /// The workspace's tree.
    pub cwd: PathBuf,
    /// The assignment's private home; it exists. The agents' state lives below it.
    pub home: PathBuf,
    /// The model, when it is not the configured or the agent's own.
    pub model: Option<String>,
    /// The job should look and not edit (plan, review, pm, chat).
    pub read_only: bool,
    /// `WINDLASS_*` and the variables a person allowed, as the engine chose them.
    pub env: BTreeMap<String, String>,
    /// Harness `command`: `CMD ARG…`, split by shell words.
    pub program: Option<String>,
    /// Harness `simulated`: the script, as TOML.
    pub script: Option<String>,
    /// The longest the run may take; a login that ends sooner is refused.
    pub timeout_secs: u64,
    /// The run is inside a sandbox of Windlass's own.
    pub sandboxed: bool,
    /// The most turns, where the agent can count them.
    pub max_turns: Option<u32>,
    /// The most it may cost, where the agent can count it.
    pub cost_limit_micros: Option<Micros>,
    /// Which job of its type in the assignment this is, from 1 up.
    pub nth: u32,
    /// Which run inside the job's verify loop this is, from 1 up.
    pub iteration: u32,
    /// What the user's own set-up gives: logins, keys, base URLs.
    pub user: UserFiles,
}

impl RunRequest {
    /// The prompt for an agent that has no separate system prompt.
    pub(crate) fn whole_prompt(&self) -> String {
        match &self.system_prompt {
            Some(system) => format!("{system}\n\n{}", self.prompt),
            None => self.prompt.clone(),
        }
    }

    /// The session's id as a UUID. An id that an agent printed and that is none is not passed on: it could be a path or a flag.
    pub(crate) fn session_uuid(&self) -> Option<Uuid> {
        match &self.session {
            Session::New { id } => Some(*id),
            Session::Resume { session_id } => Uuid::try_parse(session_id).ok(),
        }
    }

    /// The model to ask for: the request's, else the configured one.
    pub(crate) fn model<'a>(&'a self, settings: &'a crate::Settings) -> Option<&'a str> {
        self.model.as_deref().or_else(|| settings.of(self.harness).and_then(|h| h.model.as_deref()))
    }
}

/// The session of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    /// A new one, with this id where the agent lets its caller choose.
    New {
        /// The id.
        id: Uuid,
    },
    /// The one of an earlier run. When its files are gone, a new one is begun.
    Resume {
        /// What the agent named it.
        session_id: String,
    },
}

/// A call that is ready to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub args: Vec<String>,
    /// Its whole environment; nothing is inherited.
    pub env: BTreeMap<String, String>,
    /// Where it starts.
    pub cwd: PathBuf,
    /// What it reads.
    pub stdin: Stdin,
    /// What it reads outside its home and its working directory, beside the system: its program, the packages of that, a login that only
    /// a person renews.
    pub reads: Vec<PathBuf>,
    /// What it writes there too: a login that it renews by itself.
    pub renews: Vec<PathBuf>,
    /// Whom it has to speak to, as `HOST` or `HOST:PORT`: its model, and where its login is renewed.
    pub hosts: Vec<String>,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables may be secrets.
        f.debug_struct("Invocation")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("cwd", &self.cwd)
            .field("stdin", &self.stdin)
            .field("reads", &self.reads)
            .field("renews", &self.renews)
            .field("hosts", &self.hosts)
            .finish()
    }
}

/// What a program reads: agents wait for ever on an input that stays open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Null,
    /// This text, then its end.
    Text(String),
}
