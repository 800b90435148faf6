//! The command line: every verb, its flags and its help, in one definition that also makes completions and man pages.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use windlass_types::{AssignmentStatus, Budget, Harness, JobStatus, JobType, Role};

use crate::client::{Client, find};
use crate::config::{Env, Flags, Origin, Settings};
use crate::failure::{CliError, Result};
use crate::verb;

/// Haul coding work with headless agents, and never let it slip back
///
/// One binary: `windlass up` is the daemon, every other verb its client.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, max_term_width = 100, propagate_version = false, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The daemon's address: http://HOST:PORT or unix:PATH [env: WINDLASS_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Where")]
    pub(crate) url: Option<String>,
    /// The data directory [env: WINDLASS_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Where")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file [env: WINDLASS_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Where")]
    pub(crate) config: Option<PathBuf>,
}

/// Print one JSON document for a program to read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// The database of a verb that opens it itself.
#[derive(Debug, Clone, Args)]
pub(crate) struct DatabaseArgs {
    /// Without a daemon, the database: a path, sqlite:PATH or postgres://… [env: WINDLASS_DATABASE_URL, or a PostgreSQL in DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl DatabaseArgs {
    /// The settings with the database that is meant, which is said. Where two could be meant, none is taken.
    pub(crate) fn settings(self, context: &Context, what: &str) -> Result<Settings> {
        let settings = context.settings(&Flags { database_url: self.database_url, takes_bare_url: true, ..context.flags() })?;
        let url = crate::config::settings::without_password(&settings.database_url);
        let usual = settings.data_dir.join("windlass.db");
        let is_bare = settings.shown.iter().any(|s| s.key == "database_url" && s.origin == Origin::Env("DATABASE_URL"));
        if is_bare && usual.exists() {
            return Err(CliError::usage(format!("two databases could be meant: {url} of DATABASE_URL, and {}", usual.display()))
                .hint("name one with --database-url or WINDLASS_DATABASE_URL"));
        }
        crate::output::say(&format!("{what} the database {url}"));
        Ok(settings)
    }

    /// Refuses to name a database to a daemon, which has its own.
    pub(crate) fn none_beside(&self, client: &Client) -> Result<()> {
        if self.database_url.is_none() {
            return Ok(());
        }
        Err(CliError::usage(format!("a daemon serves {}: its database is the one that is meant", client.url()))
            .hint("leave out --database-url, or stop the daemon, or name another data directory"))
    }
}

/// What an assignment may use.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct BudgetArgs {
    /// Start at most this many attempts
    #[arg(long = "budget-runs", value_name = "N", help_heading = "Budget")]
    pub(crate) runs: Option<u32>,
    /// Use at most this many tokens
    #[arg(long = "budget-tokens", value_name = "N", help_heading = "Budget")]
    pub(crate) tokens: Option<u64>,
    /// Spend at most this many US dollars
    #[arg(long = "budget-usd", value_name = "USD", help_heading = "Budget", value_parser = usd)]
    pub(crate) usd: Option<f64>,
    /// Run agents and checks for at most this many seconds
    #[arg(long = "budget-secs", value_name = "SECS", help_heading = "Budget")]
    pub(crate) secs: Option<u64>,
}

impl BudgetArgs {
    pub(crate) fn limits(self) -> Budget {
        Budget { runs: self.runs, wall_secs: self.secs, tokens: self.tokens, cost_micros: self.usd.map(crate::config::raw::micros) }
    }
}

fn usd(text: &str) -> Result<f64, String> {
    let value: f64 = text.trim_start_matches('$').parse().map_err(|e| format!("{e}"))?;
    if (0.0..=1e9).contains(&value) { Ok(value) } else { Err("give an amount from 0 to a billion".to_owned()) }
}

/// The words of a harness, for a flag.
pub(crate) fn harness_parser() -> impl TypedValueParser<Value = Harness> {
    PossibleValuesParser::new(Harness::ALL.map(Harness::as_str)).try_map(|w| w.parse::<Harness>())
}

/// The words of a node's roles, for a flag.
pub(crate) fn role_parser() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|w| w.parse::<Role>())
}

/// The words of a job type, for a flag.
pub(crate) fn type_parser() -> impl TypedValueParser<Value = JobType> {
    PossibleValuesParser::new(JobType::ALL.map(JobType::as_str)).try_map(|w| w.parse::<JobType>())
}

/// The words of a job status, for a flag.
pub(crate) fn job_status_parser() -> impl TypedValueParser<Value = JobStatus> {
    PossibleValuesParser::new(JobStatus::ALL.map(JobStatus::as_str)).try_map(|w| w.parse::<JobStatus>())
}

/// The words of an assignment status, for a flag.
pub(crate) fn assignment_status_parser() -> impl TypedValueParser<Value = AssignmentStatus> {
    PossibleValuesParser::new(AssignmentStatus::ALL.map(AssignmentStatus::as_str)).try_map(|w| w.parse::<AssignmentStatus>())
}

