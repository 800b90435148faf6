//! Agents that hang, outlive their welcome, leave things behind, or print without end.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, agents_of, assert_blocked, assert_nothing_left_running, eventually, id};

const WORK: &str = r#"{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }"#;

#[test]
fn an_agent_that_says_nothing_for_too_long_is_stopped() {
    let bench = Bench::new();
    let a = bench
        .simulated("[[turn]]\nsteps = [{ say = \"Let me think.\" }, { stall = true }]", &["--idle-timeout", "1", "--max-retries", "0"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "stalled");
    assert_eq!(done["jobs"][0]["status"], "dead");
    assert!(done["jobs"][0]["failure"]["message"].as_str().unwrap().contains("1 s"), "{done:#}");
    assert_nothing_left_running(&a);
}

#[test]
fn an_agent_that_keeps_talking_is_stopped_when_its_time_is_up() {
    let bench = Bench::new();
    let a =
        bench.command("while :; do echo still at it; sleep 0.1; done", &["--timeout", "1", "--idle-timeout", "30", "--max-retries", "0"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "timeout");
    assert!(done["jobs"][0]["failure"]["message"].as_str().unwrap().contains("longer than 1 s"), "{done:#}");
    assert_nothing_left_running(&a);
}

#[test]
fn a_run_that_was_too_slow_is_tried_again() {
    let bench = Bench::new();
    let a = bench.simulated(
        &format!("[[turn]]\nattempt = 1\nsteps = [{{ stall = true }}]\n[[turn]]\nsteps = [{WORK}]"),
        &["--timeout", "1", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!((&done["jobs"][0]["failures"], &done["jobs"][0]["attempts"]), (&1.into(), &2.into()));
}

#[test]
fn an_agent_that_ignores_sigterm_is_killed_with_all_that_it_started() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ ignore_sigterm = true }, { background = "trap '' TERM; sleep 300" }, { run = "trap '' TERM; sleep 300" }]"#,
        &["--timeout", "1", "--max-retries", "0"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "timeout");
    assert!(agents_of(&a).is_empty(), "when it is settled, nothing of it lives: {:?}", agents_of(&a));
}

#[test]
fn what_an_agent_leaves_running_is_ended_and_noticed() {
    let bench = Bench::new();
    let a = bench.simulated(
        &format!("[[turn]]\nsteps = [{{ background = \"sleep 300\" }}, {{ background = \"setsid sleep 301 & sleep 302\" }}, {WORK}]"),
        &["--verify", "./check.sh", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert!(agents_of(&a).is_empty(), "{:?}", agents_of(&a));
    let notices = bench.notices(&a, "survivors");
    assert_eq!(notices.len(), 1, "{notices:#?}");
    assert!(notices[0]["count"].as_u64().unwrap() >= 2, "{notices:#?}");
}

#[test]
fn an_agent_whose_child_holds_its_output_open_still_ends() {
    let bench = Bench::new();
    let a = bench.command("sleep 300 & echo 42 > answer.txt; echo Done.", &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_nothing_left_running(&a);
}

/// The most memory that a process has had, in MiB.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_flood_without_a_line_end_is_survived_in_bounded_memory() {
    let bench = Bench::with(TempRepo::failing_check(), "", "output_max_bytes = 1000000000\n");
    let a = bench.simulated(&format!("[[turn]]\nsteps = [{{ flood_mib = 300 }}, {WORK}]"), &["--verify", "./check.sh", "--no-review"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let peak = peak_mib(bench.daemon.pid());
    assert!(peak < 160, "the daemon took {peak} MiB");
    let kept: u64 = walk(&bench.data().join("transcripts"));
    assert!(kept < 20 << 20, "the transcript took {kept} bytes on disk");
}

fn walk(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|e| if e.path().is_dir() { walk(&e.path()) } else { e.metadata().unwrap().len() }).sum()
}

#[test]
fn an_agent_that_prints_more_than_the_limit_is_stopped_for_good() {
    let bench = Bench::with(TempRepo::failing_check(), "", "output_max_bytes = 3000000\n");
    let a = bench.command("while :; do echo all work and no play makes jack a dull boy; done", &[]);
    let done = bench.ended(&a);
    assert_blocked(&done, "output_limit");
    assert_eq!((&done["jobs"][0]["status"], &done["jobs"][0]["attempts"]), (&"failed".into(), &1.into()), "{done:#}");
    assert_nothing_left_running(&a);
}

#[test]
fn a_check_that_floods_is_bounded_too() {
    let bench = Bench::new();
    let a = bench.simulated(
        &format!("[[turn]]\nsteps = [{WORK}]"),
        &[
            "--verify",
            "head -c 30000000 /dev/zero | tr '\\0' x; yes 'a failing test' | head -n 400000; false",
            "--no-review",
            "--max-iterations",
            "1",
        ],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    let check = bench.stages(&id(&done["jobs"][0])).into_iter().find(|s| s["stage"] == "verify").unwrap();
    let output = check["detail"]["output"].as_str().unwrap();
    assert!(output.len() < 100_000 && output.contains("left out"), "{} bytes", output.len());
    let peak = peak_mib(bench.daemon.pid());
    assert!(peak < 160, "the daemon took {peak} MiB");
}

#[test]
fn garbage_in_the_stream_is_survived_and_kept() {
    let bench = Bench::new();
    let a = bench.simulated(&format!("[[turn]]\nsteps = [{{ garbage = true }}, {WORK}]"), &["--verify", "./check.sh", "--no-review"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let said = bench.said(&id(&done["jobs"][0]));
    assert!(said.contains("no text") && said.contains("not json") && said.contains("Done."), "{said}");
}

#[test]
fn a_secret_that_an_agent_prints_is_kept_nowhere() {
    let secret = "s3cr3t-value-of-the-tester-0123456789";
    let bench = Bench::with_env(TempRepo::failing_check(), "", "env_pass = [\"TESTERS_API_TOKEN\"]\n", &[("TESTERS_API_TOKEN", secret)]);
    let a = bench.command(
        "echo the token is $TESTERS_API_TOKEN; echo mine is $WINDLASS_TOKEN >&2; printf %.20s \"$TESTERS_API_TOKEN\"; sleep 0.2; printf %s \"$TESTERS_API_TOKEN\" | cut -c21-; echo 42 > answer.txt",
        &["--verify", "./check.sh; echo \"$TESTERS_API_TOKEN\"; false", "--max-iterations", "1"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    let job = id(&done["jobs"][0]);
    let raw = bench.said(&job);
    assert!(raw.contains("the token is") && !raw.contains(secret) && !raw.contains("wla_"), "{raw}");
    let everything = format!("{}{}{}{}", bench.job(&job), done, bench.ok(&["events", "--assignment", &a]), bench.daemon.log());
    assert!(!everything.contains(secret), "{everything}");
    for file in std::fs::read_dir(bench.data()).unwrap().flatten().filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{}", file.path().display());
    }
    eventually("nothing is left", || agents_of(&a).is_empty().then_some(()));
}

#[test]
fn a_fault_in_windlass_itself_ends_its_attempt_and_frees_the_slot() {
    let bench = Bench::with_env(TempRepo::failing_check(), "max_concurrent_tasks = 1\n", "", &[("WINDLASS_FAULT", "attempt_panics")]);
    for _ in 0..2 {
        let a = bench.command("true", &["--no-review", "--lock", "answer.txt"]);
        let blocked = bench.ended(&a);
        assert_eq!(blocked["status"], "blocked", "{blocked:#}");
        assert!(blocked["block"]["reason"].as_str().unwrap().contains("a fault was asked for"), "{blocked:#}");
    }
    let held = bench.ok(&["locks"])["items"].as_array().unwrap().iter().filter(|lock| lock["status"] == "held").count();
    assert_eq!(held, 0, "no lock is left");
}

#[test]
fn a_limit_that_no_clock_reaches_is_none() {
    let bench = Bench::new();
    let a = bench.command("echo 42 > answer.txt", &["--no-review", "--budget-secs", "18446744073709551615"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
}
