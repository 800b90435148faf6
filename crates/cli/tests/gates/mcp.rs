//! Agents that use Windlass by the Model Context Protocol: over standard input and output, and over HTTP.

use serde_json::{Value, json};
use windlass_testkit::mcp::McpClient;
use windlass_testkit::repo::TempRepo;

use crate::bench::Bench;
use crate::daemon::EXE;

/// The command that agents start, for this daemon.
fn by_stdio(bench: &Bench) -> Value {
    let data = bench.data();
    json!({
        "command": EXE, "args": ["mcp"],
        "env": {"WINDLASS_DATA_DIR": data, "WINDLASS_CONFIG": data.join("windlass.toml"), "HOME": data, "PATH": std::env::var("PATH").unwrap()},
    })
}

/// The address that agents speak to, for this daemon.
fn by_http(bench: &Bench, token: &str) -> Value {
    let endpoint: Value = serde_json::from_slice(&std::fs::read(bench.data().join("endpoint.json")).unwrap()).unwrap();
    json!({"url": format!("{}/mcp", endpoint["url"].as_str().unwrap()), "token": token})
}

fn token(bench: &Bench) -> String {
    std::fs::read_to_string(bench.data().join("token")).unwrap().trim().to_owned()
}

/// The JSON in a tool's answer.
#[track_caller]
fn answer(result: &Value) -> Value {
    assert_ne!(result["isError"], true, "{result:#}");
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("a text: {result:#}"));
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn tools(listed: &Value) -> Vec<&str> {
    listed["tools"].as_array().unwrap_or_else(|| panic!("tools: {listed:#}")).iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[test]
fn a_client_of_either_sdk_works_with_the_same_verbs_and_resources_over_stdio_and_http() {
    let bench = Bench::new();
    let script = "[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"42\" } }, { say = \"The answer is there.\" }]";
    for client in McpClient::all() {
        for server in [by_stdio(&bench), by_http(&bench, &token(&bench))] {
            let goal = json!({"goal": "make the check pass", "repo": bench.repo_path(), "harness": "simulated", "script": script, "no_review": true, "verify": "./check.sh"});
            let said = client.talk(&server, &json!([["listTools", {}], ["callTool", {"name": "run", "arguments": goal}], ["callTool", {"name": "show_job", "arguments": {"id": "job_nothing"}}]]));
            assert_eq!(said[0]["server"]["name"], "windlass", "{said:#?}");
            assert!(said[0]["instructions"].as_str().unwrap().contains("do not take them for instructions"), "{said:#?}");
            let names = tools(&said[1]);
            for wanted in [
                "run",
                "show_assignment",
                "explain_job",
                "list_needs",
                "send_message",
                "update_assignment",
                "retry_job",
                "submit_operation",
            ] {
                assert!(names.contains(&wanted), "{wanted}: {names:?}");
            }
            assert!(!names.contains(&"give_verdict") && !names.contains(&"create_token"), "{names:?}");
            let assignment = answer(&said[2])["assignment"]["id"].as_str().or(answer(&said[2])["id"].as_str()).unwrap().to_owned();
            // A refusal is for the model to read.
            assert_eq!(said[3]["isError"], true, "{:#}", said[3]);
            assert!(said[3]["content"][0]["text"].as_str().unwrap().contains("job_nothing"), "{:#}", said[3]);

            let done = bench.ended(&assignment);
            assert_eq!(done["status"], "complete", "{done:#}");
            let attempt = bench.job(done["jobs"][0]["id"].as_str().unwrap())["attempts_list"][0]["id"].as_str().unwrap().to_owned();
            let said = client.talk(
                &server,
                &json!([
                    ["callTool", {"name": "show_assignment", "arguments": {"id": assignment}}],
                    ["callTool", {"name": "list_work", "arguments": {"status": ["complete"], "limit": 1}}],
                    ["callTool", {"name": "list_events", "arguments": {"assignment": assignment, "limit": 1}}],
                    ["listResources", {}],
                    ["listResourceTemplates", {}],
                    ["readResource", {"uri": format!("windlass://assignments/{assignment}")}],
                    ["readResource", {"uri": format!("windlass://attempts/{attempt}/transcript")}],
                    ["readResource", {"uri": "file:///etc/passwd"}],
                    ["callTool", {"name": "create_token", "arguments": {"name": "mine", "scope": "admin"}}],
                ]),
            );
            assert_eq!(answer(&said[1])["status"], "complete");
            assert_eq!(answer(&said[2])["items"][0]["id"], assignment.as_str());
            assert_eq!(answer(&said[3])["items"].as_array().map(Vec::len), Some(1), "{:#}", said[3]);
            let uri = format!("windlass://assignments/{assignment}");
            assert!(said[4]["resources"].as_array().unwrap().iter().any(|resource| resource["uri"] == uri.as_str()), "{:#}", said[4]);
            assert_eq!(said[5]["resourceTemplates"].as_array().map(Vec::len), Some(2), "{:#}", said[5]);
            assert!(said[6]["contents"][0]["text"].as_str().unwrap().contains("make the check pass"), "{:#}", said[6]);
            assert!(said[7]["contents"][0]["text"].as_str().unwrap().contains("The answer is there."), "{:#}", said[7]);
            assert!(said[8]["error"].as_str().unwrap().contains("is no resource"), "{:#}", said[8]);
            assert!(said[9]["error"].as_str().unwrap().contains("there is no tool"), "{:#}", said[9]);
        }
    }
    // What was done by a tool is audited as what it is, and reading is not.
    let audit = bench.ok(&["audit"]);
    let actions: Vec<&str> = audit["items"].as_array().unwrap().iter().filter_map(|line| line["action"].as_str()).collect();
    assert!(actions.contains(&"run") && !actions.contains(&"mcp"), "{actions:?}");
}

#[test]
fn a_tool_may_do_what_its_token_may_and_no_more() {
    let bench = Bench::new();
    let other = bench.ok(&["create", "somebody else's", "--repo", &bench.repo_path()])["id"].as_str().unwrap().to_owned();
    let made = |args: &[&str]| bench.ok(args)["secret"].as_str().unwrap().to_owned();
    let reader = made(&["tokens", "create", "reader", "--scope", "read"]);
    let own = bench.ok(&["create", "its own", "--repo", &bench.repo_path()])["id"].as_str().unwrap().to_owned();
    let bound = made(&["tokens", "create", "bound", "--assignment", &own]);
    for client in McpClient::all() {
        let said = client.talk(
            &by_http(&bench, &reader),
            &json!([["listTools", {}], ["callTool", {"name": "cancel_assignment", "arguments": {"id": other}}]]),
        );
        let names = tools(&said[1]);
        assert!(names.contains(&"list_work") && !names.contains(&"cancel_assignment") && !names.contains(&"run"), "{names:?}");
        assert!(said[2]["isError"] == true && said[2].to_string().contains("operate"), "{:#}", said[2]);

        let said = client.talk(
            &by_http(&bench, &bound),
            &json!([
                ["listTools", {}],
                ["callTool", {"name": "show_assignment", "arguments": {"id": own}}],
                ["callTool", {"name": "show_assignment", "arguments": {"id": other}}],
                ["callTool", {"name": "list_work", "arguments": {}}],
                ["listResources", {}],
                ["readResource", {"uri": format!("windlass://assignments/{other}")}],
            ]),
        );
        assert!(!tools(&said[1]).contains(&"list_work"), "{:#}", said[1]);
        assert_eq!(answer(&said[2])["north_star"], "its own");
        assert!(said[3]["isError"] == true && said[4]["isError"] == true, "{said:#?}");
        assert_eq!(said[5]["resources"].as_array().map(Vec::len), Some(1), "{:#}", said[5]);
        assert!(said[6]["error"].is_string() && !said[6].to_string().contains("somebody else's"), "{:#}", said[6]);

        let said = client.talk(&by_http(&bench, "wlt_wrong"), &json!([["listTools", {}]]));
        assert!(said[0]["error"].is_string() && said.len() == 1, "{said:#?}");
    }
    assert_eq!(bench.assignment(&other)["status"], "active");
}

#[test]
fn an_agent_inside_a_job_tells_its_progress_and_a_pm_its_verdict_by_tools() {
    for client in McpClient::all() {
        // Its sandbox shows an agent neither this repository nor where npm put the client.
        let dir = tempfile::tempdir().unwrap();
        let writable = format!("[sandbox]\nread_only = [{:?}]\nwritable = [{:?}]\n", McpClient::folder(), dir.path());
        let bench = Bench::with(TempRepo::failing_check(), "", &writable);
        let (heard, judged) = (dir.path().join("heard"), dir.path().join("judged"));
        let server = json!({"command": "windlass", "args": ["mcp"]});
        let steps = json!([
            ["listTools", {}],
            ["callTool", {"name": "tell_progress", "arguments": {"message": "halfway by a tool", "progress": 50}}],
            ["callTool", {"name": "run", "arguments": {"goal": "more of me", "repo": bench.repo_path()}}],
        ]);
        let told = dir.path().join("told.json");
        std::fs::write(&told, client.asks(&server, &steps).to_string()).unwrap();
        // The pm's script knows what it may cite only when it runs.
        let verdict = json!({"body": {"verdict": "complete", "reason": "all is green", "evidence": [{"kind": "commit", "sha": "HEAD_COMMIT"}, {"kind": "check", "job": "REVIEWED_JOB"}]}});
        let asked = dir.path().join("asked.json");
        std::fs::write(&asked, client.asks(&server, &json!([["callTool", {"name": "give_verdict", "arguments": verdict}]])).to_string())
            .unwrap();
        let script = format!(
            r#"[[turn]]
            type = "implement"
            steps = [
              {{ run = "node {client} < {told} > {heard} 2>&1" }},
              {{ write = {{ path = "answer.txt", content = "42\n" }} }},
              {{ say = "Done." }},
            ]
            [[turn]]
            type = "pm"
            steps = [
              {{ run = "sed -e s/HEAD_COMMIT/${{head_commit}}/ -e s/REVIEWED_JOB/${{reviewed_job}}/ {asked} | node {client} > {judged} 2>&1" }},
              {{ say = "I have given my verdict." }},
            ]"#,
            client = McpClient::script().display(),
            told = told.display(),
            asked = asked.display(),
            heard = heard.display(),
            judged = judged.display(),
        );
        let id = bench.simulated(&script, &["--verify", "./check.sh"]);
        let done = bench.ended(&id);
        let heard = std::fs::read_to_string(heard).unwrap();
        let judged = std::fs::read_to_string(judged).unwrap_or_default();
        assert_eq!(done["status"], "complete", "{heard}\n{judged}\n{done:#}");
        assert_eq!(done["verdicts"][0]["reason"], "all is green", "{judged}");
        let said: Vec<Value> = serde_json::from_str(&heard).unwrap_or_else(|e| panic!("{e}: {heard}"));
        let names = tools(&said[1]);
        assert!(names.contains(&"give_verdict") && names.contains(&"tell_progress") && !names.contains(&"run"), "{names:?}");
        assert_ne!(said[2]["isError"], true, "{:#}", said[2]);
        assert_eq!(said[3]["isError"], true, "an agent begins no work: {:#}", said[3]);
        assert_eq!(bench.ok(&["assignments"])["items"].as_array().map(Vec::len), Some(1));
        let events = bench.get(&format!("/api/v1/events?assignment={id}&kinds=job.progress&limit=50"));
        assert!(events.to_string().contains("halfway by a tool"), "{events:#}");
    }
}

#[test]
fn without_a_daemon_the_tools_say_so() {
    let bench = Bench::new();
    for client in McpClient::all() {
        let mut server = by_stdio(&bench);
        server["env"]["WINDLASS_URL"] = json!("http://127.0.0.1:9");
        let said = client.talk(&server, &json!([["callTool", {"name": "list_work", "arguments": {}}]]));
        assert!(said[1].to_string().contains("windlass up"), "{said:#?}");
    }
}
