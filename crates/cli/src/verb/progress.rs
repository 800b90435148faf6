use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use windlass_types::Phase;

use crate::cli::Context;
use crate::failure::{CliError, Exit, Result};

/// For agents: say where the work is at
#[derive(Debug, Args)]
pub(crate) struct ProgressArgs {
    /// The phase
    #[arg(long, value_name = "PHASE", value_parser = phase_parser())]
    phase: Option<Phase>,
    /// How much is done, 0 to 100
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    progress: Option<u8>,
    /// A sentence for people
    message: Option<String>,
}

fn phase_parser() -> impl TypedValueParser<Value = Phase> {
    PossibleValuesParser::new(Phase::ALL.map(Phase::as_str)).try_map(|w| w.parse::<Phase>())
}

pub(crate) async fn run(args: ProgressArgs, context: &Context) -> Result<Exit> {
    if args.phase.is_none() && args.progress.is_none() && args.message.is_none() {
        return Err(CliError::usage("nothing to say was given").hint("give --phase, --progress or a message"));
    }
    let body = json!({ "phase": args.phase, "progress": args.progress, "message": args.message });
    let _: Value = context.client()?.post("/api/v1/agent/progress", &body).await?;
    Ok(Exit::Done)
}
