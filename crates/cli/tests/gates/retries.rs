//! Failures that may pass are tried again, so often and no more; what is left then is a dead letter that can be replayed.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id, said};

const CRASHES: &str = r"[[turn]]
    steps = [{ crash = true }, { crash = true }, { crash = true }, { crash = true }, { crash = true }]";

#[test]
fn a_crash_is_tried_again_and_the_work_goes_on_from_what_is_there() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "half.txt", content = "half\n" } }, { crash = true }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = &done["jobs"][0];
    assert_eq!((&job["failures"], &job["attempts"]), (&1.into(), &2.into()), "{job:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.file_at(branch, "half.txt").as_deref(), Some("half\n"));
    assert_eq!(bench.repo.log(&format!("main..{branch}")).len(), 1);
}

#[test]
fn retries_are_bounded_and_a_job_that_spends_them_is_dead() {
    let bench = Bench::new();
    let script = bench.file("crashes.toml", CRASHES);
    let out = bench.daemon.call(&[
        "run",
        "make the check pass",
        "--repo",
        &bench.repo_path(),
        "--script",
        script.to_str().unwrap(),
        "--max-retries",
        "2",
        "--json",
    ]);
    assert_eq!(out.status.code(), Some(4), "{}", said(&out));
    let done: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_blocked(&done, "agent_crashed");
    let job = &done["jobs"][0];
    assert_eq!((&job["status"], &job["failures"], &job["attempts"]), (&"dead".into(), &3.into(), &3.into()), "{job:#}");
    assert!(done["block"]["reason"].as_str().unwrap().contains("3 attempts failed"), "{done:#}");
}

#[test]
fn a_dead_letter_is_replayed_with_other_words() {
    let bench = Bench::new();
    // Exit code 75 is a command's word for "later, perhaps".
    let a = bench.command(
        "if grep -q OPEN_SESAME; then echo 42 > answer.txt; else echo not yet >&2; exit 75; fi",
        &["--verify", "./check.sh", "--max-retries", "1"],
    );
    let dead = bench.ended(&a);
    assert_blocked(&dead, "api_error");
    let job = id(&dead["jobs"][0]);
    assert_eq!(dead["jobs"][0]["status"], "dead");
    assert_eq!(bench.ok(&["jobs", "--status", "dead"])["items"][0]["id"], job.as_str(), "it is found among the dead letters");

    bench.ok(&["retry", &job, "--context", "The word is OPEN_SESAME."]);
    let done = bench.until(&a, "the replayed job ends", |a| a["status"] == "complete");
    let replayed = &done["jobs"][0];
    assert_eq!((&replayed["id"], &replayed["status"], &replayed["attempts"]), (&job.as_str().into(), &"succeeded".into(), &3.into()));
    assert_eq!(done["block"], serde_json::Value::Null);
}

#[test]
fn a_dead_letter_is_replayed_with_another_agent() {
    let bench = Bench::new();
    let a = bench.simulated(CRASHES, &["--max-retries", "0", "--no-review"]);
    let dead = bench.ended(&a);
    bench.ok(&["retry", &id(&dead["jobs"][0]), "--harness", "command", "--program", "sh -c 'echo 42 > answer.txt'"]);
    let done = bench.until(&a, "the replayed job ends", |a| a["status"] == "complete");
    let attempts = bench.job(&id(&done["jobs"][0]))["attempts_list"].clone();
    assert_eq!((&attempts[0]["harness"], &attempts[1]["harness"]), (&"simulated".into(), &"command".into()), "{attempts:#}");
}

#[test]
fn an_agent_that_gives_up_for_good_is_not_tried_again() {
    let bench = Bench::new();
    let a = bench.simulated("[[turn]]\nsteps = [{ fail = \"I will not do this.\" }]", &[]);
    let done = bench.ended(&a);
    assert_blocked(&done, "agent_failed");
    let job = &done["jobs"][0];
    assert_eq!((&job["status"], &job["attempts"]), (&"failed".into(), &1.into()), "{job:#}");
    assert!(job["failure"]["message"].as_str().unwrap().contains("I will not do this."), "{job:#}");

    let bench = Bench::new();
    let a = bench.command("echo I cannot >&2; exit 3", &[]);
    let done = bench.ended(&a);
    assert_blocked(&done, "agent_failed");
    let message = done["jobs"][0]["failure"]["message"].as_str().unwrap();
    assert!(message.contains("exit code 3") && message.contains("I cannot"), "{message}");
}

