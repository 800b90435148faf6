//! Budgets: what is spent refuses the next run before it starts, what is passed ends a run, what is unknown refuses.

use crate::bench::{Bench, assert_blocked, assert_nothing_left_running, id, said};

#[test]
fn a_budget_of_runs_refuses_the_next_run_before_it_starts_until_a_person_raises_it() {
    let bench = Bench::new();
    let script = bench.file(
        "script.toml",
        r#"[[turn]]
        steps = [{ crash = true }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
    );
    let out = bench.daemon.call(&[
        "run",
        "make the check pass",
        "--repo",
        &bench.repo_path(),
        "--script",
        script.to_str().unwrap(),
        "--no-review",
        "--budget-runs",
        "1",
        "--json",
    ]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let held: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(held["hold"]["kind"], "budget", "{held:#}");
    assert!(held["hold"]["reason"].as_str().unwrap().contains("1 runs"), "{held:#}");
    assert!(held["hold"]["hint"].as_str().unwrap().contains("raise that limit"), "{held:#}");
    assert_eq!((&held["jobs"][0]["attempts"], &held["spent"]["runs"]), (&1.into(), &1.into()), "{held:#}");

    let a = id(&held);
    bench.ok(&["update-assignment", &a, "--budget-runs", "2"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
    bench.ok(&["update-assignment", &a, "--no-budget", "runs", "--budget-secs", "7"]);
    let budget = bench.ok(&["assignment", &a])["budget"].clone();
    assert_eq!((&budget["runs"], &budget["wall_secs"]), (&serde_json::Value::Null, &7.into()), "{budget:#}");
    let (code, _) = bench.refused(&["update-assignment", &a, "--no-budget", "runs", "--budget-runs", "7"]);
    assert_eq!(code, 2);
}

/// An agent that tells what it used and would then go on for ever.
fn spends(usage: &str) -> String {
    format!("[[turn]]\nsteps = [{{ usage = {{ {usage} }} }}, {{ stall = true }}]")
}

#[test]
fn tokens_and_money_above_the_budget_end_the_run_at_once() {
    for (usage, flag, limit, what) in [
        ("input_tokens = 400, output_tokens = 200", "--budget-tokens", "500", "tokens"),
        ("input_tokens = 1, cost_usd = 0.50", "--budget-usd", "0.25", "US dollars"),
    ] {
        let bench = Bench::new();
        let a = bench.simulated(&spends(usage), &[flag, limit]);
        let done = bench.ended(&a);
        assert_blocked(&done, "budget_exceeded");
        let job = &done["jobs"][0];
        assert_eq!((&job["status"], &job["failure"]["kind"]), (&"failed".into(), &"budget_exceeded".into()), "{job:#}");
        assert!(job["failure"]["message"].as_str().unwrap().contains(what), "{job:#}");
        assert_nothing_left_running(&a);
    }
}

#[test]
fn what_stays_within_the_budget_is_done_and_counted() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ usage = { input_tokens = 300, output_tokens = 50, cost_usd = 0.10 } }, { write = { path = "answer.txt", content = "42\n" } }, { usage = { input_tokens = 100, cost_usd = 0.05 } }, { say = "Done." }]"#,
        &["--budget-tokens", "500", "--budget-usd", "0.25", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!((&done["spent"]["tokens"], &done["spent"]["cost_micros"]), (&450.into(), &150_000.into()), "{done:#}");
}

#[test]
fn what_a_failed_run_used_counts_too() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ usage = { input_tokens = 500 } }, { api_error = "overloaded" }, { say = "never reached" }]"#,
        &["--budget-tokens", "500", "--no-review"],
    );
    let hold = bench.until_held(&a, 0, "budget");
    assert!(hold["reason"].as_str().unwrap().contains("500 tokens"), "{hold:#}");
    assert_eq!(bench.jobs(&a)[0]["attempts"], 1);
}

