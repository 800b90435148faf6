//! The list of work: its order, its words, its search, and what needs a person.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use windlass_types::JobType;

use crate::support::{Api, Database, answer, on_both};

async fn list(api: &Api, query: &str) -> Vec<Value> {
    let (status, page) = api.get(&format!("/api/v1/work?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page["items"].as_array().expect("items").clone()
}

fn titles(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["title"].as_str().expect("a title")).collect()
}

async fn patch(api: &Api, id: &str, body: Value) {
    let (status, answer) = answer(api.request(Method::PATCH, &format!("/api/v1/assignments/{id}")).json(&body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

on_both! {
    async fn what_wants_attention_comes_first_and_each_row_says_why_it_stands_so(database: Database) {
        let api = Api::start(database).await;
        let done = api.run("done\nwith more lines").await;
        patch(&api, &done, json!({ "status": "complete" })).await;
        let blocked = api.run("blocked").await;
        patch(&api, &blocked, json!({ "status": "blocked", "reason": "which colour?", "action": "choose one" })).await;
        api.run("waiting").await;
        let place = api.agent(JobType::Implement).await;
        let (_, made) = api.post("/api/v1/assignments", &json!({ "north_star": "idle" })).await;
        assert!(made["created"].as_bool().is_some_and(|made| made), "{made}");
        let items = list(&api, "").await;
        assert_eq!(titles(&items), ["blocked", "a goal", "waiting", "idle", "done"]);
        let statuses: Vec<&str> = items.iter().map(|item| item["status"].as_str().expect("a status")).collect();
        assert_eq!(statuses, ["blocked", "running", "waiting", "idle", "complete"]);
        assert_eq!((&items[0]["summary"], &items[0]["action"], &items[0]["needs_you"]), (&json!("which colour?"), &json!("choose one"), &json!(true)));
        assert_eq!((&items[1]["id"], &items[1]["job"]["type"]), (&json!(place.assignment.to_string()), &json!("implement")));
        assert!(items[1]["summary"].as_str().is_some_and(|words| words.contains("implement")), "{}", items[1]);
        // Nobody runs a worker here.
        assert_eq!((&items[2]["hold"], &items[2]["needs_you"]), (&json!("no_worker"), &json!(true)), "{}", items[2]);
        assert_eq!((&items[2]["jobs_total"], &items[2]["jobs_over"]), (&json!(1), &json!(0)));

        let (_, stats) = api.get("/api/v1/work/stats").await;
        assert_eq!(stats["statuses"], json!({ "blocked": 1, "running": 1, "waiting": 1, "idle": 1, "complete": 1, "cancelled": 0 }));
        assert_eq!((&stats["total"], &stats["needs_you"]), (&json!(5), &json!(2)));
        assert_eq!(stats["agents"], json!({ "active": 0, "idle": 0 }));
        let (_, inbox) = api.get("/api/v1/inbox").await;
        let mut kinds: Vec<&str> = inbox["items"].as_array().expect("items").iter().map(|need| need["kind"].as_str().expect("a kind")).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["blocked", "no_worker"]);
    }

    async fn the_inbox_is_had_page_by_page_and_counted_whole(database: Database) {
        let api = Api::start(database).await;
        for n in 0..5 {
            let id = api.run(&format!("goal {n}")).await;
            patch(&api, &id, json!({ "status": "blocked", "reason": "which colour?", "action": "choose one" })).await;
        }
        let (mut seen, mut asked) = (Vec::new(), "limit=2".to_owned());
        loop {
            let (_, page) = api.get(&format!("/api/v1/inbox?{asked}")).await;
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 2, "{page}");
            seen.extend(items.iter().map(|need| need["key"].as_str().expect("a key").to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            asked = format!("limit=2&cursor={next}");
        }
        let (_, whole) = api.get("/api/v1/inbox").await;
        let all: Vec<&str> = whole["items"].as_array().expect("items").iter().map(|need| need["key"].as_str().expect("a key")).collect();
        assert_eq!((seen.len(), seen), (5, all.into_iter().map(str::to_owned).collect()));
        assert_eq!(api.get("/api/v1/work/stats").await.1["needs_you"], 5);
        assert_eq!(api.get("/api/v1/inbox?cursor=zzz").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn rows_are_had_by_their_ids_in_the_order_that_was_asked_for(database: Database) {
        let api = Api::start(database).await;
        let (first, second) = (api.run("first").await, api.run("second").await);
        api.run("third").await;
        let items = list(&api, &format!("ids={second},asg_00000000000070008000000000000000,{first}")).await;
        assert_eq!(titles(&items), ["second", "first"], "what is gone is left out");
        assert_eq!(api.get("/api/v1/work?ids=nothing").await.0, StatusCode::BAD_REQUEST);
        let many = vec![first; 201].join(",");
        assert_eq!(api.get(&format!("/api/v1/work?ids={many}")).await.0, StatusCode::BAD_REQUEST);
    }

    async fn a_message_that_is_sent_again_with_its_key_asks_once(database: Database) {
        let api = Api::start(database).await;
        let id = api.run("a goal").await;
        let path = format!("/api/v1/assignments/{id}/messages");
        let (status, made) = api.post(&path, &json!({ "text": "go on", "key": "k1" })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let (status, again) = api.post(&path, &json!({ "text": "go on", "key": "k1" })).await;
        assert_eq!((status, &again["id"]), (StatusCode::OK, &made["id"]), "{again}");
        let (status, other) = api.post(&path, &json!({ "text": "go on", "key": "k2" })).await;
        assert_eq!(status, StatusCode::CREATED, "{other}");
        assert_eq!(api.post(&path, &json!({ "text": "go on", "key": "" })).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let (_, assignment) = api.get(&format!("/api/v1/assignments/{id}")).await;
        assert_eq!(assignment["jobs"].as_array().map(Vec::len), Some(3), "{assignment}");
    }

    async fn the_reason_that_a_person_gives_is_kept_with_the_status_and_shown(database: Database) {
        let api = Api::start(database).await;
        let (done, off) = (api.run("done").await, api.run("off").await);
        patch(&api, &done, json!({ "status": "complete", "reason": "merged by hand" })).await;
        patch(&api, &off, json!({ "status": "cancelled", "reason": "not wanted" })).await;
        assert_eq!(api.get(&format!("/api/v1/assignments/{done}")).await.1["status_reason"], "merged by hand");
        let rows = list(&api, &format!("ids={done},{off}")).await;
        assert_eq!((&rows[0]["summary"], &rows[1]["summary"]), (&json!("merged by hand"), &json!("called off: not wanted")));
        patch(&api, &done, json!({ "status": "active" })).await;
        assert_eq!(api.get(&format!("/api/v1/assignments/{done}")).await.1["status_reason"], Value::Null);
        for body in [json!({ "reason": "why", "budget": { "runs": 2 } }), json!({ "status": "complete", "owner": "me" }), json!({ "status": "active", "action": "go" })] {
            let (status, problem) = answer(api.request(Method::PATCH, &format!("/api/v1/assignments/{done}")).json(&body)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        }
        assert_ne!(api.get(&format!("/api/v1/assignments/{done}")).await.1["budget"]["runs"], 2, "what is refused changes nothing");
    }

    async fn a_program_is_no_judge_however_the_assignment_is_made(database: Database) {
        let api = Api::start(database).await;
        let made = async |policy: Value| api.post("/api/v1/assignments", &json!({ "north_star": "n", "project": "scratch", "policy": policy })).await;
        for (defaults, review) in [
            (json!({ "default": "command" }), false),
            (json!({ "default": "command", "pm": "claude" }), true),
            (json!({ "default": "claude", "implement": "command" }), true),
        ] {
            let (status, made) = made(json!({ "harness_defaults": defaults })).await;
            assert_eq!((status, &made["assignment"]["policy"]["review"]), (StatusCode::CREATED, &json!(review)), "{defaults}: {made}");
        }
        let (status, problem) = made(json!({ "harness_defaults": { "default": "command" }, "on_failure": "review" })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }

    async fn a_program_takes_no_message_and_no_job_is_made_of_one(database: Database) {
        let api = Api::start(database).await;
        let (_, made) = api.post("/api/v1/assignments/run", &json!({ "goal": "g", "harness": "command", "program": "true" })).await;
        let id = made["assignment"]["id"].as_str().expect("an id");
        let (status, problem) = api.post(&format!("/api/v1/assignments/{id}/messages"), &json!({ "text": "go on" })).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("cannot be spoken to")), "{problem}");
        let (_, assignment) = api.get(&format!("/api/v1/assignments/{id}")).await;
        assert_eq!((assignment["jobs"].as_array().map(Vec::len), &assignment["status"]), (Some(1), &json!("active")), "{assignment}");
        let other = json!({ "goal": "g", "harness": "command", "program": "true", "harness_defaults": { "chat": "claude" } });
        let (_, made) = api.post("/api/v1/assignments/run", &other).await;
        let id = made["assignment"]["id"].as_str().expect("an id");
        assert_eq!(api.post(&format!("/api/v1/assignments/{id}/messages"), &json!({ "text": "go on" })).await.0, StatusCode::CREATED);
    }

    async fn pages_of_work_join_without_a_gap_whatever_the_order(database: Database) {
        let api = Api::start(database).await;
        for n in 0..11 {
            let id = api.run(&format!("goal {n}")).await;
            match n % 4 {
                0 => patch(&api, &id, json!({ "status": "blocked", "reason": "r", "action": "a" })).await,
                1 => patch(&api, &id, json!({ "status": "cancelled" })).await,
                _ => {}
            }
        }
        for sort in ["attention", "newest"] {
            let whole = titles(&list(&api, &format!("sort={sort}")).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
            let (mut cursor, mut seen) = (String::new(), Vec::new());
            loop {
                let (_, page) = api.get(&format!("/api/v1/work?sort={sort}&limit=2{cursor}")).await;
                seen.extend(titles(page["items"].as_array().expect("items")).into_iter().map(str::to_owned));
                match page["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, whole, "{sort}");
            assert_eq!(seen.len(), 11);
        }
        assert_eq!(list(&api, "status=blocked,cancelled").await.len(), 6);
        assert_eq!(list(&api, "status=waiting&source=api").await.len(), 5);
        assert_eq!(list(&api, "project=nowhere").await.len(), 0);
        assert_eq!(list(&api, "since=2020-01-01T00:00:00Z&until=2021-01-01T00:00:00Z").await.len(), 0);
        for wrong in ["status=asleep", "cursor=x", "sort=oldest", "since=yesterday"] {
            assert!(api.get(&format!("/api/v1/work?{wrong}")).await.0.is_client_error(), "{wrong}");
        }
    }

    async fn a_search_finds_with_gaps_and_the_closest_first(database: Database) {
        let api = Api::start(database).await;
        for goal in ["add a dark mode to the settings", "repair the parser", "parse dates in reports"] {
            api.run(goal).await;
        }
        assert_eq!(titles(&list(&api, "q=dark%20mode").await), ["add a dark mode to the settings"]);
        assert_eq!(titles(&list(&api, "q=drkmd").await), ["add a dark mode to the settings"]);
        assert_eq!(titles(&list(&api, "q=parser").await).first(), Some(&"repair the parser"));
        assert_eq!(list(&api, "q=zebra").await.len(), 0);
        let (_, page) = api.get("/api/v1/work?q=pars&limit=1").await;
        let next = page["next_cursor"].as_str().expect("another page");
        let (_, second) = api.get(&format!("/api/v1/work?q=pars&limit=1&cursor={next}")).await;
        assert_ne!(page["items"][0]["id"], second["items"][0]["id"]);
        assert_eq!(second["next_cursor"], Value::Null);
    }

    async fn charts_count_what_ended_and_what_it_cost(database: Database) {
        let api = Api::start(database).await;
        let place = api.agent(JobType::Plan).await;
        api.settle(&place).await;
        let id = api.run("called off").await;
        assert_eq!(api.post(&format!("/api/v1/assignments/{id}/cancel"), &json!({})).await.0, StatusCode::OK);
        let (status, charts) = api.get("/api/v1/charts?bucket=hour&project=scratch").await;
        assert_eq!(status, StatusCode::OK, "{charts}");
        let sum = |key: &str| charts["throughput"].as_array().expect("buckets").iter().map(|bucket| bucket[key].as_u64().expect("a count")).sum::<u64>();
        assert_eq!((sum("succeeded"), sum("cancelled"), sum("dead")), (1, 1, 0));
        assert_eq!(charts["durations"][0]["count"], 1);
        assert_eq!((&charts["cost"][0]["project"], &charts["cost"][0]["attempts"], &charts["cost"][0]["unknown_cost_attempts"]), (&json!("scratch"), &json!(1), &json!(1)));
        assert_eq!(api.get("/api/v1/charts?project=other").await.1["cost"], json!([]));
        let (status, problem) = api.get("/api/v1/charts?bucket=hour&since=2020-01-01T00:00:00Z").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    }
}
