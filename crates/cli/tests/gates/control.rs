//! People's own levers: cancel, pause, priority; and how work stands beside other work.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, agents_of, assert_nothing_left_running, eventually, id};

/// An agent that starts a tree of processes and never ends.
const ENDLESS: &str = r#"[[turn]]
steps = [{ background = "sleep 300" }, { run = "setsid sleep 301 & sleep 302" }]"#;

fn endless(bench: &Bench) -> String {
    let a = bench.simulated(ENDLESS, &["--no-review"]);
    eventually("the agent's tree is there", || {
        (agents_of(&a).iter().filter(|p| p.command.starts_with("sleep ")).count() >= 3).then_some(())
    });
    a
}

#[test]
fn a_running_job_that_is_cancelled_is_gone_with_its_whole_tree() {
    let bench = Bench::new();
    let a = endless(&bench);
    let job = id(&bench.jobs(&a)[0]);
    bench.ok(&["cancel", &job]);
    let cancelled = bench.until_job(&a, 0, "cancelled");
    assert!(agents_of(&a).is_empty(), "when it is settled, nothing of it lives: {:?}", agents_of(&a));
    assert_eq!(cancelled["failures"], 0);
    let assignment = bench.assignment(&a);
    assert_eq!(assignment["status"], "blocked", "its last job is gone, so a person is asked: {assignment:#}");

    bench.ok(&["cancel", &a]);
    assert_eq!(bench.assignment(&a)["status"], "cancelled");
}

#[test]
fn an_assignment_that_is_cancelled_takes_its_jobs_and_agents_with_it() {
    let bench = Bench::new();
    let a = endless(&bench);
    bench.ok(&["insert-job", &a, "--type", "review", "--context", "afterwards"]);
    bench.ok(&["cancel", &a]);
    let done = bench.until(&a, "all its jobs are cancelled", |a| a["jobs"].as_array().unwrap().iter().all(|j| j["status"] == "cancelled"));
    assert_eq!(done["status"], "cancelled", "{done:#}");
    assert_nothing_left_running(&a);
    assert_eq!(bench.repo.branches(), ["main"]);
}

#[test]
fn a_queued_job_is_cancelled_at_once_and_can_be_run_again() {
    let bench = Bench::new();
    bench.ok(&["pause"]);
    let a = bench.simulated("[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"42\" } }]", &["--no-review"]);
    let job = id(&bench.jobs(&a)[0]);
    assert_eq!(bench.ok(&["cancel", &job])["status"], "cancelled");
    bench.ok(&["resume"]);
    assert_eq!(bench.jobs(&a)[0]["attempts"], 0);
    bench.ok(&["retry", &job]);
    let done = bench.until(&a, "it is complete", |a| a["status"] == "complete");
    assert_eq!(done["jobs"][0]["attempts"], 1);
}

#[test]
fn while_everything_is_paused_nothing_starts_and_what_runs_goes_on() {
    let bench = Bench::new();
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display());
    let running = bench.command(&script, &["--timeout", "60"]);
    eventually("the agent runs", || there.exists().then_some(()));
    bench.ok(&["pause"]);
    assert_eq!(bench.ok(&["status"])["paused"], true);
    let waiting = bench.command("echo 42 > answer.txt", &[]);
    let hold = bench.until_held(&waiting, 0, "paused");
    assert_eq!(hold["hint"], "windlass resume");

    std::fs::write(&go, "").unwrap();
    assert_eq!(bench.ended(&running)["status"], "complete", "what runs goes on");
    assert_eq!(bench.jobs(&waiting)[0]["attempts"], 0);
    bench.ok(&["resume"]);
    assert_eq!(bench.ended(&waiting)["status"], "complete");
}

#[test]
fn what_is_more_urgent_runs_first_and_equals_in_the_order_they_came() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 1\n", "");
    bench.ok(&["pause"]);
    let all: Vec<(String, &str)> = [("low", "-5"), ("first", "0"), ("second", "0"), ("high", "7")]
        .into_iter()
        .map(|(name, priority)| (bench.command("echo 42 > answer.txt", &["--priority", priority]), name))
        .collect();
    bench.ok(&["resume"]);
    let mut started: Vec<(String, &str)> =
        all.iter().map(|(a, name)| (bench.ended(a)["jobs"][0]["started_at"].as_str().unwrap().to_owned(), *name)).collect();
    started.sort();
    assert_eq!(started.iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["high", "first", "second", "low"], "{started:?}");
}

#[test]
fn two_assignments_run_beside_each_other() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 2\n", "");
    // Each waits until the other is there too.
    let (left, right) = (bench.outside("left"), bench.outside("right"));
    let meet = |mine: &std::path::Path, other: &std::path::Path| {
        format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", mine.display(), other.display())
    };
    let one = bench.command(&meet(&left, &right), &["--timeout", "30", "--max-retries", "0"]);
    let two = bench.command(&meet(&right, &left), &["--timeout", "30", "--max-retries", "0"]);
    for a in [one, two] {
        let done = bench.ended(&a);
        assert_eq!(done["status"], "complete", "{done:#}");
    }
    assert_eq!(bench.repo.branches().len(), 3, "each on its own branch: {:?}", bench.repo.branches());
}

