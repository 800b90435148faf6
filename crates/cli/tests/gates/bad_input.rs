//! What makes no sense is refused at once, in words that say what is wrong with what, and what to do.

use std::io::Write as _;
use std::process::Stdio;

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, id, said};
use crate::daemon::windlass;

/// Whether a refusal says all of this, and speaks to people.
#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "it should say {part:?}: {text}");
    }
    assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
}

#[test]
fn a_repository_that_cannot_be_worked_on_is_refused_by_name() {
    let bench = Bench::new();
    let run = |repo: &std::path::Path| bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", repo.to_str().unwrap()]);

    let (code, text) = run(std::path::Path::new("/nowhere/at/all"));
    assert_eq!(code, 2, "{text}");
    says(&text, &["/nowhere/at/all", "hint:"]);

    let plain = bench.outside("plain");
    std::fs::create_dir(&plain).unwrap();
    let (code, text) = run(&plain);
    assert_eq!(code, 2, "{text}");
    says(&text, &["is not a git repository", "git init"]);

    let file = bench.file("file.txt", "x");
    let (code, text) = run(&file);
    assert_eq!(code, 2, "{text}");
    says(&text, &["file.txt", "not a directory"]);

    let empty = TempRepo::new();
    let (code, text) = run(empty.path());
    assert_eq!(code, 2, "{text}");
    says(&text, &["has no commit yet", "make a first commit"]);

    let detached = TempRepo::failing_check();
    detached.git(&["checkout", "--quiet", "--detach"]);
    let (code, text) = run(detached.path());
    assert_eq!(code, 2, "{text}");
    says(&text, &["detached HEAD", "--base"]);

    assert_eq!(bench.ok(&["assignments"])["items"].as_array().unwrap().len(), 0, "nothing was made");
}

