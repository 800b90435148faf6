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
    let daemon = bench.started();
    bench.drop_task("h-2", "y");
    for _ in 0..2 {
        executor_takes(&bench, "h-2");
        word(&bench, "h-2", "needs_retry");
    }
    let letter = eventually("the dead letter", || read(&bench.shared("dlq/marie/h-2.json")));
    assert_eq!((letter["task"]["description"].as_str(), letter["errors"].as_array().map(Vec::len)), (Some("y"), Some(2)), "{letter:#}");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/h-2.json")));
    assert_eq!(notice["status"], "dead");

    let listed = || daemon.json(&["dead-letters"]).unwrap()["outside"].as_array().cloned().unwrap_or_default();
    let dead = eventually("it is listed", || listed().pop());
    let path = bench.shared("dlq/marie/h-2.json").display().to_string();
    assert_eq!((&dead["id"], &dead["attempts"], &dead["letter"]), (&"marie/h-2".into(), &2.into(), &path.as_str().into()), "{dead:#}");
    let shown = String::from_utf8(daemon.call(&["dead-letters", "--worker", "marie"]).stdout).unwrap();
    assert!(shown.contains(&path) && shown.contains("drop its task"), "{shown}");
    assert!(daemon.json(&["dead-letters", "--worker", "anga"]).unwrap()["outside"].as_array().unwrap().is_empty());
    bench.drop_task("h-2", "y");
    eventually("dropped again it is none any more", || listed().is_empty().then_some(()));
}

#[test]
fn an_executor_that_takes_a_task_and_says_nothing_has_failed_after_the_workers_timeout() {
    let bench = Bench::new(&format!("{CONFIG}task_timeout = 1\n"));
    let _daemon = bench.started();
    bench.drop_task("h-3", "z");
    bench.drop_task("waits", "nobody takes it");
    for _ in 0..2 {
        executor_takes(&bench, "h-3");
    }
    let letter = eventually("the dead letter", || read(&bench.shared("dlq/marie/h-3.json")));
    let errors = letter["errors"].as_array().unwrap();
    assert!(errors.len() == 2 && errors.iter().all(|e| e["error"].as_str().unwrap().contains("said nothing for 1 s")), "{letter:#}");
    assert!(bench.shared("tasks/marie/waits.json").exists(), "what nobody has taken waits");
    assert_eq!(names(&bench.shared("dlq/marie")), ["h-3.json"]);
}

#[test]
fn what_an_executor_said_of_an_earlier_task_of_the_id_is_not_about_this_one() {
    let bench = Bench::new(CONFIG);
    let _daemon = bench.started();
    word(&bench, "h-4", "needs_retry");
    bench.drop_task("h-4", "x");
    executor_takes(&bench, "h-4");
    // One retry is left, as the old word is none.
    word(&bench, "h-4", "needs_retry");
    executor_takes(&bench, "h-4");
    write(&bench.shared("results/marie/h-4.json"), &json!({"task_id": "h-4", "output": "theirs"}));
    word(&bench, "h-4", "completed");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/h-4.json")));
    assert_eq!(notice["status"], "completed");
    assert!(names(&bench.shared("dlq/marie")).is_empty());
}

