//! The figures for Prometheus: on the API behind the token, and on a listener of their own that answers nothing else.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use windlass_intake::{FilesStatus, FilesWorker, LATENCY_BOUNDS_MS, Latency};
use windlass_telemetry::{FilesNow, FilesWorkerNow, Spread};

use crate::guard;
use crate::problem::{Answer, Problem};
use crate::state::App;

/// The words of results: a rate needs a zero to begin with.
const RESULTS: [&str; 3] = ["completed", "failed", "dead"];

/// Shows the figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "control", responses((status = 200, content_type = "text/plain", body = String), Problem))]
pub(crate) async fn metrics(State(app): State<App>) -> Answer<Response> {
    if !app.metrics {
        return Err(Problem::not_found("metrics are switched off").hint("set enable_metrics (ENABLE_METRICS) to true"));
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
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .fallback(|| async { Problem::not_found("only /metrics is here") })
        .layer(map_response(guard::harden))
        .with_state(app)
}
