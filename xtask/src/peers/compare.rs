//! From lines to medians, and from medians to ratios.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

/// A line of any of the programs.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    peer: String,
    config: String,
    metric: String,
    value: f64,
    #[serde(default)]
    unit: String,
}

/// When an acknowledgement is worth something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// The machine may lose power after it.
    Power,
    /// The process may die after it.
    Process,
}

impl Class {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Power => "D",
            Self::Process => "P",
        }
    }

    fn of(peer: &str, config: &str) -> Self {
        match (peer, config) {
            (OURS | "graphile-worker" | "pg-boss", _) | ("bullmq", "always") | ("watchdog-dir", "fsync") => Self::Power,
            _ => Self::Process,
        }
    }
}

/// How this engine is named in the lines.
pub(crate) const OURS: &str = "windlass";

/// One peer's values of one metric.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) peer: String,
    pub(crate) config: String,
    pub(crate) metric: String,
    pub(crate) unit: String,
    pub(crate) class: Class,
    /// Sorted.
    pub(crate) values: Vec<f64>,
}

impl Figure {
    /// The middle value.
    pub(crate) fn median(&self) -> f64 {
        let n = self.values.len();
        let at = |index: usize| self.values.get(index).copied().unwrap_or(f64::NAN);
        if n % 2 == 1 { at(n / 2) } else { f64::midpoint(at((n / 2).wrapping_sub(1)), at(n / 2)) }
    }

    pub(crate) fn name(&self) -> String {
        if self.peer == OURS { OURS.to_owned() } else { format!("{} {}", self.peer, self.config) }
    }

    /// Whether it takes its jobs in batches that a crash loses the lease of, all at once: not what one lease a job is compared with.
    fn fetches_ahead(&self) -> bool {
        self.config == "tuned" && self.metric.starts_with("drain")
    }
}

/// Reads lines; what is not a figure of a queue (the machine's own rates) is left out.
pub(crate) fn figures(text: &str) -> anyhow::Result<Vec<Figure>> {
    let mut all: BTreeMap<(String, String, String), (String, Vec<f64>)> = BTreeMap::new();
    for (number, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line: Line = serde_json::from_str(text).with_context(|| format!("line {} is not a figure", number + 1))?;
        if !matches!(line.peer.as_str(), "machine" | "raw") {
            all.entry((line.metric, line.peer, line.config)).or_insert_with(|| (line.unit, Vec::new())).1.push(line.value);
        }
    }
    let figure = |((metric, peer, config), (unit, mut values)): ((String, String, String), (String, Vec<f64>))| {
        values.sort_by(f64::total_cmp);
        Figure { class: Class::of(&peer, &config), peer, config, metric, unit, values }
    };
    Ok(all.into_iter().map(figure).collect())
}

/// What this engine wants to reach.
struct Target {
    metric: &'static str,
    what: &'static str,
    /// The ratio to the best peer of its class.
    ratio: f64,
    /// More is better.
    rises: bool,
}

const TARGETS: [Target; 9] = [
    Target { metric: "enqueue_single", what: "submits, one at a time", ratio: 1.5, rises: true },
    Target { metric: "enqueue_50_in_flight", what: "submits, 50 in flight", ratio: 3.0, rises: true },
    Target { metric: "enqueue_batch1000", what: "submits, in batches of 1,000", ratio: 1.5, rises: true },
    Target { metric: "drain_c1", what: "drain, 1 slot", ratio: 1.5, rises: true },
    Target { metric: "drain_c10", what: "drain, 10 slots", ratio: 2.5, rises: true },
    Target { metric: "drain_c50", what: "drain, 50 slots", ratio: 4.0, rises: true },
    Target { metric: "pickup_p50", what: "pickup when idle, p50", ratio: 0.4, rises: false },
    Target { metric: "pickup_p99", what: "pickup when idle, p99", ratio: 0.6, rises: false },
    Target { metric: "spawn_c10", what: "jobs that spawn a process, 10 slots", ratio: 1.8, rises: true },
];

/// One comparison.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) metric: &'static str,
    pub(crate) ours: Figure,
    /// The best of the same class.
    pub(crate) best: Figure,
    pub(crate) target: f64,
    pub(crate) rises: bool,
}

impl Row {
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.median() / self.best.median()
    }

    pub(crate) fn is_met(&self) -> bool {
        if self.rises { self.ratio() >= self.target } else { self.ratio() <= self.target }
    }
}

/// The comparisons for which there are figures of both sides.
pub(crate) fn rows(figures: &[Figure]) -> Vec<Row> {
    TARGETS.iter().filter_map(|target| row(figures, target)).collect()
}

fn row(figures: &[Figure], target: &Target) -> Option<Row> {
    let of_metric = || figures.iter().filter(|f| f.metric == target.metric);
    let ours = of_metric().find(|f| f.peer == OURS)?;
    let peers = of_metric().filter(|f| f.peer != OURS && f.class == ours.class && !f.fetches_ahead());
    let better =
        |a: &&Figure, b: &&Figure| if target.rises { a.median().total_cmp(&b.median()) } else { b.median().total_cmp(&a.median()) };
    let best = peers.max_by(better)?;
    Some(Row {
        what: target.what,
        metric: target.metric,
        ours: ours.clone(),
        best: best.clone(),
        target: target.ratio,
        rises: target.rises,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"peer":"machine","config":"load","metric":"loadavg1","value":2,"unit":""}
{"peer":"windlass","config":"default","metric":"drain_c1","value":30,"unit":"jobs/s"}
{"peer":"windlass","config":"default","metric":"drain_c1","value":10,"unit":"jobs/s"}
{"peer":"windlass","config":"default","metric":"drain_c1","value":20,"unit":"jobs/s"}
{"peer":"bullmq","config":"always","metric":"drain_c1","value":10,"unit":"jobs/s"}
{"peer":"bullmq","config":"default","metric":"drain_c1","value":1000,"unit":"jobs/s"}
{"peer":"graphile-worker","config":"tuned","metric":"drain_c1","value":5000,"unit":"jobs/s"}
{"peer":"pg-boss","config":"default","metric":"drain_c1","value":1,"unit":"jobs/s"}
{"peer":"windlass","config":"default","metric":"pickup_p50","value":2,"unit":"ms"}
{"peer":"bullmq","config":"always","metric":"pickup_p50","value":4,"unit":"ms"}
{"peer":"pg-boss","config":"tuned","metric":"pickup_p50","value":7,"unit":"ms"}
"#;

    #[test]
    fn medians_are_compared_with_the_best_of_the_same_class_that_leases_each_job() {
        let rows = rows(&figures(LINES).unwrap());
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].best.name(), rows[0].ratio(), rows[0].is_met()), ("bullmq always".to_owned(), 2.0, true));
        // Less is better here, and half is not little enough.
        assert_eq!((rows[1].best.name(), rows[1].ratio(), rows[1].is_met()), ("bullmq always".to_owned(), 0.5, false));
    }

    #[test]
    fn a_line_that_is_no_figure_is_named() {
        assert!(figures("{\"peer\":1}").unwrap_err().to_string().contains("line 1"));
    }
}
