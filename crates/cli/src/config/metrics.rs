//! Where the figures for Prometheus are shown.

use super::layers::{Layers, Origin};
use super::raw::RawFile;
use crate::failure::Result;

/// Whether and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricsSettings {
    /// Whether they are shown at all.
    pub(crate) enabled: bool,
    /// HOST:PORT of the listener that answers nothing else.
    pub(crate) listen: Option<String>,
}

/// The listener is opened where its port is named, and where task files are taken, whose watchers had one.
pub(super) fn read(l: &mut Layers<'_>, raw: &RawFile) -> Result<MetricsSettings> {
    let enabled = l.pick("enable_metrics", &["ENABLE_METRICS"], None, raw.enable_metrics, true)?;
    let host = l.pick("metrics_host", &["METRICS_HOST"], None, raw.metrics_host.clone(), "127.0.0.1".to_owned())?;
    let port = l.pick("metrics_port", &["METRICS_PORT"], None, raw.metrics_port, 9090)?;
    let named = l.shown.last().is_some_and(|shown| shown.origin != Origin::Default);
    let takes_files = raw.files.root.is_some() || ["WINDLASS_SHARED_DIR", "TASK_DIR"].iter().any(|name| l.env.text(name).is_some());
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    Ok(MetricsSettings { enabled, listen: (enabled && (named || takes_files)).then(|| format!("{host}:{port}")) })
}
