//! What agents do: told by hooks and by streams, shown by sessions, followed by events.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use windlass_store::AgentNews;
use windlass_types::{ActivityNote, JobType, ProjectSettings};

use crate::support::{Api, Database, Listener, answer, on_both};

const HOOKS: &str = "/api/v1/hooks?harness=claude";

fn hook(session: &str, event: &str, more: &Value) -> Value {
    let mut payload = json!({"session_id": session, "cwd": "/repos/shop/src", "hook_event_name": event});
    for (name, value) in more.as_object().expect("an object") {
        payload[name] = value.clone();
    }
    payload
}

fn tool(event: &str, id: &str) -> Value {
    let more =
        json!({"tool_name": "Bash", "tool_use_id": id, "tool_input": {"command": "make"}, "error": "Exit code 2", "duration_ms": 40});
    hook("s-1", event, &more)
}

async fn tell(api: &Api, payload: &Value) {
    let (status, body) = api.post(HOOKS, payload).await;
    assert_eq!((status, body), (StatusCode::NO_CONTENT, json!("")));
}

async fn sessions(api: &Api, query: &str) -> Vec<Value> {
    let (status, page) = api.get(&format!("/api/v1/agents{query}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().expect("items").clone()
}

on_both! {
    async fn a_session_that_a_person_started_is_shown_by_its_hooks(database: Database) {
        let api = Api::start(database).await;
        let repo = Some("/repos/shop".to_owned());
        api.store.put_project("shop".to_owned(), repo, None, ProjectSettings::default()).await.expect("a project");
        let mut listener = Listener::open(api.request(Method::GET, "/api/v1/agents/events?project=shop")).await;
        tell(&api, &hook("s-1", "SessionStart", &json!({"source": "startup", "model": "opus"}))).await;
        let started = listener.event().await.expect("an event");
        assert_eq!(started.kind, "session.started");
        tell(&api, &hook("s-1", "UserPromptSubmit", &json!({"prompt": format!("mend the till\nwith {}", api.token.secret())}))).await;
        for (event, id) in [("PreToolUse", "1"), ("PostToolUse", "1"), ("PreToolUse", "2"), ("PostToolUseFailure", "2"), ("PreToolUse", "3")] {
            tell(&api, &tool(event, id)).await;
        }
        let found = sessions(&api, "?status=active,idle&kind=manual&project=shop&q=till").await;
        let [session] = found.as_slice() else { panic!("{found:?}") };
        let id = session["id"].as_str().expect("an id");
        assert_eq!((&started.data["data"]["session_id"], &started.data["project"]), (&json!(id), &json!("shop")));
        for (field, wanted) in [
            ("kind", json!("manual")), ("session_type", json!("manual")), ("harness", json!("claude")), ("agent_session_id", json!("s-1")),
            ("project", json!("shop")), ("cwd", json!("/repos/shop/src")), ("model", json!("opus")), ("status", json!("active")),
            ("tools_used", json!(2)), ("tools_failed", json!(1)), ("success_rate", json!(0.5)), ("mean_duration_ms", json!(40)),
            ("assignment_id", json!(null)), ("ended_at", json!(null)), ("last_activity", json!("Bash: make")),
            ("title", json!("mend the till with [redacted:WINDLASS_TOKEN]")),
        ] {
            assert_eq!(session[field], wanted, "{field}: {session:#}");
        }
        assert_eq!((&session["current_tool"]["name"], &session["current_tool"]["summary"]), (&json!("Bash"), &json!("make")));
        assert_eq!(api.get(&format!("/api/v1/agents/{id}")).await.1["id"], id);

        let (_, first) = api.get(&format!("/api/v1/agents/{id}/activity?after=0&limit=5")).await;
        let kinds: Vec<&str> = first["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
        assert_eq!(kinds, ["session_start", "prompt", "tool_start", "tool_end", "tool_start"]);
        let (_, rest) = api.get(&format!("/api/v1/agents/{id}/activity?after={}", first["next_cursor"].as_str().expect("more"))).await;
        assert_eq!((rest["items"][0]["ok"].clone(), rest["items"][0]["summary"].clone()), (json!(false), json!("Exit code 2")));
        let (_, newest) = api.get(&format!("/api/v1/agents/{id}/activity?limit=1")).await;
        assert_eq!((&newest["items"][0]["number"], &newest["next_cursor"]), (&json!(7), &json!(null)));

        let (_, counted) = api.get(&format!("/api/v1/agents/metrics?session={id}")).await;
        assert_eq!((&counted["sessions"], &counted["active"], &counted["by_tool"][0]["used"]), (&json!(1), &json!(1), &json!(2)));
        assert_eq!(api.get("/api/v1/agents/metrics?project=other").await.1["sessions"], 0);

        tell(&api, &hook("s-1", "SessionEnd", &json!({"reason": "logout"}))).await;
        loop {
            let told = listener.event().await.expect("an event");
            if told.kind == "session.ended" {
                assert_eq!(told.data["data"]["reason"], "logout");
                break;
            }
        }
        assert_eq!(sessions(&api, "?status=active,idle").await, Vec::<Value>::new());
        assert_eq!(sessions(&api, "?status=ended").await[0]["end_reason"], "logout");
    }

    async fn an_agents_token_tells_of_its_own_session_only(database: Database) {
        let api = Api::start(database).await;
        let mine = api.agent(JobType::Implement).await;
        let send = async |payload: &Value| answer(api.with(&mine.token, Method::POST, HOOKS).json(payload)).await.0;
        // Before its stream has named the session nobody knows whose it is.
        assert_eq!(send(&tool("PreToolUse", "1")).await, StatusCode::NO_CONTENT);
        assert_eq!(sessions(&api, "").await, Vec::<Value>::new());
        let news = AgentNews {
            agent_session_id: Some("s-1".to_owned()),
            first: 1,
            notes: vec![ActivityNote::tool_start("Bash", Some("1".to_owned()), "make")],
            ..AgentNews::default()
        };
        api.store.tell_activity(mine.job, mine.lease, mine.attempt, news).await.expect("told");
        for payload in [tool("PreToolUse", "1"), tool("PostToolUse", "1"), hook("s-1", "SubagentStart", &json!({"agent_type": "look"}))] {
            assert_eq!(send(&payload).await, StatusCode::NO_CONTENT);
            // The same by a hook that a person let the agent have.
            tell(&api, &payload).await;
        }
        assert_eq!(send(&hook("s-2", "UserPromptSubmit", &json!({"prompt": "x"}))).await, StatusCode::FORBIDDEN);
        let found = sessions(&api, "").await;
        let [session] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&session["kind"], &session["tools_used"], &session["job_id"]), (&json!("job"), &json!(0), &json!(mine.job)));
        let (_, done) = api.get(&format!("/api/v1/agents/{}/activity", session["id"].as_str().expect("an id"))).await;
        let kinds: Vec<&str> = done["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
        assert_eq!(kinds, ["tool_start", "subagent_start", "subagent_start"]);
        let (status, _) = answer(api.with(&mine.token, Method::GET, "/api/v1/agents")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "to look is for people");
        api.settle(&mine).await;
        assert_eq!(sessions(&api, "").await[0]["status"], "ended");
    }
}

#[tokio::test]
async fn what_is_no_hook_is_refused_and_what_means_nothing_is_taken() {
    let api = Api::start(Database::Sqlite).await;
    let status = async |path: &str, body: &str| {
        let request = api.request(Method::POST, path).header("Content-Type", "application/json").body(body.to_owned());
        answer(request).await.0
    };
    let known = hook("s-1", "UserPromptSubmit", &json!({"prompt": "x"})).to_string();
    for path in ["/api/v1/hooks", "/api/v1/hooks?harness=emacs", "/api/v1/hooks?harness=simulated"] {
        assert!(status(path, &known).await.is_client_error(), "{path}");
    }
    assert_eq!(status("/api/v1/hooks?harness=claude&x=1", &known).await, StatusCode::BAD_REQUEST);
    for body in ["", "{", "[]", "{}", "{\"session_id\": 7}", "\u{1}"] {
        assert_eq!(status(HOOKS, body).await, StatusCode::UNPROCESSABLE_ENTITY, "{body:?}");
    }
    let long = json!({"session_id": "s", "x": "y".repeat(5 * 1024 * 1024)}).to_string();
    assert_eq!(status(HOOKS, &long).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(status(HOOKS, "{\"session_id\": \"s\", \"hook_event_name\": \"PreCompact\"}").await, StatusCode::NO_CONTENT);
    assert_eq!(sessions(&api, "").await, Vec::<Value>::new());
    let (named, _) =
        answer(api.request(Method::POST, "/api/v1/hooks").header("Windlass-Harness", "claude").json(&hook("s", "Odd", &json!({})))).await;
    assert_eq!(named, StatusCode::NO_CONTENT);
    assert_eq!(sessions(&api, "").await[0]["last_activity"], "notice: Odd");
    for query in ["?status=asleep", "?kind=x", "?since=yesterday", "?cursor=x", "?x=1"] {
        assert!(api.get(&format!("/api/v1/agents{query}")).await.0.is_client_error(), "{query}");
    }
    assert_eq!(api.get("/api/v1/agents/ses_00000000000070008000000000000000").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/api/v1/agents/ses_00000000000070008000000000000000/activity").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/api/v1/agents/x").await.0, StatusCode::BAD_REQUEST);
}
