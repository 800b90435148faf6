//! `cargo xtask bench engine`: builds the release binary and measures it.

use clap::{Args as ClapArgs, ValueEnum};

use crate::process::{cargo, root, step};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// What to measure
    what: What,
    /// Few repetitions: to see that it works, not to compare
    #[arg(long)]
    quick: bool,
    /// Only scenarios whose name holds this: start, idle, pickup, submit, drain, spawn
    #[arg(long)]
    only: Option<String>,
    /// Write the figures as JSON to this file
    #[arg(long)]
    out: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The engine by itself
    Engine,
}

pub(crate) fn bench(args: &Args) -> anyhow::Result<()> {
    let What::Engine = args.what;
    step(
        "build the release binary",
        cargo().args(["build", "--release", "--locked", "--package", "windlass-cli", "--package", "windlass-bench"]),
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let mut bench = std::process::Command::new(target.join("release/windlass-bench"));
    bench.arg("--exe").arg(target.join("release/windlass"));
    if args.quick {
        bench.arg("--quick");
    }
    if let Some(only) = &args.only {
        bench.args(["--only", only]);
    }
    if let Some(out) = &args.out {
        bench.arg("--out").arg(std::path::absolute(out)?);
    }
    step("measure", &mut bench)
}
