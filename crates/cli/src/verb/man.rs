use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _};

use crate::cli::Cli;
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// Print the man page, or write one for each verb
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write windlass.1, windlass-up.1, … into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs) -> Result<Exit> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(dir) = &args.dir else {
        output::data(&String::from_utf8_lossy(&page(root)?))?;
        return Ok(Exit::Done);
    };
    let failed = |e: std::io::Error| CliError::usage(format!("cannot write into {}: {e}", dir.display()));
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(root, dir).map_err(failed)?;
    Ok(Exit::Done)
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|e| CliError::fault(format!("could not make the man page: {e}")))?;
    Ok(text)
}
