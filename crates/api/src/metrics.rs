//! The figures for Prometheus: on the API behind the token, and on a listener of their own that answers nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{self, HeaderMap};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;
use windlass_engine::WorkerStatus;

use windlass_intake::{FilesStatus, FilesWorker, LATENCY_BOUNDS_MS, Latency};
use windlass_telemetry::{FilesNow, FilesWorkerNow, Spread};
use windlass_types::{JobStatus, Timestamp};

use crate::guard::{self, Hosts};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The words of results: a rate needs a zero to begin with.
const RESULTS: [&str; 3] = ["completed", "failed", "dead"];

/// How much there is to do and was done, as plain counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkCounts {
    /// `ready`, `storage` while the database cannot be written, `stopping` or `recovering`.
    status: &'static str,
    /// Jobs that run.
    active_jobs: u64,
    /// Jobs that wait.
    queued_jobs: u64,
    /// Jobs whose work passed every gate.
    completed_jobs: u64,
    /// Jobs that were refused, or whose retries are spent.
    failed_jobs: u64,
    /// Jobs by status.
    jobs: BTreeMap<String, u64>,
    /// Assignments by status, operations among them.
    assignments: BTreeMap<String, u64>,
    /// Each worker's slots.
    workers: Vec<WorkerStatus>,
    /// When the daemon started.
    started_at: Timestamp,
}

async fn counts(app: &App) -> Answer<Json<WorkCounts>> {
    let now = app.engine()?.status().await?;
    let jobs = |words: &[JobStatus]| words.iter().filter_map(|word| now.jobs.get(word.as_str())).sum();
    Ok(Json(WorkCounts {
        status: match &now {
            now if now.storage_problem.is_some() => "storage",
            now if now.stopping => "stopping",
            now if now.ready => "ready",
            _ => "recovering",
        },
        active_jobs: jobs(&[JobStatus::Running]),
        queued_jobs: jobs(&[JobStatus::Queued]),
        completed_jobs: jobs(&[JobStatus::Succeeded]),
        failed_jobs: jobs(&[JobStatus::Failed, JobStatus::Dead]),
        jobs: now.jobs,
        assignments: now.assignments,
        workers: now.workers,
        started_at: now.started_at,
    }))
}

/// Shows how much there is to do and was done, as plain counts.
#[utoipa::path(get, path = "/status", operation_id = "show_counts", tag = "control", responses((status = 200, body = WorkCounts), Problem))]
pub(crate) async fn status(State(app): State<App>) -> Answer<Json<WorkCounts>> {
    counts(&app).await
}

/// Whether the caller reads JSON, and none of what Prometheus reads.
fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/plain") && !accept.contains("openmetrics")
}

/// Shows the figures in Prometheus' text format; for `Accept: application/json` as plain counts.
#[utoipa::path(get, path = "/metrics", tag = "control",
    responses((status = 200, content((String = "text/plain"), (WorkCounts = "application/json"))), Problem))]
pub(crate) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Answer<Response> {
    if !app.metrics {
        return Err(Problem::not_found("metrics are switched off").hint("set enable_metrics (ENABLE_METRICS) to true"));
    }
    if wants_json(&headers) {
        return Ok(counts(&app).await?.into_response());
    }
    let engine = app.engine()?;
    let newest = *engine.subscribe().borrow();
    let files = match app.files().and_then(windlass_intake::IntakeDuty::current) {
        Some(intake) => Some(files_now(&intake.status().await)),
        None => None,
    };
    let text = engine.metrics_text(app.readers.behind(newest), files).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn files_now(status: &FilesStatus) -> FilesNow {
    FilesNow {
        workers: status.workers.iter().map(files_worker_now).collect(),
        waiting: status.waiting,
        results_pending: status.results_pending,
        overflows: status.overflows,
        problem: status.problem.is_some(),
        detection: spread(status.workers.iter().map(|w| &w.detection)),
        intake: spread(status.workers.iter().map(|w| &w.intake)),
    }
}

/// The latencies of all workers together, in seconds.
fn spread<'a>(of_workers: impl Iterator<Item = &'a Latency>) -> Spread {
    let mut whole = Latency::default();
    for latency in of_workers {
        whole.sum_ms = whole.sum_ms.saturating_add(latency.sum_ms);
        for (all, of_worker) in whole.counts.iter_mut().zip(latency.counts) {
            *all += of_worker;
        }
    }
    Spread {
        bounds: LATENCY_BOUNDS_MS.iter().map(|ms| *ms as f64 / 1000.0).collect(),
        counts: whole.counts.to_vec(),
        sum: whole.sum_ms as f64 / 1000.0,
    }
}

fn files_worker_now(worker: &FilesWorker) -> FilesWorkerNow {
    let mut results = worker.results.clone();
    for word in RESULTS {
        results.entry(word.to_owned()).or_insert(0);
    }
    FilesWorkerNow {
        name: worker.name.clone(),
        taken: worker.taken,
        rejected: worker.rejected,
        results,
        live: worker.live,
        degraded: worker.degraded.is_some(),
        outside: worker.outside.map(|outside| (outside.active, outside.waiting)),
    }
}

/// The listener of its own: figures and nothing else, for whoever reaches it. No name or token of anybody is in them.
pub(crate) fn router(app: App, hosts: Hosts) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .fallback(|| async { Problem::not_found("only /metrics is here") })
        .layer(from_fn_with_state(Arc::new(hosts), guard::guard_figures))
        .layer(map_response(guard::harden))
        .with_state(app)
}
