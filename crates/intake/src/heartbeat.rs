//! Heartbeats: one file for each worker, at every interval and at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_engine::WorkerStatus;
use windlass_types::{BreakerStatus, Timestamp};

use crate::figures::FilesWorker;
use crate::intake::Shared;
use crate::places::{Folder, Write};
use crate::result::{bytes, unix_seconds};

/// How long the store has to answer before a heartbeat says that it does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes heartbeats until the intake stops: also when it begins to, and at the end.
pub(crate) async fn run(shared: Arc<Shared>) {
    let every = Duration::from_secs(shared.config.heartbeat_interval_secs.max(1));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if !shared.may_write().await {
        return;
    }
    loop {
        let stopping = shared.closing.is_cancelled();
        beat(&shared, &host, stopping).await;
        tokio::select! {
            // Not every end is a stop: a node that does not reach the database gives the duty up too.
            () = shared.stop.cancelled() => return beat(&shared, &host, shared.engine.is_stopping()).await,
            () = shared.closing.cancelled(), if !stopping => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn beat(shared: &Arc<Shared>, host: &str, stopping: bool) {
    // A store that does not answer is no reason to look dead: the worker is degraded.
    let asked = async {
        let status = shared.engine.status().await.map_err(|e| e.to_string())?;
        Ok::<_, String>((status, shared.engine.breaker_of_workers().await.unwrap_or_default()))
    };
    let told = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("the database does not answer in time".to_owned()));
    let problem = told.as_ref().err().cloned().or_else(|| shared.engine.storage_problem());
    let (workers, breakers) = told.map(|(status, breakers)| (status.workers, breakers)).unwrap_or_default();
    let slots: BTreeMap<String, WorkerStatus> = workers.into_iter().map(|w| (w.name.clone(), w)).collect();
    let snapshot = shared.figures.snapshot();
    let problem = problem.or(snapshot.problem);
    let now = shared.clock.now();
    let files = snapshot.workers.iter().map(|worker| {
        let mut beat = heartbeat(worker, slots.get(&worker.name), problem.as_deref(), stopping, host, now);
        beat["circuit_breaker"] = breakers.get(&worker.name).map_or(BreakerStatus::Closed.as_str(), |breaker| breaker.as_str()).into();
        let bytes = bytes(&beat);
        Write::over(Folder::Heartbeats, None, format!("{}.json", worker.name), bytes)
    });
    let failed = shared.write(files.collect()).await.into_iter().find_map(Result::err);
    if let Some(e) = failed {
        tracing::warn!(error = %e, "heartbeats could not be written");
    }
}

fn heartbeat(
    worker: &FilesWorker,
    slots: Option<&WorkerStatus>,
    problem: Option<&str>,
    stopping: bool,
    host: &str,
    now: Timestamp,
) -> Value {
    let active = slots.map_or(0, |s| s.running);
    let problem = problem.or(worker.degraded.as_deref());
    let status = match () {
        () if stopping => "stopping",
        () if problem.is_some() => "degraded",
        () if active > 0 => "busy",
        () => "idle",
    };
    json!({
        "worker": worker.name,
        "timestamp": unix_seconds(now),
        "status": status,
        "problem": problem,
        "active_tasks": active,
        "max_concurrent": slots.map_or(0, |s| s.limit),
        "queue_size": slots.map_or(0, |s| s.queued),
        "pid": std::process::id(),
        "host": host,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_says_the_worst_that_is_true() {
        let slots = WorkerStatus { name: "marie".to_owned(), running: 1, limit: 3, queued: 2 };
        let status = |worker: &FilesWorker, problem: Option<&str>, stopping| {
            heartbeat(worker, Some(&slots), problem, stopping, "h", Timestamp(1500))["status"].clone()
        };
        let well = FilesWorker::default();
        let ill = FilesWorker { degraded: Some("full".to_owned()), ..FilesWorker::default() };
        assert_eq!(status(&well, None, false), "busy");
        assert_eq!(status(&ill, None, false), "degraded");
        assert_eq!(status(&well, Some("gone"), false), "degraded");
        assert_eq!(status(&ill, Some("gone"), true), "stopping");
        let idle = heartbeat(&well, None, None, false, "h", Timestamp(1500));
        assert_eq!(heartbeat(&ill, Some(&slots), None, false, "h", Timestamp(1500))["problem"], "full");
        assert_eq!((&idle["status"], &idle["timestamp"]), (&json!("idle"), &json!(1.5)));
    }
}
