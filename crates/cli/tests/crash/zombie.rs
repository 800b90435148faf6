//! A worker that is stopped past its lease, and goes on after another has done its job.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use windlass_testkit::postgres::TestPostgres;

use super::daemon::Daemon;
use super::{Bench, agents_of, assert_never_two_at_once, assignment, eventually, witnessed};

const SCRIPT: &str = r#"
[[turn]]
type = "implement"
attempt = 1
steps = [{ witness = "@WITNESS@" }, { write = { path = "answer.txt", content = "1\n" } }, { stall = true }]

[[turn]]
type = "implement"
steps = [{ witness = "@WITNESS@" }, { write = { path = "answer.txt", content = "42\n" } }, { say = "42 now." }]
"#;

/// Two nodes over one database, with leases of three seconds.
fn node(bench: &Bench, name: &str, url: &str) -> Daemon {
    let data = bench.dir.path().join(name);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("windlass.toml"), "[engine]\nlease_ms = 3000\n").unwrap();
    Daemon::new(&data).env("WINDLASS_DATABASE_URL", url)
}

#[test]
fn a_zombie_worker_changes_nothing() {
    let Some(database) = TestPostgres::database_blocking() else { return };
    let bench = Bench::with_script(SCRIPT);
    let mut first = node(&bench, "first", database.url());
    assert!(first.start());
    let id = bench.submit_without_review(&first)["id"].as_str().unwrap().to_owned();
    eventually("the first node's agent works", Duration::from_secs(30), || witnessed(&bench.witness).then_some(()));

    let pid = Pid::from_raw(first.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    eventually("the stopped node's agent is dead before its lease can end", Duration::from_secs(3), || {
        agents_of(&id).is_empty().then_some(())
    });

    let mut second = node(&bench, "second", database.url());
    assert!(second.start());
    let done = eventually("the second node does the job", Duration::from_secs(40), || {
        assignment(&second, &id).filter(|a| a["status"] != "active")
    });
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(done["jobs"][0]["rescues"], 1);

    kill_process(pid, Signal::CONT).unwrap();
    eventually("the zombie gives its job up", Duration::from_secs(20), || {
        let status = first.json(&["status"])?;
        (status["workers"][0]["running"] == 0).then_some(())
    });
    let after = assignment(&second, &id).unwrap();
    assert_eq!(after, done, "nothing has changed since");
    assert_never_two_at_once(&bench.witness, "zombie");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.git(&["rev-list", "--count", &format!("main..{branch}")]).trim(), "1");
    assert_eq!(bench.repo.git(&["show", &format!("{branch}:answer.txt")]).trim(), "42");
}
