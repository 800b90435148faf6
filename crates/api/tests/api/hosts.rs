//! What a web page of somebody else could send.

use reqwest::{Method, StatusCode};

use crate::support::{Api, Database};

const EVERYWHERE: [&str; 9] =
    ["/", "/page.css", "/health", "/ready", "/metrics", "/api/v1/status", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/nowhere"];

#[tokio::test]
async fn a_name_rebound_to_this_machine_is_refused_on_every_route() {
    let api = Api::start(Database::Sqlite).await;
    let (evil, bearer) = (format!("evil.test:{}", api.port), format!("Bearer {}", api.token.secret()));
    let origin = format!("http://{evil}");
    for path in EVERYWHERE {
        for headers in [
            vec![("Host", evil.as_str()), ("Origin", &origin)],
            vec![("Host", evil.as_str()), ("Relayed", "1"), ("X-Forwarded-Host", "localhost")],
        ] {
            let headers: Vec<_> = headers.into_iter().chain([("Authorization", bearer.as_str())]).collect();
            assert_eq!(api.raw_with("GET", path, &headers).await.status, 403, "{path}");
        }
    }
}

#[tokio::test]
async fn a_request_without_host_with_two_hosts_or_with_another_in_its_target_is_refused() {
    let api = Api::start(Database::Sqlite).await;
    let ours = format!("127.0.0.1:{}", api.port);
    assert_eq!(api.raw_with("GET", "/health", &[("Host", &ours)]).await.status, 200);
    for headers in [vec![], vec![("Host", ours.as_str()), ("Host", "evil.test")], vec![("Host", "127.0.0.1")], vec![("Host", "")]] {
        let status = api.raw_with("GET", "/health", &headers).await.status;
        assert!(matches!(status, 400 | 403), "{headers:?}: {status}");
    }
    assert_eq!(api.raw_with("GET", "http://evil.test/health", &[("Host", &ours)]).await.status, 403);
    assert_eq!(api.raw_with("GET", &format!("http://{ours}/health"), &[("Host", &ours)]).await.status, 200);
}

#[tokio::test]
async fn a_form_posted_from_another_site_makes_nothing() {
    let api = Api::start(Database::Sqlite).await;
    let body = r#"{"goal":"owned"}"#;
    let post =
        |content_type: &'static str| api.request(Method::POST, "/api/v1/assignments/run").header("Content-Type", content_type).body(body);
    for origin in ["http://evil.test", "null", "https://127.0.0.1", "http://localhost.evil.test", "file://"] {
        for content_type in ["text/plain", "application/json"] {
            let response = post(content_type).header("Origin", origin).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin} {content_type}");
        }
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
    ] {
        assert_eq!(post(content_type).send().await.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    let bare = api.request(Method::POST, "/api/v1/pause").send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (_, list) = api.get("/api/v1/assignments").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn a_page_this_server_serves_may_call_it_and_a_sandboxed_one_may_not() {
    let api = Api::start(Database::Sqlite).await;
    let ours = api.request(Method::GET, "/api/v1/status").header("Origin", format!("http://localhost:{}", api.port));
    assert_eq!(ours.send().await.expect("an answer").status(), StatusCode::OK);
    for origin in ["null", "http://localhost", "http://127.0.0.1:1"] {
        let other = api.request(Method::GET, "/api/v1/status").header("Origin", origin);
        assert_eq!(other.send().await.expect("an answer").status(), StatusCode::FORBIDDEN, "{origin}");
    }
}

#[tokio::test]
async fn a_websocket_from_another_site_is_refused_before_it_is_upgraded() {
    let api = Api::start(Database::Sqlite).await;
    let (ours, bearer) = (format!("localhost:{}", api.port), format!("Bearer {}", api.token.secret()));
    let upgrade = [
        ("Host", ours.as_str()),
        ("Authorization", bearer.as_str()),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "http://evil.test"),
    ];
    for path in EVERYWHERE {
        assert_eq!(api.raw_with("GET", path, &upgrade).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_preflight_is_never_told_that_another_site_may_call() {
    let api = Api::start(Database::Sqlite).await;
    let ours = format!("http://127.0.0.1:{}", api.port);
    for origin in ["http://localhost.evil.test", "http://127.0.0.1.evil.test", "http://evil.test", "null", ours.as_str()] {
        let preflight = api
            .request(Method::OPTIONS, "/api/v1/assignments/run")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        let response = preflight.send().await.expect("an answer");
        assert!(!response.status().is_success(), "{origin}");
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")), "{origin}");
    }
}

#[tokio::test]
async fn every_answer_forbids_scripts_framing_sniffing_and_referrers() {
    let api = Api::start(Database::Sqlite).await;
    for path in EVERYWHERE.into_iter().filter(|path| !path.ends_with("events")) {
        for request in [api.request(Method::GET, path), api.bare(Method::GET, path), api.bare(Method::GET, path).header("Origin", "null")] {
            let response = request.send().await.expect("an answer");
            let headers = response.headers();
            let policy = headers["content-security-policy"].to_str().expect("text");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
            // Only the page runs scripts, and only this server's own; none, where it is not part of the build.
            let scripts = policy.split(';').map(str::trim).find(|part| part.starts_with("script-src"));
            assert!(scripts.is_none_or(|scripts| path == "/" && scripts == "script-src 'self'"), "{path}: {policy}");
            assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        }
    }
}

#[tokio::test]
async fn markup_in_a_goal_comes_back_as_text_of_a_json_document() {
    let api = Api::start(Database::Sqlite).await;
    let goal = "<img src=x onerror=alert(1)> \u{1b}[31mred";
    let id = api.run(goal).await;
    let response = api.request(Method::GET, &format!("/api/v1/assignments/{id}")).send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let body: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(body["north_star"], goal);
    let missing = api.request(Method::GET, "/api/v1/<img src=x onerror=alert(1)>").send().await.expect("an answer");
    assert_eq!(missing.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn the_page_needs_no_token_and_brings_no_script_or_style_inline() {
    let api = Api::start(Database::Sqlite).await;
    let response = api.bare(Method::GET, "/").send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.expect("a page");
    // With the page built, or without it: then it says so.
    assert!(page.contains("<div id=\"root\">") || page.contains("/api/v1") && page.contains("not part of this build"), "{page}");
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("javascript:"), "{page}");
    for script in page.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').expect("the tag's end");
        assert!(tag.contains(" src=\"/") && rest.starts_with("</script>"), "{page}");
    }
}
