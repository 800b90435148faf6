//! An assignment led by hand: made, given jobs, watched, blocked, opened again and closed by the verbs alone.

use crate::bench::{Bench, id};

const HELLO: &str = r##"
[[turn]]
type = "implement"
steps = [{ write = { path = "test-hello.ts", content = "export const hello = () => 'Hello, World!';\n" } }, { say = "It says hello." }]
[[turn]]
type = "document"
steps = [{ write = { path = "HELLO.md", content = "# Hello\n" } }, { say = "Documented." }]
[[turn]]
type = "pm"
steps = [{ verdict = { verdict = "complete", reason = "hello is there", evidence = [{ kind = "commit", sha = "${head_commit}" }, { kind = "file", path = "test-hello.ts" }] } }]
[[turn]]
steps = [{ say = "I looked." }]
"##;

#[test]
fn an_assignment_is_made_given_a_job_judged_and_complete() {
    let bench = Bench::new();
    let script = bench.file("hello.toml", HELLO);
    let script = script.to_str().unwrap();
    let made =
        bench.ok(&["create", "Create a hello world function in test-hello.ts", "--repo", &bench.repo_path(), "--harness", "simulated"]);
    let a = id(&made);
    assert_eq!((&made["status"], &made["jobs"]), (&"active".into(), &serde_json::json!([])), "it waits for its first job");

    let job = bench.ok(&[
        "insert-job",
        &a,
        "--type",
        "implement",
        "--harness",
        "simulated",
        "--script",
        script,
        "--context",
        "Create a simple hello world function that returns 'Hello, World!'",
    ]);
    assert_eq!((&job["status"], &job["spec"]["type"]), (&"queued".into(), &"implement".into()), "{job:#}");
    // The pm's own agent has no script of its own here, so a person takes the decision.
    bench.until_job(&a, 0, "succeeded");
    let detail = bench.until(&a, "a pm job follows", |a| a["jobs"].as_array().unwrap().len() == 2);
    assert_eq!(detail["jobs"][1]["spec"]["type"], "pm");
    assert_eq!(detail["jobs"][1]["reviews"], job["id"]);
    let text = crate::bench::said(&bench.daemon.call(&["assignment", &a]));
    assert!(text.contains("Create a hello world function") && text.contains("implement") && text.contains("pm"), "{text}");
    assert!(bench.ok(&["assignments"])["items"].as_array().unwrap().iter().any(|i| i["id"] == a.as_str()));
    assert!(bench.ok(&["jobs"])["items"].as_array().unwrap().iter().any(|i| i["id"] == job["id"]));
    assert_eq!(bench.ok(&["job", job["id"].as_str().unwrap()])["status"], "succeeded");
    assert!(bench.daemon.call(&["queue"]).status.success());

    bench.ok(&["update-assignment", &a, "--status", "complete"]);
    let done = bench.assignment(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert!(bench.repo.file_at(branch, "test-hello.ts").unwrap().contains("Hello, World!"));
}

#[test]
fn without_review_it_is_complete_after_its_last_job_and_each_job_runs_in_its_turn() {
    let bench = Bench::new();
    let script = bench.file("hello.toml", HELLO);
    let script = script.to_str().unwrap();
    let a = id(&bench.ok(&["create", "hello, in three steps", "--repo", &bench.repo_path(), "--no-review"]));
    bench.ok(&["pause"]);
    let insert = |kind: &str, more: &[&str]| {
        let mut args = vec!["insert-job", &a, "--type", kind, "--script", script, "--harness", "simulated", "--context", kind];
        args.extend(more);
        id(&bench.ok(&args))
    };
    let plan = insert("plan", &[]);
    let document = insert("document", &[]);
    let implement = insert("implement", &["--after", &plan]);
    bench.ok(&["resume"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let jobs = done["jobs"].as_array().unwrap();
    assert_eq!(jobs.iter().map(id).collect::<Vec<_>>(), [plan, implement, document], "--after puts it where it says");
    assert!(jobs.windows(2).all(|w| w[0]["ended_at"].as_str() <= w[1]["started_at"].as_str()), "one after the other: {done:#}");
    assert!(done["verdicts"].as_array().unwrap().is_empty());
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.log(&format!("main..{branch}")).len(), 2, "one commit for each job that changed something");
    assert!(bench.repo.files_at(branch).contains(&"HELLO.md".to_owned()));
}

#[test]
fn a_person_blocks_with_a_reason_opens_again_and_closes() {
    let bench = Bench::new();
    let a = id(&bench.ok(&["create", "something large", "--repo", &bench.repo_path(), "--no-review"]));
    bench.ok(&["update-assignment", &a, "--status", "blocked", "--reason", "waiting for the designs", "--owner", "maria"]);
    let script = bench.file("hello.toml", HELLO);
    bench.ok(&["insert-job", &a, "--script", script.to_str().unwrap(), "--harness", "simulated", "--context", "go"]);
    let blocked = bench.assignment(&a);
    assert_eq!(blocked["block"]["reason"], "waiting for the designs", "{blocked:#}");
    assert_eq!(blocked["block"]["owner"], "maria");
    let hold = bench.until_held(&a, 0, "blocked");
    assert!(
        hold["reason"].as_str().unwrap().contains("maria") && hold["reason"].as_str().unwrap().contains("waiting for the designs"),
        "{hold:#}"
    );

    bench.ok(&["update-assignment", &a, "--status", "active"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
}

#[test]
fn nothing_is_put_into_an_assignment_that_is_over() {
    let bench = Bench::new();
    let a = id(&bench.ok(&["create", "soon over", "--repo", &bench.repo_path()]));
    bench.ok(&["cancel", &a]);
    let (code, text) = bench.refused(&["insert-job", &a, "--context", "too late"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("cancelled"), "{text}");
}

#[test]
fn an_assignment_is_not_completed_by_hand_over_a_job_that_runs() {
    let bench = Bench::new();
    let a = bench.simulated("[[turn]]\nsteps = [{ stall = true }]\n", &[]);
    bench.until(&a, "its job runs", |a| a["jobs"][0]["status"] == "running");
    let (_, told) = bench.refused(&["update-assignment", &a, "--status", "complete"]);
    assert!(told.contains("still runs") && told.contains("hint:"), "{told}");
    bench.ok(&["cancel", &a]);
}
