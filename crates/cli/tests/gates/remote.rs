//! Repositories that are not on this machine.

use std::os::unix::fs::PermissionsExt as _;

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id};

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
fn work_for_a_remote_repository_is_scanned_and_pushed_there() {
    let (bench, _ssh) = with_ssh();
    let url = format!("ssh://localhost{}", bench.repo.remote().path().display());
    let a = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh", "--no-review", "--repo", &url]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.remote().file_at(branch, "answer.txt").as_deref(), Some("42\n"));
    assert_eq!(bench.count(&id(&done["jobs"][0]), "scan", "passed"), 1);
    assert_eq!(bench.repo.branches(), ["main"], "the clone here is not touched");

    let key = format!("{}{}", "AKIA", "Q3EGRIVXYP4ZT5LN");
    let leaky = bench.command(
        &format!("echo 42 > answer.txt; echo 'id = {key}' > cloud.ini"),
        &["--verify", "./check.sh", "--no-review", "--repo", &url],
    );
    assert_blocked(&bench.ended(&leaky), "secret_found");
    assert_eq!(bench.repo.remote().branches().len(), 2, "nothing of it was sent there");
}

#[test]
fn an_unknown_branch_of_a_remote_repository_is_refused_with_the_names_that_are_known() {
    let (bench, _ssh) = with_ssh();
    let url = format!("ssh://localhost{}", bench.repo.remote().path().display());
    let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", &url, "--base", "mian"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("mian") && text.contains("known branches: main"), "{text}");
}
