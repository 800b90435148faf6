//! The figures for Prometheus.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use windlass_engine::Status;

use crate::problem::{Answer, Problem};
use crate::state::App;

/// Shows the figures in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "control", responses((status = 200, content_type = "text/plain", body = String), Problem))]
pub(crate) async fn metrics(State(app): State<App>) -> Answer<Response> {
    let text = text(&app.engine()?.status().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn text(status: &Status) -> String {
    let running: u32 = status.workers.iter().map(|worker| worker.running).sum();
    let mut text = String::new();
    family(&mut text, "windlass_up", "Whether recovery is over and jobs are claimed.", None, [("", u64::from(status.ready))]);
    family(&mut text, "windlass_running", "Jobs that run on this node.", None, [("", u64::from(running))]);
    family(&mut text, "windlass_jobs", "Jobs by status.", Some("status"), status.jobs.iter().map(|(word, n)| (word.as_str(), *n)));
    let assignments = status.assignments.iter().map(|(word, n)| (word.as_str(), *n));
    family(&mut text, "windlass_assignments", "Assignments by status.", Some("status"), assignments);
    let queued = status.workers.iter().map(|worker| (worker.name.as_str(), worker.queued));
    family(&mut text, "windlass_queued", "Jobs that wait, by worker.", Some("worker"), queued);
    text
}

fn family<'a>(text: &mut String, name: &str, help: &str, label: Option<&str>, values: impl IntoIterator<Item = (&'a str, u64)>) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (value, number) in values {
        let _ = match label {
            Some(label) => writeln!(text, "{name}{{{label}=\"{}\"}} {number}", escaped(value)),
            None => writeln!(text, "{name} {number}"),
        };
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_label() {
        let mut text = String::new();
        family(&mut text, "x", "X.", Some("worker"), [("a\"} 1\nfake 2", 3)]);
        assert_eq!(text, "# HELP x X.\n# TYPE x gauge\nx{worker=\"a\\\"} 1\\nfake 2\"} 3\n");
    }
}