#[test]
fn a_detached_head_is_no_hindrance_when_the_branch_is_named() {
    let repo = TempRepo::failing_check();
    repo.git(&["checkout", "--quiet", "--detach"]);
    let bench = Bench::with(repo, "", "");
    let a = bench.command("echo 42 > answer.txt", &["--base", "main", "--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!((&done["status"], &done["base_branch"]), (&"complete".into(), &"main".into()), "{done:#}");
}

#[test]
fn an_unknown_branch_is_refused_with_the_names_that_are_known() {
    let bench = Bench::new();
    bench.repo.git(&["branch", "release-7"]);
    let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", &bench.repo_path(), "--base", "mian"]);
    assert_eq!(code, 2, "{text}");
    says(&text, &["mian", "known branches", "main", "release-7"]);
    for evil in ["--upload-pack=touch /tmp/x", "-rf", "a..b", "main:refs/heads/x", ""] {
        let (code, text) =
            bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", &bench.repo_path(), &format!("--base={evil}")]);
        assert_eq!(code, 2, "{evil:?}: {text}");
    }
}

#[test]
fn a_harness_that_does_not_exist_is_refused_with_those_that_do() {
    let bench = Bench::new();
    let (code, text) = bench.refused(&["run", "x", "--detach", "--repo", &bench.repo_path(), "--harness", "copilot"]);
    assert_eq!(code, 2, "{text}");
    says(&text, &["copilot", "claude", "codex", "gemini", "command", "simulated"]);
}

#[test]
fn a_harness_without_its_means_is_refused_before_anything_is_made() {
    let bench = Bench::new();
    let repo = bench.repo_path();
    for (args, part) in [
        (vec!["--harness", "command"], "--program"),
        (vec!["--harness", "simulated"], "--script"),
        (vec!["--harness", "claude", "--program", "true"], "--harness command"),
    ] {
        let mut all = vec!["run", "x", "--detach", "--repo", &repo];
        all.extend(args);
        let (code, text) = bench.refused(&all);
        assert_eq!(code, 2, "{text}");
        says(&text, &[part]);
    }
    let script = bench.file("bad.toml", "[[turn]]\nsteps = [{ sya = \"x\" }]");
    let (code, text) = bench.refused(&["run", "x", "--detach", "--repo", &repo, "--script", script.to_str().unwrap()]);
    assert_eq!(code, 2, "{text}");
    says(&text, &["sya"]);
    assert_eq!(bench.ok(&["assignments"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_goal_that_is_empty_or_too_long_is_refused_and_the_longest_is_taken() {
    let bench = Bench::new();
    let repo = bench.repo_path();
    let (code, text) = bench.refused(&["run", "  \n ", "--detach", "--program", "true", "--repo", &repo]);
    assert_eq!(code, 2, "{text}");
    says(&text, &["the goal is empty"]);

    // More than a command line holds, so from standard input.
    let from_input = |bytes: usize| {
        let mut child = windlass(bench.data())
            .args(["run", "-", "--detach", "--json", "--program", "cp /dev/stdin prompt.txt", "--repo", &repo])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all("g".repeat(bytes).as_bytes());
        child.wait_with_output().unwrap()
    };
    const MIB: usize = 1024 * 1024;
    let refused = from_input(MIB + 1);
    assert_eq!(refused.status.code(), Some(2));
    says(&said(&refused), &["1048577", "1048576", "file of the repository"]);

    // The daemon does not rely on its client.
    let body = serde_json::json!({ "goal": "g".repeat(MIB + 1), "repo": repo, "harness": "command", "program": "true" });
    let (status, answer) = bench.http("POST", "/api/v1/assignments/run", &body.to_string());
    assert!((400..500).contains(&status), "{status} {}", &answer[..answer.len().min(500)]);

    let taken = from_input(MIB);
    assert!(taken.status.success(), "{}", said(&taken).chars().take(2000).collect::<String>());
    let a = id(&serde_json::from_slice(&taken.stdout).unwrap());
    let done = bench.until(&a, "it is over", |a| a["status"] != "active");
    assert_eq!(done["status"], "complete", "{}", done["block"]);
    let prompt = bench.repo.file_at(done["branch"].as_str().unwrap(), "prompt.txt").unwrap();
    assert!(prompt.contains(&"g".repeat(MIB)), "the agent got all {} of it", prompt.len());
}

#[test]
fn hostile_words_in_a_goal_are_only_words() {
    let bench = Bench::new();
    for goal in
        ["--help; rm -rf ~", "$(touch /tmp/windlass-pwned) `id` && exit", "\u{202e}reversed\u{0007}\u{001b}[2J", "{{ 7 * 7 }} {% raw %}"]
    {
        let out = bench.daemon.call(&[
            "run",
            "--detach",
            "--json",
            "--program",
            "sh -c 'cat > prompt.txt'",
            "--repo",
            &bench.repo_path(),
            "--",
            goal,
        ]);
        assert!(out.status.success(), "{goal:?}: {}", said(&out));
        let out: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let done = bench.ended(&id(&out));
        assert_eq!(done["status"], "complete", "{goal:?}: {done:#}");
        assert_eq!(done["north_star"], goal);
        let branch = done["branch"].as_str().unwrap();
        assert!(branch.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)), "{branch:?}");
        assert!(bench.repo.file_at(branch, "prompt.txt").unwrap().contains(goal), "{goal:?}");
        let shown = bench.daemon.call(&["assignment", &id(&out)]);
        assert!(!shown.stdout.contains(&0x1b) && !shown.stdout.contains(&7), "no control character reaches the terminal: {}", said(&shown));
    }
}

#[test]
fn an_id_that_is_not_there_is_said_to_be_unknown() {
    let bench = Bench::new();
    for (args, part) in [
        (vec!["assignment", "asg_01990000000070008000000000000000"], "asg_01990000000070008000000000000000"),
        (vec!["job", "job_01990000000070008000000000000000"], "job_01990000000070008000000000000000"),
        (vec!["job", "nonsense"], "nonsense"),
        (vec!["assignment", "../../etc/passwd"], "passwd"),
        (vec!["explain", "job_zzz"], "job_zzz"),
        (vec!["logs", "no-such-job"], "no-such-job"),
        (vec!["diff", "nothing"], "nothing"),
        (vec!["cancel", "job_01990000000070008000000000000000"], "job_01990000000070008000000000000000"),
        (vec!["retry", "job_01990000000070008000000000000000"], "job_01990000000070008000000000000000"),
        (vec!["insert-job", "asg_01990000000070008000000000000000", "--context", "x"], "asg_01990000000070008000000000000000"),
        (vec!["trust", "nobody"], "nobody"),
        (vec!["run", "x", "--detach", "--program", "true", "--project", "nobody"], "nobody"),
    ] {
        let (code, text) = bench.refused(&args);
        assert_eq!(code, 2, "{args:?}: {text}");
        says(&text, &[part]);
    }
}

#[test]
fn a_status_type_or_budget_that_makes_no_sense_is_refused() {
    let bench = Bench::new();
    let a = id(&bench.ok(&["create", "x", "--repo", &bench.repo_path()]));
    let repo = bench.repo_path();
    for (args, part) in [
        (vec!["update-assignment", &a, "--status", "finished"], "complete"),
        (vec!["update-assignment", &a], "nothing to change"),
        (vec!["insert-job", &a, "--type", "deploy", "--context", "x"], "implement"),
        (vec!["run", "x", "--repo", &repo, "--program", "true", "--budget-usd=-3"], "budget-usd"),
        (vec!["run", "x", "--repo", &repo, "--program", "true", "--timeout", "0"], "timeout"),
        (vec!["run", "x", "--program", "true"], "--repo"),
    ] {
        let (code, text) = bench.refused(&args);
        assert_eq!(code, 2, "{args:?}: {text}");
        says(&text, &[part]);
    }
}

#[test]
fn a_daemon_that_is_not_there_is_code_5_and_a_detached_run_needs_one() {
    let dir = tempfile::tempdir().unwrap();
    let repo = TempRepo::failing_check();
    std::fs::write(dir.path().join("windlass.toml"), "").unwrap();
    for args in
        [vec!["status"], vec!["assignments"], vec!["run", "x", "--detach", "--program", "true", "--repo", repo.path().to_str().unwrap()]]
    {
        let out = windlass(dir.path()).args(&args).stdin(Stdio::null()).output().unwrap();
        assert_eq!(out.status.code(), Some(5), "{args:?}: {}", said(&out));
        says(&said(&out), &["windlass up"]);
    }
}

#[test]
fn a_remote_repository_that_does_not_answer_is_named_and_nothing_is_made() {
    let bench = Bench::new();
    let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", "https://127.0.0.1:1/x.git"]);
    assert!(matches!(code, 1 | 2), "{code} {text}");
    says(&text, &["127.0.0.1"]);
    for evil in ["ext::sh -c 'touch /tmp/windlass-pwned'", "ssh://-oProxyCommand=touch%20x/y", "file:///etc", "http://127.0.0.1:1/x.git"] {
        let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", evil]);
        assert!(matches!(code, 1 | 2), "{code} {text}");
    }
    assert_eq!(bench.ok(&["assignments"])["items"].as_array().unwrap().len(), 0);
    assert!(!std::path::Path::new("/tmp/windlass-pwned").exists());
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let bench = Bench::new();
    let (code, text) = bench.refused(&["run", "x", "--detach", "--program", "true", "--repo", "https://user:hunter2@127.0.0.1:1/x.git"]);
    assert_eq!(code, 2, "{text}");
    says(&text, &["credential"]);
    assert!(!text.contains("hunter2") && !bench.daemon.log().contains("hunter2"), "{text}");
}
