//! What the daemon's own configuration says of a project: a person wrote it, so it counts without being asked about.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, eventually, id};

/// A daemon whose configuration knows the repository as project `shop`, with these settings.
fn shop(settings: &str) -> Bench {
    let repo = TempRepo::failing_check();
    let path = repo.path().to_str().unwrap().to_owned();
    Bench::with(repo, "max_concurrent_tasks = 4\n", &format!("[project.shop]\nrepo = {path:?}\n{settings}"))
}

#[test]
fn its_check_and_its_limits_count_and_what_is_given_with_the_work_goes_first() {
    let bench = shop("verify = \"./check.sh\"\nmax_iterations = 1\n[project.shop.budget]\nruns = 7\n");
    let red = bench.ended(&bench.command("echo 40 > answer.txt", &["--project", "shop"]));
    assert_blocked(&red, "verify_failed");
    assert_eq!(red["budget"]["runs"], 7, "{red:#}");
    assert_eq!(bench.count(&id(&red["jobs"][0]), "run", "passed"), 1);

    let own = bench
        .ended(&bench.command("echo 40 > answer.txt", &["--project", "shop", "--verify", "grep -q 40 answer.txt", "--budget-runs", "9"]));
    assert_eq!((&own["status"], &own["budget"]["runs"]), (&"complete".into(), &9.into()), "{own:#}");

    let by_path = bench.ended(&bench.command("echo 42 > answer.txt", &[]));
    assert_eq!(
        (&by_path["project"], &by_path["status"]),
        (&"shop".into(), &"complete".into()),
        "the path means the same project: {by_path:#}"
    );
}

#[test]
fn its_set_up_runs_once_in_each_workspace_before_the_agent() {
    let repo = TempRepo::failing_check();
    let diary = repo.beside("diary");
    let path = repo.path().to_str().unwrap().to_owned();
    let settings = format!("[project.shop]\nrepo = {path:?}\nsetup = \"echo set-up >> {}\"\n", diary.display());
    let bench = Bench::with(repo, "", &settings);
    let a = id(&bench.ok(&["create", "two jobs", "--project", "shop", "--no-review"]));
    bench.ok(&["pause"]);
    for n in 1..=2 {
        let agent = bench.file(&format!("agent{n}.sh"), &format!("echo agent >> {}; echo {n} > file-{n}", diary.display()));
        bench.ok(&["insert-job", &a, "--harness", "command", "--program", &format!("sh {}", agent.display()), "--context", "x"]);
    }
    bench.ok(&["resume"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
    assert_eq!(std::fs::read_to_string(diary).unwrap(), "set-up\nagent\nagent\n");
}

#[test]
fn a_set_up_that_fails_blocks_with_its_output_before_any_agent_runs() {
    let bench = shop("setup = \"echo the registry is down >&2; exit 4\"\n");
    let blocked = bench.ended(&bench.command("echo 42 > answer.txt", &["--project", "shop"]));
    assert_blocked(&blocked, "bad_configuration");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("the registry is down"), "{blocked:#}");
    assert_eq!(bench.count(&id(&blocked["jobs"][0]), "run", "passed"), 0);
    assert_eq!(blocked["spent"]["runs_without_usage"], 0, "no agent was started");
}

#[test]
fn it_runs_no_more_at_once_than_it_may() {
    let bench = shop("max_concurrent = 1\n");
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let script = format!("echo x >> {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display());
    let one = bench.command(&script, &["--project", "shop"]);
    eventually("the first runs", || there.exists().then_some(()));
    let two = bench.command(&script, &["--project", "shop"]);
    let hold = bench.until_held(&two, 0, "project_busy");
    assert!(hold["reason"].as_str().unwrap().contains("runs 1 of 1"), "{hold:#}");
    let scratch = bench.ended(&bench.command("true", &["--project", "scratch"]));
    assert_eq!(scratch["status"], "complete", "others are not held up: {scratch:#}");
    std::fs::write(&go, "").unwrap();
    for a in [one, two] {
        assert_eq!(bench.ended(&a)["status"], "complete");
    }
}

#[test]
fn a_template_that_names_what_is_not_there_is_named() {
    let bench = shop("[project.shop.templates]\nimplement = \"Do {{ nonsense }}.\"\n");
    let blocked = bench.ended(&bench.command("true", &["--project", "shop"]));
    assert_blocked(&blocked, "bad_configuration");
    let reason = blocked["block"]["reason"].as_str().unwrap();
    assert!(reason.contains("template") && reason.contains("implement"), "{reason}");
}

#[test]
fn work_without_a_repository_runs_in_a_place_of_its_own() {
    let bench = Bench::new();
    let place = bench.outside("place");
    let a = bench
        .command(&format!("pwd > {}; echo hello > made.txt", place.display()), &["--project", "scratch", "--verify", "test -e made.txt"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!((&done["branch"], &done["head_commit"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert!(std::fs::read_to_string(place).unwrap().contains(&a));
}

#[test]
fn to_join_again_changes_what_is_named_and_keeps_the_rest() {
    let bench = Bench::with(TempRepo::failing_check(), "", "");
    let path = bench.repo_path();
    bench.ok(&[
        "init",
        "--repo",
        &path,
        "--name",
        "shop",
        "--verify",
        "./check.sh",
        "--sandbox",
        "require",
        "--forge",
        "acme/shop",
        "--propose",
    ]);
    for more in [&[][..], &["--propose=false"], &["--sandbox", "auto"]] {
        bench.ok(&[&["init", "--repo", &path, "--name", "shop"], more].concat());
    }
    let projects = bench.ok(&["projects"])["items"].as_array().unwrap().clone();
    let settings = &projects.iter().find(|project| project["name"] == "shop").unwrap()["settings"];
    assert_eq!(
        (&settings["verify"], &settings["sandbox"], &settings["forge_repository"]),
        (&"./check.sh".into(), &"auto".into(), &"acme/shop".into()),
        "{settings:#}"
    );
    assert_ne!(settings["propose"], true, "{settings:#}");
    let other = TempRepo::failing_check();
    let (code, text) = bench.refused(&["init", "--repo", other.path().to_str().unwrap(), "--name", "shop"]);
    assert!(code == 2 && text.contains("of another repository"), "{code}: {text}");
}
