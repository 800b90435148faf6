use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use windlass_api::ApiToken;

use crate::cli::Context;
use crate::config::raw::{IsolationChoice, LogFormat, LogLevel};
use crate::config::{Flags, Settings};
use crate::daemon::{Daemon, Kind, Stopped, logs, restoring, service::Service, signals::Signals};
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// Run the daemon: API, workers and engine in one process
///
/// Prints `windlass ready on http://HOST:PORT` once it serves. SIGTERM or Ctrl-C: takes no more work, waits for what
/// runs, hands back the rest; a second one skips the wait.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// The address to listen on; port 0 picks a free one [env: WINDLASS_LISTEN] [default: 127.0.0.1:3001]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The only place agents may write [env: WORKSPACE_ROOT]
    #[arg(long, value_name = "DIR")]
    workspace_root: Option<PathBuf>,
    /// The database: a path, sqlite:PATH or postgres://… [env: WINDLASS_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// How many jobs a worker runs at once [env: MAX_CONCURRENT_TASKS]
    #[arg(long, value_name = "N")]
    max_concurrent_tasks: Option<u32>,
    /// How much is logged: error, warn, info, debug, trace [env: LOG_LEVEL]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
    /// How it is logged: json or text [env: LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What keeps agents apart
    #[arg(long, value_enum)]
    isolation: Option<IsolationChoice>,
}

impl UpArgs {
    /// The settings they set.
    pub(super) fn flags(self, context: &Context) -> Result<Flags> {
        let token = context.env.text("WINDLASS_TOKEN").map(ApiToken::parse).transpose().map_err(|e| {
            CliError::usage(format!("WINDLASS_TOKEN cannot be this daemon's token: {e}"))
                .hint("make one with `openssl rand -hex 32`, or unset it and one is made")
        })?;
        Ok(Flags {
            token,
            listen: self.listen,
            workspace_root: self.workspace_root,
            database_url: self.database_url,
            max_concurrent: self.max_concurrent_tasks,
            log_level: self.log_level,
            log_format: self.log_format,
            isolation: self.isolation,
            ..context.flags()
        })
    }
}

pub(crate) async fn run(args: UpArgs, context: &Context) -> Result<Exit> {
    serve(&context.settings(&args.flags(context)?)?).await
}

/// Serves until a signal comes.
pub(super) async fn serve(settings: &Settings) -> Result<Exit> {
    logs::start(settings, true);
    let mut signals = Signals::listen()?;
    let mut service = Service::starting();
    loop {
        let daemon = tokio::select! {
            daemon = Daemon::start(settings, Kind::Daemon) => daemon?,
            // Nothing has been promised yet, and nothing runs that the lifeline would not end.
            () = signals.next() => return Ok(Exit::Done),
        };
        service.serving(daemon.engine(), daemon.url());
        output::data(&format!("windlass ready on {}", daemon.url()))?;
        let wanted = tokio::select! {
            () = signals.next() => None,
            wanted = daemon.restore_wanted() => Some(wanted),
        };
        let grace = Duration::from_secs(settings.grace_secs);
        match &wanted {
            Some(_) => service.restoring(),
            None => service.stopping(grace),
        }
        tracing::info!(grace_secs = settings.grace_secs, "stopping: no more work is taken, what runs has {} s", settings.grace_secs);
        match daemon.stop_or_hurry(grace, &mut signals).await {
            Stopped::Patiently => {}
            Stopped::Hurried => return Ok(Exit::Done),
            Stopped::LeftOff => return Ok(Exit::Interrupted),
        }
        let Some((wanted, by)) = wanted else { return Ok(Exit::Done) };
        // Whether it worked or not, the daemon goes on: with the backup, or with what was there.
        match restoring::restore(settings, Path::new(&wanted.path), wanted.force, Kind::Embedded, by).await {
            Ok(restored) => {
                tracing::warn!(path = wanted.path, aside = restored.aside, "the backup {} is restored: {}", wanted.path, restored.access);
            }
            Err(e) => tracing::error!(path = wanted.path, "the backup {} could not be restored: {}", wanted.path, e.message),
        }
    }
}
