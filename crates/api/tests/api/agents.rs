//! What an agent may do with the token it was given: look at its own assignment, and say what its job allows.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use windlass_types::JobType;

use crate::support::{Api, Database, Listener, answer, on_both};
use crate::tokens::routes;

on_both! {
    async fn an_agent_sees_its_own_assignment_and_nothing_of_another(database: Database) {
        let api = Api::start(database).await;
        let node = api.node().await;
        let (mine, other) = (api.agent_on(&node, JobType::Implement).await, api.agent_on(&node, JobType::Implement).await);
        for (place, wanted) in [(&mine, StatusCode::OK), (&other, StatusCode::FORBIDDEN)] {
            for path in [
                format!("/api/v1/assignments/{}", place.assignment),
                format!("/api/v1/jobs/{}", place.job),
                format!("/api/v1/attempts/{}", place.attempt),
                format!("/api/v1/attempts/{}/transcript", place.attempt),
                format!("/api/v1/events?assignment={}&after=0", place.assignment),
            ] {
                let request = api.with(&mine.token, Method::GET, &path).header("Accept", "application/json");
                let (status, body) = answer(request).await;
                assert_eq!(status, wanted, "{path}: {body}");
                if wanted == StatusCode::FORBIDDEN {
                    assert!(!body.to_string().contains("north_star"), "{body}");
                }
            }
        }
    }

    async fn an_agent_cannot_tell_what_else_exists(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        for path in [
            "/api/v1/assignments/asg_00000000000070008000000000000000",
            "/api/v1/assignments/asg_00000000000070008000000000000000/diff",
            "/api/v1/jobs/job_00000000000070008000000000000000",
            "/api/v1/jobs/job_00000000000070008000000000000000/explain",
            "/api/v1/attempts/att_00000000000070008000000000000000",
            "/api/v1/attempts/att_00000000000070008000000000000000/transcript",
        ] {
            assert_eq!(answer(api.with(&mine.token, Method::GET, path)).await.0, StatusCode::FORBIDDEN, "{path}");
        }
    }

    async fn an_agent_reaches_no_route_that_is_for_people(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Pm).await;
        let allowed = ["/health", "/ready", "/api/v1/agent", "/api/v1/agent/verdict", "/api/v1/agent/progress", "/api/v1/events", "/api/v1/me", "/api/v1/session", "/api/v1/hooks"];
        let mut refused = 0;
        for (method, path) in routes() {
            if allowed.contains(&path.as_str()) {
                continue;
            }
            let path = path.replace("asg_00000000000070008000000000000000", &mine.assignment.to_string());
            let own_reads = [format!("/api/v1/assignments/{}", mine.assignment), format!("/api/v1/assignments/{}/diff", mine.assignment)];
            if method == Method::GET && own_reads.contains(&path) {
                continue;
            }
            let body = match path.rsplit('/').next() {
                Some("jobs") => json!({ "jobs": [{ "type": "plan" }] }),
                Some("messages") => json!({ "text": "do something else" }),
                _ => json!({}),
            };
            let request = api.with(&mine.token, method.clone(), &path).json(&body);
            let (status, body) = answer(request).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}: {body}");
            refused += 1;
        }
        assert!(refused > 18, "{refused}");
        let (_, status) = api.get("/api/v1/status").await;
        assert_eq!(status["paused"], false);
    }

    async fn the_agents_socket_takes_agents_tokens_only_and_asks_for_no_host(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        let place = api.over_socket("GET", "/api/v1/agent", &mine.token, "").await;
        assert_eq!(place.status, 200, "{}", place.body);
        let place: Value = serde_json::from_str(&place.body).expect("JSON");
        assert_eq!(place["assignment_id"], mine.assignment.to_string());
        assert_eq!(place["job"]["id"], mine.job.to_string());
        for path in ["/api/v1/status", "/api/v1/agent", "/api/v1/assignments"] {
            assert_eq!(api.over_socket("GET", path, api.token.secret(), "").await.status, 401, "{path}");
        }
        assert_eq!(api.over_socket("POST", "/api/v1/pause", &mine.token, "{}").await.status, 403);
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&api.socket).expect("a socket").permissions().mode() & 0o777, 0o600);
    }

    async fn only_a_pm_gives_a_verdict_and_a_bad_one_is_told_what_is_wrong(database: Database) {
        let api = Api::start(database).await;
        let (pm, worker) = (api.agent(JobType::Pm).await, api.agent(JobType::Implement).await);
        let verdict = json!({"verdict": "block", "owner": "person", "action": "decide", "reason": "unclear", "evidence": [{"kind": "job", "job": pm.job, "status": "succeeded"}]});
        let give = |token: &str, body: &Value| answer(api.with(token, Method::POST, "/api/v1/agent/verdict").json(body));
        assert_eq!(give(&worker.token, &verdict).await.0, StatusCode::FORBIDDEN);
        let (status, body) = give(&pm.token, &json!({"verdict": "merge_to_main", "reason": "x"})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("merge_to_main")), "{body}");
        let (status, body) = give(&pm.token, &json!({"verdict": "complete", "reason": "done", "evidence": []})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("evidence")), "{body}");
        assert_eq!(give(&pm.token, &verdict).await.0, StatusCode::ACCEPTED);
        let person = answer(api.request(Method::POST, "/api/v1/agent/verdict").json(&verdict)).await;
        assert_eq!(person.0, StatusCode::FORBIDDEN);
    }

    async fn progress_is_taken_within_its_bounds(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        let tell = |body: Value| {
            let text = body.to_string();
            let (api, token) = (&api, &mine.token);
            async move { api.over_socket("POST", "/api/v1/agent/progress", token, &text).await.status }
        };
        assert_eq!(tell(json!({"phase": "testing", "progress": 80, "message": "nearly"})).await, 202);
        assert_eq!(tell(json!({})).await, 202);
        for body in [
            json!({"progress": 101}),
            json!({"progress": -1}),
            json!({"phase": "napping"}),
            json!({"message": "x".repeat(5000)}),
            json!({"status": "succeeded"}),
        ] {
            assert_eq!(tell(body.clone()).await, 422, "{body}");
        }
    }

    async fn an_agent_hears_of_its_own_assignment_only(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        let mut listener = Listener::open(api.with(&mine.token, Method::GET, "/api/v1/events?after=0")).await;
        api.run("another").await;
        let told = answer(api.with(&mine.token, Method::POST, "/api/v1/agent/progress").json(&json!({"progress": 7}))).await;
        assert_eq!(told.0, StatusCode::ACCEPTED, "{}", told.1);
        let own = mine.assignment.to_string();
        loop {
            let told = listener.event().await.expect("an event");
            assert_eq!(told.data["assignment_id"], own.as_str(), "{told:?}");
            if told.kind == "job.progress" {
                break;
            }
        }
    }

    async fn a_token_in_what_an_agent_says_is_neither_kept_nor_shown(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Pm).await;
        let said = format!("found {} and {}", api.token.secret(), mine.token);
        let verdict = json!({"verdict": "block", "owner": "person", "action": "decide", "reason": said, "evidence": []});
        assert_eq!(answer(api.with(&mine.token, Method::POST, "/api/v1/agent/verdict").json(&verdict)).await.0, StatusCode::ACCEPTED);
        assert_eq!(
            answer(api.with(&mine.token, Method::POST, "/api/v1/agent/progress").json(&json!({"message": said}))).await.0,
            StatusCode::ACCEPTED
        );
        let (_, job) = api.get(&format!("/api/v1/jobs/{}", mine.job)).await;
        assert_eq!(job["message"], "found [redacted] and [redacted]");
        let (_, events) = api.get("/api/v1/events?after=0&limit=500").await;
        let proposed = api.store.proposed_verdict(mine.attempt).await.expect("read").expect("a verdict");
        for kept in [job.to_string(), events.to_string(), format!("{proposed:?}")] {
            assert!(!kept.contains(api.token.secret()) && !kept.contains(&mine.token), "{kept}");
        }
    }

    async fn an_agents_token_opens_nothing_once_its_attempt_has_ended(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        assert_eq!(api.over_socket("GET", "/api/v1/agent", &mine.token, "").await.status, 200);
        let mut streams = Vec::new();
        for filter in ["", "?kinds=engine.paused"] {
            streams.push(Listener::open(api.with(&mine.token, Method::GET, &format!("/api/v1/events{filter}"))).await);
        }
        api.settle(&mine).await;
        for mut stream in streams {
            while stream.message().await.is_some() {}
        }
        assert_eq!(api.over_socket("GET", "/api/v1/agent", &mine.token, "").await.status, 401);
        assert_eq!(answer(api.with(&mine.token, Method::GET, "/api/v1/agent")).await.0, StatusCode::UNAUTHORIZED);
    }
}