#[test]
fn the_jobs_of_one_assignment_run_one_at_a_time_however_many_slots_are_free() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 4\n", "");
    let a = id(&bench.ok(&["create", "three in a row", "--repo", &bench.repo_path(), "--no-review"]));
    let diary = bench.outside("diary");
    bench.ok(&["pause"]);
    for n in 1..=3 {
        let agent = bench
            .file(&format!("agent{n}.sh"), &format!("echo begin >> {0}; sleep 0.2; echo {n} > file-{n}; echo end >> {0}", diary.display()));
        bench.ok(&["insert-job", &a, "--harness", "command", "--program", &format!("sh {}", agent.display()), "--context", "x"]);
    }
    bench.ok(&["resume"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
    assert_eq!(std::fs::read_to_string(diary).unwrap(), "begin\nend\n".repeat(3));
}

#[test]
fn a_worker_takes_no_more_than_its_slots() {
    let bench = Bench::with(TempRepo::failing_check(), "", "[worker.marie]\nmax_concurrent_tasks = 1\n");
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let script = format!("echo x >> {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display());
    let one = bench.command(&script, &["--worker", "marie"]);
    eventually("the first runs", || there.exists().then_some(()));
    let two = bench.command(&script, &["--worker", "marie"]);
    let hold = bench.until_held(&two, 0, "worker_busy");
    assert!(hold["reason"].as_str().unwrap().contains("marie"), "{hold:#}");
    let nobody = bench.command("true", &["--worker", "zoe"]);
    let hold = bench.until_held(&nobody, 0, "no_worker");
    assert!(hold["reason"].as_str().unwrap().contains("zoe"), "{hold:#}");
    std::fs::write(&go, "").unwrap();
    for a in [one, two] {
        assert_eq!(bench.ended(&a)["status"], "complete");
    }
}

#[test]
fn the_same_key_makes_the_same_assignment_once() {
    let bench = Bench::new();
    bench.ok(&["pause"]);
    let one = bench.command("true", &["--key", "nightly-7"]);
    let two = bench.command("true", &["--key", "nightly-7"]);
    assert_eq!(one, two);
    assert_eq!(bench.ok(&["assignments"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_stop_hands_back_what_runs_unharmed_and_the_next_start_goes_on_with_it() {
    let mut bench = Bench::with(TempRepo::failing_check(), "", "grace = 0\n");
    let script = r#"
        [[turn]]
        attempt = 1
        steps = [{ write = { path = "half.txt", content = "half\n" } }, { background = "sleep 300" }, { stall = true }]
        [[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#;
    let a = bench.simulated(script, &["--verify", "./check.sh", "--no-review"]);
    eventually("the agent runs", || agents_of(&a).iter().any(|p| p.command == "sleep 300").then_some(()));
    let pid = rustix::process::Pid::from_raw(bench.daemon.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    bench.daemon.wait_dead();
    assert!(agents_of(&a).is_empty(), "nothing outlives the daemon: {:?}", agents_of(&a));
    assert!(!bench.data().join("endpoint.json").exists(), "nobody finds a daemon that is gone");
    let (code, text) = bench.refused(&["status"]);
    assert_eq!(code, 5, "{text}");

    assert!(bench.daemon.start());
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = &done["jobs"][0];
    assert_eq!(
        (&job["failures"], &job["rescues"], &job["attempts"]),
        (&0.into(), &0.into(), &2.into()),
        "handing back counts as nothing: {job:#}"
    );
    assert!(bench.repo.file_at(done["branch"].as_str().unwrap(), "half.txt").is_some(), "what was there is gone on from");
}

#[test]
fn a_job_that_is_cancelled_while_its_check_runs_ends_with_the_check() {
    let bench = Bench::new();
    let a = bench.command("echo 42 > answer.txt", &["--verify", "sleep 300"]);
    eventually("the check runs", || agents_of(&a).iter().any(|p| p.command == "sleep 300").then_some(()));
    bench.ok(&["cancel", &id(&bench.jobs(&a)[0])]);
    bench.until_job(&a, 0, "cancelled");
    assert!(agents_of(&a).is_empty(), "{:?}", agents_of(&a));
    assert_eq!(bench.repo.branches(), ["main"], "what was not checked is not delivered");
}

#[test]
fn a_job_that_waits_for_a_quota_is_cancelled_at_once() {
    let bench = Bench::new();
    let a = bench.simulated("[[turn]]\nsteps = [{ quota = { retry_after_secs = 3600 } }]", &["--no-review"]);
    bench.until_held(&a, 0, "parked");
    assert_eq!(bench.ok(&["cancel", &id(&bench.jobs(&a)[0])])["status"], "cancelled");
    bench.ok(&["cancel", &a]);
    assert_eq!(bench.assignment(&a)["status"], "cancelled");
}
