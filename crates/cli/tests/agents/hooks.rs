//! Agents that a person starts: what their hooks tell of them. And Windlass's own, which tell by their streams.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use windlass_testkit::cli::AgentCli;
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::Harness;

use crate::bench::{Bench, key};
use crate::daemon::windlass;

crate::with_each_cli!(
    an_agent_that_a_person_starts_shows_as_manual_with_its_tools_counted,
    an_agent_that_windlass_runs_has_one_session_that_ends_with_its_attempt,
);

async fn an_agent_that_a_person_starts_shows_as_manual_with_its_tools_counted(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::run("echo out; exit 3")))
        .turn(Turn::tool(Tool::run("cat answer.txt")))
        .turn(Turn::text("I looked."));
    let Some(bench) = Bench::start(harness, script) else { return };
    let repo = bench.repo.path();
    assert!(bench.daemon.call(&["init", "--repo", repo.to_str().unwrap(), "--name", "shop"]).status.success());
    let scope = if harness == Harness::Codex { "--user" } else { "--project" };
    let mut install = windlass(&bench.daemon.data);
    install.args(["hooks", "install", scope, "--harness", harness.as_str(), "--data-dir"]).arg(&bench.daemon.data);
    let installed = install.env("HOME", bench.user_home()).env_remove("CODEX_HOME").current_dir(repo).output().unwrap();
    assert!(installed.status.success(), "{installed:?}");

    let ran = run_by_hand(&bench, "Look at answer.txt", &[]);
    assert!(ran.status.success(), "{ran:?}");
    let found = bench.daemon.json(&["agents", "--all"]).unwrap();
    let told = || format!("{found:#}\n{}\n{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let session = &found["items"][0];
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{}", told());
    // Codex does not tell how a command ended.
    let failed = i64::from(harness != Harness::Codex);
    let wanted = json!({
        "kind": "manual", "session_type": "manual", "harness": harness, "project": "shop", "title": "Look at answer.txt",
        "status": "ended", "tools_used": 2, "tools_failed": failed, "current_tool": null, "assignment_id": null,
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(&session[field], value, "{field}: {}", told());
    }
    assert_eq!(session["success_rate"], if failed == 1 { 0.5 } else { 1.0 }, "{}", told());
    assert!(session["mean_duration_ms"].is_number() && session["end_reason"].is_string(), "{}", told());
    let id = session["id"].as_str().unwrap();
    let done = bench.daemon.json(&["agents", id]).unwrap();
    let kinds: Vec<&str> = done["items"].as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(kinds, ["session_start", "prompt", "tool_start", "tool_end", "tool_start", "tool_end", "stop", "session_end"], "{done:#}");
    let tools: Vec<&Value> =
        done["items"].as_array().unwrap().iter().filter(|item| item["kind"] == "tool_start").map(|item| &item["summary"]).collect();
    assert!(tools[0].as_str().unwrap().contains("echo out; exit 3") && tools[1].as_str().unwrap().contains("cat answer.txt"), "{tools:?}");

    // Taken out again, they tell nothing more.
    let mut uninstall = windlass(&bench.daemon.data);
    uninstall.args(["hooks", "uninstall", scope, "--harness", harness.as_str()]);
    assert!(uninstall.env("HOME", bench.user_home()).env_remove("CODEX_HOME").current_dir(repo).status().unwrap().success());
    let settings = settings_of(harness, repo, &bench.user_home());
    // A file that was there for its hooks alone is gone.
    assert!(!std::fs::read_to_string(&settings).unwrap_or_default().contains("windlass"), "{}", settings.display());
}

async fn an_agent_that_windlass_runs_has_one_session_that_ends_with_its_attempt(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::read("answer.txt")))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")))
        .turn(Turn::text("The answer is 42 now."));
    let Some(bench) = Bench::start(harness, script) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    bench.complete(&id);
    let attempt = &bench.job(&id, 0)["attempts_list"][0];
    let found = bench.daemon.json(&["agents", "--all"]).unwrap();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found:#}");
    let session = &found["items"][0];
    let wanted = json!({
        "kind": "job", "session_type": "implementation", "harness": harness, "assignment_id": id, "attempt_id": attempt["id"],
        "agent_session_id": attempt["session_id"], "title": "Make ./check.sh pass.", "status": "ended", "end_reason": "succeeded",
        "tools_used": 2, "tools_failed": 0, "success_rate": 1.0, "current_tool": null,
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(&session[field], value, "{field}: {found:#}\n{}", bench.account(&id));
    }
    let done = bench.daemon.json(&["agents", session["id"].as_str().unwrap()]).unwrap();
    let kinds: Vec<&str> = done["items"].as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    for kind in ["session_start", "tool_start", "tool_end", "stop", "session_end"] {
        assert!(kinds.contains(&kind), "{kind}: {done:#}");
    }
    let text = bench.daemon.call(&["agents"]);
    assert!(text.status.success() && text.stdout.is_empty(), "what is over is not at work: {text:?}");
}

fn settings_of(harness: Harness, repo: &Path, home: &Path) -> std::path::PathBuf {
    match harness {
        Harness::Codex => home.join(".codex/hooks.json"),
        other => repo.join(format!(".{}/settings.json", other.as_str())),
    }
}

/// Runs the agent as a person would, in the repository and with the person's own home.
pub(crate) fn run_by_hand(bench: &Bench, prompt: &str, args: &[&str]) -> Output {
    let (home, harness) = (bench.user_home(), bench.harness);
    let mut command = Command::new(AgentCli::find(harness).unwrap());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("WINDLASS_") || name.starts_with("XDG_") || name.starts_with("CLAUDE") || name.starts_with("CODEX")
        }) {
            command.env_remove(name);
        }
    }
    let base = bench.model.url();
    command.env("HOME", &home).env(key(harness).0, key(harness).1).current_dir(bench.repo.path());
    match harness {
        Harness::Claude => {
            command.args(["-p", prompt, "--model", "claude-sonnet-4-5", "--dangerously-skip-permissions"]);
            command.env("IS_SANDBOX", "1").env("ANTHROPIC_BASE_URL", base).env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        }
        Harness::Codex => {
            let provider = format!(
                "model_providers.scripted={{name=\"scripted\",base_url=\"{base}/v1\",env_key=\"{}\",wire_api=\"responses\"}}",
                key(harness).0
            );
            command.args(["exec", "-m", "gpt-5.5", "-c", "model_provider=\"scripted\"", "-c", &provider, "-c", "analytics.enabled=false"]);
            command.args(["-c", "check_for_update_on_startup=false", "-c", "features.plugins=false", "-c", "features.apps=false"]);
            command.args(["--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust", prompt]);
        }
        _ => {
            let settings = json!({
                "security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": false},
                "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false}, "telemetry": {"enabled": false},
            });
            std::fs::create_dir_all(home.join(".gemini")).unwrap();
            std::fs::write(home.join(".gemini/settings.json"), settings.to_string()).unwrap();
            command.args(["--approval-mode", "yolo", "-m", "gemini-2.5-pro", "-p", prompt]);
            command.env("GEMINI_CLI_NO_RELAUNCH", "true").env("GEMINI_CLI_TRUST_WORKSPACE", "true").env("GOOGLE_GEMINI_BASE_URL", base);
        }
    }
    command.args(args).stdin(Stdio::null()).output().unwrap()
}
