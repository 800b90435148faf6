//! `cargo xtask chaos`: the rows of the fault suite round and round with fresh seeds, until the time is over.

use std::hash::{BuildHasher as _, RandomState};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::process::{cargo, root, step};

/// The row in which everything goes wrong at once: it comes after every other.
const MAIN: &str = "history::three_nodes_keep_every_promise_under_a_nemesis";

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// How long to go round
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// How long each row makes trouble, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Repeat this seed in place of fresh ones, and go round once
    #[arg(long)]
    seed: Option<u64>,
    /// Only the rows whose name holds this
    #[arg(long)]
    only: Option<String>,
}

pub(crate) fn chaos(args: &Args) -> anyhow::Result<()> {
    step("build", suite().arg("--no-run"))?;
    let rows = rows(args.only.as_deref())?;
    let until = Instant::now() + Duration::from_mins(args.minutes);
    let (mut ran, mut failed) = (0, Vec::new());
    'time: loop {
        for row in &rows {
            if args.seed.is_none() && Instant::now() >= until {
                break 'time;
            }
            let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(ran) >> 16);
            ran += 1;
            if !run(row, seed, args.seconds)? {
                println!("FAILED. Again: cargo xtask chaos --only {row} --seed {seed} --seconds {}", args.seconds);
                failed.push((row.clone(), seed));
            }
        }
        if args.seed.is_some() {
            break;
        }
    }
    println!("\n{ran} rows ran, {} failed", failed.len());
    for (row, seed) in &failed {
        println!("  cargo xtask chaos --only {row} --seed {seed} --seconds {}", args.seconds);
    }
    if failed.is_empty() { Ok(()) } else { bail!("{} of {ran} rows broke a promise; their directories are kept, see above", failed.len()) }
}

fn suite() -> Command {
    let mut command = cargo();
    command.current_dir(root()).args(["test", "--quiet", "--locked", "--package", "windlass-cli", "--test", "chaos"]);
    command
}

/// The rows to run in one round.
fn rows(only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let listed = suite().args(["--", "--list", "--format", "terse"]).stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    let text = String::from_utf8(listed.stdout).context("the list of rows is no text")?;
    let all: Vec<String> = text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
    let rows: Vec<String> = match only {
        Some(part) => all.into_iter().filter(|row| row.contains(part)).collect(),
        None => all.into_iter().filter(|row| row != MAIN).flat_map(|row| [row, MAIN.to_owned()]).collect(),
    };
    if rows.is_empty() {
        bail!("no row is called so; see them with: cargo test -p windlass-cli --test chaos -- --list");
    }
    Ok(rows)
}

/// Whether the row kept every promise.
fn run(row: &str, seed: u64, seconds: u64) -> anyhow::Result<bool> {
    println!("\n── {row}");
    let mut command = suite();
    command.args(["--", "--exact", row, "--nocapture"]).env("CHAOS_SEED", seed.to_string()).env("CHAOS_SECONDS", seconds.to_string());
    Ok(command.status().context("cargo cannot be run")?.success())
}
