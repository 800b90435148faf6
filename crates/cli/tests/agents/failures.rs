//! What goes wrong between an agent and its model, and what Windlass makes of it.

use serde_json::{Value, json};
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::{Clock, Harness, Timestamp};

use crate::bench::{Bench, Setup, key};

crate::with_each_cli!(
    a_refused_key_blocks_and_names_what_is_missing,
    an_agent_that_is_not_logged_in_blocks_with_a_hint_before_it_is_started,
    a_rate_limit_parks_until_the_reset_and_costs_no_retry,
    a_server_error_is_tried_again_and_then_succeeds,
    a_cut_stream_is_a_failure_and_then_a_success,
    a_stream_that_ends_too_early_in_good_order_is_no_answer_either,
);

/// The work that succeeds once the trouble is over.
pub(crate) fn then_works(script: ModelScript) -> ModelScript {
    script
        .turn(Turn::tool(Tool::read("answer.txt")))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")))
        .turn(Turn::text("The answer is 42 now."))
}

async fn a_refused_key_blocks_and_names_what_is_missing(harness: Harness) {
    let script = ModelScript::new().turn(Turn::error(401).message("this key is not known").header("x-should-retry", "false").always());
    let Some(bench) = Bench::start(harness, script) else { return };
    let id = bench.submit(&["--no-review"]);
    let blocked = bench.end(&id);
    assert_eq!((&blocked["status"], &blocked["block"]["kind"]), (&json!("blocked"), &json!("unauthorized")), "{}", bench.account(&id));
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("this key is not known"), "{}", blocked["block"]);
    assert!(blocked["block"]["action"].as_str().unwrap().contains(key(harness).0), "{}", blocked["block"]);
    assert!(!bench.account(&id).contains(key(harness).1), "the key itself is nowhere to be read");
    let job = bench.job(&id, 0);
    assert_eq!((&job["status"], &job["failures"]), (&json!("queued"), &json!(0)), "it waits unharmed");
}

async fn an_agent_that_is_not_logged_in_blocks_with_a_hint_before_it_is_started(harness: Harness) {
    let setup = Setup::default().env(key(harness).0, "");
    let Some(bench) = Bench::start_with(harness, ModelScript::new(), setup) else { return };
    let id = bench.submit(&["--no-review"]);
    let blocked = bench.end(&id);
    assert_eq!((&blocked["status"], &blocked["block"]["kind"]), (&json!("blocked"), &json!("not_logged_in")), "{}", bench.account(&id));
    assert!(blocked["block"]["action"].as_str().unwrap().contains(key(harness).0), "{}", blocked["block"]);
    assert_eq!(bench.job(&id, 0)["failures"], 0);
    assert!(bench.model.requests().is_empty(), "{}", bench.account(&id));
}

async fn a_rate_limit_parks_until_the_reset_and_costs_no_retry(harness: Harness) {
    let limit = match harness {
        // Without an end in its words: the header is all that Claude's API sends, and Claude keeps it to itself.
        Harness::Claude => Turn::rate_limited(Some(3600)).message("Number of requests has exceeded your limit. Please try again in 4s."),
        Harness::Codex => Turn::rate_limited(Some(3600)),
        _ => Turn::error(429).body(
            json!({"error": {
                "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota. Please retry in 4s.",
                "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "4s"}],
            }})
            .to_string(),
        ),
    };
    let Some(bench) = Bench::start(harness, then_works(ModelScript::new().turn(limit))) else { return };
    // An agent that sleeps until the reset by itself, and holds a place meanwhile, would be taken for stalled.
    let id = bench.submit(&["--no-review", "--verify", "./check.sh", "--idle-timeout", "20"]);
    let parked = bench
        .until(&id, "the job is parked", |a| Some(a["jobs"][0].clone()).filter(|j| !j["park"].is_null() || j["status"] == "succeeded"));
    assert_eq!(parked["park"]["failure"]["kind"], "rate_limited", "{}", bench.account(&id));
    let until = time(&parked["park"]["until"]);

    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    let job = bench.job(&id, 0);
    assert_eq!((&job["parks"], &job["failures"], &job["attempts"]), (&json!(1), &json!(0), &json!(2)), "{}", bench.account(&id));
    let attempts = &job["attempts_list"];
    assert!(time(&attempts[1]["started_at"]) >= until, "not before the reset: {attempts:#}");
    // Codex tells nobody when it may be asked again: the configured time has to do.
    let waited_ms = until.since_ms(time(&attempts[0]["ended_at"]));
    let told_ms = if harness == Harness::Codex { 3000 } else { 4000 };
    assert!((told_ms - 2000..=told_ms).contains(&waited_ms), "parked for {waited_ms} ms");
}

async fn a_server_error_is_tried_again_and_then_succeeds(harness: Harness) {
    let Some(bench) = Bench::start(
        harness,
        then_works(ModelScript::new().turn(Turn::error(500).header("retry-after", "0").times(asks(harness, Trouble::ServerError)))),
    ) else {
        return;
    };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    assert_tried_again(&bench, &id);
}

async fn a_cut_stream_is_a_failure_and_then_a_success(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::cut_abrupt("NOTHING_TO_CHANGE: this answer is cut before its end.").times(asks(harness, Trouble::CutStream)));
    let Some(bench) = Bench::start(harness, then_works(script)) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    assert_tried_again(&bench, &id);
}

