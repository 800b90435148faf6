//! The scripted model as a program, for demonstrations by hand.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use windlass_testkit::model::{ModelScript, ScriptedModel};

/// Answers agents as a model provider would, by a script
#[derive(Debug, Parser)]
#[command(name = "windlass-scripted-model", version)]
struct Arguments {
    /// The script, in JSON or TOML; without one the model has nothing to do
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Print the base URL alone, for use in a shell script
    #[arg(long)]
    print_url: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let script = match &arguments.script {
        Some(path) => ModelScript::from_path(path).with_context(|| format!("{}", path.display()))?,
        None => ModelScript::new(),
    };
    let model = ScriptedModel::start_on(script, arguments.port)?;
    let url = model.url();
    let mut out = std::io::stdout();
    if arguments.print_url {
        writeln!(out, "{url}")?;
    } else {
        writeln!(out, "The scripted model answers at {url}. Any key will do. Point an agent at it by:")?;
        writeln!(out, "  claude  ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=scripted")?;
        writeln!(out, "  gemini  GOOGLE_GEMINI_BASE_URL={url} GEMINI_API_KEY=scripted")?;
        writeln!(out, "  codex   a model provider with base_url=\"{url}/v1\", wire_api=\"responses\"")?;
    }
    out.flush()?;
    let mut shown = 0;
    let stop = stopped();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            request = model.request_number(shown + 1) => {
                shown = request.number;
                let turn = request.turn.map_or_else(String::new, |t| format!(" turn {t}"));
                writeln!(std::io::stderr(), "{} {} {}{turn}", request.number, request.method, request.path)?;
            }
        }
    }
}

/// Ends at Ctrl-C or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
