//! Work that succeeds: a command, a file, a check that sends the agent back.

use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::Harness;

use crate::bench::{Bench, Setup};

crate::with_each_cli!(
    a_check_is_made_to_pass_and_the_work_is_delivered,
    a_red_check_is_shown_to_the_agent_in_its_own_session,
    an_agent_works_where_landlock_is_its_sandbox,
    an_agent_without_a_network_speaks_to_its_model_and_to_nobody_else,
);

async fn a_check_is_made_to_pass_and_the_work_is_delivered(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::run("cat answer.txt; pwd")).saying("I look.").tokens(1000, 20))
        .turn(Turn::tool(Tool::read("answer.txt")).when_last("41").tokens(1100, 20))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")).tokens(1200, 20))
        .turn(Turn::text("The answer is 42 now.").tokens(1300, 20));
    let Some(bench) = Bench::start(harness, script) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let done = bench.complete(&id);
    bench.assert_delivered(&done);

    let job = bench.job(&id, 0);
    assert_eq!((&job["attempts"], &job["failures"]), (&1.into(), &0.into()));
    assert!(job["output"].as_str().unwrap().contains("The answer is 42 now."), "{}", job["output"]);
    // Four turns of the script, as the agent's own account has them.
    assert_eq!((&job["usage"]["input_tokens"], &job["usage"]["output_tokens"]), (&4600.into(), &80.into()), "{}", job["usage"]);
    let stages = stages(&job, 0);
    assert!(stages.ends_with(&["prepare", "prompt", "run", "verify", "scan", "commit", "push", "propose"].map(String::from)), "{stages:?}");

    let requests = bench.model.main_loop_requests();
    assert_eq!(requests.iter().map(|r| r.turn).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3)]);
    assert!(requests[0].newest.contains("Make ./check.sh pass."));
    Bench::nothing_left(&id, std::time::Duration::ZERO);
}

async fn an_agent_works_where_landlock_is_its_sandbox(harness: Harness) {
    if windlass_workspace::launch::landlock_gaps().is_none() {
        windlass_testkit::skip::skipped("Landlock", "run a kernel that has it");
        return;
    }
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::run("ls / 2>&1 || cat answer.txt")))
        .turn(Turn::tool(Tool::read("answer.txt")).when_last("41"))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")))
        .turn(Turn::text("The answer is 42 now."));
    let Some(bench) = Bench::start_with(harness, script, Setup::default().engine("isolation = \"landlock\"")) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    assert_eq!(bench.job(&id, 0)["attempts_list"][0]["isolation"], "landlock");
}

async fn a_red_check_is_shown_to_the_agent_in_its_own_session(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::read("answer.txt")))
        .turn(Turn::tool(Tool::write("answer.txt", "40\n")))
        .turn(Turn::text("All checks pass, I am sure."))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")).when_last("FAILED: answer.txt says '40', want '42'"))
        .turn(Turn::text("Now they do."));
    let Some(bench) = Bench::start(harness, script) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let done = bench.complete(&id);
    bench.assert_delivered(&done);

    let job = bench.job(&id, 0);
    assert_eq!((&job["attempts"], &job["failures"]), (&1.into(), &0.into()), "a round is not a retry");
    let requests = bench.model.main_loop_requests();
    assert_eq!(requests.iter().map(|r| r.turn).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    // The request after the check still has the whole first round in it: the session was resumed.
    assert!(requests[3].text.contains("All checks pass, I am sure."), "{}", requests[3].text);
    assert!(!requests[3].newest.contains("All checks pass, I am sure."));
    let sessions: Vec<_> = job["attempts_list"].as_array().unwrap().iter().map(|a| a["session_id"].as_str()).collect();
    assert!(sessions[0].is_some(), "{sessions:?}");
}

async fn an_agent_without_a_network_speaks_to_its_model_and_to_nobody_else(harness: Harness) {
    // A host of the tester's machine, which is no model.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let ask =
        format!("curl -sS -o /dev/null -w 'code %{{http_code}}' http://127.0.0.1:{port}/; curl -sS --noproxy '*' http://127.0.0.1:{port}/");
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::run(&ask)))
        .turn(Turn::tool(Tool::read("answer.txt")).when_last("code 403"))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")))
        .turn(Turn::text("The answer is 42 now."));
    let Some(bench) = Bench::start_with(harness, script, Setup::default().network("none")) else { return };
    if bench.daemon.json(&["status"]).unwrap()["isolation"] != "bubblewrap" {
        windlass_testkit::skip::skipped("a network of the agent's own", "install bubblewrap");
        return;
    }
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    let refused = bench.daemon.json(&["events", "--assignment", &id, "--kind", "attempt.notice"]).unwrap();
    assert!(refused.to_string().contains(&format!("127.0.0.1:{port}")), "{refused:#}");
}

/// The stages of an attempt, in order.
pub(crate) fn stages(job: &serde_json::Value, attempt: usize) -> Vec<String> {
    let stages = job["attempts_list"][attempt]["stages"].as_array().unwrap();
    stages.iter().map(|s| s["stage"].as_str().unwrap().to_owned()).collect()
}
