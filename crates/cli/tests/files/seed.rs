//! What the watcher scripts' own guide does, word for word, on a directory as it prescribes.

use std::process::Command;

use crate::bench::{Bench, eventually, names, read};

/// Runs a piece of bash in which `/shared` is the bench's directory.
fn bash(bench: &Bench, text: &str) -> String {
    let text = text.replace("/shared", bench.shared("").to_str().unwrap().trim_end_matches('/'));
    let out = Command::new("bash").args(["-c", &text]).output().unwrap();
    assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !there {
        windlass_testkit::skip::skipped(program, "Install it: a part of the watcher guide needs it.");
    }
    there
}

#[test]
fn the_integration_test_of_the_watcher_guide_passes_as_it_stands() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    bash(
        &bench,
        r#"cat > /shared/tasks/marie/test-001.json << EOF
{
  "task_id": "test-001",
  "description": "Echo 'Hello from integration test'",
  "worker": "marie"
}
EOF"#,
    );
    let result = bench.result("test-001");
    assert_eq!(
        (result["task_id"].as_str(), result["status"].as_str(), result["worker"].as_str()),
        (Some("test-001"), Some("completed"), Some("marie"))
    );
    assert_eq!(result["output"].as_str().map(str::trim), Some("Hello from the agent"));
    assert_eq!((result["attempts"].as_u64(), result["exit_code"].as_i64(), result["error"].is_null()), (Some(1), Some(0), true));
    assert!(result["execution_time"].as_f64().is_some_and(|secs| secs >= 0.0));
    for name in ["started_at", "completed_at", "session_id", "usage", "cost_usd", "commit", "branch"] {
        assert!(result.get(name).is_some(), "{name} is missing: {result:#}");
    }
    bench.emptied();
    let receipt = eventually("the receipt", || read(&bench.shared("triggers/marie/test-001.json")));
    assert_eq!(receipt["task_id"], "test-001");
    let notice = eventually("the notice", || read(&bench.shared("triggers/orchestrator/test-001.json")));
    assert_eq!((notice["worker"].as_str(), notice["status"].as_str()), (Some("marie"), Some("completed")));
    assert!(std::path::Path::new(notice["result_path"].as_str().unwrap()).exists());
    if has("jq") {
        assert!(bash(&bench, "cat /shared/results/marie/test-001.json | jq -r .status").contains("completed"));
    }
}

#[test]
fn the_load_test_of_the_watcher_guide_passes_as_it_stands() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    bash(
        &bench,
        r#"for i in {1..100}; do
    cat > /shared/tasks/marie/load-$(printf %03d $i).json << EOF
{
  "task_id": "load-$(printf %03d $i)",
  "description": "Load test task $i",
  "worker": "marie"
}
EOF
done"#,
    );
    eventually("100 results", || {
        (names(&bench.shared("results/marie")).iter().filter(|n| std::path::Path::new(n).extension().is_some_and(|e| e == "json")).count()
            == 100)
            .then_some(())
    });
    bench.emptied();
    let monitor = r#"echo "Pending: $(ls /shared/tasks/marie/ | wc -l)"; echo "Completed: $(ls /shared/results/marie/ | wc -l)""#;
    let monitor = bash(&bench, monitor);
    assert_eq!(monitor.split_whitespace().collect::<Vec<_>>(), ["Pending:", "0", "Completed:", "100"]);
    assert!(names(&bench.shared("dlq/marie")).is_empty(), "nothing was refused");
}

#[test]
fn the_health_checks_of_the_watcher_guide_work_as_they_stand() {
    let bench = Bench::new("");
    let mut daemon = bench.started();
    let heartbeat = eventually("a heartbeat", || read(&bench.shared("heartbeats/marie.json")));
    assert_eq!((heartbeat["worker"].as_str(), heartbeat["status"].as_str()), (Some("marie"), Some("idle")));
    assert_eq!((heartbeat["max_concurrent"].as_u64(), heartbeat["active_tasks"].as_u64()), (Some(8), Some(0)));
    for name in ["queue_size", "circuit_breaker", "pid", "host", "version"] {
        assert!(heartbeat.get(name).is_some(), "{name}");
    }
    if has("python3") {
        let python = r#"python3 -c "
import json, time
from pathlib import Path

heartbeat = json.loads(Path('/shared/heartbeats/marie.json').read_text())
age = time.time() - float(heartbeat['timestamp'])
print(f'Age: {age:.1f}s, Status: {heartbeat[\"status\"]}')
""#;
        let said = bash(&bench, python);
        assert!(said.starts_with("Age: ") && said.contains("Status: idle"), "{said}");
    }
    if has("jq") {
        let checks = r#"for worker in marie anga fabien; do
    if [ -f /shared/heartbeats/$worker.json ]; then
        echo "$worker: $(jq -r .status /shared/heartbeats/$worker.json)"
    else
        echo "$worker: MISSING"
    fi
done"#;
        assert_eq!(bash(&bench, checks).lines().collect::<Vec<_>>(), ["marie: idle", "anga: MISSING", "fabien: MISSING"]);
        assert_eq!(bash(&bench, "cat /shared/heartbeats/marie.json | jq .active_tasks").trim(), "0");
    }
    // Told to stop, the last word is that it stops.
    let pid = rustix::process::Pid::from_raw(daemon.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    daemon.wait_dead();
    assert_eq!(read(&bench.shared("heartbeats/marie.json")).unwrap()["status"], "stopping");
}
