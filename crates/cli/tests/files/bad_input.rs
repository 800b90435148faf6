//! Everything in the directory is somebody else's.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use windlass_testkit::skip::skipped;

use crate::bench::{Bench, eventually, names, read};
use crate::daemon::EXE;

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

/// A small file system over a folder of results, gone with this value.
struct Small(PathBuf);

impl Small {
    /// `None` after a loud skip where none can be mounted.
    fn over(folder: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&folder).output();
        if mounted.is_ok_and(|out| out.status.success()) {
            return Some(Self(folder));
        }
        skipped("The right to mount", "Results on a disk that is full or read-only are tested as root.");
        None
    }

    fn remount(&self, how: &str) {
        assert!(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_result_waits_for_room_on_a_full_disk_and_for_one_that_is_read_only() {
    let bench = Bench::new("");
    std::fs::create_dir_all(bench.shared("results/marie")).unwrap();
    let Some(disk) = Small::over(bench.shared("results/marie")) else { return };
    let _daemon = bench.started();
    let waits = |id: &str| {
        bench.drop_task(id, &format!("sign:{id}"));
        eventually("the heartbeat says degraded", || read(&bench.shared("heartbeats/marie.json")).filter(|h| h["status"] == "degraded"));
        assert!(bench.shared(&format!("tasks/marie/{id}.json")).exists(), "it does not leave before its result is on disk");
        assert!(!bench.shared(&format!("results/marie/{id}.json")).exists());
    };
    let comes = |id: &str| {
        assert_eq!(bench.result(id)["status"], "completed");
        bench.emptied();
        eventually("the heartbeat says well", || read(&bench.shared("heartbeats/marie.json")).filter(|h| h["status"] != "degraded"));
    };
    let ballast = bench.shared("results/marie/ballast");
    assert!(std::fs::write(&ballast, vec![b'x'; 128 * 1024]).is_err(), "it is full");
    waits("full");
    std::fs::remove_file(ballast).unwrap();
    comes("full");
    disk.remount("ro");
    waits("locked");
    disk.remount("rw");
    comes("locked");
    assert_eq!(bench.witnessed(), ["full", "locked"], "each ran once");
    assert!(names(&bench.shared("dlq/marie")).is_empty());
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_the_reason_and_stops_no_other() {
    let bench = Bench::new("");
    let mut daemon = bench.daemon();
    // Root reads whatever the mode says: there the daemon is somebody else.
    if rustix::process::geteuid().is_root() {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        if !Command::new(nobody[0]).args(&nobody[1..]).args([EXE, "--version"]).output().is_ok_and(|out| out.status.success()) {
            return skipped("setpriv", "A file that cannot be read is tested by somebody who is not root, or with setpriv.");
        }
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(bench.shared("..")).status().unwrap().success());
        daemon = daemon.under(&nobody);
    }
    assert!(daemon.start());
    let aside = bench.shared("tasks/marie/.closed");
    std::fs::write(&aside, r#"{"task_id":"closed","description":"x"}"#).unwrap();
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::rename(aside, bench.shared("tasks/marie/closed.json")).unwrap();
    bench.drop_task("open", "sign:open");
    assert_eq!(bench.result("open")["status"], "completed");
    assert!(bench.refusal("closed.json").contains("Permission denied"));
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
        return skipped("A user namespace", "The daemon without file events is tested where unshare -Ur works.");
    }
    let mut daemon = bench.daemon().under(&["unshare", "-Ur", "sh", script.to_str().unwrap()]);
    assert!(daemon.start());
    bench.drop_task("polled", "x");
    assert_eq!(bench.result("polled")["status"], "completed");
    let files = daemon.json(&["files"]).unwrap();
    assert!(files["watching"].as_str().unwrap().starts_with("polling"), "{files:#}");
}

#[test]
fn a_receipt_that_cannot_be_written_holds_up_no_other_and_is_written_once_it_can_be() {
    let bench = Bench::new("[worker.anga]\nharness = \"command\"\n");
    std::fs::create_dir_all(bench.shared("triggers/marie/evil.json")).unwrap();
    std::fs::write(bench.shared("triggers/anga"), "in the way").unwrap();
    std::fs::create_dir_all(bench.shared("tasks/anga")).unwrap();
    let daemon = bench.started();
    bench.drop_task("evil", "wait-for-gate sign:evil");
    let degraded = |worker: &str, word: &str| {
        eventually("it is said", || {
            let files = daemon.json(&["files"])?;
            let worker = files["workers"].as_array()?.iter().find(|w| w["name"] == worker)?.clone();
            worker["degraded"].as_str().is_some_and(|why| why.contains(word)).then_some(())
        });
    };
    degraded("marie", "evil.json");
    std::fs::write(bench.shared("tasks/anga/b.json"), r#"{"task_id":"b","description":"x"}"#).unwrap();
    bench.drop_task("good", "wait-for-gate sign:good");
    eventually("another's receipt", || read(&bench.shared("triggers/marie/good.json")));
    degraded("anga", "triggers/anga");
    eventually("the heartbeat says why", || {
        let beat = read(&bench.shared("heartbeats/marie.json"))?;
        (beat["status"] == "degraded" && beat["problem"].as_str()?.contains("evil.json")).then_some(())
    });
    std::fs::remove_dir(bench.shared("triggers/marie/evil.json")).unwrap();
    eventually("the receipt", || read(&bench.shared("triggers/marie/evil.json")));
    bench.open_gate();
    for id in ["evil", "good"] {
        assert_eq!(bench.result(id)["status"], "completed");
    }
    eventually("a worker without receipts works", || read(&bench.shared("results/anga/b.json")));
}

#[test]
fn a_finished_task_whose_file_cannot_be_removed_does_not_run_again_whatever_its_mode_becomes() {
    let bench = Bench::new("");
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let can = rustix::process::geteuid().is_root()
        && Command::new(nobody[0]).args(&nobody[1..]).args([EXE, "--version"]).output().is_ok_and(|out| out.status.success());
    if !can {
        return skipped("root with setpriv", "A task file that belongs to somebody else is tested as root.");
    }
    assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(bench.shared("..")).status().unwrap().success());
    // As in /tmp: only a file's owner, and the folder's, may remove it.
    let folder = bench.shared("tasks/marie");
    assert!(Command::new("chown").arg("0:0").arg(&folder).status().unwrap().success());
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let mut daemon = bench.daemon().under(&nobody);
    assert!(daemon.start());
    bench.drop_task("stuck", "sign:stuck");
    assert_eq!(bench.result("stuck")["status"], "completed");
    let said = |daemon: &crate::daemon::Daemon| {
        let files = daemon.json(&["files"])?;
        files["workers"].as_array()?.iter().find(|w| w["name"] == "marie")?["degraded"].as_str().map(str::to_owned)
    };
    assert!(eventually("it is said", || said(&daemon)).contains("stuck.json"));
    let path = bench.shared("tasks/marie/stuck.json");
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    // Under its name again it is seen, as after a new mode when everything is looked through.
    let seen = |id: &str| {
        bench.drop_task(id, &format!("sign:{id}"));
        assert_eq!(bench.result(id)["status"], "completed");
    };
    mode(0o664);
    drop(std::fs::OpenOptions::new().write(true).open(&path).unwrap());
    seen("second");
    daemon.kill();
    mode(0o644);
    let mut daemon = bench.daemon().under(&nobody);
    assert!(daemon.start());
    seen("third");
    assert_eq!(bench.witnessed(), ["stuck", "second", "third"], "each once");
    eventually("it is said of all", || said(&daemon).filter(|why| why.contains("(3 files) cannot be removed")));
    // Written anew it is another task.
    std::fs::write(&path, r#"{"task_id":"stuck","description":"sign:stuck","worker":"marie"}"#).unwrap();
    eventually("it ran again", || (bench.witnessed().len() == 4).then_some(()));
    for id in ["stuck", "second", "third"] {
        std::fs::remove_file(bench.shared(&format!("tasks/marie/{id}.json"))).unwrap();
    }
}

#[test]
fn a_bad_file_of_a_name_that_very_many_had_is_refused_all_the_same() {
    let bench = Bench::new("");
    std::fs::create_dir_all(bench.shared("dlq/marie")).unwrap();
    std::fs::write(bench.shared("dlq/marie/bad.json"), "x").unwrap();
    for n in 2..=100 {
        std::fs::write(bench.shared(&format!("dlq/marie/bad.{n}.json")), "x").unwrap();
    }
    let _daemon = bench.started();
    bench.drop_file("bad.json", "not JSON");
    bench.emptied();
    eventually("both are there", || (names(&bench.shared("dlq/marie")).len() == 102).then_some(()));
}
