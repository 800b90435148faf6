//! Ctrl-C: with a daemon the work goes on without its watcher, without one it is handed back and kept.

use std::process::{Child, Output, Stdio};

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, eventually, said};
use crate::daemon::windlass;

fn interrupt(child: Child) -> Output {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

/// Starts `windlass run` with a shell agent that waits for a file; gives the process when its agent runs.
fn run(bench: &Bench, repo: &TempRepo) -> Child {
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let agent = bench.file(
        "agent.sh",
        &format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display()),
    );
    let child = windlass(bench.data())
        .args(["run", "make the check pass", "--verify", "./check.sh", "--repo", repo.path().to_str().unwrap(), "--program"])
        .arg(format!("sh {}", agent.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the agent runs", || there.exists().then_some(()));
    child
}

fn only_assignment(bench: &Bench) -> String {
    crate::bench::id(&bench.ok(&["assignments"])["items"][0])
}

#[test]
fn with_a_daemon_the_work_goes_on_without_its_watcher() {
    let bench = Bench::new();
    let out = interrupt(run(&bench, &bench.repo));
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    let a = only_assignment(&bench);
    assert!(said(&out).contains(&a) && said(&out).contains("windlass cancel"), "{}", said(&out));
    std::fs::write(bench.outside("go"), "").unwrap();
    let done = bench.ended(&a);
    assert_eq!((&done["status"], &done["jobs"][0]["attempts"]), (&"complete".into(), &1.into()), "{done:#}");
}

#[test]
fn without_one_it_is_handed_back_unharmed_and_goes_on_with_the_next_daemon() {
    let mut bench = Bench::new();
    bench.daemon.kill();
    let out = interrupt(run(&bench, &bench.repo));
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    assert!(said(&out).contains("windlass up"), "{}", said(&out));
    std::fs::write(bench.outside("go"), "").unwrap();
    assert!(bench.daemon.start());
    let a = only_assignment(&bench);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = &done["jobs"][0];
    assert_eq!((&job["failures"], &job["rescues"], &job["attempts"]), (&0.into(), &0.into(), &2.into()), "{job:#}");
}
