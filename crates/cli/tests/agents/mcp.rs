//! A real agent that uses Windlass by the Model Context Protocol, as a person sets it up.

use serde_json::{Value, json};
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::Harness;

use crate::bench::Bench;
use crate::daemon::EXE;
use crate::hooks::run_by_hand;

#[test]
fn claude_begins_work_and_looks_at_it_by_tools_over_stdio() {
    used_by_claude(|bench| {
        let data = &bench.daemon.data;
        let env = json!({"WINDLASS_DATA_DIR": data, "WINDLASS_CONFIG": data.join("windlass.toml")});
        json!({"type": "stdio", "command": EXE, "args": ["mcp"], "env": env})
    });
}

#[test]
fn claude_begins_work_and_looks_at_it_by_tools_over_http() {
    used_by_claude(|bench| {
        let data = &bench.daemon.data;
        let endpoint: Value = serde_json::from_slice(&std::fs::read(data.join("endpoint.json")).unwrap()).unwrap();
        let token = std::fs::read_to_string(data.join("token")).unwrap();
        let headers = json!({"Authorization": format!("Bearer {}", token.trim())});
        json!({"type": "http", "url": format!("{}/mcp", endpoint["url"].as_str().unwrap()), "headers": headers})
    });
}

fn used_by_claude(server: impl FnOnce(&Bench) -> Value) {
    let Some(mut bench) = Bench::start(Harness::Claude, ModelScript::new()) else { return };
    let worker = "[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"42\" } }, { say = \"Done.\" }]";
    let goal =
        json!({"goal": "Make ./check.sh pass.", "repo": bench.repo.path(), "harness": "simulated", "script": worker, "no_review": true});
    bench.next_model(
        ModelScript::new()
            .turn(Turn::tool(Tool::native("mcp__windlass__run", goal)))
            .turn(Turn::tool(Tool::native("mcp__windlass__list_work", json!({"limit": 5}))).when_last("Make ./check.sh pass."))
            .turn(Turn::tool(Tool::native("mcp__windlass__cancel_job", json!({"id": "job_nothing"}))).when_last("next_cursor"))
            .turn(Turn::text("It is on its way.").when_last("job_nothing")),
    );
    let config = json!({"mcpServers": {"windlass": server(&bench)}}).to_string();
    let ran = run_by_hand(&bench, "Have Windlass make the check pass", &["--mcp-config", &config, "--strict-mcp-config"]);
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("It is on its way."), "{ran:?}\n{}", bench.daemon.log());
    let listed = bench.daemon.json(&["assignments"]).unwrap();
    let assignment = &listed["items"][0];
    assert_eq!((listed["items"].as_array().map(Vec::len), &assignment["source"]), (Some(1), &json!("api")), "{listed:#}");
    bench.complete(assignment["id"].as_str().unwrap());
}
