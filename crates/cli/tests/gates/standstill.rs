//! A daemon that stops, is killed, or stands still: what was promised is kept.

use rustix::process::{Pid, Signal, kill_process};
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, agents_of, eventually, id};

fn signal(bench: &Bench, signal: Signal) {
    kill_process(Pid::from_raw(bench.daemon.pid().cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn an_agent_does_not_outlive_the_lease_of_a_daemon_that_stands_still() {
    let bench = Bench::with(TempRepo::failing_check(), "", "lease_ms = 2000\n");
    let script = r#"
        [[turn]]
        attempt = 1
        steps = [{ background = "sleep 300" }, { stall = true }]
        [[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#;
    let a = bench.simulated(script, &["--verify", "./check.sh", "--no-review"]);
    eventually("the agent runs", || agents_of(&a).iter().any(|p| p.command == "sleep 300").then_some(()));
    signal(&bench, Signal::STOP);
    eventually("its launcher ends the agent by itself", || agents_of(&a).iter().all(|p| !p.command.starts_with("sleep")).then_some(()));
    eventually("and all that belongs to it", || agents_of(&a).is_empty().then_some(()));
    signal(&bench, Signal::CONT);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert!(done["jobs"][0]["attempts"].as_u64().unwrap() >= 2, "{done:#}");
}

#[test]
fn a_wait_for_a_quota_and_a_pause_survive_a_kill() {
    let mut bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ quota = { retry_after_secs = 3 } }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let until = bench.until_held(&a, 0, "parked")["until"].clone();
    bench.ok(&["pause"]);
    bench.daemon.kill();
    assert!(bench.daemon.start());
    assert_eq!(bench.ok(&["status"])["paused"], true);
    let b = bench.command("echo 42 > answer.txt", &[]);
    bench.until_held(&b, 0, "paused");
    bench.ok(&["resume"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = bench.job(&id(&done["jobs"][0]));
    assert!(job["attempts_list"][1]["started_at"].as_str() >= until.as_str(), "not before the reset: {job:#}");
    assert_eq!((&job["failures"], &job["rescues"]), (&0.into(), &0.into()));
    assert_eq!(bench.ended(&b)["status"], "complete");
}

#[test]
fn a_person_s_block_and_a_dead_letter_survive_a_kill() {
    let mut bench = Bench::new();
    let a = bench.command("exit 75", &["--max-retries", "0"]);
    let dead = bench.ended(&a);
    bench.daemon.kill();
    assert!(bench.daemon.start());
    let after = bench.assignment(&a);
    assert_eq!((&after["block"], &after["jobs"]), (&dead["block"], &dead["jobs"]), "kept whole");
    bench.ok(&["retry", &id(&dead["jobs"][0]), "--program", "sh -c 'echo 42 > answer.txt'"]);
    assert_eq!(bench.until(&a, "it is complete", |a| a["status"] == "complete")["jobs"][0]["status"], "succeeded");
}

#[test]
fn a_stop_waits_for_what_runs_as_long_as_its_grace_and_takes_nothing_new() {
    let mut bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 1\n", "grace = 40\n");
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display());
    let running = bench.command(&script, &["--verify", "./check.sh"]);
    eventually("the agent runs", || there.exists().then_some(()));
    let waiting = bench.command("echo 42 > answer.txt", &[]);
    signal(&bench, Signal::TERM);
    eventually("it says that it stops", || bench.daemon.log().contains("stopping").then_some(()));
    assert!(windlass_testkit::process::is_alive(bench.daemon.pid()), "it waits");
    std::fs::write(&go, "").unwrap();
    bench.daemon.wait_dead();
    assert!(bench.daemon.start());
    let done = bench.assignment(&running);
    assert_eq!((&done["status"], &done["jobs"][0]["attempts"]), (&"complete".into(), &1.into()), "{done:#}");
    let next = bench.ended(&waiting);
    assert_eq!((&next["status"], &next["jobs"][0]["attempts"]), (&"complete".into(), &1.into()), "{next:#}");
}