#[test]
fn a_budget_of_time_ends_the_run_and_refuses_the_next() {
    let bench = Bench::new();
    let a = bench.simulated("[[turn]]\nsteps = [{ stall = true }]", &["--budget-secs", "1", "--no-review"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "budget_exceeded");
    assert!(done["jobs"][0]["failure"]["message"].as_str().unwrap().contains("1 seconds"), "{done:#}");
    assert_eq!(done["jobs"][0]["attempts"], 1);
    assert_nothing_left_running(&a);
}

#[test]
fn a_limit_on_what_an_agent_does_not_tell_refuses_its_next_run() {
    for limit in [["--budget-tokens", "1000000"], ["--budget-usd", "100"]] {
        let bench = Bench::new();
        let count = bench.outside("runs");
        // Wrong at first, so that it would be sent back.
        let script = format!("echo x >> {0}; echo $((39 + $(wc -l < {0}))) > answer.txt", count.display());
        let mut args = vec!["--verify", "./check.sh", "--max-iterations", "5"];
        args.extend(limit);
        let a = bench.command(&script, &args);
        let done = bench.ended(&a);
        assert_blocked(&done, "usage_unknown");
        assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 1, "{limit:?}: no second run of unknown cost");
        assert_eq!(done["jobs"][0]["status"], "failed");
    }
}

#[test]
fn the_next_job_is_refused_too_when_the_one_before_did_not_tell() {
    let bench = Bench::new();
    let a = id(&bench.ok(&["create", "two steps", "--repo", &bench.repo_path(), "--no-review", "--budget-tokens", "1000000"]));
    bench.ok(&["pause"]);
    for n in ["one", "two"] {
        bench.ok(&["insert-job", &a, "--harness", "command", "--program", &format!("sh -c 'echo {n} > {n}.txt'"), "--context", n]);
    }
    bench.ok(&["resume"]);
    bench.until_job(&a, 0, "succeeded");
    let hold = bench.until_held(&a, 1, "budget");
    assert!(hold["reason"].as_str().unwrap().contains("without telling the tokens"), "{hold:#}");
    assert_eq!(bench.jobs(&a)[1]["attempts"], 0);
}

#[test]
fn a_job_has_a_budget_of_its_own_inside_the_assignments() {
    let bench = Bench::new();
    let script = bench.file("script.toml", &spends("input_tokens = 200"));
    let a = id(&bench.ok(&["create", "with a small job", "--repo", &bench.repo_path(), "--no-review", "--budget-tokens", "1000000"]));
    bench.ok(&[
        "insert-job",
        &a,
        "--script",
        script.to_str().unwrap(),
        "--harness",
        "simulated",
        "--context",
        "x",
        "--budget-tokens",
        "100",
    ]);
    let done = bench.ended(&a);
    assert_blocked(&done, "budget_exceeded");
    assert!(done["block"]["reason"].as_str().unwrap().contains("100 tokens"), "{done:#}");
}

#[test]
fn a_simulated_agent_that_does_not_tell_is_no_better() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ usage_unknown = true }, { write = { path = "answer.txt", content = "40\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--budget-usd", "5", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "usage_unknown");
    assert_eq!(bench.count(&id(&done["jobs"][0]), "run", "passed") + bench.count(&id(&done["jobs"][0]), "run", "failed"), 1);
}

#[test]
fn a_budget_that_cut_a_run_can_be_raised_and_what_the_run_used_is_counted() {
    let bench = Bench::new();
    let script = r#"[[turn]]
    steps = [
      { usage = { input_tokens = 500, output_tokens = 20, cost_usd = 0.01 } },
      { sleep_ms = 2000 },
      { write = { path = "answer.txt", content = "42\n" } },
      { say = "Done." },
    ]"#;
    let a = bench.simulated(script, &["--verify", "./check.sh", "--no-review", "--budget-tokens", "100"]);
    let blocked = bench.ended(&a);
    assert_eq!(blocked["block"]["kind"], "budget_exceeded", "{blocked:#}");
    assert_eq!((&blocked["spent"]["tokens"], &blocked["spent"]["runs_without_usage"]), (&520.into(), &0.into()), "{blocked:#}");
    bench.ok(&["update-assignment", &a, "--budget-tokens", "5000"]);
    bench.ok(&["retry", blocked["jobs"][0]["id"].as_str().unwrap()]);
    assert_eq!(bench.ended(&a)["status"], "complete");
}

#[test]
fn an_agent_that_could_not_be_started_has_spent_nothing_that_a_budget_does_not_know() {
    let bench = Bench::new();
    let program = bench.outside("agent.sh");
    let a = bench.submit(&[
        "--harness",
        "command",
        "--program",
        program.to_str().unwrap(),
        "--budget-usd",
        "1",
        "--budget-tokens",
        "1000",
        "--no-review",
    ]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "not_installed");
    assert_eq!((&blocked["spent"]["runs_without_cost"], &blocked["spent"]["runs_without_usage"]), (&0.into(), &0.into()));
    std::fs::write(&program, "#!/bin/sh\necho 42 > answer.txt\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
}
