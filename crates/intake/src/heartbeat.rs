//! Heartbeats: one file for each worker, at every interval and at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use windlass_engine::WorkerFigures;
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
    let named: Vec<_> = shared.workers().iter().map(|worker| (worker.name.clone(), worker.harness)).collect();
    let asked = async { shared.engine.worker_figures(named).await.map_err(|e| e.to_string()) };
    let told = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("the database does not answer in time".to_owned()));
    let problem = told.as_ref().err().cloned().or_else(|| shared.engine.storage_problem());
    let snapshot = tokio::time::timeout(PATIENCE, shared.status()).await.unwrap_or_else(|_| shared.figures.snapshot());
    let all = Told { figures: told.ok(), problem: problem.or(snapshot.problem), stopping, host, now: shared.clock.now() };
    let files = snapshot.workers.iter().map(|worker| {
        let max = shared.worker(&worker.name).map_or(0, |worker| worker.max_concurrent_tasks);
        Write::over(Folder::Heartbeats, None, format!("{}.json", worker.name), bytes(&heartbeat(worker, max, &all)))
    });
    let failed = shared.write(files.collect()).await.into_iter().find_map(Result::err);
    if let Some(e) = failed {
        tracing::warn!(error = %e, "heartbeats could not be written");
    }
}

/// What is said in all heartbeats.
struct Told<'a> {
    /// Each worker's; none when the store did not tell.
    figures: Option<BTreeMap<String, WorkerFigures>>,
    problem: Option<String>,
    stopping: bool,
    host: &'a str,
    now: Timestamp,
}

/// `max_outside`: how many tasks its executor may have at once, where an outside one does the work.
fn heartbeat(worker: &FilesWorker, max_outside: u32, all: &Told<'_>) -> Value {
    let figures = all.figures.as_ref().and_then(|figures| figures.get(&worker.name));
    let running = figures.map_or(0, |f| u64::from(f.running));
    let queued = figures.map_or(0, |f| f.queued);
    // Jobs that somebody submits for it by name are the nodes' to run, whoever does its files.
    let (active, queued, max) = match worker.outside {
        Some(outside) => (outside.active + running, outside.waiting + queued, Some(max_outside)),
        None => (running, queued, figures.map_or(Some(0), |f| f.limit)),
    };
    let problem = all.problem.clone().or_else(|| worker.degraded.clone());
    let problem = problem.or_else(|| max.is_none().then(|| format!("no living node runs jobs of worker {}", worker.name)));
    let status = match () {
        () if all.stopping => "stopping",
        () if problem.is_some() => "degraded",
        () if active > 0 => "busy",
        () => "idle",
    };
    // An agent of ours runs nothing of what an outside executor does.
    let breaker = figures.filter(|_| worker.outside.is_none()).map_or(BreakerStatus::Closed, |f| f.breaker);
    json!({
        "worker": worker.name,
        "timestamp": unix_seconds(all.now),
        "status": status,
        "problem": problem,
        "active_tasks": active,
        "max_concurrent": max.unwrap_or(0),
        "queue_size": queued,
        "circuit_breaker": breaker.as_str(),
        "pid": std::process::id(),
        "host": all.host,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Outside;

    fn told(figures: Option<WorkerFigures>) -> Told<'static> {
        let figures = figures.map(|figures| BTreeMap::from([("marie".to_owned(), figures)]));
        Told { figures, problem: None, stopping: false, host: "h", now: Timestamp(1500) }
    }

    fn marie() -> FilesWorker {
        FilesWorker { name: "marie".to_owned(), ..FilesWorker::default() }
    }

    const BUSY: WorkerFigures = WorkerFigures { running: 1, limit: Some(3), queued: 2, breaker: BreakerStatus::Open };

    #[test]
    fn a_heartbeat_says_the_worst_that_is_true() {
        let status = |worker: &FilesWorker, problem: Option<&str>, stopping| {
            let all = Told { problem: problem.map(str::to_owned), stopping, ..told(Some(BUSY)) };
            heartbeat(worker, 0, &all)["status"].clone()
        };
        let ill = FilesWorker { degraded: Some("full".to_owned()), ..marie() };
        assert_eq!(status(&marie(), None, false), "busy");
        assert_eq!(status(&ill, None, false), "degraded");
        assert_eq!(status(&marie(), Some("gone"), false), "degraded");
        assert_eq!(status(&ill, Some("gone"), true), "stopping");
        let idle = heartbeat(&marie(), 0, &told(None));
        assert_eq!(heartbeat(&ill, 0, &told(Some(BUSY)))["problem"], "full");
        assert_eq!((&idle["status"], &idle["timestamp"]), (&json!("idle"), &json!(1.5)));
    }

    #[test]
    fn a_heartbeat_tells_of_the_worker_wherever_its_jobs_run_and_of_an_executor_what_it_has() {
        let figures = |beat: &Value| ["active_tasks", "max_concurrent", "queue_size"].map(|of| beat[of].as_u64().unwrap_or(99));
        let beat = heartbeat(&marie(), 7, &told(Some(BUSY)));
        assert_eq!((figures(&beat), &beat["circuit_breaker"]), ([1, 3, 2], &json!("open")));
        let nobody =
            heartbeat(&marie(), 7, &told(Some(WorkerFigures { running: 0, limit: None, queued: 2, breaker: BreakerStatus::Closed })));
        assert_eq!((figures(&nobody), &nobody["status"]), ([0, 0, 2], &json!("degraded")));
        assert!(nobody["problem"].as_str().is_some_and(|why| why.contains("no living node")), "{nobody}");
        let hybrid = FilesWorker { outside: Some(Outside { active: 4, waiting: 5 }), ..marie() };
        let none = WorkerFigures { running: 0, limit: None, queued: 0, breaker: BreakerStatus::Open };
        let beat = heartbeat(&hybrid, 7, &told(Some(none)));
        assert_eq!((figures(&beat), &beat["status"], &beat["circuit_breaker"]), ([4, 7, 5], &json!("busy"), &json!("closed")));
    }
}
