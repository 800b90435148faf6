//! `cargo xtask bench peers`: this engine and others, side by side in one run, as ratios.
//!
//! The peers come from a folder of scripts (`setup.sh` installs them, `run.sh FILE PART` measures a part); every program prints JSON
//! lines of one shape: `{"peer","config","metric","value","unit"}`. Rounds are interleaved, so that what the machine does meanwhile
//! falls on all of them.

mod compare;
mod plot;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::process::{root, step};

/// The scenarios of our own that the peers have too.
const OURS: [&str; 5] = ["submit", "drain", "event", "spawn", "idle"];

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// The folder with the peers' scripts
    #[arg(long)]
    scripts: PathBuf,
    /// How often everybody is measured, in turn
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Which peers: parts of `run.sh`
    #[arg(long, value_delimiter = ',', default_value = "bullmq,graphile,pgboss,watchdog")]
    parts: Vec<String>,
    /// Where the peers are installed, unless an earlier run has done so; by default a temporary folder
    #[arg(long)]
    lab: Option<PathBuf>,
    /// Measure the `windlass` and `windlass-bench` of this folder, and build none
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Compare the lines of earlier runs in this file, and measure nothing
    #[arg(long, conflicts_with = "rounds")]
    lines: Option<PathBuf>,
    /// Write lines, table, figures and plot into this folder
    #[arg(long, default_value = "target/bench-peers")]
    out: PathBuf,
}

pub(crate) fn peers(args: &Args, release: impl FnOnce() -> anyhow::Result<PathBuf>) -> anyhow::Result<()> {
    let out = root().join(&args.out);
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let lines = match &args.lines {
        Some(lines) => std::path::absolute(lines)?,
        None => {
            let programs = args.programs.as_deref().map_or_else(release, |dir| Ok(std::path::absolute(dir)?))?;
            measure(args, &out, &programs)?
        }
    };
    let text = std::fs::read_to_string(&lines).with_context(|| format!("{} cannot be read", lines.display()))?;
    let figures = compare::figures(&text)?;
    let rows = compare::rows(&figures);
    let table = table::markdown(&figures, &rows);
    println!("{table}");
    for (name, content) in [
        ("peers.md", table),
        ("peers.json", serde_json::to_string_pretty(&table::json(&figures, &rows))?),
        ("peers.svg", plot::svg(&figures)),
    ] {
        std::fs::write(out.join(name), content).with_context(|| format!("{name} cannot be written"))?;
    }
    eprintln!("written to {}", out.display());
    Ok(())
}

/// Measures everybody in turn; gives the file of lines.
fn measure(args: &Args, out: &Path, programs: &Path) -> anyhow::Result<PathBuf> {
    let scripts = std::path::absolute(&args.scripts)?;
    let run = scripts.join("run.sh");
    if !run.is_file() {
        bail!("{} is not there: --scripts names the folder with the peers' run.sh and setup.sh", run.display());
    }
    let kept = tempfile::Builder::new().prefix("windlass-peers").tempdir()?;
    let lab = args.lab.as_deref().map_or_else(|| Ok(kept.path().to_owned()), std::path::absolute)?;
    if !lab.join("venv").is_dir() {
        step("install the peers", Command::new("bash").arg(scripts.join("setup.sh")).env("PEERS_TMP", &lab))?;
    }
    let lines = out.join("lines.jsonl");
    std::fs::write(&lines, "")?;
    for round in 1..=args.rounds {
        // In another order each time: nobody always has the machine as somebody else left it.
        let mut turns: Vec<Option<&str>> = args.parts.iter().map(|part| Some(part.as_str())).collect();
        let ours = round as usize % (turns.len() + 1);
        turns.rotate_left((round as usize - 1) % args.parts.len().max(1));
        turns.insert(ours, None);
        for turn in turns {
            let label = |name: &str| format!("round {round} of {}: {name}", args.rounds);
            if let Some(part) = turn {
                step(&label(part), Command::new("bash").arg(&run).arg(&lines).arg(part).env("PEERS_TMP", &lab))?;
            } else {
                for scenario in OURS {
                    let mut bench = Command::new(programs.join("windlass-bench"));
                    bench.arg("--exe").arg(programs.join("windlass")).arg("--lines").arg(&lines).args(["--only", scenario]);
                    step(&label(scenario), &mut bench)?;
                }
            }
        }
    }
    Ok(lines)
}
