//! Crashes: the daemon is killed at every failpoint of a whole assignment, and started again.
//!
//! What must hold is seen from outside: a witness file that each agent appends to, the processes of the machine, and git.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a test tells what it did")]

mod daemon;
mod zombie;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::Daemon;
use serde_json::Value;
use windlass_testkit::forge::FakeGitHub;
use windlass_testkit::repo::{Git, TempRepo};
use windlass_testkit::wait::eventually_blocking as eventually;

const REPOSITORY: &str = "acme/anvil";

/// A line of two jobs: work that needs three rounds (the check refuses the first, the scan for secrets the second), and a pm that completes.
/// Each agent run signs the witness file.
const SCRIPT: &str = r#"
[[turn]]
type = "implement"
iteration = 1
steps = [
  { witness = "@WITNESS@" },
  { write = { path = "answer.txt", content = "40\n" } },
  { say = "Done, all tests pass." },
]

[[turn]]
type = "implement"
iteration = 2
steps = [
  { witness = "@WITNESS@" },
  { write = { path = "answer.txt", content = "42\n" } },
  { write = { path = "cloud.ini", content = "id = @KEY@\n" } },
  { background = "sleep 300" },
  { say = "Now it is 42." },
]

[[turn]]
type = "implement"
iteration = 3
steps = [
  { witness = "@WITNESS@" },
  { run = "rm -f cloud.ini" },
  { say = "The key is gone." },
]

[[turn]]
type = "pm"
steps = [
  { witness = "@WITNESS@" },
  { verdict = { verdict = "complete", reason = "the check is green", evidence = [{ kind = "commit", sha = "${head_commit}" }, { kind = "check", job = "${last_commit_job}" }] } },
]
"#;

/// A key as a cloud gives it, made here so that it stands in no file.
fn key() -> String {
    format!("{}{}", "AKIA", "Q3EGRIVXYP4ZT5LN")
}

struct Bench {
    dir: tempfile::TempDir,
    repo: TempRepo,
    forge: FakeGitHub,
    witness: PathBuf,
}

impl Bench {
    fn new() -> Self {
        Self::with_script(SCRIPT)
    }

    fn with_script(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let witness = dir.path().join("witness.jsonl");
        std::fs::create_dir(dir.path().join("data")).unwrap();
        let script = script.replace("@WITNESS@", witness.to_str().unwrap()).replace("@KEY@", &key());
        std::fs::write(dir.path().join("script.toml"), script).unwrap();
        let (repo, forge) = (TempRepo::failing_check(), FakeGitHub::start());
        forge.follow(REPOSITORY, Git::at(repo.path()));
        let config = format!(
            "[forge]\nbase_url = \"{}\"\n[project.app]\nrepo = \"{}\"\nforge_repository = \"{REPOSITORY}\"\n",
            forge.url(),
            repo.path().display()
        );
        std::fs::write(dir.path().join("data").join("windlass.toml"), config).unwrap();
        Self { dir, repo, forge, witness }
    }

    /// A daemon that may propose to the forge.
    fn daemon(&self) -> Daemon {
        Daemon::new(&self.data()).env("GITHUB_TOKEN", self.forge.token())
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn submit_without_review(&self, daemon: &Daemon) -> Value {
        let (repo, script) = (self.repo.path().to_str().unwrap().to_owned(), self.dir.path().join("script.toml"));
        let args = [
            "run",
            "make the check pass",
            "--repo",
            &repo,
            "--harness",
            "simulated",
            "--script",
            script.to_str().unwrap(),
            "--verify",
            "./check.sh",
        ];
        daemon.json(&[&args[..], &["--no-review", "--detach"]].concat()).unwrap()
    }

    fn submit(&self, daemon: &Daemon) -> Option<Value> {
        let script = self.dir.path().join("script.toml");
        daemon.json(&[
            "run",
            "make the check pass",
            "--project",
            "app",
            "--propose",
            "--harness",
            "simulated",
            "--script",
            script.to_str().unwrap(),
            "--verify",
            "./check.sh",
            "--key",
            "sweep",
            "--detach",
        ])
    }
}

fn assignment(daemon: &Daemon, id: &str) -> Option<Value> {
    daemon.json(&["assignment", id])
}

/// Every process whose environment says that it works for this assignment.
fn agents_of(id: &str) -> Vec<windlass_testkit::process::Process> {
    windlass_testkit::process::processes_with_env("WINDLASS_ASSIGNMENT_ID", id)
}

/// Each agent holds a lock on its job for as long as it lives, and signs the witness file with whether it was alone. The kernel
/// frees the lock at the holder's death, so nothing that the daemon says can hide a second one.
fn assert_never_two_at_once(witness: &Path, point: &str) {
    let text = std::fs::read_to_string(witness).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.iter().any(|l| l["event"] == "start"), "{point}: nothing was witnessed");
    for line in lines {
        assert_ne!(line["alone"], false, "{point}: two agents of one job at once: {line}\n{text}");
    }
}

