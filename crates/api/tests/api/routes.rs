//! What each resource answers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use windlass_testkit::repo::TempRepo;
use windlass_types::JobType;

use crate::support::{Api, Database, answer, on_both};

on_both! {
    async fn a_goal_becomes_an_assignment_with_a_job_that_can_be_looked_at(database: Database) {
        let api = Api::start(database).await;
        let (status, made) = api.post("/api/v1/assignments/run", &json!({"goal": "Fix the parser", "type": "plan"})).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!((&made["created"], &made["assignment"]["source"]), (&json!(true), &json!("api")));
        let (assignment, job) = (made["assignment"]["id"].as_str().expect("an id"), made["jobs"][0]["id"].as_str().expect("an id"));
        let (status, shown) = api.get(&format!("/api/v1/assignments/{assignment}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&shown["north_star"], &shown["jobs"][0]["id"]), (&json!("Fix the parser"), &json!(job)));
        assert_eq!(shown["verdicts"], json!([]));
        let (status, shown) = api.get(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&shown["spec"]["type"], &shown["attempts_list"]), (&json!("plan"), &json!([])));
        let (_, list) = api.get(&format!("/api/v1/jobs?assignment={assignment}&status=queued,running&type=plan&worker=default")).await;
        assert_eq!((&list["items"][0]["id"], &list["next_cursor"]), (&json!(job), &Value::Null));
        let (_, none) = api.get("/api/v1/jobs?status=dead").await;
        assert_eq!(none["items"], json!([]));
    }

    async fn the_same_key_makes_an_assignment_once(database: Database) {
        let api = Api::start(database).await;
        let goal = json!({"goal": "once", "key": "k-1"});
        let (first, made) = api.post("/api/v1/assignments/run", &goal).await;
        let (second, again) = api.post("/api/v1/assignments/run", &goal).await;
        assert_eq!((first, second), (StatusCode::CREATED, StatusCode::OK));
        assert_eq!((&again["created"], &again["assignment"]["id"]), (&json!(false), &made["assignment"]["id"]));
        let (_, many) = api.post("/api/v1/assignments/run-many", &json!([goal, {"goal": "another"}])).await;
        let created: Vec<_> = many["items"].as_array().expect("items").iter().map(|item| item["created"].as_bool()).collect();
        assert_eq!(created, [Some(false), Some(true)]);
    }

    async fn lists_come_in_pages_that_the_cursor_joins(database: Database) {
        let api = Api::start(database).await;
        let goals: Vec<_> = (0..7).map(|n| json!({ "goal": format!("goal {n}") })).collect();
        assert_eq!(api.post("/api/v1/assignments/run-many", &json!(goals)).await.0, StatusCode::CREATED);
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let (status, page) = api.get(&format!("/api/v1/assignments?limit=3{cursor}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["id"].to_string()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 7);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 7);
    }

    async fn what_is_no_message_of_the_protocol_is_refused_in_words(database: Database) {
        let api = Api::start(database).await;
        for (method, body, wanted) in [(Method::POST, "{bad", 400), (Method::POST, "", 400), (Method::POST, "[]", 400), (Method::GET, "", 405), (Method::DELETE, "{}", 405)] {
            let request = api.request(method.clone(), "/mcp").header("Content-Type", "application/json").header("Accept", "application/json, text/event-stream");
            let response = request.body(body).send().await.expect("an answer");
            let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
            assert_eq!((response.status().as_u16(), kind.as_str()), (wanted, "application/problem+json"), "{method} {body}: {:?}", response.text().await);
        }
    }

    async fn a_nul_in_an_address_is_a_bad_request(database: Database) {
        let api = Api::start(database).await;
        for path in ["assignments?q=%00", "work?q=a%00b", "jobs?project=%00", "audit?who=%00", "projects/a%00b"] {
            let (status, problem) = api.get(&format!("/api/v1/{path}")).await;
            assert_eq!((status, &problem["type"]), (StatusCode::BAD_REQUEST, &json!("urn:windlass:problem:bad-request")), "{path}: {problem}");
        }
    }

    async fn an_id_of_another_shape_is_a_bad_request_and_an_unknown_one_is_not_found(database: Database) {
        let api = Api::start(database).await;
        let unknown = "00000000000070008000000000000000";
        for (path, prefix) in [("assignments", "asg"), ("jobs", "job")] {
            for id in
                ["x", "..%2f..%2fetc%2fpasswd", "%00", &format!("{prefix}_{}", "0".repeat(300)), &format!("vrd_{unknown}"), "%F0%9F%92%A5"]
            {
                let (status, problem) = api.get(&format!("/api/v1/{path}/{id}")).await;
                assert_eq!(status, StatusCode::BAD_REQUEST, "{path}/{id}: {problem}");
            }
            let (status, problem) = api.get(&format!("/api/v1/{path}/{prefix}_{unknown}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
            assert_eq!((&problem["status"], &problem["type"]), (&json!(404), &json!("urn:windlass:problem:not-found")));
        }
        for name in ["-rf", "..%2fx", "a%20b", "%2e%2e", &"a".repeat(129)] {
            let (status, problem) = api.get(&format!("/api/v1/projects/{name}")).await;
            assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND), "{name}: {problem}");
        }
        assert_eq!(api.get("/api/v1/projects/nobody").await.0, StatusCode::NOT_FOUND);
        assert_eq!(api.get("/api/v1/projects/scratch").await.0, StatusCode::OK);
    }

    async fn words_keys_and_fields_that_are_not_known_are_refused_by_name(database: Database) {
        let api = Api::start(database).await;
        for (query, word) in [("status=asleep", "asleep"), ("statuz=active", "statuz"), ("limit=many", "limit")] {
            let (status, problem) = api.get(&format!("/api/v1/assignments?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{problem}");
        }
        let (status, problem) = api.post("/api/v1/assignments/run", &json!({"goal": "g", "hartness": "claude"})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("hartness")), "{problem}");
        let (status, _) = api.post("/api/v1/harnesses/copilot/unpark", &json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (status, _) = api.post("/api/v1/assignments/run", &json!({"goal": ""})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(api.post("/api/v1/assignments/run-many", &json!([])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn a_filter_that_cannot_be_read_is_refused_by_its_name_with_what_is_allowed(database: Database) {
        let api = Api::start(database).await;
        let lists: [(&str, &str, &str); 31] = [
            ("assignments", "status=", "active"),
            ("assignments", "status=active,asleep", "active"),
            ("jobs", "status=", "queued"),
            ("jobs", "type=fix", "implement"),
            ("jobs", "type=", "implement"),
            ("jobs", "assignment=", "asg_"),
            ("work", "status=,", "waiting"),
            ("work", "since=", "2026-01-31T12:00:00Z"),
            ("work", "until=yesterday", "2026-01-31T12:00:00Z"),
            ("work", "sort=best", "newest"),
            ("work", "ids=", "asg_"),
            ("work", "ids=asg_00000000000070008000000000000000&status=blocked", "alone"),
            ("charts", "since=", "2026-01-31T12:00:00Z"),
            ("charts", "until=2026", "2026-01-31T12:00:00Z"),
            ("charts", "bucket=week", "day"),
            ("code-operations", "status=", "queued"),
            ("events", "kinds=", "job.status"),
            ("events", "job=1", "job_"),
            ("events?limit=1", "after=-1", "0 or more"),
            ("agents", "status=", "idle"),
            ("agents", "kind=robot", "manual"),
            ("agents", "since=", "2026-01-31T12:00:00Z"),
            ("agents/metrics", "session=", "ses_"),
            ("dead-letters", "failure=", "api_error"),
            ("dead-letters", "harness=", "claude"),
            ("dead-letters", "since=", "2026-01-31T12:00:00Z"),
            ("files/dead-letters", "since=now", "2026-01-31T12:00:00Z"),
            ("branches", "status=", "merging"),
            ("locks", "assignment=", "asg_"),
            ("findings", "assignment=x", "asg_"),
            ("audit", "until=", "2026-01-31T12:00:00Z"),
        ];
        for (list, query, allowed) in lists {
            let sign = if list.contains('?') { '&' } else { '?' };
            let (status, problem) = api.get(&format!("/api/v1/{list}{sign}{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{list} {query}: {problem}");
            let name = query.split('=').next().expect("a name");
            let said = format!("{} {}", problem["detail"], problem["hint"]);
            assert!(said.contains(&format!("{name}: ")) && said.contains(allowed), "{list} {query}: {problem}");
        }
    }

    async fn a_project_is_changed_with_a_tag_only_while_it_is_what_was_read(database: Database) {
        let api = Api::start(database).await;
        let repo = TempRepo::failing_check();
        let body = |limit: u32| json!({ "repo": repo.path(), "settings": { "max_concurrent": limit } });
        let put = async |limit: u32, tag: Option<&str>| {
            let request = api.request(Method::PUT, "/api/v1/projects/shop").json(&body(limit));
            answer(if let Some(tag) = tag { request.header("If-Match", tag) } else { request }).await
        };
        assert_eq!(put(1, Some("*")).await.0, StatusCode::PRECONDITION_FAILED, "there is none yet");
        assert_eq!(put(1, None).await.0, StatusCode::OK);
        let read = api.request(Method::GET, "/api/v1/projects/shop").send().await.expect("an answer");
        let tag = read.headers()["etag"].to_str().expect("text").to_owned();
        let (status, changed) = put(2, Some(&tag)).await;
        assert_eq!((status, &changed["settings"]["max_concurrent"]), (StatusCode::OK, &json!(2)), "{changed}");
        let (status, problem) = put(3, Some(&tag)).await;
        assert_eq!((status, &problem["type"]), (StatusCode::PRECONDITION_FAILED, &json!("urn:windlass:problem:changed")), "{problem}");
        assert_eq!(api.get("/api/v1/projects/shop").await.1["settings"]["max_concurrent"], 2);
        assert_eq!(put(4, Some("*")).await.0, StatusCode::OK);
        assert_eq!(put(5, None).await.0, StatusCode::OK);
    }

    async fn what_nothing_answers_is_a_problem_too(database: Database) {
        let api = Api::start(database).await;
        assert_eq!(api.get("/api/v1/nowhere").await.0, StatusCode::NOT_FOUND);
        let (status, problem) = answer(api.request(Method::DELETE, "/api/v1/status").header("Content-Type", "application/json")).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(problem["type"], "urn:windlass:problem:method-not-allowed");
        assert_eq!(api.post("/api/v1/assignments/asg_00000000000070008000000000000000", &json!({})).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    async fn a_job_is_cancelled_and_run_again_and_jobs_are_put_behind_it(database: Database) {
        let api = Api::start(database).await;
        let (_, made) = api.post("/api/v1/assignments/run", &json!({"goal": "a goal"})).await;
        let (assignment, job) = (made["assignment"]["id"].as_str().expect("an id"), made["jobs"][0]["id"].as_str().expect("an id"));
        let (status, inserted) = api
            .post(&format!("/api/v1/assignments/{assignment}/jobs"), &json!({"after": job, "jobs": [{"type": "review", "context": "look"}]}))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{inserted}");
        assert_eq!(inserted["items"][0]["position"], 2);
        let (status, cancelled) = api.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await;
        assert_eq!((status, &cancelled["status"]), (StatusCode::OK, &json!("cancelled")), "{cancelled}");
        let (status, again) = api.post(&format!("/api/v1/jobs/{job}/retry"), &json!({"context": "differently"})).await;
        assert_eq!((status, &again["status"], &again["spec"]["context"]), (StatusCode::OK, &json!("queued"), &json!("differently")), "{again}");
        let (status, problem) = api.post(&format!("/api/v1/jobs/{job}/retry"), &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        let (status, over) = api.post(&format!("/api/v1/assignments/{assignment}/cancel"), &json!({})).await;
        assert_eq!((status, &over["status"]), (StatusCode::OK, &json!("cancelled")), "{over}");
    }

    async fn pausing_is_shown_until_somebody_resumes(database: Database) {
        let api = Api::start(database).await;
        api.run("a goal").await;
        assert_eq!(api.post("/api/v1/pause", &json!({})).await.0, StatusCode::OK);
        assert_eq!(api.get("/api/v1/status").await.1["paused"], true);
        assert_eq!(api.post("/api/v1/resume", &json!({})).await.0, StatusCode::OK);
        assert_eq!(api.get("/api/v1/status").await.1["paused"], false);
    }

    async fn a_transcript_is_waited_for_no_longer_than_asked(database: Database) {
        let api = Api::start(database).await;
        let place = api.agent_on(&api.node().await, JobType::Implement).await;
        let path = format!("/api/v1/attempts/{}/transcript", place.attempt);
        let (status, page) = api.get(&path).await;
        assert_eq!((status, &page["items"], &page["next"]), (StatusCode::OK, &json!([]), &json!(0)), "{page}");
        assert_eq!(api.get(&format!("{path}?tail=5")).await.0, StatusCode::OK);
        assert_eq!(api.get(&format!("{path}?tail=5&from=3")).await.0, StatusCode::BAD_REQUEST);
        let (status, attempt) = api.get(path.trim_end_matches("/transcript")).await;
        assert_eq!((status, &attempt["id"]), (StatusCode::OK, &json!(place.attempt.to_string())), "{attempt}");
        let before = tokio::time::Instant::now();
        let (status, _) = api.get(&format!("{path}?wait_secs=1&from=0&limit=10")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(before.elapsed().as_millis() >= 900);
    }

    async fn a_repository_joins_and_its_file_is_trusted_by_the_hash_that_was_shown(database: Database) {
        let api = Api::start(database).await;
        let repo = TempRepo::new().with_file(".windlass/project.toml", "verify = \"true\"\n").commit("a file of settings");
        let path = "/api/v1/projects/mine";
        let (status, project) = answer(api.request(Method::PUT, path).json(&json!({"repo": repo.path()}))).await;
        assert_eq!((status, &project["name"], &project["trusted"]), (StatusCode::OK, &json!("mine"), &Value::Null), "{project}");
        let (status, candidate) = api.get(&format!("{path}/trust")).await;
        assert_eq!((status, &candidate["trusted"]), (StatusCode::OK, &json!(false)), "{candidate}");
        let (status, problem) = api.post(&format!("{path}/trust"), &json!({"hash": "0".repeat(64)})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        let (status, trusted) = api.post(&format!("{path}/trust"), &json!({"hash": candidate["hash"]})).await;
        assert_eq!((status, &trusted["trusted"]), (StatusCode::OK, &candidate["hash"]), "{trusted}");
        let (_, list) = api.get("/api/v1/projects").await;
        assert!(list["items"].as_array().is_some_and(|items| items.iter().any(|item| item["name"] == "mine")), "{list}");
        let (status, problem) = answer(api.request(Method::PUT, path).json(&json!({"repo": "/nonexistent"}))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }

    async fn the_doctor_and_an_explanation_answer_in_words(database: Database) {
        let api = Api::start(database).await;
        let id = api.run("a goal").await;
        let (_, shown) = api.get(&format!("/api/v1/assignments/{id}")).await;
        let job = shown["jobs"][0]["id"].as_str().expect("an id");
        let (status, explained) = api.get(&format!("/api/v1/jobs/{job}/explain")).await;
        assert_eq!((status, &explained["hold"]["kind"]), (StatusCode::OK, &json!("no_worker")), "{explained}");
        assert!(explained["summary"].as_str().is_some_and(|summary| !summary.is_empty()));
        let (status, doctor) = api.get("/api/v1/doctor").await;
        assert_eq!(status, StatusCode::OK);
        assert!(doctor["checks"].as_array().is_some_and(|checks| checks.iter().any(|check| check["name"] == "git")), "{doctor}");
    }

    async fn an_assignment_without_a_job_is_made_blocked_and_let_go(database: Database) {
        let api = Api::start(database).await;
        let (status, made) = api.post("/api/v1/assignments", &json!({"north_star": "later"})).await;
        assert_eq!((status, &made["jobs"]), (StatusCode::CREATED, &json!([])), "{made}");
        let path = format!("/api/v1/assignments/{}", made["assignment"]["id"].as_str().expect("an id"));
        let change = |body: Value| answer(api.request(Method::PATCH, &path).json(&body));
        let (status, blocked) = change(json!({"status": "blocked", "reason": "no key", "owner": "ops", "action": "make a key"})).await;
        assert_eq!((status, &blocked["status"], &blocked["block"]["owner"]), (StatusCode::OK, &json!("blocked"), &json!("ops")), "{blocked}");
        let (status, active) = change(json!({"status": "active", "budget": {"runs": 3}})).await;
        assert_eq!((status, &active["status"], &active["budget"]["runs"]), (StatusCode::OK, &json!("active"), &json!(3)), "{active}");
        assert_eq!(change(json!({"status": "asleep"})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let (_, found) = api.get("/api/v1/assignments?q=LATER&status=active,blocked&project=scratch").await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    }
}
#[tokio::test]
async fn a_path_that_is_no_text_is_refused_with_a_problem() {
    let api = Api::start(Database::Sqlite).await;
    for path in ["/api/v1/jobs/%ff", "/api/v1/projects/%ff", "/api/v1/agents/%ff"] {
        let response = api.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
}