/// Every verb, in the order that help shows them.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Init(verb::init::InitArgs),
    Up(verb::up::UpArgs),
    Node(verb::node::NodeArgs),
    Run(Box<verb::run::RunArgs>),
    Op(verb::op::OpArgs),
    Open(verb::open::OpenArgs),
    Status(verb::status::StatusArgs),
    Queue(verb::queue::QueueArgs),
    Assignments(verb::assignments::AssignmentsArgs),
    Assignment(verb::assignment::AssignmentArgs),
    Jobs(verb::jobs::JobsArgs),
    Job(verb::job::JobArgs),
    Logs(verb::logs::LogsArgs),
    Explain(verb::explain::ExplainArgs),
    Diff(verb::diff::DiffArgs),
    Events(verb::events::EventsArgs),
    Files(verb::files::FilesArgs),
    Create(verb::create::CreateArgs),
    InsertJob(verb::insert_job::InsertJobArgs),
    UpdateAssignment(verb::update_assignment::UpdateAssignmentArgs),
    Cancel(verb::cancel::CancelArgs),
    Clean(verb::clean::CleanArgs),
    Retry(verb::retry::RetryArgs),
    Approve(verb::approve::ApproveArgs),
    DeadLetters(verb::dead_letters::DeadLettersArgs),
    Findings(verb::findings::FindingsArgs),
    Locks(verb::locks::LocksArgs),
    Branches(verb::branches::BranchesArgs),
    Pause(verb::pause::PauseArgs),
    Resume(verb::pause::ResumeArgs),
    Unpark(verb::unpark::UnparkArgs),
    Breakers(verb::breakers::BreakersArgs),
    Agents(verb::agents::AgentsArgs),
    Hooks(verb::hooks::HooksArgs),
    Mcp(verb::mcp::McpArgs),
    Nodes(verb::nodes::NodesArgs),
    Projects(verb::projects::ProjectsArgs),
    Trust(verb::trust::TrustArgs),
    Scan(verb::scan::ScanArgs),
    Doctor(verb::doctor::DoctorArgs),
    Tokens(verb::tokens::TokensArgs),
    Users(verb::users::UsersArgs),
    SignIns(verb::sign_ins::SignInsArgs),
    Audit(verb::audit::AuditArgs),
    Notifications(verb::notifications::NotificationsArgs),
    Housekeeping(verb::housekeeping::HousekeepingArgs),
    Backup(verb::backup::BackupArgs),
    Restore(verb::restore::RestoreArgs),
    Config(verb::config::ConfigArgs),
    Verdict(verb::verdict::VerdictArgs),
    Progress(verb::progress::ProgressArgs),
    Completions(verb::completions::CompletionsArgs),
    Man(verb::man::ManArgs),
}

impl Verb {
    /// Whether it runs an engine in this process, which needs more than one thread.
    pub(crate) const fn runs_an_engine(&self) -> bool {
        matches!(self, Self::Up(_) | Self::Node(_) | Self::Run(_) | Self::Backup(_) | Self::Restore(_))
    }
}

/// What a verb works with beside its own flags.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) env: Env,
}

impl Context {
    /// The flags that set settings.
    pub(crate) fn flags(&self) -> Flags {
        Flags { config: self.global.config.clone(), data_dir: self.global.data_dir.clone(), ..Flags::default() }
    }

    /// The settings, with a warning for each oddity.
    pub(crate) fn settings(&self, flags: &Flags) -> Result<Settings> {
        let settings = Settings::load(flags, &self.env)?;
        for warning in &settings.warnings {
            crate::output::warn(warning);
        }
        Ok(settings)
    }

    /// The settings, for a verb that only asks where something is.
    pub(crate) fn settings_quietly(&self) -> Result<Settings> {
        Settings::load(&self.flags(), &self.env)
    }

    /// The daemon's client. It has not been spoken to yet.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&find::find(self.global.url.as_deref(), &self.flags(), &self.env)?)
    }

    /// The client of a daemon that answers, or none when nobody named one and none runs.
    pub(crate) async fn running_client(&self) -> Result<Option<Client>> {
        let named = self.global.url.is_some() || self.env.text("WINDLASS_URL").is_some();
        match self.client() {
            Ok(client) if named || client.is_up().await => Ok(Some(client)),
            Err(e) if named || e.exit != crate::failure::Exit::NoDaemon => Err(e),
            Ok(_) | Err(_) => Ok(None),
        }
    }
}

/// A text given directly or in a file (`-`: standard input).
pub(crate) fn text_or_file(text: Option<String>, file: Option<&std::path::Path>) -> Result<Option<String>> {
    match (text, file) {
        (Some(text), _) => Ok(Some(text)),
        (None, Some(path)) => read_text(path).map(Some),
        (None, None) => Ok(None),
    }
}

/// The most that is read from a file the user names: the daemon's own limit is lower.
const TEXT_MAX: u64 = 4 * 1024 * 1024;

/// A text file, or standard input for `-`.
pub(crate) fn read_text(path: &std::path::Path) -> Result<String> {
    use std::io::Read as _;
    let shown = path.display();
    let failed = |e: std::io::Error| CliError::usage(format!("cannot read {shown}: {e}"));
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(TEXT_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(TEXT_MAX + 1).read_to_string(&mut text))
    };
    if read.map_err(failed)? as u64 > TEXT_MAX {
        return Err(CliError::usage(format!("{shown} is longer than {TEXT_MAX} bytes")));
    }
    Ok(text)
}
