//! The figures.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Api, Database, Listener, answer, loopback, on_both};

async fn scrape(api: &Api) -> String {
    let (status, text) = api.get("/metrics").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    text.as_str().expect("text").to_owned()
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "no line {line:?} in:\n{text}");
}

on_both! {
    async fn the_figures_show_what_waits_and_why(database: Database) {
        let api = Api::start(database).await;
        api.run("a goal").await;
        let text = scrape(&api).await;
        has(&text, "windlass_jobs{status=\"queued\"} 1");
        has(&text, "windlass_assignments{status=\"active\"} 1");
        has(&text, "windlass_jobs_held{kind=\"no_worker\"} 1");
        has(&text, "windlass_jobs_held{kind=\"paused\"} 0");
        has(&text, "windlass_jobs_held{kind=\"not_looked_at\"} 0");
        has(&text, "windlass_paused 0");
        has(&text, "windlass_stopping 0");
        has(&text, "windlass_jobs{status=\"dead\"} 0");
        assert_eq!(api.post("/api/v1/pause", &json!({})).await.0, StatusCode::OK);
        has(&scrape(&api).await, "windlass_paused 1");
    }

    async fn a_reader_of_the_live_stream_is_counted_while_it_listens(database: Database) {
        let api = Api::start(database).await;
        let mut listener = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
        api.run("a goal").await;
        listener.event().await.expect("an event");
        let text = scrape(&api).await;
        has(&text, "windlass_event_streams 1");
        assert!(!text.contains("windlass_event_delivery_seconds_count 0"), "{text}");
        drop(listener);
        while !scrape(&api).await.contains("windlass_event_streams 0") {
            tokio::task::yield_now().await;
        }
    }

    async fn a_listener_of_their_own_shows_the_figures_to_who_calls_it_by_address_and_nothing_else(database: Database) {
        let api = Api::without_engine(database, crate::support::limits()).await;
        let address = api.bound.serve_metrics(loopback(0)).await.expect("a second listener");
        let get = |path: &str| answer(api.client.get(format!("http://{address}{path}")).header("Host", "10.1.2.3:9090"));
        assert_eq!(get("/metrics").await.0, StatusCode::SERVICE_UNAVAILABLE, "there is no engine yet");
        api.attach_engine().await;
        let (status, text) = get("/metrics").await;
        assert_eq!(status, StatusCode::OK);
        has(text.as_str().expect("text"), "# TYPE windlass_ready gauge");
        for path in ["/", "/health", "/api/v1/status", "/api/v1/openapi.json", "/metrics/"] {
            assert_eq!(get(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        for (name, value) in [("Host", "rebound.test"), ("Host", "10.1.2.3.rebound.test:9090"), ("Origin", "http://evil.test")] {
            let foreign = api.client.get(format!("http://{address}/metrics")).header(name, value);
            assert_eq!(answer(foreign).await.0, StatusCode::FORBIDDEN, "{name}: {value}");
        }
        let posted = api.client.post(format!("http://{address}/metrics")).send().await.expect("an answer");
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert!(api.bound.serve_metrics(address).await.is_err(), "the port is taken");
    }

    async fn every_family_is_described_once_and_named_as_prometheus_wants_it(database: Database) {
        let api = Api::start(database).await;
        let text = scrape(&api).await;
        let described: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("# HELP ")?.split(' ').next()).collect();
        assert_eq!(described.len(), described.iter().collect::<BTreeSet<_>>().len(), "{described:?}");
        for line in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').expect("a type");
            assert!(name.starts_with("windlass_") || name.starts_with("watcher_"), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        }
    }
}
