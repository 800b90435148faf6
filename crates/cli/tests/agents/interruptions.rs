//! Agents that hang and daemons that die: nothing is left behind, and the work goes on where it was.

use std::time::Duration;

use serde_json::json;
use windlass_testkit::model::{ModelScript, Outcome, Tool, Turn};
use windlass_testkit::process::{Process, started_ticks};
use windlass_types::Harness;

use crate::bench::{Bench, PATIENCE, Setup, eventually};
use crate::failures::then_works;

crate::with_each_cli!(
    an_agent_that_hangs_is_ended_with_all_it_started_and_tried_again,
    a_killed_daemon_takes_the_agents_tools_with_it_and_the_session_goes_on_after_the_restart,
);

async fn an_agent_that_hangs_is_ended_with_all_it_started_and_tried_again(harness: Harness) {
    let script = ModelScript::new().turn(Turn::tool(Tool::run("setsid nohup sleep 300 >/dev/null 2>&1 & echo started"))).turn(Turn::hang());
    let Some(bench) = Bench::start(harness, then_works(script)) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh", "--idle-timeout", "12"]);
    bench.model.wait_for(|r| r.turn == Some(1)).await;
    let runs = |command: &str| Bench::processes(&id).iter().any(|p| p.command == command);
    eventually(PATIENCE, || runs("sleep 300")).unwrap_or_else(|| panic!("{}", bench.account(&id)));
    let all: Vec<(Process, Option<u64>)> = Bench::processes(&id).into_iter().map(|p| (p.clone(), started_ticks(p.pid))).collect();

    let done = bench.complete(&id);
    let alive: Vec<_> = all.iter().filter(|(p, started)| started.is_some() && started_ticks(p.pid) == *started).collect();
    assert!(alive.is_empty(), "outlived the attempt that hung: {alive:?}");
    bench.assert_delivered(&done);
    let job = bench.job(&id, 0);
    // On a machine that is busy enough a start takes as long, and counts the same.
    let attempts = job["attempts_list"].as_array().unwrap();
    let stalled = attempts.iter().filter(|attempt| attempt["failure"]["kind"] == "stalled").count();
    assert_eq!((job["failures"].as_u64(), attempts.len()), (Some(stalled as u64), stalled + 1), "{}", bench.account(&id));
    assert_eq!(attempts[0]["failure"]["kind"], "stalled");
    // The second attempt knows what the first one did before it hung.
    let resumed = bench.model.wait_for(|r| r.turn == Some(2)).await;
    assert!(resumed.text.contains("started") && resumed.newest.contains("Your run was cut off"), "{}", resumed.newest);
    Bench::nothing_left(&id, Duration::from_secs(1));
}

/// Where no PID namespace can be made, a child subreaper has to find what the agents started.
mod without_namespaces {
    use windlass_types::Harness;

    crate::with_each_cli!(a_killed_daemon_takes_the_tools_with_it);

    async fn a_killed_daemon_takes_the_tools_with_it(harness: Harness) {
        super::killed_and_started_again(harness, "isolation = \"rlimits\"");
    }
}

async fn a_killed_daemon_takes_the_agents_tools_with_it_and_the_session_goes_on_after_the_restart(harness: Harness) {
    killed_and_started_again(harness, "");
}

fn killed_and_started_again(harness: Harness, engine: &'static str) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::write("notes.txt", "the answer may be 42\n")).saying("I take a note."))
        .turn(Turn::tool(Tool::run("setsid sleep 301 & sleep 300")))
        .turn(Turn::tool(Tool::read("answer.txt")).when_last("Your run was cut off"))
        .turn(Turn::tool(Tool::write("answer.txt", "42\n")))
        .turn(Turn::text("The answer is 42 now."));
    let Some(mut bench) = Bench::start_with(harness, script, Setup::default().engine(engine)) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let runs = |command: &str| Bench::processes(&id).iter().any(|p| p.command == command);
    eventually(PATIENCE, || runs("sleep 300") && runs("sleep 301")).unwrap_or_else(|| panic!("{}", bench.account(&id)));
    bench.daemon.kill();
    Bench::nothing_left(&id, Duration::from_secs(5));

    assert!(bench.daemon.start(), "{}", bench.daemon.log());
    let done = bench.complete(&id);
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.file_at(branch, "notes.txt").as_deref(), Some("the answer may be 42\n"), "{}", bench.account(&id));
    bench.assert_delivered(&done);
    let job = bench.job(&id, 0);
    assert_eq!((&job["rescues"], &job["failures"], &job["attempts"]), (&json!(1), &json!(0), &json!(2)), "{}", bench.account(&id));
    let attempts = &job["attempts_list"];
    assert_eq!((&attempts[0]["status"], &attempts[1]["status"]), (&json!("lost"), &json!("succeeded")));
    assert_eq!(attempts[0]["session_id"], attempts[1]["session_id"], "the same session");

    // The first request after the restart has the finished tool call in it, and the model was asked nothing twice.
    let requests = bench.model.main_loop_requests();
    assert_eq!(requests.iter().map(|r| r.turn).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    assert!(requests[2].text.contains("I take a note.") && requests[2].text.contains("notes.txt"), "{}", requests[2].text);
    assert!(requests.iter().all(|r| r.outcome == Outcome::Answered));
}
