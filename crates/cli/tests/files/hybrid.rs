//! Hybrid mode: somebody else executes, Windlass counts, retries and dead-letters.

use std::path::Path;

use serde_json::{Value, json};

use crate::bench::{Bench, eventually, names, read};

const CONFIG: &str = "mode = \"hybrid\"\nmax_retries = 1\ninitial_retry_delay = 0.0\n";

/// Writes a file as an executor does: in one go, in place.
fn write(path: &Path, value: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, value.to_string()).unwrap();
}

fn word(bench: &Bench, id: &str, status: &str) {
    write(&bench.shared(&format!("execution_meta/{id}.json")), &json!({"task_id": id, "execution_time": 1.5, "status": status}));
}

/// The executor takes the task: its file is gone.
fn executor_takes(bench: &Bench, id: &str) {
    let path = bench.shared(&format!("tasks/marie/{id}.json"));
    eventually("the task is there for the executor", || path.exists().then_some(()));
    eventually("and Windlass has seen it", || read(&bench.shared(&format!("triggers/marie/{id}.json"))));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn an_executors_retry_is_written_anew_and_its_success_told() {
    let bench = Bench::new(CONFIG);
    let mut daemon = bench.started();
    bench.drop_task("h-1", "x");
    executor_takes(&bench, "h-1");
    word(&bench, "h-1", "needs_retry");
    executor_takes(&bench, "h-1");
    // What was counted survives a restart.
    daemon.kill();
    let _again = bench.started();
    write(&bench.shared("results/marie/h-1.json"), &json!({"task_id": "h-1", "output": "theirs"}));
    word(&bench, "h-1", "completed");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/h-1.json")));
    assert_eq!((notice["worker"].as_str(), notice["status"].as_str()), (Some("marie"), Some("completed")));
    assert_eq!(read(&bench.shared("results/marie/h-1.json")).unwrap()["output"], "theirs", "the executor's result is left alone");
    assert!(names(&bench.shared("dlq/marie")).is_empty() && bench.witnessed().is_empty());
}

#[test]
fn an_executor_that_never_succeeds_ends_in_a_dead_letter() {
    let bench = Bench::new(CONFIG);
    let _daemon = bench.started();
    bench.drop_task("h-2", "y");
    for _ in 0..2 {
        executor_takes(&bench, "h-2");
        word(&bench, "h-2", "needs_retry");
    }
    let letter = eventually("the dead letter", || read(&bench.shared("dlq/marie/h-2.json")));
    assert_eq!((letter["task"]["description"].as_str(), letter["errors"].as_array().map(Vec::len)), (Some("y"), Some(2)), "{letter:#}");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/h-2.json")));
    assert_eq!(notice["status"], "dead");
}
