//! Repositories that are not on this machine: nothing is sent to them before a secret scanner can pass it.

use std::os::unix::fs::PermissionsExt as _;

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, id, said};

/// A daemon whose `ssh` reaches no other machine: what it is asked to run there, it runs here.
fn with_ssh() -> (Bench, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let ssh = dir.path().join("ssh");
    std::fs::write(&ssh, "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n").unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::with_env(TempRepo::failing_check().with_remote(), "", "", &[("GIT_SSH_COMMAND", ssh.to_str().unwrap())]);
    (bench, dir)
}

#[test]
fn work_for_a_remote_repository_is_held_until_there_is_a_scanner_and_says_so() {
    let (bench, _ssh) = with_ssh();
    let url = format!("ssh://localhost{}", bench.repo.remote().path().display());
    let out = bench.daemon.call(&["run", "make the check pass", "--repo", &url, "--program", "sh -c 'echo 42 > answer.txt'", "--json"]);
    assert_eq!(out.status.code(), Some(3), "a person has to act: {}", said(&out));
    let held: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(held["hold"]["kind"], "no_scanner", "{held:#}");
    assert!(held["hold"]["reason"].as_str().unwrap().contains("not a local path"), "{held:#}");
    assert!(held["hold"]["hint"].as_str().unwrap().contains("local clone"), "{held:#}");
    let job = &held["jobs"][0];
    assert_eq!((&job["status"], &job["attempts"]), (&"queued".into(), &0.into()), "no agent has seen it: {job:#}");

    let explained = said(&bench.daemon.call(&["explain", &id(job)]));
    assert!(explained.contains("scanner") && explained.contains("local clone"), "{explained}");
    assert_eq!(bench.repo.remote().branches(), ["main"], "nothing was sent there");

    // Work for a local clone of it runs meanwhile.
    let local = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh"]);
    assert_eq!(bench.ended(&local)["status"], "complete");
}

#[test]
fn an_unknown_branch_of_a_remote_repository_is_refused_with_the_names_that_are_known() {
    let (bench, _ssh) = with_ssh();
    let url = format!("ssh://localhost{}", bench.repo.remote().path().display());
    let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", &url, "--base", "mian"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("mian") && text.contains("known branches: main"), "{text}");
}