#[test]
fn the_pipe_of_a_worker_whose_executor_takes_files_is_said_not_to_be_read() {
    let bench = Bench::new(CONFIG);
    std::fs::create_dir(bench.shared("pipes")).unwrap();
    let pipe = bench.shared("pipes/marie.pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    let daemon = bench.started();
    let degraded = eventually("it is said", || {
        let files = daemon.json(&["files"])?;
        files["workers"].as_array()?.iter().find(|w| w["name"] == "marie")?["degraded"].as_str().map(str::to_owned)
    });
    assert!(degraded.contains("pipe is not read"), "{degraded}");
}

#[test]
fn a_word_about_an_id_that_two_workers_have_counts_for_neither_unless_it_names_one() {
    let bench = Bench::new(&format!("{CONFIG}[worker.anga]\nharness = \"command\"\n{CONFIG}"));
    std::fs::create_dir_all(bench.shared("tasks/anga")).unwrap();
    let daemon = bench.started();
    bench.drop_task("both", "x");
    std::fs::write(bench.shared("tasks/anga/both.json"), r#"{"task_id":"both","description":"x"}"#).unwrap();
    eventually("both are taken", || {
        ["marie", "anga"].iter().all(|w| bench.shared(&format!("triggers/{w}/both.json")).exists()).then_some(())
    });
    executor_takes(&bench, "both");
    std::fs::remove_file(bench.shared("tasks/anga/both.json")).unwrap();
    word(&bench, "both", "needs_retry");
    for worker in ["marie", "anga"] {
        eventually("it is said", || {
            let files = daemon.json(&["files"])?;
            let worker = files["workers"].as_array()?.iter().find(|w| w["name"] == worker)?.clone();
            worker["degraded"].as_str().is_some_and(|why| why.contains("names no `worker`")).then_some(())
        });
    }
    let word = json!({"task_id": "both", "worker": "anga", "execution_time": 1.5, "status": "needs_retry"});
    write(&bench.shared("execution_meta/both.json"), &word);
    eventually("anga's is written anew", || bench.shared("tasks/anga/both.json").exists().then_some(()));
    assert!(!bench.shared("tasks/marie/both.json").exists(), "marie's executor said nothing");
}

#[test]
fn a_retry_takes_the_place_of_no_other_task() {
    let bench = Bench::new(CONFIG);
    let _daemon = bench.started();
    let task = |id: &str| json!({"task_id": id, "description": "x"}).to_string();
    bench.drop_file("next.json", &task("h-5"));
    let path = bench.shared("tasks/marie/next.json");
    eventually("Windlass has seen it", || read(&bench.shared("triggers/marie/h-5.json")));
    std::fs::remove_file(&path).unwrap();
    bench.drop_file("next.json", &task("h-6"));
    eventually("and the other", || read(&bench.shared("triggers/marie/h-6.json")));
    word(&bench, "h-5", "needs_retry");
    let anew = eventually("it is written anew", || read(&bench.shared("tasks/marie/h-5.json")));
    assert_eq!((anew["task_id"].as_str(), read(&path).unwrap()["task_id"].as_str()), (Some("h-5"), Some("h-6")));
    executor_takes(&bench, "h-5");
    write(&bench.shared("results/marie/h-5.json"), &json!({"task_id": "h-5", "output": "theirs"}));
    word(&bench, "h-5", "completed");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/h-5.json")));
    assert_eq!(notice["status"], "completed");
    assert!(path.exists() && names(&bench.shared("dlq/marie")).is_empty());
}

#[test]
fn a_result_that_is_older_than_its_task_completes_nothing() {
    let bench = Bench::new("mode = \"hybrid\"\nmax_retries = 0\ntask_timeout = 1\n");
    let _daemon = bench.started();
    let result = |id: &str| bench.shared(&format!("results/marie/{id}.json"));
    write(&result("before"), &json!({"task_id": "before", "output": "yesterday's"}));
    let olds: [(&str, &dyn Fn()); 4] = [
        ("before", &|| ()),
        ("by-mtime", &|| {
            write(&result("by-mtime"), &json!({"task_id": "by-mtime"}));
            let file = std::fs::File::options().write(true).open(result("by-mtime")).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            file.set_modified(written - std::time::Duration::from_hours(24)).unwrap();
        }),
        ("by-its-time", &|| write(&result("by-its-time"), &json!({"completed_at": "2026-01-01T00:00:00Z"}))),
        ("by-its-id", &|| write(&result("by-its-id"), &json!({"task_id": "another"}))),
    ];
    for (id, leave_old) in olds {
        bench.drop_task(id, "x");
        executor_takes(&bench, id);
        leave_old();
        word(&bench, id, "completed");
        let letter = eventually("the dead letter", || read(&bench.shared(&format!("dlq/marie/{id}.json"))));
        assert!(letter["why"].as_str().unwrap().contains("left no result of it"), "{id}: {letter:#}");
    }
    write(&result("new"), &json!({"task_id": "new", "output": "yesterday's"}));
    bench.drop_task("new", "x");
    executor_takes(&bench, "new");
    write(&result("new"), &json!({"task_id": "new", "output": "today's", "timestamp": "2026-01-01T00:00:00"}));
    word(&bench, "new", "completed");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/new.json")));
    assert_eq!(notice["status"], "completed", "a time without its zone says nothing");
}

#[test]
fn the_result_of_a_try_that_failed_does_not_complete_the_next() {
    let bench = Bench::new(&format!("{CONFIG}task_timeout = 1\n"));
    let _daemon = bench.started();
    bench.drop_task("h-9", "x");
    executor_takes(&bench, "h-9");
    write(&bench.shared("results/marie/h-9.json"), &json!({"task_id": "h-9", "output": "half of it"}));
    word(&bench, "h-9", "needs_retry");
    executor_takes(&bench, "h-9");
    word(&bench, "h-9", "completed");
    let letter = eventually("the dead letter", || read(&bench.shared("dlq/marie/h-9.json")));
    assert!(letter["errors"][1]["error"].as_str().unwrap().contains("left no result of it"), "{letter:#}");
}

#[test]
fn the_figures_of_a_worker_whose_executor_is_another_program_are_those_of_that() {
    let bench = Bench::new(&format!("{CONFIG}task_timeout = 600\n"));
    let daemon = bench.started();
    let beat = |wanted: (u64, u64, &str)| {
        eventually("the heartbeat says so", || {
            let beat = read(&bench.shared("heartbeats/marie.json"))?;
            let found = (beat["active_tasks"].as_u64()?, beat["queue_size"].as_u64()?, beat["status"].as_str()?.to_owned());
            ((found.0, found.1, found.2.as_str()) == wanted && beat["max_concurrent"] == 8).then_some(())
        });
    };
    beat((0, 0, "idle"));
    bench.drop_task("h-7", "x");
    bench.drop_task("h-8", "x");
    beat((0, 2, "idle"));
    executor_takes(&bench, "h-7");
    beat((1, 1, "busy"));
    let files = daemon.json(&["files"]).unwrap();
    assert_eq!(files["workers"][0]["outside"], json!({"active": 1, "waiting": 1}), "{files:#}");
    write(&bench.shared("results/marie/h-7.json"), &json!({"task_id": "h-7", "output": "theirs"}));
    word(&bench, "h-7", "completed");
    beat((0, 1, "idle"));
}
