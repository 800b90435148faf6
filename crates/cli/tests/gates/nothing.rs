//! Agents that change nothing: "done" without a change is no success, and "nothing to change" is one only when it is true.

use serde_json::Value;

use crate::bench::{Bench, assert_blocked, id};

fn assert_nothing_delivered(bench: &Bench, done: &Value) {
    assert_eq!(done["head_commit"], Value::Null, "{done:#}");
    assert_eq!(done["jobs"][0]["commit"], Value::Null, "{done:#}");
    assert_eq!(bench.repo.branches(), ["main"]);
}

#[test]
fn done_without_a_change_is_no_success() {
    for check in [None, Some("true")] {
        let bench = Bench::new();
        let mut args = vec!["--no-review"];
        args.extend(check.iter().flat_map(|c| ["--verify", c]));
        let a = bench.simulated(
            r#"[[turn]]
            steps = [{ say = "Done. I have implemented everything." }]"#,
            &args,
        );
        let done = bench.ended(&a);
        assert_blocked(&done, "no_change");
        let job = &done["jobs"][0];
        assert_eq!((&job["status"], &job["failure"]["kind"]), (&"failed".into(), &"no_change".into()), "check {check:?}: {job:#}");
        assert!(bench.count(&id(job), "run", "passed") >= 2, "it was told that nothing had changed and asked again");
        assert_nothing_delivered(&bench, &done);
    }
}

#[test]
fn an_agent_that_is_told_that_nothing_has_changed_may_still_do_it() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"
        [[turn]]
        iteration = 1
        steps = [{ say = "Done." }]
        [[turn]]
        iteration = 2
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Now really." }]
        "#,
        &["--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert!(done["head_commit"].is_string());
}

#[test]
fn nothing_to_change_with_a_green_check_is_an_honest_success_without_a_commit() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ say = "I looked." }, { nothing_to_change = "the answer is right already" }]"#,
        &["--verify", "grep -q 41 answer.txt", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!((&done["status"], &done["jobs"][0]["status"]), (&"complete".into(), &"succeeded".into()), "{done:#}");
    assert_eq!(bench.count(&id(&done["jobs"][0]), "verify", "passed"), 1, "its word alone is not enough: the check ran");
    assert_nothing_delivered(&bench, &done);
}

#[test]
fn nothing_to_change_with_a_red_check_is_no_success() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ nothing_to_change = "all tests pass" }]"#,
        &["--verify", "./check.sh", "--no-review", "--max-iterations", "1"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "verify_failed");
    assert_nothing_delivered(&bench, &done);
}

#[test]
fn nothing_to_change_without_a_reason_does_not_count() {
    let bench = Bench::new();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ say = "NOTHING_TO_CHANGE:" }]"#,
        &["--no-review", "--max-iterations", "1"],
    );
    assert_blocked(&bench.ended(&a), "no_change");
}

#[test]
fn an_agent_that_dies_with_a_word_of_success_has_not_succeeded() {
    let bench = Bench::new();
    // Success needs an exit code of 0 and a final event: each alone is none.
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "All tests pass." }, { exit = 0 }]"#,
        &["--verify", "./check.sh", "--no-review", "--max-retries", "0"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "agent_crashed");
    assert_eq!(done["jobs"][0]["status"], "dead");
    assert_nothing_delivered(&bench, &done);
}
