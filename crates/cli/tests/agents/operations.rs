//! A service's request becomes a green branch and a pull request, made by any of the agents.

use serde_json::json;
use windlass_testkit::forge::FakeGitHub;
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::Harness;

use crate::bench::{Bench, Setup};

const REPOSITORY: &str = "acme/anvil";

crate::with_each_cli!(a_failing_test_becomes_a_green_branch_and_a_pull_request_as_the_result_claims);

async fn a_failing_test_becomes_a_green_branch_and_a_pull_request_as_the_result_claims(harness: Harness) {
    let forge = FakeGitHub::start();
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::read("answer.txt")))
        .turn(Turn::tool(Tool::write("answer.txt", "40\n")))
        .turn(Turn::text("All checks pass, I am sure."))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")).when_last("FAILED: answer.txt says '40', want '42'"))
        .turn(Turn::text("Now they do."));
    let setup = Setup::default().tables(format!("[forge]\nbase_url = \"{}\"\n", forge.url())).env("GITHUB_TOKEN", forge.token());
    let Some(bench) = Bench::start_with(harness, script, setup) else { return };
    let remote = bench.repo.add_remote("origin");
    bench.repo.git(&["push", "--quiet", "origin", "main"]);
    forge.follow(REPOSITORY, remote.clone());
    let request = json!({
        "operationType": "error_fix",
        "description": "Make ./check.sh pass.",
        "repository": {"url": remote.path(), "owner": "acme", "name": "anvil", "branch": "main"},
        "targetFiles": ["answer.txt"],
        "errorContext": {"errorMessage": "answer.txt says '41', want '42'", "stackTrace": "at check.sh:3", "affectedFiles": ["answer.txt"]},
        "organizationId": "acme", "sessionId": "s-1", "approvalRequired": true, "maxIterations": 3,
        "harness": harness, "verify": "./check.sh",
    });
    let file = bench.file("request.json", &request.to_string());
    let made = bench.daemon.json(&["op", "submit", "--file", file.to_str().unwrap(), "--detach"]).expect("the operation is taken");
    let id = made["operationId"].as_str().unwrap().to_owned();
    bench.complete(&id);

    let result = bench.daemon.json(&["op", "result", &id]).expect("there is a result");
    assert_eq!((&result["success"], &result["operationId"]), (&true.into(), &id.clone().into()), "{result:#}");
    let branch = result["branch"].as_str().unwrap();
    let commits: Vec<String> = remote.git(&["rev-list", "--reverse", &format!("main..{branch}")]).lines().map(str::to_owned).collect();
    assert_eq!((result["commits"].clone(), commits.len()), (json!(commits), 1), "{result:#}");
    assert_eq!(remote.file_at(branch, "answer.txt").as_deref(), Some("42\n"));
    let changed: Vec<String> = remote.git(&["diff", "--name-only", &format!("main...{branch}")]).lines().map(str::to_owned).collect();
    assert_eq!(result["filesModified"], json!(changed));
    assert_eq!(result["iterations"], 2, "the check sent the agent back once: {result:#}");
    let open = forge.open_pulls(REPOSITORY);
    assert_eq!(open.len(), 1);
    assert_eq!((result["pr"]["number"].as_u64(), result["pr"]["title"].as_str()), (Some(open[0].0), Some(open[0].1.as_str())));
    assert!(open[0].2.contains("Now they do."), "{}", open[0].2);
    let asked = &bench.model.main_loop_requests()[0].newest;
    assert!(asked.contains("Make ./check.sh pass.") && asked.contains("at check.sh:3"), "{asked}");
    assert!(!bench.model.requests().iter().any(|r| r.text.contains(forge.token())), "the agent never had the forge's token");
}
