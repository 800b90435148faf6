//! Everything in the directory is somebody else's.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::bench::{Bench, eventually, names, read};

#[test]
fn what_can_never_be_a_task_is_refused_with_its_reason_and_stops_no_other() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    let task = |id: &str| json!({"task_id": id, "description": "x"}).to_string();
    let long = "a".repeat(300);
    let ids = ["../../etc/cron.d/x", "/abs", "..", "", ".", "a/b", "a\\b", "a\0b", "CON", &long, "-rf", "dot."];
    for (number, id) in ids.iter().enumerate() {
        bench.drop_file(&format!("id-{number}.json"), &task(id));
    }
    bench.drop_file("text.json", "hello");
    bench.drop_file("twice.json", r#"{"task_id":"a","description":"x","task_id":"b"}"#);
    bench.drop_file(
        "deep.json",
        &format!("{{\"task_id\":\"a\",\"description\":\"x\",\"m\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)),
    );
    bench.drop_file("large.json", &format!("{{\"task_id\":\"a\",\"description\":\"{}\"}}", "x".repeat(1024 * 1024)));
    bench.drop_file("nowhere.json", r#"{"task_id":"a","description":"x","project":"nowhere"}"#);
    symlink("/etc/passwd", bench.shared("tasks/marie/link.json")).unwrap();
    let fifo = bench.shared("tasks/marie/fifo.json");
    rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    // A link and a pipe make no event of their own; the next file's does not tell of them either: the look through everything does.
    bench.drop_task("good", "sign:good");
    for (number, id) in ids.iter().enumerate() {
        assert!(bench.refusal(&format!("id-{number}.json")).contains("task_id"), "{id:?}");
    }
    let bad = [
        ("text", "not JSON"),
        ("twice", "twice"),
        ("deep", "recursion"),
        ("large", "at most 1048576"),
        ("nowhere", "nowhere"),
        ("link", "regular"),
        ("fifo", "regular"),
    ];
    for (name, word) in bad {
        let reason = bench.refusal(&format!("{name}.json"));
        assert!(reason.contains(word), "{name}: {reason}");
    }
    assert_eq!(bench.result("good")["status"], "completed");
    assert_eq!(bench.witnessed(), ["good"]);
    let known = ["agent", "data", "shared", "witness"];
    let outside: Vec<_> = names(&bench.shared("..")).into_iter().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(outside.is_empty(), "nothing is made outside: {outside:?}");
}

#[test]
fn half_a_json_is_waited_for_and_refused_only_when_it_stays_half() {
    let bench = Bench::new("");
    let daemon = bench.started();
    let path = bench.shared("tasks/marie/half.json");
    std::fs::write(&path, r#"{"task_id":"half","descr"#).unwrap();
    std::fs::write(bench.shared("tasks/marie/never.json"), r#"{"task_id":"never","#).unwrap();
    bench.drop_task("other", "sign:other");
    bench.result("other");
    assert!(path.exists() && names(&bench.shared("dlq/marie")).is_empty());
    std::fs::write(&path, r#"{"task_id":"half","description":"now whole"}"#).unwrap();
    assert_eq!(bench.result("half")["status"], "completed");
    assert!(bench.refusal("never.json").contains("not whole"));
    drop(daemon);
}

#[test]
fn a_directory_that_is_removed_while_watched_and_made_again_goes_on() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    bench.drop_task("before", "x");
    bench.result("before");
    bench.emptied();
    // Whoever is first makes it again: the watcher of old, or Windlass.
    std::fs::remove_dir(bench.shared("tasks/marie")).unwrap();
    let _ = std::fs::remove_dir(bench.shared("tasks"));
    let _ = std::fs::create_dir_all(bench.shared("tasks/marie"));
    eventually("tasks/marie is there", || bench.shared("tasks/marie").is_dir().then_some(()));
    bench.drop_task("after", "x");
    assert_eq!(bench.result("after")["status"], "completed");
}

#[test]
fn a_result_that_cannot_be_written_is_tried_again_and_shows_as_degraded() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    bench.drop_task("first", "x");
    bench.result("first");
    bench.emptied();
    // A file where the folder should be: for root too no folder can be made there.
    std::fs::remove_dir_all(bench.shared("results/marie")).unwrap();
    std::fs::write(bench.shared("results/marie"), "in the way").unwrap();
    bench.drop_task("second", "sign:second");
    eventually("the heartbeat says degraded", || read(&bench.shared("heartbeats/marie.json")).filter(|h| h["status"] == "degraded"));
    assert!(bench.shared("tasks/marie/second.json").exists(), "it does not leave before its result is on disk");
    std::fs::remove_file(bench.shared("results/marie")).unwrap();
    assert_eq!(bench.result("second")["status"], "completed");
    bench.emptied();
    assert_eq!(bench.witnessed(), ["second"]);
}

#[test]
fn a_worker_named_out_of_the_directory_is_refused_at_the_start() {
    let bench = Bench::new("[worker.\"../x\"]\n");
    let mut daemon = bench.daemon();
    assert!(!daemon.start());
    assert!(daemon.log().contains("../x"), "{}", daemon.log());
}

#[test]
fn without_events_files_are_polled_for_and_that_is_said() {
    // In a user namespace of its own the limit can be lowered for the daemon alone.
    let bench = Bench::new("");
    let script = bench.shared("../limited.sh");
    std::fs::write(&script, "#!/bin/sh\necho 0 > /proc/sys/user/max_inotify_instances || exit 77\nexec \"$@\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let try_it = std::process::Command::new("unshare").args(["-Ur", "sh"]).arg(&script).arg("true").output();
    if !try_it.is_ok_and(|out| out.status.success()) {
        println!("SKIPPED: no user namespace can be made here, and the daemon without file events is not tested");
        return;
    }
    let mut daemon = bench.daemon().under(&["unshare", "-Ur", "sh", script.to_str().unwrap()]);
    assert!(daemon.start());
    bench.drop_task("polled", "x");
    assert_eq!(bench.result("polled")["status"], "completed");
    let files = daemon.json(&["files"]).unwrap();
    assert!(files["watching"].as_str().unwrap().starts_with("polling"), "{files:#}");
}
