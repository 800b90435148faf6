//! The check: only the engine's own run of it decides, whatever the agent says.

use crate::bench::{Bench, assert_blocked, assert_nothing_left_running, id};

/// A shell agent that keeps each prompt, writes a wrong answer, another one each time, and says that all is well.
fn liar(bench: &Bench) -> String {
    let dir = bench.outside("liar");
    std::fs::create_dir(&dir).unwrap();
    format!(
        "cd_=$PWD; cd {0}; n=$(ls | wc -l); cat > prompt-$n; cd $cd_\nprintf '%s\\n' $((40 - n)) > answer.txt\necho 'All tests pass. The task is complete.'\n",
        dir.display()
    )
}

#[test]
fn an_agent_that_lies_is_sent_back_with_the_checks_output_until_its_rounds_are_spent() {
    let bench = Bench::new();
    let a = bench.command(&liar(&bench), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    let job = &done["jobs"][0];
    assert_eq!((&job["status"], &job["failure"]["kind"]), (&"failed".into(), &"verify_failed".into()), "{job:#}");
    assert!(job["failure"]["message"].as_str().unwrap().contains("./check.sh"), "{job:#}");
    assert_eq!(job["attempts"], 1, "a red check is no reason for another attempt");
    assert_eq!(bench.count(&id(job), "run", "passed"), 3, "three rounds are the default");
    assert_eq!(bench.count(&id(job), "verify", "failed"), 3);

    let prompt = |n: u32| std::fs::read_to_string(bench.outside("liar").join(format!("prompt-{n}"))).unwrap();
    assert!(prompt(0).contains("make the check pass") && !prompt(0).contains("FAILED: answer.txt"), "{}", prompt(0));
    assert!(prompt(1).contains("FAILED: answer.txt says '40', want '42'"), "{}", prompt(1));
    assert!(prompt(1).contains("make the check pass"), "the task is told again: {}", prompt(1));
    assert!(prompt(2).contains("FAILED: answer.txt says '39', want '42'"), "{}", prompt(2));

    assert_eq!(done["head_commit"], serde_json::Value::Null);
    assert_eq!(bench.repo.branches(), ["main"], "nothing of it is delivered");
    assert_eq!(bench.repo.status(), "");
}

#[test]
fn the_number_of_rounds_is_the_one_that_was_given() {
    let bench = Bench::new();
    let a = bench.command(&liar(&bench), &["--verify", "./check.sh", "--max-iterations", "2"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    assert_eq!(bench.count(&id(&done["jobs"][0]), "run", "passed"), 2);
}

#[test]
fn a_wrong_first_try_is_mended_in_the_second_round_and_delivered_once() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"
        [[turn]]
        iteration = 1
        steps = [{ write = { path = "answer.txt", content = "40\n" } }, { say = "All tests pass." }]
        [[turn]]
        iteration = 2
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Now they do." }]
        "#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert!(branch.starts_with("windlass/"), "{branch}");
    assert_eq!(bench.repo.log(&format!("main..{branch}")), ["make the check pass"]);
    assert_eq!(bench.repo.file_at(branch, "answer.txt").as_deref(), Some("42\n"));
    assert_eq!(bench.repo.rev(branch).as_deref(), done["head_commit"].as_str());
    assert_eq!(bench.repo.file_at("main", "answer.txt").as_deref(), Some("41\n"), "the user's own branch is as it was");
    assert_eq!(bench.repo.status(), "", "and so is the user's checkout");
}

#[test]
fn good_work_passes_whatever_the_agent_says_of_it() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "I am sorry, I failed. Nothing works." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    assert_eq!(bench.ended(&a)["status"], "complete");
}

#[test]
fn the_check_gets_no_token_and_no_way_to_speak_to_windlass() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh && test -z \"$WINDLASS_TOKEN\" && test -z \"$WINDLASS_URL\"", "--no-review", "--max-iterations", "1"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
}

#[test]
fn the_same_change_failing_the_same_check_is_a_loop_and_stops_before_the_rounds_are_spent() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "40\n" } }, { say = "This time it works." }]"#,
        &["--verify", "./check.sh", "--max-iterations", "10"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "loop");
    let job = &done["jobs"][0];
    assert_eq!((&job["status"], &job["failure"]["kind"]), (&"failed".into(), &"loop".into()), "{job:#}");
    let message = job["failure"]["message"].as_str().unwrap();
    assert!(message.contains("same change") && message.contains("./check.sh"), "the evidence is named: {message}");
    assert_eq!(bench.count(&id(job), "run", "passed"), 2, "the second round is the last");
    let checks: Vec<_> = bench.stages(&id(job)).into_iter().filter(|s| s["stage"] == "verify").collect();
    assert!(checks.iter().all(|c| c["detail"]["output"].as_str().unwrap().contains("FAILED: answer.txt says '40'")), "{checks:#?}");
    assert_eq!(bench.repo.branches(), ["main"]);
}

#[test]
fn a_check_that_is_missing_is_a_missing_setting_and_not_the_agents_fault() {
    let bench = Bench::new();
    let late = bench.outside("late-check");
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", late.to_str().unwrap(), "--no-review"],
    );
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "verify_missing");
    let job = &blocked["jobs"][0];
    assert_eq!((&job["status"], &job["failures"]), (&"queued".into(), &0.into()), "the job waits unharmed: {job:#}");
    let reason = blocked["block"]["reason"].as_str().unwrap();
    assert!(reason.contains("late-check") && reason.contains("not found"), "{reason}");

    std::fs::write(&late, "#!/bin/sh\nexec ./check.sh\n").unwrap();
    std::fs::set_permissions(&late, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let again = bench.until(&a, "it is blocked again: the check may not be run", |a| a["status"] == "blocked");
    assert!(again["block"]["reason"].as_str().unwrap().contains("cannot be run"), "{again:#}");

    std::fs::set_permissions(&late, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(done["jobs"][0]["failures"], 0);
}

#[test]
fn a_check_that_hangs_is_a_check_that_fails() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "sleep 300", "--no-review", "--timeout", "1", "--max-iterations", "1"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    let check = bench.stages(&id(&done["jobs"][0])).into_iter().find(|s| s["stage"] == "verify").unwrap();
    assert!(check["detail"]["output"].as_str().unwrap().contains("took too long"), "{check:#}");
    assert_nothing_left_running(&a);
}
