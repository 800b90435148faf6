//! Many files at once: each exactly once.

use serde_json::Value;

use crate::bench::{Bench, eventually, names};
use crate::daemon::Daemon;

const MANY: usize = 10_000;

fn drop_many(bench: &Bench, prefix: &str, count: usize) {
    for n in 0..count {
        bench.drop_task(&format!("{prefix}-{n}"), "x");
    }
}

fn marie(daemon: &Daemon) -> Option<Value> {
    let files = daemon.json(&["files"])?;
    files["workers"].as_array()?.iter().find(|w| w["name"] == "marie").cloned()
}

/// How many files' way to their rows was measured.
fn measured(daemon: &Daemon) -> u64 {
    marie(daemon).unwrap()["intake"]["counts"].as_array().unwrap().iter().filter_map(Value::as_u64).sum()
}

fn all_jobs(daemon: &Daemon) -> u64 {
    daemon.json(&["status"]).unwrap()["jobs"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
}

#[test]
fn ten_thousand_files_dropped_while_it_was_down_are_taken_once_each_also_over_a_crash() {
    let bench = Bench::new("");
    // Paused: what is asked here is the taking.
    let mut daemon = bench.started();
    assert!(daemon.call(&["pause"]).status.success());
    daemon.kill();
    drop_many(&bench, "down", MANY);
    let mut crashing = bench.daemon().env("WINDLASS_FAILPOINT", "task.taken:3");
    crashing.start();
    crashing.wait_dead();
    assert!(daemon.start());
    eventually("all are taken", || (marie(&daemon)?["live"] == MANY).then_some(()));
    assert_eq!(all_jobs(&daemon), MANY as u64);
    eventually("each has its receipt", || (names(&bench.shared("triggers/marie")).len() == MANY).then_some(()));
    assert_eq!(names(&bench.shared("tasks/marie")).len(), MANY, "none leaves before its result is on disk");
    assert!(names(&bench.shared("dlq/marie")).is_empty());
    assert_eq!(measured(&daemon), 0, "how long they lay there says nothing of how soon files are seen");
}

#[test]
fn more_files_than_the_kernel_keeps_events_for_are_all_taken() {
    let bench = Bench::new("");
    let daemon = bench.started();
    assert!(daemon.call(&["pause"]).status.success());
    eventually("marie is watched", || marie(&daemon).filter(|_| bench.shared("heartbeats/marie.json").exists()));
    let pid = rustix::process::Pid::from_raw(daemon.pid().cast_signed()).unwrap();
    // While it is stopped, nobody empties the queue of events.
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse::<usize>().unwrap();
    let count = limit.min(20_000) + 500;
    drop_many(&bench, "over", count);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    eventually("all are taken", || (marie(&daemon)?["live"] == count).then_some(()));
    assert_eq!((all_jobs(&daemon), measured(&daemon)), (count as u64, count as u64), "also those whose events were lost");
    if limit <= 20_000 {
        assert!(daemon.json(&["files"]).unwrap()["overflows"].as_u64() >= Some(1));
    }
}

#[test]
fn a_storm_of_renames_takes_each_task_once() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    for n in 0..200 {
        let (a, b) = (format!("storm-{n}.json"), format!(".storm-{n}.json"));
        bench.drop_file(&a, &format!("{{\"task_id\":\"storm-{n}\",\"description\":\"wait-for-gate sign:storm-{n}\"}}"));
        // Away, and back under its name.
        std::fs::rename(bench.shared(&format!("tasks/marie/{a}")), bench.shared(&format!("tasks/marie/{b}"))).unwrap();
        std::fs::rename(bench.shared(&format!("tasks/marie/{b}")), bench.shared(&format!("tasks/marie/{a}"))).unwrap();
    }
    bench.open_gate();
    for n in 0..200 {
        bench.result(&format!("storm-{n}"));
    }
    bench.emptied();
    let mut signed = bench.witnessed();
    let runs = signed.len();
    signed.sort();
    signed.dedup();
    assert_eq!((signed.len(), runs), (200, 200));
}
