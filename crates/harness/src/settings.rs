//! What the configuration and the user's own set-up say about agents.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use windlass_types::{Clock, Harness, Micros, Usage};

/// How agents are found and called, the same for every run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Settings of single harnesses.
    pub harness: BTreeMap<Harness, HarnessSettings>,
    /// Where programs are looked for, as a `PATH`. Only the caller's own: never a folder an agent can write to.
    pub search_path: String,
    /// This program, for the simulated agent.
    pub windlass_exe: PathBuf,
    /// How long an agent waits for its model's answer to begin.
    pub api_timeout_secs: u64,
    /// Windlass runs as root; some agents want to be told that this is meant.
    pub running_as_root: bool,
    /// The time, for logins that end.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            harness: BTreeMap::new(),
            search_path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            windlass_exe: PathBuf::new(),
            api_timeout_secs: 300,
            running_as_root: rustix::process::geteuid().is_root(),
            clock: Clock::system(),
        }
    }
}

impl Settings {
    pub(crate) fn of(&self, harness: Harness) -> Option<&HarnessSettings> {
        self.harness.get(&harness)
    }
}

/// Settings of one harness.
#[derive(Debug, Clone, Default)]
pub struct HarnessSettings {
    /// The program and arguments that go before Windlass's own, split by shell words; else the agent's usual name is looked for.
    pub program: Option<String>,
    /// The model to ask for.
    pub model: Option<String>,
    /// Prices by model name, for agents that report tokens only.
    pub prices: BTreeMap<String, Price>,
}

/// What a model costs, in millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Price {
    /// Input.
    pub input_micros: u64,
    /// Output.
    pub output_micros: u64,
    /// Input read from a cache; as input when not given.
    pub cache_read_micros: Option<u64>,
    /// Input written to a cache; as input when not given.
    pub cache_write_micros: Option<u64>,
}

impl Price {
    /// What that usage costs, rounded up.
    pub fn cost(&self, usage: &Usage) -> Micros {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = part(usage.input_tokens, self.input_micros)
            + part(usage.output_tokens, self.output_micros)
            + part(usage.cache_read_tokens, self.cache_read_micros.unwrap_or(self.input_micros))
            + part(usage.cache_write_tokens, self.cache_write_micros.unwrap_or(self.input_micros));
        Micros(i64::try_from(sum.div_ceil(1_000_000)).unwrap_or(i64::MAX))
    }
}

/// The user's own logins, keys and base URLs, as the binary found them.
///
/// Keys go to the harness they belong to and to no other program.
#[derive(Clone, Default)]
pub struct UserFiles {
    /// The user's home, where the agents' login files are by default.
    pub home: Option<PathBuf>,
    /// `CLAUDE_CONFIG_DIR`.
    pub claude_config_dir: Option<PathBuf>,
    /// `CODEX_HOME`.
    pub codex_home: Option<PathBuf>,
    /// `GEMINI_CLI_HOME`.
    pub gemini_cli_home: Option<PathBuf>,
    /// Those of [`UserFiles::variables`] that are set and not empty.
    pub env: BTreeMap<String, String>,
}

impl fmt::Debug for UserFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFiles")
            .field("home", &self.home)
            .field("claude_config_dir", &self.claude_config_dir)
            .field("codex_home", &self.codex_home)
            .field("gemini_cli_home", &self.gemini_cli_home)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Variables of each harness; a secret is marked.
const VARIABLES: &[(Harness, &str, bool)] = &[
    (Harness::Claude, "ANTHROPIC_API_KEY", true),
    (Harness::Claude, "ANTHROPIC_AUTH_TOKEN", true),
    (Harness::Claude, "CLAUDE_CODE_OAUTH_TOKEN", true),
    (Harness::Claude, "ANTHROPIC_BASE_URL", false),
    (Harness::Claude, "ANTHROPIC_CUSTOM_HEADERS", true),
    (Harness::Codex, "OPENAI_API_KEY", true),
    (Harness::Codex, "CODEX_API_KEY", true),
    (Harness::Codex, "OPENAI_BASE_URL", false),
    (Harness::Codex, "OPENAI_ORGANIZATION", false),
    (Harness::Codex, "OPENAI_PROJECT", false),
    (Harness::Gemini, "GEMINI_API_KEY", true),
    (Harness::Gemini, "GOOGLE_API_KEY", true),
    (Harness::Gemini, "GOOGLE_GENAI_USE_VERTEXAI", false),
    (Harness::Gemini, "GOOGLE_CLOUD_PROJECT", false),
    (Harness::Gemini, "GOOGLE_CLOUD_LOCATION", false),
    (Harness::Gemini, "GOOGLE_GEMINI_BASE_URL", false),
];

impl UserFiles {
    /// The variables that count, for any harness.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        VARIABLES.iter().map(|(_, name, _)| *name)
    }

    /// Picks what counts from an environment.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut found = Self::default();
        for (name, value) in vars {
            if value.is_empty() {
                continue;
            }
            match name.as_str() {
                "HOME" => found.home = Some(value.into()),
                "CLAUDE_CONFIG_DIR" => found.claude_config_dir = Some(value.into()),
                "CODEX_HOME" => found.codex_home = Some(value.into()),
                "GEMINI_CLI_HOME" => found.gemini_cli_home = Some(value.into()),
                _ if Self::variables().any(|v| v == name) => {
                    found.env.insert(name, value);
                }
                _ => {}
            }
        }
        found
    }

    /// Every secret value known from here, by name: the keys, and the tokens in the login files. For a redactor.
    pub fn secrets(&self) -> Vec<(String, String)> {
        let keys = VARIABLES
            .iter()
            .filter(|(_, _, secret)| *secret)
            .filter_map(|(_, name, _)| Some(((*name).to_owned(), self.env.get(*name)?.clone())));
        keys.chain(crate::login::tokens(self)).collect()
    }

    /// The variables for one harness, and for no other.
    pub(crate) fn env_of(&self, harness: Harness) -> impl Iterator<Item = (&str, &str)> {
        VARIABLES.iter().filter(move |(h, _, _)| *h == harness).filter_map(|(_, name, _)| Some((*name, self.env.get(*name)?.as_str())))
    }

    /// The folder in which a harness keeps the user's login.
    pub(crate) fn login_dir(&self, harness: Harness) -> Option<PathBuf> {
        let below = |dir: &str| self.home.as_deref().map(|h: &Path| h.join(dir));
        match harness {
            Harness::Claude => self.claude_config_dir.clone().or_else(|| below(".claude")),
            Harness::Codex => self.codex_home.clone().or_else(|| below(".codex")),
            Harness::Gemini => self.gemini_cli_home.as_ref().map(|h| h.join(".gemini")).or_else(|| below(".gemini")),
            Harness::Command | Harness::Simulated => None,
        }
    }
}