#[test]
fn between_two_tries_it_backs_off_and_says_so() {
    let bench = Bench::with(TempRepo::failing_check(), "initial_retry_delay = 300.0\n", "");
    let a = bench.simulated(CRASHES, &[]);
    let hold = bench.until_held(&a, 0, "backoff");
    assert!(hold["until"].is_string() && hold["reason"].as_str().unwrap().contains("killed by signal 9"), "{hold:#}");
    let job = &bench.jobs(&a)[0];
    assert_eq!((&job["status"], &job["failures"]), (&"queued".into(), &1.into()));
}

#[test]
fn run_ends_with_3_where_a_person_has_to_act_and_with_0_where_it_is_done() {
    let bench = Bench::new();
    let run = |script: &str| {
        let script = bench.file("run.toml", script);
        let out =
            bench.daemon.call(&["run", "make it pass", "--repo", &bench.repo_path(), "--script", script.to_str().unwrap(), "--no-review"]);
        (out.status.code().unwrap(), said(&out))
    };
    let (code, text) = run("[[turn]]\nsteps = [{ unauthorized = true }]");
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("credentials"), "{text}");
    let (code, text) = run("[[turn]]\nsteps = [{ write = { path = \"new.txt\", content = \"x\" } }, { say = \"Done.\" }]");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("new.txt"), "it names what changed: {text}");
    let (code, text) = run("[[turn]]\nsteps = [{ fail = \"no\" }]");
    assert_eq!(code, 4, "{text}");
}

#[test]
fn a_job_that_succeeded_is_not_retried() {
    let bench = Bench::new();
    let a = bench.command("echo 42 > answer.txt", &[]);
    let done = bench.ended(&a);
    let job = id(&done["jobs"][0]);
    let (code, text) = bench.refused(&["retry", &job]);
    assert_eq!(code, 2, "{text}");
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let (code, text) = bench.refused(&["retry", &job]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("succeeded"), "{text}");
    assert_eq!(bench.jobs(&a)[0]["attempts"], 1);
}

#[test]
fn work_that_a_wrong_setting_blocks_goes_on_once_its_job_is_edited_where_it_waits() {
    let bench = Bench::new();
    let a = bench.submit(&["--harness", "command", "--program", "/nowhere/agent", "--no-review"]);
    let blocked = bench.ended(&a);
    assert_eq!((&blocked["status"], &blocked["jobs"][0]["status"]), (&"blocked".into(), &"queued".into()), "{blocked:#}");
    let job = id(&blocked["jobs"][0]);
    let broken = bench.file("broken.toml", "[[turn");
    let (_, told) = bench.refused(&["retry", &job, "--harness", "simulated", "--script", broken.to_str().unwrap()]);
    assert!(told.contains("script"), "{told}");
    let script =
        bench.file("mended.toml", "[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"42\" } }, { say = \"Done.\" }]\n");
    bench.ok(&["retry", &job, "--harness", "simulated", "--script", script.to_str().unwrap()]);
    let ended = bench.until_over(&a);
    assert_eq!((&ended["status"], &ended["jobs"][0]["status"]), (&"complete".into(), &"succeeded".into()), "{ended:#}");
}

#[test]
fn a_blocked_assignment_without_a_job_to_run_is_not_made_active_but_told_what_to_do() {
    let bench = Bench::new();
    let a = bench.simulated("[[turn]]\nsteps = [{ fail = \"no\" }]\n", &["--no-review"]);
    assert_eq!(bench.ended(&a)["status"], "blocked");
    let (_, told) = bench.refused(&["update-assignment", &a, "--status", "active"]);
    assert!(told.contains("windlass retry job_"), "{told}");
    assert_eq!(bench.assignment(&a)["status"], "blocked");
}
