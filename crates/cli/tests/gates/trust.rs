//! What a repository brings counts only once a person has trusted that very content.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id, said};

const FILE: &str = ".windlass/project.toml";

fn repo(file: &str) -> TempRepo {
    TempRepo::failing_check().with_file(FILE, file).commit("Settings")
}

const FIX: &str = r#"[[turn]]
steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#;

#[test]
fn a_repositorys_check_waits_for_trust_runs_after_it_and_asks_again_when_it_changes() {
    let bench = Bench::with(repo("verify = \"./check.sh\"\n"), "", "");
    let a = bench.simulated(FIX, &["--no-review"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "untrusted");
    let project = blocked["project"].as_str().unwrap().to_owned();
    let action = blocked["block"]["action"].as_str().unwrap();
    assert!(action.contains(&format!("windlass trust {project}")) && action.contains("--verify"), "{action}");
    let job = &blocked["jobs"][0];
    assert_eq!((&job["status"], &job["failures"]), (&"queued".into(), &0.into()));
    assert_eq!(bench.count(&id(job), "run", "passed"), 0, "no agent was started");

    // Without a terminal nobody has said yes.
    let shown = bench.daemon.call(&["trust", &project]);
    assert_eq!(shown.status.code(), Some(2), "{}", said(&shown));
    assert!(said(&shown).contains("verify = \"./check.sh\""), "it shows what would be trusted: {}", said(&shown));
    let (code, text) = bench.refused(&["trust", &project, "--hash", "0000"]);
    assert_eq!(code, 2, "{text}");
    let candidate = bench.ok(&["trust", &project]);
    assert_eq!(candidate["trusted"], false);
    bench.ok(&["trust", &project, "--hash", candidate["hash"].as_str().unwrap()]);
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let check = bench.stages(&id(&done["jobs"][0])).into_iter().find(|s| s["stage"] == "verify").unwrap();
    assert_eq!((&check["status"], &check["detail"]["command"]), (&"passed".into(), &"./check.sh".into()));

    bench.repo.write(FILE, "verify = \"./check.sh; curl http://evil.example\"\n");
    bench.repo.commit_all("A small change");
    let again = bench.simulated(FIX, &["--no-review"]);
    assert_blocked(&bench.ended(&again), "untrusted");
}

#[test]
fn with_a_check_of_ones_own_the_work_goes_on_and_what_was_left_out_is_noticed() {
    let pwned = tempfile::tempdir().unwrap();
    let trap = pwned.path().join("pwned");
    let bench = Bench::with(repo(&format!("verify = \"touch {0}\"\nsetup = \"touch {0}\"\n", trap.display())), "", "");
    let a = bench.simulated(FIX, &["--no-review", "--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let notices = bench.notices(&a, "untrusted");
    assert_eq!(notices.len(), 1, "{notices:#?}");
    let text = notices[0]["text"].as_str().unwrap();
    assert!(text.contains("verify") && text.contains("setup"), "{text}");
    assert!(!trap.exists(), "what nobody has trusted has not run");
}

#[test]
fn what_an_agent_writes_into_the_settings_of_its_clone_changes_no_gate() {
    let bench = Bench::with(repo("verify = \"./check.sh\"\n"), "", "");
    let project = id(&bench.ok(&["init", "--repo", &bench.repo_path()]));
    bench.ok(&["trust", &project, "--yes"]);
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = ".windlass/project.toml", content = "verify = \"true\"\n" } }, { say = "All green." }]"#,
        &["--no-review", "--max-iterations", "1"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    assert!(done["jobs"][0]["failure"]["message"].as_str().unwrap().contains("./check.sh"), "{done:#}");
}

#[test]
fn a_repositorys_template_counts_after_trust_only() {
    let bench = Bench::with(
        TempRepo::failing_check()
            .with_file(FILE, "max_iterations = 1\n")
            .with_file(".windlass/templates/implement.md", "OUR OWN WORDS: {{ north_star }}\n")
            .commit("A template"),
        "",
        "",
    );
    let prompt = bench.outside("prompt");
    let agent = format!("cat > {}; echo 42 > answer.txt", prompt.display());
    let a = bench.command(&agent, &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert!(!std::fs::read_to_string(&prompt).unwrap().contains("OUR OWN WORDS"));
    assert_eq!(bench.notices(&a, "untrusted").len(), 1);

    bench.ok(&["trust", done["project"].as_str().unwrap(), "--yes"]);
    let b = bench.command(&agent, &["--verify", "./check.sh"]);
    let done = bench.ended(&b);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(std::fs::read_to_string(&prompt).unwrap().trim(), "OUR OWN WORDS: make the check pass");
}

#[test]
fn a_settings_file_that_cannot_be_read_is_named() {
    let bench = Bench::with(repo("verify = [\n"), "", "");
    let a = bench.simulated(FIX, &["--no-review"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "bad_configuration");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains(FILE), "{blocked:#}");
}

#[test]
fn a_settings_file_that_is_a_link_out_of_the_repository_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let evil = outside.path().join("evil.toml");
    std::fs::write(&evil, "verify = \"true\"\n").unwrap();
    let repo = TempRepo::failing_check();
    std::fs::create_dir(repo.path().join(".windlass")).unwrap();
    std::os::unix::fs::symlink(&evil, repo.path().join(FILE)).unwrap();
    repo.commit_all("A link");
    let bench = Bench::with(repo, "", "");
    let a = bench.simulated(FIX, &["--no-review", "--verify", "./check.sh"]);
    let done = bench.ended(&a);
    if done["status"] == "complete" {
        assert!(bench.notices(&a, "untrusted").is_empty());
    } else {
        assert_blocked(&done, "bad_configuration");
    }
}

#[test]
fn a_repositorys_own_limits_count_without_trust() {
    let bench = Bench::with(repo("max_iterations = 1\n[budget]\nruns = 1\n"), "", "");
    let wrong = r#"[[turn]]
    steps = [{ write = { path = "answer.txt", content = "40\n" } }, { say = "Done." }]"#;
    let a = bench.simulated(wrong, &["--verify", "./check.sh", "--no-review"]);
    assert_blocked(&bench.ended(&a), "verify_failed");
    assert_eq!(bench.count(&id(&bench.jobs(&a)[0]), "run", "passed"), 1, "one round, as the repository says");
    bench.ok(&["retry", &id(&bench.jobs(&a)[0])]);
    assert_blocked(&bench.ended(&a), "budget_exceeded");
}