/// Names every failpoint that one undisturbed run passes, with how often.
fn enumerate() -> BTreeMap<String, u32> {
    let bench = Bench::new();
    let log = bench.dir.path().join("failpoints");
    let mut daemon = bench.daemon().env("WINDLASS_FAILPOINT_LOG", log.to_str().unwrap());
    assert!(daemon.start());
    let id = bench.submit(&daemon).unwrap()["id"].as_str().unwrap().to_owned();
    let done = eventually("the undisturbed run completes", Duration::from_mins(1), || {
        assignment(&daemon, &id).filter(|a| a["status"] != "active")
    });
    assert_eq!(done["status"], "complete", "{done:#}");
    let mut passed = BTreeMap::new();
    for name in std::fs::read_to_string(log).unwrap().lines() {
        *passed.entry(name.to_owned()).or_insert(0) += 1;
    }
    passed
}

/// Kills the daemon at the `nth` passage of `name`, starts it again and checks all that must hold.
fn survives(name: &str, nth: u32) {
    let point = format!("{name}:{nth}");
    let bench = Bench::new();
    let mut daemon = bench.daemon().env("WINDLASS_FAILPOINT", point.clone());
    assert!(daemon.start(), "{point}");
    let acknowledged = bench.submit(&daemon).map(|s| s["id"].as_str().unwrap().to_owned());
    daemon.wait_dead();
    if let Some(id) = &acknowledged {
        eventually(&format!("{point}: no process of a dead daemon is left"), Duration::from_secs(5), || {
            agents_of(id).is_empty().then_some(())
        });
    }
    finishes(&bench, &point, acknowledged.as_deref());
}

