//! What a person has to set up: named, and waited for with the job unharmed.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id};

#[test]
fn refused_credentials_block_and_the_job_waits_unharmed_until_the_person_has_acted() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ unauthorized = true }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "unauthorized");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("credentials"), "{blocked:#}");
    let job = &blocked["jobs"][0];
    assert_eq!((&job["status"], &job["failures"]), (&"queued".into(), &0.into()), "{job:#}");
    let explained = bench.explain(&id(job));
    assert_eq!(explained["hold"]["kind"], "blocked", "{explained:#}");
    assert!(explained["hold"]["hint"].is_string(), "it says what to do: {explained:#}");

    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(done["block"], serde_json::Value::Null);
    assert_eq!(done["jobs"][0]["failures"], 0, "it cost no retry");
}

fn claude(program: &str) -> Bench {
    let empty = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_USE_BEDROCK"];
    let none: Vec<(&str, &str)> = empty.iter().map(|name| (*name, "")).collect();
    Bench::with_env(TempRepo::failing_check(), "", &format!("[harness.claude]\nprogram = {program:?}\n"), &none)
}

#[test]
fn an_agent_without_a_login_is_named_before_anything_is_started() {
    let bench = claude("/bin/true");
    let a = bench.submit(&["--harness", "claude"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "not_logged_in");
    let told = blocked["block"].to_string();
    assert!(told.contains("claude") && told.contains("ANTHROPIC_API_KEY"), "{told}");
    let job = &blocked["jobs"][0];
    assert_eq!((&job["status"], &job["failures"]), (&"queued".into(), &0.into()));
    assert_eq!(blocked["spent"]["runs_without_usage"], 0, "no agent was started: {blocked:#}");
}

#[test]
fn an_agent_that_is_not_installed_is_named() {
    let bench = claude("/nonexistent/claude");
    let a = bench.submit(&["--harness", "claude"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "not_installed");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("/nonexistent/claude"), "{blocked:#}");
    assert_eq!(blocked["jobs"][0]["status"], "queued");
    let doctor = bench.daemon.call(&["doctor"]);
    assert!(crate::bench::said(&doctor).contains("/nonexistent/claude"), "doctor says so too: {}", crate::bench::said(&doctor));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let bench = Bench::new();
    let a = bench.submit(&["--program", "no-such-agent --fast"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "not_installed");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("no-such-agent"), "{blocked:#}");
}
