//! A backend that is away: its agents get no more work, nothing is spent on it, and one job tries whether it is back.

use std::path::Path;

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, eventually, id};

/// Five failures of the model's API, and then work that waits for the file `go`.
fn away_then_back(bench: &Bench) -> String {
    let fails = "{ api_error = \"503 upstream is away\" }, ".repeat(5);
    let wait = waiting(&bench.outside("go"), &bench.outside("runs"));
    bench.simulated(&format!("[[turn]]\nsteps = [{fails}{wait}]"), &["--project", "scratch", "--no-review", "--max-retries", "9"])
}

/// Work that says that it runs and ends when `go` is there.
fn waiting(go: &Path, runs: &Path) -> String {
    let (go, runs) = (go.display(), runs.display());
    format!("{{ run = \"echo $WINDLASS_JOB_ID >> {runs}; while [ ! -e {go} ]; do sleep 0.05; done\" }}, {{ say = \"Done.\" }}")
}

fn five_more(bench: &Bench) -> Vec<String> {
    let script = format!("[[turn]]\nsteps = [{}]", waiting(&bench.outside("go"), &bench.outside("runs")));
    (0..5).map(|_| bench.simulated(&script, &["--project", "scratch", "--no-review"])).collect()
}

fn breaker(bench: &Bench) -> Value {
    let list = bench.ok(&["breakers"]);
    list["items"].as_array().unwrap().iter().find(|b| b["id"] == "simulated/default").unwrap().clone()
}

fn until_breaker(bench: &Bench, status: &str) -> Value {
    eventually(&format!("the breaker is {status}"), || Some(breaker(bench)).filter(|b| b["status"] == status))
}

/// What ran while the work waited for `go`, a line for each run.
fn runs(bench: &Bench) -> Vec<String> {
    std::fs::read_to_string(bench.outside("runs")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn five_failures_in_a_row_hold_every_job_of_the_agent_until_a_person_closes_the_breaker() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 3\ncircuit_breaker_timeout = 3600\n", "");
    let first = away_then_back(&bench);
    let open = until_breaker(&bench, "open");
    assert_eq!(open["failures"], 5, "{open:#}");
    assert!(open["open_until"].is_string() && open["failure"]["message"].as_str().unwrap().contains("503"), "{open:#}");

    let others = five_more(&bench);
    for other in &others {
        let hold = bench.until_held(other, 0, "breaker_open");
        assert!(hold["reason"].as_str().unwrap().contains("simulated is open after 5 failures in a row"), "{hold:#}");
        assert!(hold["reason"].as_str().unwrap().contains("503 upstream is away"), "{hold:#}");
        assert_eq!(hold["until"], open["open_until"]);
        assert!(hold["hint"].as_str().unwrap().contains("windlass breakers close simulated"), "{hold:#}");
    }
    let held = bench.until_held(&first, 0, "breaker_open");
    assert!(held["until"].is_string());
    assert_eq!(bench.ok(&["status"])["breakers"][0]["id"], "simulated/default");
    let doctor = bench.ok(&["doctor"])["checks"].as_array().unwrap().iter().find(|c| c["name"] == "breakers").cloned().unwrap();
    assert!(doctor["problem"]["hint"].as_str().unwrap().contains("windlass breakers"), "{doctor:#}");

    // Work for another agent goes on meanwhile.
    let by_program = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh"]);
    assert_eq!(bench.ended(&by_program)["status"], "complete");

    std::fs::write(bench.outside("go"), "").unwrap();
    let closed = bench.ok(&["breakers", "close", "simulated"]);
    assert_eq!((&closed["status"], &closed["failures"]), (&"closed".into(), &0.into()), "{closed:#}");
    for other in &others {
        let done = bench.ended(other);
        assert_eq!(done["status"], "complete", "{done:#}");
        let job = &done["jobs"][0];
        assert_eq!(
            (&job["attempts"], &job["failures"], &done["spent"]["runs"]),
            (&1.into(), &0.into(), &1.into()),
            "nothing was spent in vain"
        );
    }
    let done = bench.ended(&first);
    assert_eq!((&done["status"], &done["jobs"][0]["attempts"]), (&"complete".into(), &6.into()), "{done:#}");

    let (code, told) = bench.refused(&["breakers", "close", "simulated", "--account", "nobody"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("no breaker of simulated (account nobody)"), "{told}");
}

#[test]
fn one_job_alone_tries_a_half_open_breaker_also_after_a_crash_and_lets_the_others_go_when_it_works() {
    let mut bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 3\ncircuit_breaker_timeout = 1\n", "");
    away_then_back(&bench);
    eventually("it has been open", || Some(breaker(&bench)).filter(|b| b["status"] != "closed"));
    let others = five_more(&bench);
    let probe = eventually("a probe runs", || breaker(&bench)["probe"].as_str().map(str::to_owned));
    assert_eq!(breaker(&bench)["status"], "half_open");
    eventually("its agent works", || (!runs(&bench).is_empty()).then_some(()));
    for other in &others {
        if id(&bench.jobs(other)[0]) != probe {
            let hold = bench.until_held(other, 0, "breaker_open");
            assert!(hold["reason"].as_str().unwrap().contains(&format!("half open and {probe} is its one try")), "{hold:#}");
        }
    }

    bench.daemon.kill();
    assert!(bench.daemon.start(), "{}", bench.daemon.log());
    let again = eventually("a probe runs again", || breaker(&bench)["probe"].as_str().map(str::to_owned));
    eventually("its agent works", || (runs(&bench).len() > 1).then_some(()));
    assert_eq!(breaker(&bench)["status"], "half_open");
    assert_eq!(runs(&bench), [probe, again], "one at a time");

    std::fs::write(bench.outside("go"), "").unwrap();
    for other in &others {
        let done = bench.ended(other);
        assert_eq!((&done["status"], &done["jobs"][0]["failures"]), (&"complete".into(), &0.into()), "{done:#}");
    }
    until_breaker(&bench, "closed");
    let told = bench.ok(&["events", "--kind", "breaker.changed"]);
    let told: Vec<&str> = told["items"].as_array().unwrap().iter().map(|e| e["data"]["status"].as_str().unwrap()).collect();
    assert_eq!(told, ["open", "half_open", "half_open", "closed"]);
}

#[test]
fn work_that_is_refused_by_its_check_opens_no_breaker() {
    let bench = Bench::with(TempRepo::failing_check(), "circuit_breaker_threshold = 1\n", "max_iterations = 1\n");
    let a = bench.simulated(
        "[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"41\\n\" } }, { say = \"Done.\" }]",
        &["--verify", "./check.sh", "--no-review"],
    );
    assert_eq!(bench.ended(&a)["block"]["kind"], "verify_failed");
    assert_eq!(breaker(&bench)["status"], "closed");
}
