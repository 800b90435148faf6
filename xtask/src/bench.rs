//! `cargo xtask bench engine`: builds the release binary and measures it.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::process::{cargo, step, target};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Few repetitions: to see that it works, not to compare
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose name holds this: start, idle, pickup, event, submit, drain, running, recovery, files, spawn; and workspaces,
    /// which is left out otherwise (5 GB of disk)
    #[arg(long)]
    only: Option<String>,
    /// Write the figures as JSON to this file
    #[arg(long)]
    out: Option<std::path::PathBuf>,
    /// Add the figures that other engines' scripts give too to this file, as JSON lines of theirs
    #[arg(long)]
    lines: Option<std::path::PathBuf>,
}

/// Builds what is measured; gives the folder of the programs.
pub(crate) fn release() -> anyhow::Result<PathBuf> {
    step(
        "build the release binary",
        cargo().args(["build", "--release", "--locked", "--package", "windlass-cli", "--package", "windlass-bench"]),
    )?;
    Ok(target().join("release"))
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let release = release()?;
    let mut bench = std::process::Command::new(release.join("windlass-bench"));
    bench.arg("--exe").arg(release.join("windlass"));
    if args.quick {
        bench.arg("--quick");
    }
    if let Some(only) = &args.only {
        bench.args(["--only", only]);
    }
    if let Some(out) = &args.out {
        bench.arg("--out").arg(std::path::absolute(out)?);
    }
    if let Some(lines) = &args.lines {
        bench.arg("--lines").arg(std::path::absolute(lines)?);
    }
    step("measure", &mut bench)
}

/// Measures the launcher alone, without an engine.
pub(crate) fn sandbox() -> anyhow::Result<()> {
    let test = ["test", "--release", "--locked", "--package", "windlass-workspace", "--test", "sandbox"];
    step("measure the sandbox", cargo().args(test).args(["--", "--ignored", "--nocapture", "--exact", "rate"]))
}
