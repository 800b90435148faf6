//! Nothing that looks like a secret leaves this machine, and whoever wants to know sees where it stands and never what it is.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id, said};

/// A key as a cloud gives it, made here so that it stands in no file.
fn key() -> String {
    format!("{}{}", "AKIA", "Q3EGRIVXYP4ZT5LN")
}

/// Whether a text stands in any file below a folder, git's packed objects excepted.
fn stands_below(folder: &std::path::Path, text: &str) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            if let Some(found) = stands_below(&path, text) {
                return Some(found);
            }
        } else if std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes())) {
            return Some(path);
        }
    }
    None
}

/// An agent that mends the check and leaves a key; in its second round it does `then`.
fn leaves_a_key(then: &str) -> String {
    let key = key();
    format!(
        r#"
        [[turn]]
        iteration = 1
        steps = [{{ write = {{ path = "answer.txt", content = "42\n" }} }}, {{ write = {{ path = "config/cloud.ini", content = "[default]\nid = {key}\n" }} }}, {{ say = "Done with {key}." }}]
        [[turn]]
        steps = [{then} {{ say = "Taken out." }}]
        "#
    )
}

#[test]
fn an_agent_that_takes_the_secret_out_when_told_is_delivered_without_a_trace_of_it() {
    let bench = Bench::new();
    let a = bench.simulated(&leaves_a_key("{ run = \"rm -r config\" },"), &["--verify", "./check.sh", "--no-review"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = id(&done["jobs"][0]);
    assert_eq!((bench.count(&job, "scan", "failed"), bench.count(&job, "scan", "passed")), (1, 1));
    let refused = bench.stages(&job).into_iter().find(|s| s["stage"] == "scan" && s["status"] == "failed").unwrap();
    let finding = &refused["detail"]["findings"][0];
    assert_eq!((&finding["path"], &finding["line"]), (&"config/cloud.ini".into(), &2.into()), "{refused:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.log(&format!("main..{branch}")).len(), 1);
    assert_eq!(bench.repo.git(&["log", "--all", "-S", &key(), "--oneline"]), "", "no commit there ever had it");
    assert!(!bench.repo.git(&["log", "--format=%B", branch]).contains(&key()));
    assert_eq!(bench.ok(&["findings"])["items"], serde_json::json!([]), "a scan that passes ends them");
    assert_eq!(bench.notices(&a, "secrets_found").len(), 1);
    assert!(!bench.said(&job).contains(&key()), "what it said of it is not shown");
}

#[test]
fn a_secret_that_stays_stops_the_job_and_is_kept_here_for_a_person() {
    let bench = Bench::new();
    let a = bench.simulated(&leaves_a_key(""), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "secret_found");
    let job = id(&done["jobs"][0]);
    assert_eq!((&done["jobs"][0]["status"], bench.count(&job, "scan", "failed")), (&"failed".into(), 2), "one chance, and no more");
    assert_eq!(bench.count(&job, "push", "passed"), 0);
    assert_eq!(bench.repo.branches(), ["main"], "nothing of it is pushed");

    let found = bench.ok(&["findings", &a]);
    let finding = &found["items"][0];
    assert_eq!(finding["job_id"], job, "{found:#}");
    assert_eq!(
        (&finding["path"], &finding["line"], &finding["redacted"]),
        (&"config/cloud.ini".into(), &2.into(), &"AK****".into()),
        "{found:#}"
    );
    let shown = said(&bench.daemon.call(&["findings"]));
    assert!(shown.contains("config/cloud.ini:2:6") && shown.contains("AK****"), "{shown}");
    let told = [
        shown,
        found.to_string(),
        done["block"].to_string(),
        said(&bench.daemon.call(&["explain", &job])),
        bench.said(&job),
        bench.daemon.log(),
    ];
    assert!(told.iter().all(|text| !text.contains(&key())), "{told:#?}");

    // The work is where the hint says.
    let hint = done["block"]["action"].as_str().unwrap();
    let git_dir = hint.split("--git-dir ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let kept = std::process::Command::new("git").args(["--git-dir", git_dir, "show", "windlass-quarantine:answer.txt"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "42\n", "{hint}");
    assert!(bench.repo.git(&["ls-remote", "."]).lines().count() <= 2, "the quarantine is not in the repository");
    assert_eq!(stands_below(&bench.data().join("transcripts"), &key()), None);
}

#[test]
fn what_the_work_says_of_itself_allows_nothing_and_what_the_base_says_does() {
    let key = key();
    let list = "[[allow]]\\npath = \\\"config/**\\\"\\n";
    let script = format!(
        r#"[[turn]]
        steps = [
          {{ run = "mkdir -p config .windlass; echo 42 > answer.txt; echo 'id = {key} # windlass:allow-secret' > config/cloud.ini; printf '{list}' > .windlass/secrets-allow.toml" }},
          {{ say = "Done." }},
        ]"#
    );
    let bench = Bench::new();
    assert_blocked(&bench.ended(&bench.simulated(&script, &["--verify", "./check.sh", "--no-review"])), "secret_found");

    let allowing =
        TempRepo::failing_check().with_file(".windlass/secrets-allow.toml", "[[allow]]\npath = \"config/**\"\n").commit("Allowed");
    let bench = Bench::with(allowing, "", "");
    let done = bench.ended(&bench.simulated(&script, &["--verify", "./check.sh", "--no-review"]));
    assert_eq!(done["status"], "complete", "{done:#}");

    let broken = TempRepo::failing_check().with_file(".windlass/secrets-allow.toml", "[[allow]]\nrulle = 1\n").commit("Broken");
    let bench = Bench::with(broken, "", "");
    let a = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh", "--no-review"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "bad_configuration");
    assert!(blocked.to_string().contains("secrets-allow.toml"), "{blocked:#}");
}

#[test]
fn a_secret_in_what_was_asked_for_is_not_in_the_commits_message() {
    let bench = Bench::new();
    let goal = format!("use the key {} to make the check pass", key());
    let args =
        ["run", &goal, "--detach", "--repo", &bench.repo_path(), "--harness", "command", "--program", "sh -c 'echo 42 > answer.txt'"];
    let a = bench.ok(&[args.as_slice(), &["--verify", "./check.sh", "--no-review"]].concat())["id"].as_str().unwrap().to_owned();
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let message = bench.repo.git(&["log", "-1", "--format=%B", done["branch"].as_str().unwrap()]);
    assert!(message.contains("[redacted:") && !message.contains(&key()), "{message}");
}

#[test]
fn what_the_daemon_keeps_to_itself_is_not_pushed_however_it_is_spelled_and_whatever_it_looks_like() {
    let secret = "team gateway 0042 of ours";
    let bench = Bench::with_env(TempRepo::failing_check(), "", "", &[("CORP_PROXY_KEY", secret)]);
    let token = std::fs::read_to_string(bench.data().join("token")).unwrap();
    let encoded = secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    for (value, name) in [(secret, "CORP_PROXY_KEY"), (&encoded, "CORP_PROXY_KEY"), (token.trim(), "WINDLASS_TOKEN")] {
        let file = bench.outside("value");
        std::fs::write(&file, value).unwrap();
        let script = format!("echo 42 > answer.txt; cp {0} note.txt", file.display());
        let blocked = bench.ended(&bench.submit(&[
            "--harness",
            "command",
            "--program",
            &format!("/bin/sh -c '{script}' {}", file.display()),
            "--no-review",
        ]));
        assert_blocked(&blocked, "secret_found");
        let reason = blocked["block"]["reason"].as_str().unwrap();
        assert!(reason.contains("note.txt:1 (known-secret") && reason.contains(name) && !reason.contains(value), "{reason}");
        assert_eq!(bench.repo.branches(), ["main"]);
    }
}
