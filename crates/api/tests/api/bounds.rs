//! Bounds: what is too large, too slow or too much, and that others do not feel it.

use std::time::Duration;

use reqwest::{Body, Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use windlass_api::Limits;

use crate::support::{Api, Database, PATIENCE, answer, limits, loopback};

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_it_is_read() {
    let api = Api::start(Database::Sqlite).await;
    let (host, bearer) = (format!("127.0.0.1:{}", api.port), format!("Bearer {}", api.token.secret()));
    let headers = [
        ("Host", host.as_str()),
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Content-Length", "104857600"),
        ("Expect", "100-continue"),
    ];
    let answer = api.raw_with("POST", "/api/v1/assignments/run", &headers).await;
    assert_eq!(answer.status, 413, "{}", answer.head);
    assert!(answer.body.contains("too-large"), "{}", answer.body);
}

#[tokio::test]
async fn a_client_that_sends_too_much_at_once_is_told_so() {
    let api = Api::start(Database::Sqlite).await;
    for megabytes in [5, 64] {
        let request = api.request(Method::POST, "/api/v1/assignments/run").header("Content-Type", "application/json");
        let (status, _) = answer(request.body(vec![b' '; megabytes * 1024 * 1024])).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{megabytes} MiB");
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_at_the_bound() {
    let api = Api::start_with(Database::Sqlite, Limits { body_bytes_max: 1000, ..limits() }).await;
    let chunks = futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100])));
    let request = api.request(Method::POST, "/api/v1/assignments/run").header("Content-Type", "application/json");
    assert_eq!(answer(request.body(Body::wrap_stream(chunks))).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let goal = "x".repeat(900);
    assert_eq!(api.post("/api/v1/assignments/run", &json!({ "goal": goal })).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn json_that_is_deep_wide_broken_or_says_a_thing_twice_is_refused() {
    let api = Api::start(Database::Sqlite).await;
    let deep = format!(r#"{{"goal":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let deep_budget = format!(r#"{{"goal":"g","budget":{}1{}}}"#, r#"{"runs":"#.repeat(100_000), "}".repeat(100_000));
    let wide = format!("{{{}}}", (0..200_000).map(|n| format!(r#""k{n}":1"#)).collect::<Vec<_>>().join(","));
    for body in
        [deep.as_str(), &deep_budget, &wide, r#"{"goal":"#, "", "[]", "null", r#"{"goal":"ok","goal":"evil"}"#, r#"{"goal":"g"} {}"#]
    {
        let request = api.request(Method::POST, "/api/v1/assignments/run").header("Content-Type", "application/json").body(body.to_owned());
        let (status, problem) = answer(request).await;
        assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY), "{status} {body:.80}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() < 4000), "{problem}");
    }
    let (_, list) = api.get("/api/v1/assignments").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0));
}

/// Connections that say they want something and never finish saying it.
async fn dawdlers(api: &Api, count: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..count {
        let mut io = TcpStream::connect(loopback(api.port)).await.expect("a connection");
        io.write_all(b"GET /health HTTP/1.1\r\nHost: 127").await.expect("sent");
        open.push(io);
    }
    open
}

#[tokio::test]
async fn at_the_bound_of_connections_the_oldest_dawdler_gives_way_to_a_newcomer() {
    let api = Api::start_with(Database::Sqlite, Limits { connections_max: 8, header_timeout: Duration::from_mins(10), ..limits() }).await;
    let mut open = dawdlers(&api, 8).await;
    for _ in 0..3 {
        assert_eq!(answer(api.bare(Method::GET, "/health").header("Connection", "close")).await.0, StatusCode::OK);
    }
    let mut gone = String::new();
    let oldest = tokio::time::timeout(PATIENCE, open[0].read_to_string(&mut gone)).await.expect("it is closed");
    assert!(oldest.is_err() || gone.is_empty());
}

/// Sign-ins whose body does not come, each taken up by the server.
async fn half_sign_ins(api: &Api, count: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..count {
        let mut io = TcpStream::connect(loopback(api.port)).await.expect("a connection");
        let head = format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
            api.port
        );
        io.write_all(head.as_bytes()).await.expect("sent");
        let mut go_on = [0; 12];
        tokio::time::timeout(PATIENCE, io.read_exact(&mut go_on)).await.expect("in time").expect("an answer");
        assert_eq!(&go_on, b"HTTP/1.1 100");
        open.push(io);
    }
    open
}

#[tokio::test]
async fn sign_ins_that_are_half_sent_keep_nobody_out() {
    let api = Api::start_with(Database::Sqlite, Limits { connections_max: 8, body_timeout: Duration::from_mins(10), ..limits() }).await;
    let _open = half_sign_ins(&api, 8).await;
    for _ in 0..3 {
        assert_eq!(answer(api.request(Method::GET, "/api/v1/status").header("Connection", "close")).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_connection_on_which_a_person_is_answered_does_not_give_way() {
    let api = Api::start_with(Database::Sqlite, Limits { connections_max: 4, ..limits() }).await;
    let mut listener = crate::support::Listener::open(api.request(Method::GET, "/api/v1/events")).await;
    assert!(listener.message().await.is_some());
    let _open = dawdlers(&api, 16).await;
    api.run("a goal").await;
    assert_eq!(listener.event().await.expect("an event").kind, "assignment.created");
}

#[tokio::test]
async fn headers_that_do_not_arrive_in_time_end_the_connection() {
    let api = Api::start_with(Database::Sqlite, Limits { header_timeout: Duration::from_millis(200), ..limits() }).await;
    let mut open = dawdlers(&api, 1).await;
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, open[0].read_to_end(&mut rest)).await;
    assert!(end.is_ok(), "it is closed");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_answered_with_a_timeout() {
    let api = Api::start_with(Database::Sqlite, Limits { body_timeout: Duration::from_millis(200), ..limits() }).await;
    let (host, bearer) = (format!("127.0.0.1:{}", api.port), format!("Bearer {}", api.token.secret()));
    let headers =
        [("Host", host.as_str()), ("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Content-Length", "100")];
    assert_eq!(api.raw_with("POST", "/api/v1/assignments/run", &headers).await.status, 408);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_answers_at_once_while_many_write_listen_and_dawdle() {
    let api = Api::start(Database::Sqlite).await;
    let _dawdlers = dawdlers(&api, 600).await;
    let mut listeners = Vec::new();
    for _ in 0..50 {
        listeners.push(crate::support::Listener::open(api.request(Method::GET, "/api/v1/events")).await);
    }
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let request = api.request(Method::POST, "/api/v1/assignments/run").json(&json!({"goal": "load"}));
            tokio::spawn(async move {
                for _ in 0..100 {
                    let again = request.try_clone().expect("a request");
                    assert_eq!(again.send().await.expect("an answer").status(), StatusCode::CREATED);
                }
            })
        })
        .collect();
    let mut taken = Vec::new();
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) || taken.len() < 20 {
        let before = Instant::now();
        assert_eq!(answer(api.bare(Method::GET, "/health")).await.0, StatusCode::OK);
        taken.push(before.elapsed());
    }
    for writer in writers {
        writer.await.expect("written");
    }
    taken.sort();
    let median = taken[taken.len() / 2];
    assert!(median < Duration::from_millis(50), "median {median:?} of {}", taken.len());
}

#[tokio::test]
async fn streams_are_bounded_and_the_next_is_told_to_come_again() {
    let api = Api::start_with(Database::Sqlite, Limits { streams_max: 2, ..limits() }).await;
    let first = crate::support::Listener::open(api.request(Method::GET, "/api/v1/events")).await;
    let _second = crate::support::Listener::open(api.request(Method::GET, "/api/v1/events")).await;
    let third = api.request(Method::GET, "/api/v1/events").send().await.expect("an answer");
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!(api.get("/api/v1/status").await.0, StatusCode::OK);
    drop(first);
    let _first_again = api.stream_when_free().await;
}
