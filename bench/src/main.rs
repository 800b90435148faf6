//! Benchmarks of the engine: what it costs to start, to idle, to take work and to run it, beside what the machine itself can do.
//!
//! Everything is measured from outside, on the release binary, over its HTTP interface on loopback, in one run. Figures are only
//! comparable within a run: the machine's own rates are printed with them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark speaks on the terminal")]

mod client;
mod daemon;
mod files;
mod fsync;
mod load;
mod machine;
mod overlap;
mod scenario;
mod stats;
mod streams;
mod workspaces;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;

#[derive(Parser)]
#[command(about = "Measure the engine")]
struct Args {
    /// The release binary
    #[arg(long)]
    exe: PathBuf,
    /// Few repetitions: to see that it works, not to compare
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON
    #[arg(long)]
    out: Option<PathBuf>,
    /// Add the figures that other engines' scripts give too to this file, as JSON lines of theirs
    #[arg(long)]
    lines: Option<PathBuf>,
    /// Only scenarios whose name holds this
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let bench = scenario::Bench { exe: args.exe, quick: args.quick, rows: Vec::new() };
    let rows = bench.run(args.only.as_deref()).await?;
    println!("\n{:<58} {:>14} {:>14}  unit", "what", "median / p50", "p99 / max");
    for row in &rows {
        println!("{:<58} {:>14} {:>14}  {}", row.what, stats::number(row.value), row.high.map(stats::number).unwrap_or_default(), row.unit);
    }
    if let Some(lines) = args.lines {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(lines)?;
        for row in &rows {
            if let Some(metric) = &row.metric {
                writeln!(
                    file,
                    "{}",
                    json!({"peer": "windlass", "config": "default", "metric": metric, "value": row.value, "unit": row.unit})
                )?;
            }
        }
    }
    if let Some(out) = args.out {
        let items: Vec<_> = rows.iter().map(|r| json!({"what": r.what, "value": r.value, "high": r.high, "unit": r.unit})).collect();
        std::fs::write(out, serde_json::to_string_pretty(&json!({"conditions": machine::conditions(), "rows": items}))?)?;
    }
    Ok(())
}
