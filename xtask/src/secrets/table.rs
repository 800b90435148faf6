//! The comparison for people, and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::score::Share;
use super::{Measured, Tree};

impl Measured {
    /// Megabytes a second once it has started.
    fn speed(&self, tree: &Tree) -> f64 {
        tree.bytes as f64 / 1e6 / (median(&self.tree) - median(&self.start)).max(1e-3)
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn share(share: Share) -> String {
    format!("{:.1} % ({} of {})", share.value() * 100.0, share.hit, share.of)
}

/// One row a tool; then who is not here.
pub(crate) fn markdown(all: &[Measured], absent: &[String], one: &Tree, tree: &Tree) -> String {
    let mut text = format!(
        "| scanner | secrets found | in two pieces | false alarms | files flagged of our own {} | start | MB/s |\n|---|---|---|---|---|---|---|\n",
        one.files
    );
    for m in all {
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {:.2} s | {:.1} |",
            m.name,
            m.version,
            share(m.score.plain),
            share(m.score.hard),
            share(m.score.wrong),
            m.flagged,
            median(&m.start),
            m.speed(tree),
        );
    }
    let _ =
        writeln!(text, "\nOne processor; medians of {} rounds; {:.1} MB in {} files.", rounds(all), tree.bytes as f64 / 1e6, tree.files);
    for why in absent {
        let _ = writeln!(text, "\nAbsent: {why}");
    }
    text
}

fn rounds(all: &[Measured]) -> usize {
    all.iter().map(|m| m.tree.len()).min().unwrap_or(0)
}

pub(crate) fn json(all: &[Measured], absent: &[String], tree: &Tree) -> Value {
    let tool = |m: &Measured| {
        json!({"name": m.name, "version": m.version, "plain": m.score.plain.value(), "hard": m.score.hard.value(),
               "false_alarms": m.score.wrong.value(), "mistakes": m.score.mistakes, "own_files_flagged": m.flagged,
               "start_secs": m.start, "tree_secs": m.tree, "mb_per_sec": m.speed(tree)})
    };
    json!({"tools": all.iter().map(tool).collect::<Vec<_>>(), "absent": absent, "tree_bytes": tree.bytes, "tree_files": tree.files})
}
