//! The event stream: in order, without gap or repeat, whoever writes and whoever reads slowly.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use windlass_api::Limits;

use crate::support::{Api, Database, Listener, PATIENCE, answer, limits, loopback, on_both};

on_both! {
    async fn a_listener_that_reconnects_again_and_again_misses_and_repeats_nothing(database: Database) {
        const WRITERS: usize = 4;
        const EACH: usize = 50;
        let api = Api::start(database).await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let request = api.request(Method::POST, "/api/v1/assignments/run").json(&json!({"goal": "write"}));
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        assert_eq!(request.try_clone().expect("a request").send().await.expect("an answer").status(), StatusCode::CREATED);
                    }
                })
            })
            .collect();
        let (mut last, mut seen, mut created) = (0, Vec::new(), 0);
        while created < WRITERS * EACH {
            let request = api.request(Method::GET, "/api/v1/events").header("Last-Event-ID", last.to_string());
            let mut listener = Listener::open(request).await;
            // A different number each time, so that the cut falls everywhere.
            for _ in 0..=seen.len() % 17 {
                if created == WRITERS * EACH {
                    break;
                }
                let told = listener.event().await.expect("an event");
                assert_eq!(told.id, told.data["seq"].as_i64());
                assert_eq!(told.kind, told.data["kind"].as_str().expect("a kind"));
                last = told.id.expect("a number");
                seen.push(last);
                created += usize::from(told.kind == "assignment.created");
            }
        }
        for writer in writers {
            writer.await.expect("written");
        }
        let wanted: Vec<i64> = (seen[0]..seen[0] + seen.len() as i64).collect();
        assert_eq!(seen, wanted, "every number, once, in order");
        assert_eq!(seen[0], 1);
    }

    async fn a_listener_cut_off_before_its_first_event_resumes_where_it_began(database: Database) {
        let api = Api::start(database).await;
        api.run("before").await;
        let mut listener = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
        let began = listener.message().await.expect("its place").id.expect("a number");
        drop(listener);
        let id = api.run("while nobody listened").await;
        let mut listener = Listener::open(api.request(Method::GET, "/api/v1/events").header("Last-Event-ID", began.to_string())).await;
        let told = listener.event().await.expect("an event");
        assert_eq!((told.id, told.kind.as_str()), (Some(began + 1), "assignment.created"));
        assert_eq!(told.data["assignment_id"], id.as_str());
    }

    async fn a_quiet_stream_says_that_it_is_alive_and_how_far_it_has_read(database: Database) {
        let api = Api::start(database).await;
        let mut listener = Listener::open(api.request(Method::GET, "/api/v1/events?kinds=engine.paused")).await;
        let began = listener.message().await.expect("its place").id.expect("a number");
        api.run("not of that kind").await;
        loop {
            let told = listener.message().await.expect("a heartbeat");
            assert_eq!(told.kind, "");
            if told.id.expect("a number") > began {
                break;
            }
        }
        api.post("/api/v1/pause", &json!({})).await;
        assert_eq!(listener.event().await.expect("an event").kind, "engine.paused");
    }

    async fn only_what_was_asked_for_is_told(database: Database) {
        let api = Api::start(database).await;
        let (mine, other) = (api.run("mine").await, api.run("other").await);
        let mut listener = Listener::open(api.request(Method::GET, &format!("/api/v1/events?assignment={other}&after=0"))).await;
        for _ in 0..2 {
            assert_eq!(listener.event().await.expect("an event").data["assignment_id"], other.as_str());
        }
        let list = |query: String| {
            let request = api.request(Method::GET, &format!("/api/v1/events?{query}")).header("Accept", "application/json");
            answer(request)
        };
        let (_, all) = list("after=0".to_owned()).await;
        let (_, page) = list("after=0&limit=1".to_owned()).await;
        assert_eq!(page["items"][0], all["items"][0]);
        assert_eq!(page["next_cursor"], "1");
        assert_eq!(all["next_cursor"], serde_json::Value::Null);
        let (status, by_limit) = api.get("/api/v1/events?after=1&limit=2").await;
        assert_eq!((status, by_limit["items"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)));
        let (_, mine_only) = list(format!("after=0&assignment={mine}&kinds=assignment.created")).await;
        assert_eq!(mine_only["items"].as_array().map(Vec::len), Some(1));
    }

    async fn a_place_in_the_stream_that_cannot_be_is_refused(database: Database) {
        let api = Api::start(database).await;
        api.run("a goal").await;
        for (id, wanted) in [("x", 400), ("", 400), ("1e3", 400), ("99999999999999999999", 400), ("-1", 409), ("9999", 409)] {
            let request = api.request(Method::GET, "/api/v1/events").header("Last-Event-ID", id);
            assert_eq!(request.send().await.expect("an answer").status().as_u16(), wanted, "{id:?}");
        }
        for query in ["kinds=job.nothing", "job=asg_1", "assignment=../..", "after=x", "token=x"] {
            assert_eq!(api.get(&format!("/api/v1/events?{query}")).await.0, StatusCode::BAD_REQUEST, "{query}");
        }
    }

    async fn a_listener_that_takes_nothing_is_dropped_and_neither_writers_nor_others_wait_for_it(database: Database) {
        // Far more than the kernel's and the server's buffers hold.
        const EVENTS: usize = 16_000;
        let api = Api::start_with(database, Limits { stall_timeout: Duration::from_secs(2), streams_max: 2, ..limits() }).await;
        let mut stuck = unread_stream(&api).await;
        let mut other = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
        let heard = tokio::spawn(async move {
            for _ in 0..EVENTS {
                other.event().await.expect("an event");
            }
        });
        let goals: Vec<_> = (0..500).map(|n| json!({ "goal": format!("goal {n}") })).collect();
        for _ in 0..EVENTS / 1000 {
            let (status, body) = api.post("/api/v1/assignments/run-many", &json!(goals)).await;
            assert_eq!(status, StatusCode::CREATED, "{:.300}", body.to_string());
        }
        heard.await.expect("the other listener heard all");
        // The other's place is free now, and the stuck one's as soon as it is dropped.
        let _third = api.stream_when_free().await;
        let _fourth = api.stream_when_free().await;
        let mut rest = Vec::new();
        let end = tokio::time::timeout(PATIENCE, stuck.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "nothing follows");
        let last = String::from_utf8_lossy(&rest).matches("event: ").count();
        assert!(last < EVENTS, "it was dropped before the end: {last}");
    }
}

/// A stream whose client reads nothing, over a connection with a small buffer.
async fn unread_stream(api: &Api) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a size");
    let mut io = socket.connect(loopback(api.port)).await.expect("a connection");
    let request = format!(
        "GET /api/v1/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\r\n",
        api.port,
        api.token.secret()
    );
    io.write_all(request.as_bytes()).await.expect("sent");
    io
}
