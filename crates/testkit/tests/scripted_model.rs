//! The scripted model on its own: which turn answers what, and how answers break off.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use windlass_testkit::model::{ModelScript, Outcome, SPENT, ScriptedModel, Tool, Turn};
use windlass_testkit::process::kill;

const CLAUDE: &str = "/v1/messages?beta=true";
const CODEX: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:generateContent";

/// A main-loop request of Claude Code's, not streamed.
fn claude(prompt: &str) -> Value {
    json!({"model": "m", "tools": [{"name": "Write"}], "messages": [{"role": "user", "content": prompt}]})
}

async fn post(model: &ScriptedModel, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
    reqwest::Client::new().post(format!("{}{path}", model.url())).json(body).send().await
}

async fn text_of(model: &ScriptedModel, body: &Value) -> String {
    let answer: Value = post(model, CLAUDE, body).await.unwrap().json().await.unwrap();
    answer["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn turns_are_taken_in_order_and_then_the_script_is_spent() {
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::text("one").times(2)).turn(Turn::text("two")));
    for want in ["one", "one", "two", SPENT, SPENT] {
        assert_eq!(text_of(&model, &claude("go")).await, want);
    }
    assert_eq!(model.main_loop_requests().iter().map(|r| r.turn).collect::<Vec<_>>(), [Some(0), Some(0), Some(1), None, None]);
}

#[tokio::test]
async fn a_turn_is_kept_for_the_agent_that_it_matches() {
    let script = ModelScript::new()
        .turn(Turn::text("for b").when("job b"))
        .turn(Turn::text("for a").when("job a"))
        .turn(Turn::text("for all").always());
    let model = ScriptedModel::start(script);
    for (prompt, want) in [("job a", "for a"), ("job a", "for all"), ("job b", "for b")] {
        assert_eq!(text_of(&model, &claude(prompt)).await, want);
    }
}

#[tokio::test]
async fn a_request_without_tools_takes_no_turn_unless_the_script_says_so() {
    let side = json!({"model": "m", "messages": [{"role": "user", "content": "a title, please"}]});
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::text("one")));
    assert_eq!(text_of(&model, &side).await, "ok");
    assert_eq!(text_of(&model, &claude("go")).await, "one");
    assert_eq!((model.requests().len(), model.main_loop_requests().len()), (2, 1));
    let model = ScriptedModel::start(ModelScript::new().without_tools().turn(Turn::text("one")));
    assert_eq!(text_of(&model, &side).await, "one");
}

#[tokio::test]
async fn a_side_request_gets_json_that_fits_its_schema() {
    let schema =
        json!({"type": "OBJECT", "properties": {"complexity_reasoning": {"type": "STRING"}, "complexity_score": {"type": "INTEGER"}}});
    let body =
        json!({"contents": [], "tools": [{"functionDeclarations": [{"name": "f"}]}], "generationConfig": {"responseJsonSchema": schema}});
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::text("one")));
    let answer: Value = post(&model, GEMINI, &body).await.unwrap().json().await.unwrap();
    let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json!({"complexity_reasoning": "x", "complexity_score": 10}));
}

#[tokio::test]
async fn an_error_has_its_status_headers_and_the_providers_form() {
    let error = || Turn::rate_limited(Some(7)).message("slow down");
    let own = Turn::error(529).body("<html>busy</html>");
    let model = ScriptedModel::start(ModelScript::new().turn(error()).turn(error()).turn(own));
    let answer = post(&model, CLAUDE, &claude("go")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], json!({"type": "rate_limit_error", "message": "slow down"}));
    let answer = post(&model, CODEX, &json!({"tools": [{"name": "exec_command"}], "input": []})).await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["message"], "slow down");
    let answer = post(&model, CLAUDE, &claude("go")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (529, "<html>busy</html>"));
}

#[tokio::test]
async fn a_stream_cut_clean_ends_in_order_and_one_cut_abruptly_does_not() {
    let mut body = claude("go");
    body["stream"] = json!(true);
    let cut = "half of this is sent";
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::cut_clean(cut)).turn(Turn::cut_abrupt(cut)).turn(Turn::text(cut)));
    let clean = post(&model, CLAUDE, &body).await.unwrap().text().await.unwrap();
    assert!(clean.contains("half") && !clean.contains("message_stop"), "{clean}");
    assert!(post(&model, CLAUDE, &body).await.unwrap().text().await.is_err());
    assert!(post(&model, CLAUDE, &body).await.unwrap().text().await.unwrap().contains("message_stop"));
    model.wait_until_idle().await;
    assert_eq!(model.requests().iter().map(|r| r.outcome).collect::<Vec<_>>(), [Outcome::Answered, Outcome::Broken, Outcome::Answered]);
}

#[tokio::test]
async fn a_hanging_request_ends_with_the_client_or_with_the_server() {
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::hang().always()));
    let body = claude("go");
    let url = format!("{}{CLAUDE}", model.url());
    let client = tokio::spawn(reqwest::Client::new().post(&url).json(&body).send());
    assert_eq!(model.wait_for_request(1).await.outcome, Outcome::Open);
    client.abort();
    model.wait_until_idle().await;
    assert_eq!(model.requests()[0].outcome, Outcome::Broken);

    let client = tokio::spawn(reqwest::Client::new().post(&url).json(&body).send());
    model.wait_for_request(2).await;
    drop(model);
    assert!(client.await.unwrap().is_err());
}

#[tokio::test]
async fn an_unknown_address_is_not_found_and_yet_logged() {
    let model = ScriptedModel::start(ModelScript::new());
    assert_eq!(post(&model, "/v1/telemetry", &json!({})).await.unwrap().status().as_u16(), 404);
    assert_eq!(model.wait_for(|r| r.path == "/v1/telemetry").await.number, 1);
}

#[tokio::test]
async fn the_program_prints_its_address_and_answers_by_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.toml");
    std::fs::write(&script, "[[turns]]\ntext = \"by file\"\n").unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_windlass-scripted-model"));
    let mut program = program.arg("--script").arg(&script).arg("--print-url").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let answer = reqwest::Client::new().post(format!("{}{CLAUDE}", url.trim())).json(&claude("go")).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("by file"));
    kill(program.id());
    program.wait().unwrap();
}

#[tokio::test]
async fn every_wire_calls_a_tool_by_its_own_name() {
    let model = ScriptedModel::start(ModelScript::new().turn(Turn::tool(Tool::run("make check")).always()));
    let claude: Value = post(&model, CLAUDE, &claude("go")).await.unwrap().json().await.unwrap();
    assert_eq!(claude["content"][0]["name"], "Bash");
    let body = json!({"tools": [{"name": "exec_command"}], "input": []});
    let codex: Value = post(&model, CODEX, &body).await.unwrap().json().await.unwrap();
    assert_eq!(codex["output"][0]["name"], "exec_command");
    let body = json!({"contents": [], "tools": [{"functionDeclarations": [{"name": "f"}]}]});
    let gemini: Value = post(&model, GEMINI, &body).await.unwrap().json().await.unwrap();
    assert_eq!(
        gemini["candidates"][0]["content"]["parts"][0]["functionCall"],
        json!({"name": "run_shell_command", "args": {"command": "make check", "description": "run a command"}})
    );
}
