//! Users, sessions, tokens and roles: who may do what, and that it is written down.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use windlass_types::JobType;

use crate::support::{Api, Database, Listener, answer, on_both};

/// A browser: keeps its cookie and its page's key, and says where its requests come from.
pub(crate) struct Browser<'a> {
    pub(crate) api: &'a Api,
    pub(crate) cookie: Option<String>,
    pub(crate) page_key: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) async fn sign_in(api: &'a Api, with: &Value) -> (StatusCode, Value, Self) {
        let mut browser = Browser { api, cookie: None, page_key: None };
        let response = browser.request(Method::POST, "/api/v1/session").json(with).send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        browser.cookie = cookie(&headers);
        let me: Value = response.json().await.unwrap_or(Value::Null);
        browser.page_key = me["page_key"].as_str().map(str::to_owned);
        (status, me, browser)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.api.bare(method, path).header("Origin", &self.api.url).header("Sec-Fetch-Site", "same-origin");
        match (&self.cookie, &self.page_key) {
            (Some(cookie), Some(key)) => request.header("Cookie", cookie).header("X-Windlass-Page-Key", key),
            _ => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let set = headers.get("set-cookie").map(HeaderValue::to_str)?.expect("text");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    set.split(';').next().map(str::to_owned)
}

pub(crate) async fn token(api: &Api, name: &str, scope: &str, assignment: Option<&str>) -> (String, String) {
    let (status, made) = api.post("/api/v1/tokens", &json!({ "name": name, "scope": scope, "assignment_id": assignment })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    (made["secret"].as_str().expect("a secret").to_owned(), made["id"].as_str().expect("an id").to_owned())
}

pub(crate) async fn user(api: &Api, name: &str, role: &str) -> Value {
    let (status, made) = api.post("/api/v1/users", &json!({ "name": name, "role": role, "password": format!("password of {name}") })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

/// The audit log's lines of this action, as soon as there are so many.
pub(crate) async fn audited(api: &Api, action: &str, count: usize) -> Vec<Value> {
    let found = windlass_testkit::wait::eventually(crate::support::PATIENCE, || async {
        let (_, page) = api.get(&format!("/api/v1/audit?action={action}&limit=500")).await;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        (items.len() >= count).then_some(items)
    });
    found.await.expect("audited")
}

on_both! {
    async fn a_login_link_signs_one_browser_in_once(database: Database) {
        let api = Api::start(database).await;
        let (status, link) = api.post("/api/v1/login-links", &json!({})).await;
        assert_eq!(status, StatusCode::CREATED, "{link}");
        let code = link["path"].as_str().and_then(|path| path.strip_prefix("/login#")).expect("a code in the fragment").to_owned();
        let (status, me, browser) = Browser::sign_in(&api, &json!({ "code": code })).await;
        assert_eq!((status, &me["scope"], &me["via"]), (StatusCode::OK, &json!("admin"), &json!("session")));
        assert_eq!(browser.get("/api/v1/status").await.0, StatusCode::OK);
        let (again, problem, nobody) = Browser::sign_in(&api, &json!({ "code": code })).await;
        assert_eq!((again, nobody.cookie.is_none()), (StatusCode::UNAUTHORIZED, true), "{problem}");
        let gone = browser.request(Method::DELETE, "/api/v1/session").header("Content-Type", "application/json").send().await.expect("an answer");
        assert_eq!(gone.status(), StatusCode::NO_CONTENT);
        assert!(gone.headers()["set-cookie"].to_str().is_ok_and(|set| set.contains("Max-Age=0")));
        assert_eq!(browser.get("/api/v1/status").await.0, StatusCode::UNAUTHORIZED, "signed out everywhere");
    }

    async fn many_who_take_one_login_link_at_once_are_let_in_once(database: Database) {
        let api = Api::start(database).await;
        let (_, link) = api.post("/api/v1/login-links", &json!({})).await;
        let code = link["path"].as_str().and_then(|path| path.strip_prefix("/login#")).expect("a code");
        let with = json!({ "code": code });
        let all = (0..8).map(|_| async { Browser::sign_in(&api, &with).await.0 });
        let signed: usize = futures_util::future::join_all(all).await.into_iter().filter(|status| *status == StatusCode::OK).count();
        assert_eq!(signed, 1);
    }

    async fn a_user_signs_in_with_a_password_and_may_do_what_the_role_says(database: Database) {
        let api = Api::start(database).await;
        for (name, role) in [("vera", "viewer"), ("omar", "operator"), ("ada", "admin")] {
            user(&api, name, role).await;
        }
        let (status, problem, _) = Browser::sign_in(&api, &json!({ "name": "vera", "password": "password of omar" })).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{problem}");
        let (unknown, same, _) = Browser::sign_in(&api, &json!({ "name": "nobody", "password": "password of omar" })).await;
        assert_eq!((unknown, &same["detail"]), (StatusCode::UNAUTHORIZED, &problem["detail"]), "it does not say who there is");
        // What each may: look, give work, make tokens.
        for (name, may) in [("vera", [200, 403, 403]), ("omar", [200, 201, 403]), ("ada", [200, 201, 201])] {
            let (status, me, browser) = Browser::sign_in(&api, &json!({ "name": name, "password": format!("password of {name}") })).await;
            assert_eq!((status, &me["user"]), (StatusCode::OK, &json!(name)), "{me}");
            let did = [
                browser.get("/api/v1/work").await.0.as_u16(),
                browser.post("/api/v1/assignments/run", &json!({ "goal": "a goal" })).await.0.as_u16(),
                browser.post("/api/v1/tokens", &json!({ "name": format!("of-{name}"), "scope": "read" })).await.0.as_u16(),
            ];
            assert_eq!(did, may, "{name}");
        }
        let lines = audited(&api, "run", 3).await;
        let who: Vec<(&str, i64)> = lines.iter().rev().map(|line| (line["who"].as_str().expect("who"), line["status"].as_i64().expect("a status"))).collect();
        assert_eq!(who, [("vera", 403), ("omar", 201), ("ada", 201)]);
    }

    async fn nobody_is_named_as_events_and_the_audit_log_call_others(database: Database) {
        let api = Api::start(database).await;
        for name in ["nobody", "owner", "agent", "system", "person", "token", "Person", "windlass", "pm", "token ci", "agent job_1"] {
            let (status, problem) = api.post("/api/v1/users", &json!({ "name": name, "role": "viewer", "password": "long enough" })).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {problem}");
        }
        assert_eq!(api.get("/api/v1/users").await.1["items"], json!([]));
        user(&api, "nobodys", "viewer").await;
    }

    async fn a_link_opens_no_more_than_it_says_and_no_more_than_its_maker_may(database: Database) {
        let api = Api::start(database).await;
        user(&api, "ada", "admin").await;
        let (_, _, ada) = Browser::sign_in(&api, &json!({ "name": "ada", "password": "password of ada" })).await;
        let (status, link) = ada.post("/api/v1/login-links", &json!({ "scope": "read" })).await;
        assert_eq!(status, StatusCode::CREATED, "{link}");
        let code = link["path"].as_str().and_then(|path| path.strip_prefix("/login#")).expect("a code");
        let (_, me, lent) = Browser::sign_in(&api, &json!({ "code": code })).await;
        assert_eq!((&me["scope"], &me["user"]), (&json!("read"), &json!("ada")));
        assert_eq!(lent.post("/api/v1/tokens", &json!({ "name": "mine", "scope": "admin" })).await.0, StatusCode::FORBIDDEN);
        assert_eq!(lent.post("/api/v1/pause", &json!({})).await.0, StatusCode::FORBIDDEN);
        // What a token could make would outlive the token.
        let (secret, _) = token(&api, "bot", "admin", None).await;
        let (status, problem) = answer(api.with(&secret, Method::POST, "/api/v1/login-links").json(&json!({}))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    }

    async fn a_stream_ends_with_the_token_session_or_user_that_it_was_opened_with(database: Database) {
        let api = Api::start(database).await;
        user(&api, "vera", "viewer").await;
        let sign_in = json!({ "name": "vera", "password": "password of vera" });
        let (_, _, first) = Browser::sign_in(&api, &sign_in).await;
        let (_, _, second) = Browser::sign_in(&api, &sign_in).await;
        let (secret, id) = token(&api, "reader", "read", None).await;
        let mut by_token = Listener::open(api.with(&secret, Method::GET, "/api/v1/events")).await;
        let mut by_session = Listener::open(first.request(Method::GET, "/api/v1/events")).await;
        let mut by_user = Listener::open(second.request(Method::GET, "/api/v1/work/events")).await;
        let mut owner = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
        let json = |request: RequestBuilder| request.header("Content-Type", "application/json");
        let out = [
            json(api.request(Method::DELETE, &format!("/api/v1/tokens/{id}"))),
            json(first.request(Method::DELETE, "/api/v1/session")),
            api.request(Method::PATCH, "/api/v1/users/vera").json(&json!({ "disabled": true })),
        ];
        for request in out {
            assert!(request.send().await.expect("an answer").status().is_success());
        }
        for (who, listener) in [("token", &mut by_token), ("session", &mut by_session), ("user", &mut by_user)] {
            assert!(listener.event().await.is_none(), "{who}");
        }
        api.run("a goal").await;
        assert!(owner.event().await.is_some(), "others listen on");
    }

    async fn channels_are_seen_by_who_reads_and_tried_by_admins(database: Database) {
        let api = Api::start(database).await;
        for (name, role, tried) in [("vera", "viewer", 403), ("omar", "operator", 403), ("ada", "admin", 404)] {
            user(&api, name, role).await;
            let (_, _, browser) = Browser::sign_in(&api, &json!({ "name": name, "password": format!("password of {name}") })).await;
            let (status, all) = browser.get("/api/v1/notifications").await;
            assert_eq!((status, all), (StatusCode::OK, json!({ "channels": [], "recent": [] })), "{name}");
            let (status, problem) = browser.post("/api/v1/notifications/test", &json!({ "channel": "ops" })).await;
            assert_eq!(status.as_u16(), tried, "{name}: {problem}");
        }
    }

    async fn a_change_of_role_counts_at_once_and_a_new_password_ends_the_sessions(database: Database) {
        let api = Api::start(database).await;
        user(&api, "omar", "operator").await;
        let sign_in = json!({ "name": "omar", "password": "password of omar" });
        let (_, _, browser) = Browser::sign_in(&api, &sign_in).await;
        let patch = async |body: Value| answer(api.request(Method::PATCH, "/api/v1/users/omar").json(&body)).await;
        assert_eq!(patch(json!({ "role": "viewer" })).await.0, StatusCode::OK);
        assert_eq!(browser.post("/api/v1/pause", &json!({})).await.0, StatusCode::FORBIDDEN);
        assert_eq!(browser.get("/api/v1/status").await.0, StatusCode::OK);
        assert_eq!(patch(json!({ "password": "another password" })).await.0, StatusCode::OK);
        assert_eq!(browser.get("/api/v1/status").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(Browser::sign_in(&api, &sign_in).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(patch(json!({ "disabled": true })).await.0, StatusCode::OK);
        let now = json!({ "name": "omar", "password": "another password" });
        assert_eq!(Browser::sign_in(&api, &now).await.0, StatusCode::UNAUTHORIZED, "kept out");
        let removed = api.request(Method::DELETE, "/api/v1/users/omar").header("Content-Type", "application/json").send().await.expect("an answer");
        assert_eq!(removed.status(), StatusCode::NO_CONTENT);
        assert_eq!(api.get("/api/v1/users").await.1["items"], json!([]));
    }

    async fn a_token_opens_what_its_scope_says_until_it_is_revoked_or_over(database: Database) {
        let api = Api::start(database).await;
        for (scope, may) in [("read", [200, 403, 403]), ("operate", [200, 201, 403]), ("admin", [200, 201, 200])] {
            let (secret, id) = token(&api, scope, scope, None).await;
            let with = |method, path: &str| api.with(&secret, method, path);
            let did = [
                answer(with(Method::GET, "/api/v1/work")).await.0.as_u16(),
                answer(with(Method::POST, "/api/v1/assignments/run").json(&json!({ "goal": "a goal" }))).await.0.as_u16(),
                answer(with(Method::GET, "/api/v1/audit")).await.0.as_u16(),
            ];
            assert_eq!(did, may, "{scope}");
            let revoke = api.request(Method::DELETE, &format!("/api/v1/tokens/{id}")).header("Content-Type", "application/json");
            let (status, revoked) = answer(revoke).await;
            assert!(status == StatusCode::OK && revoked["revoked_at"].is_string(), "{revoked}");
            assert_eq!(answer(with(Method::GET, "/api/v1/work")).await.0, StatusCode::UNAUTHORIZED);
        }
        let (_, list) = api.get("/api/v1/tokens").await;
        assert_eq!(list["items"].as_array().map(Vec::len), Some(3));
        assert!(!list.to_string().contains("wlt_"), "no secret is ever shown again");
        // The same name again, since the first is revoked; but not twice.
        token(&api, "read", "read", None).await;
        let (status, _) = api.post("/api/v1/tokens", &json!({ "name": "read", "scope": "read" })).await;
        assert_eq!(status, StatusCode::CONFLICT);
        for wrong in [json!({ "name": "-rf", "scope": "read" }), json!({ "name": "x", "scope": "assignment" }), json!({ "name": "x", "scope": "read", "expires_in_secs": 0 })] {
            assert_eq!(api.post("/api/v1/tokens", &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    }

    async fn a_token_of_one_assignment_opens_nothing_else(database: Database) {
        let api = Api::start(database).await;
        let (own, other) = (api.run("own").await, api.run("other").await);
        let (secret, _) = token(&api, "ci", "assignment", Some(&own)).await;
        let get = async |path: String| answer(api.with(&secret, Method::GET, &path)).await.0.as_u16();
        assert_eq!(get(format!("/api/v1/assignments/{own}")).await, 200);
        assert_eq!(get(format!("/api/v1/events?limit=5&assignment={own}")).await, 200);
        for path in [format!("/api/v1/assignments/{other}"), "/api/v1/work".to_owned(), "/api/v1/status".to_owned(), format!("/api/v1/events?limit=5&assignment={other}")] {
            assert_eq!(get(path.clone()).await, 403, "{path}");
        }
        let cancel = async |id: &str| answer(api.with(&secret, Method::POST, &format!("/api/v1/assignments/{id}/cancel")).json(&json!({}))).await.0.as_u16();
        assert_eq!((cancel(&other).await, cancel(&own).await), (403, 200));
        let (_, events) = api.get(&format!("/api/v1/events?limit=50&assignment={own}")).await;
        assert!(events.to_string().contains("token ci"), "the events say who: {events}");
    }

    async fn an_agent_changes_nothing_of_its_assignment_and_signs_nobody_in(database: Database) {
        let api = Api::start(database).await;
        let place = api.agent(JobType::Implement).await;
        let (status, me) = answer(api.with(&place.token, Method::GET, "/api/v1/me")).await;
        assert_eq!((status, &me["via"], &me["scope"]), (StatusCode::OK, &json!("agent"), &json!("assignment")));
        let cancel = api.with(&place.token, Method::POST, &format!("/api/v1/assignments/{}/cancel", place.assignment)).json(&json!({}));
        assert_eq!(answer(cancel).await.0, StatusCode::FORBIDDEN);
        assert_eq!(Browser::sign_in(&api, &json!({ "token": place.token })).await.0, StatusCode::FORBIDDEN);
        let socket = api.over_socket("POST", "/api/v1/session", api.token.secret(), &json!({ "token": api.token.secret() }).to_string()).await;
        assert_eq!(socket.status, 403);
        let (secret, _) = token(&api, "mine", "admin", None).await;
        assert_eq!(Browser::sign_in(&api, &json!({ "token": secret })).await.0, StatusCode::FORBIDDEN, "a session would outlive it");
        assert_eq!(api.over_socket("GET", "/api/v1/status", &secret, "").await.status, 401, "people's tokens open nothing on the agents' socket");
    }
}

#[tokio::test]
async fn a_cookie_is_taken_from_this_servers_own_page_alone() {
    let api = Api::start(Database::Sqlite).await;
    let (_, _, browser) = Browser::sign_in(&api, &json!({ "token": api.token.secret() })).await;
    let cookie = browser.cookie.clone().expect("a cookie");
    let page_key = browser.page_key.clone().expect("a page's key");
    let signed = |method: Method, path: &str| api.bare(method, path).header("Cookie", &cookie).header("X-Windlass-Page-Key", &page_key);
    let ask = |method: Method, headers: &[(&str, &str)]| {
        let request = signed(method, "/api/v1/pause").header("Content-Type", "application/json");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body("{}")
    };
    let own = api.url.clone();
    for (headers, wanted) in [
        (vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], 200),
        (vec![("Origin", own.as_str())], 200),
        (vec![], 403),
        (vec![("Origin", "null")], 403),
        (vec![("Origin", "http://evil.test")], 403),
        (vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "same-site")], 403),
        (vec![("Origin", own.as_str()), ("Sec-Fetch-Site", "cross-site")], 403),
    ] {
        assert_eq!(answer(ask(Method::POST, &headers)).await.0.as_u16(), wanted, "{headers:?}");
    }
    let read = signed(Method::GET, "/api/v1/work").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(answer(read).await.0, StatusCode::FORBIDDEN);
    // Another daemon's cookie on this machine is none of this one's.
    let (_, value) = cookie.split_once('=').expect("a value");
    let read =
        api.bare(Method::GET, "/api/v1/work").header("Cookie", format!("windlass_1={value}")).header("X-Windlass-Page-Key", &page_key);
    assert_eq!(answer(read).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cookie_that_another_port_of_this_host_was_sent_opens_nothing_without_the_pages_own_key() {
    let api = Api::start(Database::Sqlite).await;
    let with = json!({ "token": api.token.secret() });
    let (_, _, browser) = Browser::sign_in(&api, &with).await;
    let (_, _, other) = Browser::sign_in(&api, &with).await;
    assert_eq!(browser.get("/api/v1/work").await.0, StatusCode::OK);
    let (cookie, own, foreign) = (browser.cookie.expect("a cookie"), browser.page_key.expect("a key"), other.page_key.expect("a key"));
    let (_, secret) = cookie.split_once('=').expect("a value");
    let read = || api.bare(Method::GET, "/api/v1/work");
    for (what, request) in [
        ("the cookie alone", read().header("Cookie", &cookie)),
        ("with no key in the header", read().header("Cookie", &cookie).header("X-Windlass-Page-Key", "")),
        ("with the cookie in the key's place", read().header("Cookie", &cookie).header("X-Windlass-Page-Key", secret)),
        ("with another session's key", read().header("Cookie", &cookie).header("X-Windlass-Page-Key", &foreign)),
        ("as a token", read().bearer_auth(secret)),
        ("the key alone", read().header("X-Windlass-Page-Key", &own)),
        ("the key as a token", read().bearer_auth(&own)),
        ("both as a token", read().bearer_auth(format!("{secret} {own}"))),
    ] {
        assert_eq!(answer(request).await.0, StatusCode::UNAUTHORIZED, "{what}");
    }
}

#[tokio::test]
async fn a_cookie_of_the_same_name_that_another_port_has_set_keeps_nobody_out() {
    let api = Api::start(Database::Sqlite).await;
    let (_, _, browser) = Browser::sign_in(&api, &json!({ "token": api.token.secret() })).await;
    let (own, key) = (browser.cookie.expect("a cookie"), browser.page_key.expect("a key"));
    let name = own.split_once('=').expect("a name").0;
    for cookies in [format!("{name}=junk; {own}"), format!("{own}; {name}=junk"), format!("{name}=a; {name}=b; {own}")] {
        let read = api.bare(Method::GET, "/api/v1/work").header("Cookie", &cookies).header("X-Windlass-Page-Key", &key);
        assert_eq!(answer(read).await.0, StatusCode::OK, "{cookies}");
    }
    let junk = api.bare(Method::GET, "/api/v1/work").header("Cookie", format!("{name}=a; {name}=b")).header("X-Windlass-Page-Key", &key);
    assert_eq!(answer(junk).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_passwords_are_limited_and_written_down_without_the_password() {
    let api = Api::start(Database::Sqlite).await;
    user(&api, "vera", "viewer").await;
    let mut limited = 0;
    for n in 0..60 {
        let (status, _, _) = Browser::sign_in(&api, &json!({ "name": "vera", "password": format!("wrong guess {n}") })).await;
        match status {
            StatusCode::UNAUTHORIZED => {}
            StatusCode::TOO_MANY_REQUESTS => limited += 1,
            other => panic!("{other}"),
        }
    }
    assert!(limited > 10, "{limited}");
    assert_eq!(api.get("/api/v1/status").await.0, StatusCode::OK, "the owner is served meanwhile");
    let lines = audited(&api, "sign_in", 5).await;
    assert!(lines.iter().all(|line| line["who"] == "nobody" && line["via"] == "none"), "{lines:?}");
    assert!(!json!(lines).to_string().contains("wrong guess"));
}

#[tokio::test]
async fn one_token_does_not_keep_others_from_listening() {
    let api = Api::start_with(Database::Sqlite, windlass_api::Limits { streams_max: 8, ..crate::support::limits() }).await;
    let (secret, _) = token(&api, "reader", "read", None).await;
    let open = || api.with(&secret, Method::GET, "/api/v1/events").header("Accept", "text/event-stream").send();
    let (_first, _second) = (open().await.expect("a stream"), open().await.expect("a stream"));
    let third = open().await.expect("an answer");
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE, "{:?}", third.text().await);
    let _owner = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
}

#[tokio::test]
async fn many_passwords_that_are_guessed_at_once_are_not_looked_at_together() {
    let api = Api::start(Database::Sqlite).await;
    user(&api, "vera", "viewer").await;
    let guesses = (0..100).map(|n| {
        let guess = json!({ "name": "vera", "password": format!("wrong guess {n}") });
        let api = &api;
        async move { Browser::sign_in(api, &guess).await.0 }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert!((1..=25).contains(&looked_at), "{looked_at} of 100 were looked at");
}

#[tokio::test]
async fn requests_of_strangers_that_make_no_sense_do_not_fill_the_audit_log() {
    let api = Api::start(Database::Sqlite).await;
    for n in 0..200 {
        let foreign = api.bare(Method::POST, &format!("/nowhere/{n}")).header("Content-Type", "text/plain").body("x");
        assert!(answer(foreign).await.0.is_client_error());
    }
    let (secret, _) = token(&api, "reader", "read", None).await;
    for _ in 0..200 {
        let refused = api.with(&secret, Method::POST, "/api/v1/pause").json(&json!({}));
        assert_eq!(answer(refused).await.0, StatusCode::FORBIDDEN);
    }
    audited(&api, "create_token", 1).await;
    let (_, all) = api.get("/api/v1/audit?limit=500").await;
    assert!(all["items"].as_array().is_some_and(|lines| lines.len() < 100), "{}", all["items"].as_array().map_or(0, Vec::len));
    assert_eq!(api.get("/api/v1/audit?cursor=zzz").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_audit_log_names_what_was_made_and_holds_nothing_that_was_only_asked() {
    let api = Api::start(Database::Sqlite).await;
    let id = api.run("a goal").await;
    token(&api, "ci", "read", None).await;
    user(&api, "vera", "viewer").await;
    for (action, named) in [("run", id.as_str()), ("create_token", "ci"), ("create_user", "vera")] {
        let lines = audited(&api, action, 1).await;
        assert!(lines[0]["path"].as_str().is_some_and(|path| path.ends_with(&format!(" → {named}"))), "{lines:?}");
    }
    assert_eq!(api.post("/api/v1/dead-letters/replay", &json!({ "all": {}, "dry_run": true })).await.0, StatusCode::OK);
    assert_eq!(api.post("/api/v1/dead-letters/replay", &json!({ "all": {} })).await.0, StatusCode::OK);
    assert_eq!(answer(api.bare(Method::GET, "/api/v1/me")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(api.bare(Method::GET, "/api/v1/me").bearer_auth("wrong")).await.0, StatusCode::UNAUTHORIZED);
    audited(&api, "show_me", 1).await;
    let (_, all) = api.get("/api/v1/audit?limit=500").await;
    let of = |action: &str| all["items"].as_array().map_or(0, |lines| lines.iter().filter(|line| line["action"] == action).count());
    assert_eq!((of("replay_dead_letters"), of("show_me")), (1, 1), "{all}");
}

#[tokio::test]
async fn no_flood_of_strangers_hides_what_somebody_known_was_refused() {
    let api = Api::start(Database::Sqlite).await;
    let (reader, _) = token(&api, "reader", "read", None).await;
    for _ in 0..60 {
        assert_eq!(answer(api.bare(Method::GET, "/api/v1/me")).await.0, StatusCode::UNAUTHORIZED);
    }
    let wanted = json!({ "name": "mine", "scope": "admin" });
    for _ in 0..5 {
        assert_eq!(answer(api.with(&reader, Method::POST, "/api/v1/tokens").json(&wanted)).await.0, StatusCode::FORBIDDEN);
    }
    let told = audited(&api, "create_token", 6).await;
    assert_eq!(told.iter().filter(|line| line["who"] == "token reader" && line["status"] == 403).count(), 5, "{told:?}");
}

#[tokio::test]
async fn refusals_of_strangers_are_audited_and_a_flood_of_them_does_not_fill_the_log() {
    let api = Api::start(Database::Sqlite).await;
    for _ in 0..200 {
        let foreign = api.bare(Method::POST, "/api/v1/pause").header("Origin", "http://evil.test").json(&json!({}));
        assert_eq!(answer(foreign).await.0, StatusCode::FORBIDDEN);
    }
    let lines = audited(&api, "pause", 1).await;
    assert!(lines.len() < 100, "{}", lines.len());
    assert_eq!((&lines[0]["status"], &lines[0]["who"]), (&json!(403), &json!("nobody")));
    let (_, all) = api.get("/api/v1/audit?who=person").await;
    assert_eq!(all["items"], json!([]), "who only looks leaves no line");
}

#[tokio::test]
async fn an_answer_that_a_client_has_is_not_sent_again() {
    let api = Api::start(Database::Sqlite).await;
    let first = api.request(Method::GET, "/api/v1/work").send().await.expect("an answer");
    let tag = first.headers()["etag"].clone();
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    let again = api.request(Method::GET, "/api/v1/work").header("If-None-Match", &tag).send().await.expect("an answer");
    assert_eq!((again.status(), again.headers()["etag"].clone()), (StatusCode::NOT_MODIFIED, tag.clone()));
    assert_eq!(again.text().await.expect("a body"), "");
    api.run("a goal").await;
    let changed = api.request(Method::GET, "/api/v1/work").header("If-None-Match", &tag).send().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_is_shown_to_whoever_asks_at_whatever_it_shows_and_no_other_file_is() {
    let api = Api::start(Database::Sqlite).await;
    for path in ["/", "/login", "/assignments/asg_1", "/work", "/projects/my.app"] {
        let response = api.bare(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert!(response.text().await.expect("a body").contains("Windlass"));
    }
    for path in ["/%2e%2e%2f%2e%2e%2fCargo.toml", "/assets/..%2f..%2fpackage.json", "/passwd.txt", "/.env", "/assets/x.js", "/assets/x"] {
        let status = api.bare(Method::GET, path).send().await.expect("an answer").status();
        assert!(matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{path}: {status}");
    }
    // Whatever else looks like a way out is a place of the page.
    for path in ["/../Cargo.toml", "/%2e%2e/%2e%2e/Cargo.toml", "/etc/passwd.txt"] {
        let text = api.bare(Method::GET, path).send().await.expect("an answer").text().await.expect("a body");
        assert!(!text.contains("[workspace]") && !text.contains("root:"), "{path}");
    }
}