/// Starts the daemon again and sees the work to its end: once, whole, in order.
fn finishes(bench: &Bench, point: &str, acknowledged: Option<&str>) {
    let mut daemon = bench.daemon();
    assert!(daemon.start(), "{point}: starts again");
    // A submission whose answer was lost is sent again under its key: it is the same one.
    let id = bench.submit(&daemon).unwrap()["id"].as_str().unwrap().to_owned();
    if let Some(acknowledged) = acknowledged {
        assert_eq!(id, acknowledged, "{point}: an acknowledged assignment is there");
    }
    let done = eventually(&format!("{point}: the assignment ends"), Duration::from_mins(1), || {
        assignment(&daemon, &id).filter(|a| a["status"] != "active")
    });
    assert_eq!(done["status"], "complete", "{point}: {done:#}");

    let all = daemon.json(&["assignments"]).unwrap();
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{point}: nothing was doubled");
    let jobs = done["jobs"].as_array().unwrap();
    let types: Vec<&str> = jobs.iter().map(|j| j["spec"]["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["implement", "pm"], "{point}");
    for job in jobs {
        assert_eq!(job["status"], "succeeded", "{point}: {job:#}");
        assert_eq!(job["failures"], 0, "{point}: a crash of ours is no failure of the job");
        assert!(job["rescues"].as_u64().unwrap() <= 1, "{point}");
    }
    assert!(jobs[0]["ended_at"].as_str() <= jobs[1]["started_at"].as_str(), "{point}: in order");
    for job in jobs {
        let whole = daemon.json(&["job", job["id"].as_str().unwrap()]).unwrap();
        let sessions: Vec<&str> = whole["attempts_list"].as_array().unwrap().iter().filter_map(|a| a["session_id"].as_str()).collect();
        assert!(sessions.windows(2).all(|s| s[0] == s[1]), "{point}: a session that was begun is gone on with: {sessions:?}");
    }

    let branch = done["branch"].as_str().unwrap();
    let commits = bench.repo.git(&["rev-list", "--count", &format!("main..{branch}")]);
    assert_eq!(commits.trim(), "1", "{point}: one commit");
    assert_eq!(bench.repo.git(&["show", &format!("{branch}:answer.txt")]).trim(), "42", "{point}");
    assert_eq!(bench.repo.git(&["log", "--all", "-S", &key(), "--oneline"]), "", "{point}: what was refused is in no commit there");
    assert_eq!(bench.repo.git(&["status", "--porcelain"]), "", "{point}: the user's checkout is as it was");

    let made = bench.forge.calls().iter().filter(|call| call.method == "POST" && call.status == Some(201)).count();
    assert_eq!((made, bench.forge.open_pulls(REPOSITORY).len()), (1, 1), "{point}: one pull request, and only one was ever made");
    assert_eq!(done["pull_request"]["state"], "open", "{point}");

    assert_never_two_at_once(&bench.witness, point);
    eventually(&format!("{point}: nothing is left running"), Duration::from_secs(5), || agents_of(&id).is_empty().then_some(()));
}

#[test]
fn a_kill_at_every_failpoint_loses_nothing_and_doubles_nothing() {
    let points = enumerate();
    let all: Vec<(String, u32)> = points.iter().flat_map(|(name, count)| (1..=*count).map(move |nth| (name.clone(), nth))).collect();
    assert!(all.len() > 40, "too few failpoints were passed: {points:?}");
    assert!(points.contains_key("quarantine.made"), "the scan refused nothing: {points:?}");
    println!("{} failpoint passages: {points:?}", all.len());
    // Each run waits for git and processes more than it computes.
    let next = std::sync::atomic::AtomicUsize::new(0);
    let broken = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((name, nth)) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
                    if std::panic::catch_unwind(|| survives(name, *nth)).is_err() {
                        broken.lock().unwrap().push(format!("{name}:{nth}"));
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} of {} did not survive: {broken:?}", broken.len(), all.len());
}

#[test]
fn a_kill_during_recovery_loses_nothing_either() {
    for point in ["rescue.before:1", "rescue.after:1"] {
        let bench = Bench::new();
        let mut daemon = bench.daemon().env("WINDLASS_FAILPOINT", "go.after:1");
        assert!(daemon.start());
        let acknowledged = bench.submit(&daemon).map(|s| s["id"].as_str().unwrap().to_owned());
        daemon.wait_dead();
        let mut again = bench.daemon().env("WINDLASS_FAILPOINT", point);
        again.start();
        again.wait_dead();
        finishes(&bench, point, acknowledged.as_deref());
    }
}

#[test]
fn a_kill_within_16_ms_of_the_spawn_leaves_no_orphan() {
    for ms in [0u64, 1, 2, 4, 6, 8, 11, 16] {
        let bench = Bench::new();
        let mut daemon = bench.daemon();
        assert!(daemon.start());
        let id = bench.submit(&daemon).unwrap()["id"].as_str().unwrap().to_owned();
        eventually("the agent is spawned", Duration::from_secs(20), || {
            (!agents_of(&id).is_empty() || witnessed(&bench.witness)).then_some(())
        });
        let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: (ms * 1_000_000).cast_signed() }));
        daemon.kill();
        eventually(&format!("{ms} ms: no orphan is left"), Duration::from_secs(5), || agents_of(&id).is_empty().then_some(()));
        finishes(&bench, &format!("{ms} ms after the spawn"), Some(&id));
    }
}

fn witnessed(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.len() > 0)
}
