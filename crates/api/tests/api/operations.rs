//! Code operations over HTTP: what is taken, refused, listed, followed and called off.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use windlass_testkit::repo::TempRepo;
use windlass_types::JobType;

use crate::support::{Api, Database, Listener, answer, on_both};

const PATH: &str = "/api/v1/code-operations";

fn request(repo: &TempRepo, more: &Value) -> Value {
    let mut body = json!({
        "operationType": "error_fix", "description": "mend it", "repository": {"url": repo.path(), "branch": "main"},
        "organizationId": "acme", "sessionId": "s-1", "approvalRequired": true,
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn made(api: &Api, body: &Value) -> String {
    let (status, answer) = api.post(PATH, body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    answer["operationId"].as_str().unwrap().to_owned()
}

on_both! {
    async fn an_operation_is_taken_with_its_links_and_is_an_assignment_like_any_other(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let body = request(&repo, &json!({"targetFiles": ["src/**"], "maxIterations": 7, "harness": "claude", "verify": "true"}));
        let (status, accepted) = api.post(PATH, &body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{accepted}");
        assert_eq!((&accepted["status"], &accepted["created"], &accepted["id"]), (&"queued".into(), &true.into(), &accepted["operationId"]));
        let (status, shown) = api.get(accepted["links"]["self"].as_str().unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{shown}");
        assert_eq!((&shown["operationType"], &shown["organizationId"], &shown["approvalRequired"]), (&"error_fix".into(), &"acme".into(), &true.into()));
        assert_eq!(shown["hold"]["kind"], "no_worker", "why it waits is told: {shown}");
        assert!(shown["why"].as_str().is_some_and(|why| why.contains("waits")), "{shown}");
        assert_eq!(shown["request"]["targetFiles"][0], "src/**");
        let (_, assignment) = api.get(accepted["links"]["assignment"].as_str().unwrap()).await;
        assert_eq!((&assignment["source"], &assignment["base_branch"]), (&"operation".into(), &"main".into()));
        let policy = &assignment["policy"];
        assert_eq!((&policy["propose"], &policy["locks"][0], &policy["max_iterations"], &policy["review"]), (&true.into(), &"src/**".into(), &7.into(), &false.into()));
        let (status, refusal) = api.get(accepted["links"]["result"].as_str().unwrap()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(refusal["detail"].as_str().unwrap().contains("queued"), "{refusal}");
    }

    async fn the_same_key_makes_one_operation_in_header_or_body(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let body = request(&repo, &json!({"idempotencyKey": "k-1"}));
        let first = made(&api, &body).await;
        let (status, again) = api.post(PATH, &body).await;
        assert_eq!((status, &again["operationId"], &again["created"]), (StatusCode::OK, &first.as_str().into(), &false.into()));
        let by_header = |key: &str, body: &Value| answer(api.request(Method::POST, PATH).header("Idempotency-Key", key).json(body));
        let (status, again) = by_header("k-1", &request(&repo, &json!({}))).await;
        assert_eq!((status, &again["operationId"]), (StatusCode::OK, &first.as_str().into()));
        let (status, refusal) = by_header("k-1", &request(&repo, &json!({"description": "something else"}))).await;
        assert_eq!(status, StatusCode::CONFLICT, "{refusal}");
        let (status, refusal) = by_header("other", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refusal}");
        // Also when its repository is gone by then.
        drop(repo);
        assert_eq!(api.post(PATH, &body).await.0, StatusCode::OK);
        assert_eq!(api.get(PATH).await.1["items"].as_array().unwrap().len(), 1);
    }

    async fn what_makes_no_sense_is_refused_by_its_name_and_leaves_nothing(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        for (more, named) in [
            (json!({"targetFile": ["a"]}), "targetFile"),
            (json!({"errorContext": {"message": "x"}}), "errorContext.message"),
            (json!({"operationType": "deploy"}), "deploy"),
            (json!({"organizationId": ""}), "organizationId"),
            (json!({"targetFiles": ["../x"]}), "targetFiles[0]"),
            (json!({"maxIterations": 0}), "maxIterations"),
            (json!({"repository": {"url": repo.path(), "branch": "--force"}}), "--force"),
            (json!({"repository": {"url": repo.path(), "branch": "nowhere"}}), "nowhere"),
            (json!({"repository": {"url": "ext::sh -c true"}}), "ext::"),
            (json!({"repository": {"url": "https://github.com/acme/shop", "owner": "other", "name": "shop"}}), "repository.owner"),
            (json!({"repository": {"owner": "-x", "name": "shop"}}), "repository.owner"),
            (json!({"harness": "simulated"}), "script"),
            (json!({"callback": {"url": "ftp://x.test/"}}), "callback.url"),
            (json!({"callback": {"url": "https://user:pw@x.test/", "secret": "0123456789abcdef"}}), "callback.url"),
            (json!({"callback": {"url": "https://x.test/"}}), "callback.secret"),
        ] {
            let (status, refusal) = api.post(PATH, &request(&repo, &more)).await;
            assert!(status.is_client_error(), "{more}: {status}");
            assert!(refusal["detail"].as_str().unwrap().contains(named), "{more}: {refusal}");
        }
        let mut without = request(&repo, &json!({}));
        without.as_object_mut().unwrap().remove("sessionId");
        let (status, refusal) = api.post(PATH, &without).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refusal["detail"].as_str().unwrap().contains("sessionId"), "{refusal}");
        assert_eq!(api.get(PATH).await.1["items"], json!([]));
        assert_eq!(api.get("/api/v1/assignments").await.1["items"], json!([]));
    }

    async fn a_callbacks_secret_and_secrets_in_a_trace_are_shown_to_nobody(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let leaked = format!("{}{}", "AKIA", "Q3EGRIVXYP4ZT5LN");
        let body = request(&repo, &json!({
            "callback": {"url": "https://hooks.example.test/x", "secret": "a secret of the service"},
            "errorContext": {"errorMessage": format!("401 with token {leaked}"), "stackTrace": "at x", "affectedFiles": []},
        }));
        let id = made(&api, &body).await;
        for path in [format!("{PATH}/{id}"), PATH.to_owned(), format!("/api/v1/assignments/{id}"), format!("/api/v1/events?limit=100&assignment={id}")] {
            let text = api.get(&path).await.1.to_string();
            assert!(!text.contains("a secret of the service") && !text.contains(&leaked), "{path}: {text}");
        }
        let shown = api.get(&format!("{PATH}/{id}")).await.1;
        assert_eq!(shown["request"]["callback"], json!({"url": "https://hooks.example.test/x"}));
        assert!(shown["request"]["errorContext"]["errorMessage"].as_str().unwrap().starts_with("401 with token "), "{shown}");
    }

    async fn operations_are_listed_by_organization_session_and_status(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let one = made(&api, &request(&repo, &json!({}))).await;
        let two = made(&api, &request(&repo, &json!({"sessionId": "s 2"}))).await;
        let other = made(&api, &request(&repo, &json!({"organizationId": "other & co"}))).await;
        let ids = async |query: &str| -> Vec<String> {
            let (status, page) = api.get(&format!("{PATH}?{query}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            page["items"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids("organizationId=acme").await, [two.clone(), one.clone()]);
        assert_eq!(ids("organizationId=acme&sessionId=s+2").await, std::slice::from_ref(&two));
        assert_eq!(ids("organizationId=other+%26+co").await, std::slice::from_ref(&other));
        assert_eq!(api.post(&format!("{PATH}/{one}/cancel"), &json!({})).await.0, StatusCode::OK);
        assert_eq!(ids("status=cancelled").await, std::slice::from_ref(&one));
        assert_eq!(ids("status=queued,running").await, [other, two]);
        assert_eq!(api.get(&format!("{PATH}?status=done")).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(api.get(&format!("{PATH}?organisation=acme")).await.0, StatusCode::BAD_REQUEST);
        // Other work is no operation.
        let plain = api.run("a goal").await;
        assert_eq!(api.get(&format!("{PATH}/{plain}")).await.0, StatusCode::NOT_FOUND);
        assert_eq!(api.post(&format!("{PATH}/{plain}/cancel"), &json!({})).await.0, StatusCode::NOT_FOUND);
    }

    async fn a_cancelled_operation_has_a_result_that_says_so(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let id = made(&api, &request(&repo, &json!({}))).await;
        let (status, shown) = api.post(&format!("{PATH}/{id}/cancel"), &json!({})).await;
        assert_eq!((status, &shown["status"]), (StatusCode::OK, &"cancelled".into()), "{shown}");
        assert_eq!(api.post(&format!("{PATH}/{id}/cancel"), &json!({})).await.0, StatusCode::OK, "twice is once");
        let (status, result) = api.get(&format!("{PATH}/{id}/result")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&result["success"], &result["operationId"], &result["commits"]), (&false.into(), &id.as_str().into(), &json!([])));
        assert_eq!((&result["iterations"], &result["branch"], &result["filesModified"]), (&0.into(), &"".into(), &json!([])));
        assert!(result["error"].as_str().unwrap().contains("called off") && result["duration"].as_i64().is_some(), "{result}");
    }

    async fn a_stream_of_an_operation_begins_with_it_is_resumed_and_ends_with_it(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        api.run("something else").await;
        let id = made(&api, &request(&repo, &json!({}))).await;
        let path = format!("{PATH}/{id}/events");
        let mut listener = Listener::open(api.request(Method::GET, &path)).await;
        let first = listener.event().await.expect("an event");
        assert_eq!((first.kind.as_str(), &first.data["assignment_id"]), ("assignment.created", &id.as_str().into()));
        api.run("something else again").await;
        assert_eq!(api.post(&format!("{PATH}/{id}/cancel"), &json!({})).await.0, StatusCode::OK);
        let mut kinds = Vec::new();
        let mut last = 0;
        while let Some(told) = listener.event().await {
            assert_eq!(told.data["assignment_id"], id.as_str());
            last = told.id.unwrap();
            kinds.push(told.kind);
        }
        assert!(kinds.contains(&"assignment.status".to_owned()), "{kinds:?}");
        // Late comers are told all of it, and those who know it all are not called back.
        let mut late = Listener::open(api.request(Method::GET, &path).header("Last-Event-ID", first.id.unwrap().to_string())).await;
        let mut again = Vec::new();
        while let Some(told) = late.event().await {
            again.push(told.kind);
        }
        assert_eq!(again, kinds);
        let response = api.request(Method::GET, &path).header("Last-Event-ID", last.to_string()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }

    async fn an_agent_may_not_ask_for_operations(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        let id = made(&api, &request(&repo, &json!({}))).await;
        let agent = api.agent(JobType::Implement).await;
        for path in [PATH.to_owned(), format!("{PATH}/{id}"), format!("{PATH}/{id}/result"), format!("{PATH}/{id}/events")] {
            let (status, _) = answer(api.with(&agent.token, Method::GET, &path)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        }
        let (status, _) = answer(api.with(&agent.token, Method::POST, PATH).json(&request(&repo, &json!({})))).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }

    async fn plain_counts_are_told_to_who_reads_json(database: Database) {
        let (api, repo) = (Api::start(database).await, TempRepo::failing_check());
        made(&api, &request(&repo, &json!({}))).await;
        let (status, counts) = api.get("/status").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&counts["queued_jobs"], &counts["active_jobs"], &counts["assignments"]["active"]), (&1.into(), &0.into(), &1.into()));
        let (status, by_accept) = answer(api.request(Method::GET, "/metrics").header("Accept", "application/json")).await;
        assert_eq!((status, &by_accept["queued_jobs"]), (StatusCode::OK, &1.into()), "{by_accept}");
        let prometheus = "application/openmetrics-text;version=1.0.0,application/json;q=0.1,text/plain;version=0.0.4;q=0.5";
        let (_, text) = answer(api.request(Method::GET, "/metrics").header("Accept", prometheus)).await;
        assert!(text.as_str().is_some_and(|text| text.contains("windlass_jobs{")), "{text}");
    }
}
