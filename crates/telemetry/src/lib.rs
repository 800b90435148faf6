//! What operators see from outside: the figures for Prometheus, and traces.
//!
//! [`Metrics`] is what this process counts while it works; [`Now`] is what is looked up when somebody asks. [`Metrics::render`]
//! prints both. [`Traces`] sends what has ended to a collector.
//!
//! **Invariant:** every label's values are bounded: words of an enum, configured names, or the first so many that were seen.
//! **Invariant:** recording never fails, blocks or asks the store: it costs a few atomic additions.

mod bounded;
mod metrics;
mod now;
#[cfg_attr(not(feature = "otlp"), path = "no_traces.rs")]
mod traces;

use prometheus::core::Collector;

pub use metrics::{EndedStage, Metrics, Settlement};
pub use now::{BreakerNow, FilesNow, FilesWorkerNow, Now, Spread, WorkerNow};
pub use traces::Traces;

/// A family of figures, as the documents list it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What it says.
    pub help: String,
    /// Its labels, in order.
    pub labels: Vec<String>,
}

impl Family {
    fn of(metric: &impl Collector) -> impl Iterator<Item = Self> {
        metric.desc().into_iter().map(|d| Self { name: d.fq_name.clone(), help: d.help.clone(), labels: d.variable_labels.clone() })
    }
}