async fn a_stream_that_ends_too_early_in_good_order_is_no_answer_either(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::cut_clean("NOTHING_TO_CHANGE: this answer is cut before its end.").times(asks(harness, Trouble::CutStream)));
    let Some(bench) = Bench::start(harness, then_works(script)) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    assert_tried_again(&bench, &id);
}

/// The limit that people with a subscription meet: hours long, told in headers.
#[test]
fn a_spent_subscription_of_claude_parks_until_the_hour_it_names_and_a_person_can_end_the_wait() {
    let reset = Clock::system().now().plus_ms(5_400_000);
    let reset_secs = reset.0 / 1000;
    let mut limit = Turn::rate_limited(Some(5400)).message("This request would exceed your account's rate limit. Please try again later.");
    for (name, value) in [
        ("status", "rejected".to_owned()),
        ("reset", reset_secs.to_string()),
        ("representative-claim", "five_hour".to_owned()),
        ("5h-status", "rejected".to_owned()),
        ("5h-reset", reset_secs.to_string()),
        ("5h-utilization", "1.0".to_owned()),
        ("overage-status", "rejected".to_owned()),
    ] {
        limit = limit.header(format!("anthropic-ratelimit-unified-{name}"), value);
    }
    let login = json!({"claudeAiOauth": {
        "accessToken": "sk-ant-oat01-scripted-login", "refreshToken": "sk-ant-ort01-scripted-refresh", "expiresAt": 4_102_444_800_000_i64,
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max",
    }});
    let setup = Setup::default().env(key(Harness::Claude).0, "").home_file(".claude/.credentials.json", &login.to_string());
    let Some(bench) = Bench::start_with(Harness::Claude, then_works(ModelScript::new().turn(limit)), setup) else { return };
    let until = assert_parked_and_unpark(&bench);
    assert_eq!(until.0 / 1000, reset_secs);
}

/// Codex turns the provider's instant into a time of day, which is what it tells.
#[test]
fn a_spent_plan_of_codex_parks_until_the_time_it_names_and_a_person_can_end_the_wait() {
    let reset = Clock::system().now().plus_ms(5_400_000);
    let limit = Turn::error(429).body(
        json!({"error": {
            "type": "usage_limit_reached", "message": "The usage limit has been reached", "plan_type": "pro",
            "resets_at": reset.0 / 1000, "resets_in_seconds": 5400,
        }})
        .to_string(),
    );
    let Some(bench) = Bench::start(Harness::Codex, then_works(ModelScript::new().turn(limit))) else { return };
    let until = assert_parked_and_unpark(&bench);
    assert!(until.since_ms(reset).abs() <= 60_000, "{until} is not {reset} to the minute");
}

/// Quota of a day: gemini tells it in its words.
#[test]
fn a_spent_quota_of_gemini_parks_for_the_hours_it_names_and_a_person_can_end_the_wait() {
    let limit = Turn::error(429).body(
        json!({"error": {
            "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota. Please retry in 5h3m0s.",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "18180s"}],
        }})
        .to_string(),
    );
    let Some(bench) = Bench::start(Harness::Gemini, then_works(ModelScript::new().turn(limit))) else { return };
    let before = Clock::system().now();
    let until = assert_parked_and_unpark(&bench);
    assert!((18_180_000..18_240_000).contains(&until.since_ms(before)), "{until}");
}

/// Sees the job parked, ends the wait as a person would, and sees the work done; gives until when it would have waited.
fn assert_parked_and_unpark(bench: &Bench) -> Timestamp {
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let job = bench
        .until(&id, "the job is parked", |a| Some(a["jobs"][0].clone()).filter(|j| !j["park"].is_null() || j["status"] == "succeeded"));
    let until = time(&job["park"]["until"]);
    assert_eq!(job["park"]["failure"]["kind"], "rate_limited");
    let asked = bench.model.requests().len();
    assert!(bench.daemon.call(&["unpark", bench.harness.as_str()]).status.success());
    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    assert!(bench.model.requests().len() > asked);
    let job = bench.job(&id, 0);
    assert_eq!((&job["parks"], &job["failures"]), (&json!(1), &json!(0)), "{}", bench.account(&id));
    until
}

/// How often a CLI asks by itself before it gives up, with Windlass's settings for it.
fn asks(harness: Harness, trouble: Trouble) -> u32 {
    match (harness, trouble) {
        (Harness::Claude, Trouble::ServerError) => 3,
        (Harness::Claude, Trouble::CutStream) | (Harness::Codex, Trouble::ServerError) => 2,
        _ => 1,
    }
}

enum Trouble {
    ServerError,
    CutStream,
}

/// The first attempt failed for its model's sake, the second did the work.
fn assert_tried_again(bench: &Bench, id: &str) {
    let done = bench.complete(id);
    bench.assert_delivered(&done);
    let job = bench.job(id, 0);
    let attempts = job["attempts_list"].as_array().unwrap();
    assert_eq!((&job["failures"], attempts.len()), (&json!(1), 2), "{}", bench.account(id));
    assert_eq!((&attempts[0]["status"], &attempts[0]["failure"]["kind"]), (&json!("failed"), &json!("api_error")), "{}", bench.account(id));
    assert_eq!(attempts[1]["status"], "succeeded");
}

fn time(value: &Value) -> Timestamp {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{value} is no time: {e}"))
}
