//! `cargo xtask bench secrets`: the secret scanner and others on the same files, in one run, as a table.
//!
//! What is found is measured on a labelled set that a generator draws; how fast, on this repository's own files. Everybody gets one
//! processor and is started as a person would start it. Rounds are interleaved, so that what the machine does meanwhile falls on all.

mod score;
mod table;
mod tools;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::process::{cargo, root, step};
use score::{Label, Score};
use tools::Tool;

/// The generator of the labelled set.
const GENERATOR: &str = "crates/secrets/tests/corpus/gen_dev.py";

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Where the peers are installed, unless an earlier run has done so; corpora go there too
    #[arg(long)]
    lab: PathBuf,
    /// How often everybody is timed, in turn
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The labelled sets to be drawn: one for each seed
    #[arg(long, value_delimiter = ',', default_value = "4242,1,2,3,4,5")]
    seeds: Vec<u32>,
    /// How many copies of this repository's files are scanned for the speed
    #[arg(long, default_value_t = 4)]
    copies: u32,
    /// Only these tools, beside ours
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Write the table and the figures into this folder
    #[arg(long, default_value = "target/bench-secrets")]
    out: PathBuf,
}

/// What is known of one tool.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) score: Score,
    /// Files of this repository that it flags.
    pub(crate) flagged: usize,
    /// Seconds from its start to its end on an empty folder, and on the tree: one of each a round.
    pub(crate) start: Vec<f64>,
    pub(crate) tree: Vec<f64>,
}

/// The tree that is timed.
pub(crate) struct Tree {
    dir: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

pub(crate) fn secrets(args: &Args) -> anyhow::Result<()> {
    let lab = std::path::absolute(&args.lab)?;
    let corpora = args.seeds.iter().map(|seed| corpus(&lab, *seed)).collect::<anyhow::Result<Vec<_>>>()?;
    let (one, tree) = (copy(&lab.join("one"), 1)?, copy(&lab.join("tree"), args.copies)?);
    let empty = lab.join("empty");
    std::fs::create_dir_all(&empty)?;

    let mut absent = Vec::new();
    let mut ready: Vec<(Tool, Measured)> = Vec::new();
    for tool in
        tools::all(scanner()?).into_iter().filter(|tool| tool.is_ours() || args.only.is_empty() || args.only.iter().any(|o| o == tool.name))
    {
        match tool.install(&lab).and_then(|()| tool.version(&lab)) {
            Ok(version) => {
                let name = tool.name;
                ready.push((tool, Measured { name, version, score: Score::default(), flagged: 0, start: Vec::new(), tree: Vec::new() }));
            }
            Err(e) => absent.push(format!("{}: {e:#}", tool.name)),
        }
    }
    on_one_processor()?;
    for (tool, measured) in &mut ready {
        eprintln!("\n── what {} finds", tool.name);
        for (dir, labels) in &corpora {
            measured.score.add(labels, &run(tool, &lab, dir)?.0);
        }
        measured.flagged = run(tool, &lab, &one.dir)?.0.len();
    }
    for round in 1..=args.rounds {
        for (tool, measured) in &mut ready {
            eprintln!("── round {round} of {}: {}", args.rounds, tool.name);
            measured.start.push(run(tool, &lab, &empty)?.1);
            measured.tree.push(run(tool, &lab, &tree.dir)?.1);
        }
        // In another order each time: nobody always has the machine as somebody else left it.
        ready.rotate_left(1);
    }
    let mut measured: Vec<Measured> = ready.into_iter().map(|(_, measured)| measured).collect();
    measured.sort_by_key(|m| tools::NAMES.iter().position(|name| *name == m.name));
    let text = table::markdown(&measured, &absent, &one, &tree);
    println!("{text}");
    let out = root().join(&args.out);
    std::fs::create_dir_all(&out)?;
    std::fs::write(out.join("secrets.md"), text)?;
    std::fs::write(out.join("secrets.json"), serde_json::to_string_pretty(&table::json(&measured, &absent, &tree))?)?;
    eprintln!("written to {}", out.display());
    Ok(())
}

/// Runs a tool on a folder: the files that it flags, and how many seconds it took.
fn run(tool: &Tool, lab: &Path, dir: &Path) -> anyhow::Result<(BTreeSet<String>, f64)> {
    let begun = Instant::now();
    let output = tool.command(lab, dir).output().with_context(|| format!("{} cannot be run", tool.name))?;
    let secs = begun.elapsed().as_secs_f64();
    let flagged = tool.flagged(&output.stdout, dir);
    flagged.map(|flagged| (flagged, secs)).with_context(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("{} gave no answer for {} ({}): {}", tool.name, dir.display(), output.status, complaint.trim())
    })
}

/// A labelled set: its folder, and what is in it.
fn corpus(lab: &Path, seed: u32) -> anyhow::Result<(PathBuf, Vec<Label>)> {
    let dir = lab.join("corpus").join(seed.to_string());
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    let mut generate = Command::new("python3");
    generate.arg(root().join(GENERATOR)).arg(&dir).arg(seed.to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
    step(&format!("draw the labelled set {seed}"), &mut generate)?;
    let labels = score::labels(&std::fs::read_to_string(dir.join("labels.jsonl"))?)?;
    Ok((dir.join("corpus"), labels))
}

/// This repository's files, so many times.
fn copy(dir: &Path, times: u32) -> anyhow::Result<Tree> {
    let _ = std::fs::remove_dir_all(dir);
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().context("git cannot be run")?;
    let mut tree = Tree { dir: dir.to_owned(), files: 0, bytes: 0 };
    for name in listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = std::str::from_utf8(name)?;
        for n in 0..times {
            let to = dir.join(n.to_string()).join(name);
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent)?;
            }
            tree.bytes += std::fs::copy(root().join(name), &to).with_context(|| format!("{name} cannot be copied"))?;
            tree.files += 1;
        }
    }
    if tree.files == 0 {
        bail!("this is no clone of the repository: there are no files to scan");
    }
    Ok(tree)
}

/// Builds our scanner; gives the program.
fn scanner() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--package", "windlass-secrets", "--example", "throughput"]);
    step("build the scanner", &mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release/examples/throughput"))
}

/// This process and all that it starts from now on have the first of its processors alone.
fn on_one_processor() -> anyhow::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let all = sched_getaffinity(None)?;
    let Some(first) = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)) else { bail!("there is no processor") };
    let mut one = CpuSet::new();
    one.set(first);
    Ok(sched_setaffinity(None, &one)?)
}
