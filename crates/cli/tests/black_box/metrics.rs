//! The figures of a daemon that works.

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;
use crate::looks::{eventually, get};

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

fn run(home: &Home, program: &str, code: i32) {
    home.run(&["run", "a goal", "--project", "scratch", "--harness", "command", "--program", program, "--no-review"]).code(code);
}

/// The value of one line; 0 where there is none.
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or(0.0)
}

#[test]
fn what_was_done_is_counted_under_the_names_that_watchers_had() {
    let home = Home::new();
    let port = free_port();
    home.configure(&format!("metrics_port = {port}\nmax_retries = 1\ninitial_retry_delay = 0.01\n"));
    let daemon = Daemon::up(&home);
    run(&home, "echo done", 0);
    run(&home, "false", 4);
    // As it stands in the runbook of the watchers: no token, no header.
    let (status, text) = get(&home, &format!("http://127.0.0.1:{port}"), "/metrics").expect("figures");
    assert_eq!(status, 200);
    let is = |line: &str, wanted: f64| assert!((value(&text, line) - wanted).abs() < 1e-9, "{line} should be {wanted} in:\n{text}");
    is("watcher_tasks_processed_total{status=\"completed\",worker=\"default\"}", 1.0);
    is("watcher_tasks_processed_total{status=\"failed\",worker=\"default\"}", 1.0);
    is("watcher_tasks_failed_total{reason=\"agent_failed\",worker=\"default\"}", 1.0);
    is("watcher_task_duration_seconds_count{worker=\"default\"}", 2.0);
    is("watcher_task_queue_size{worker=\"default\"}", 0.0);
    is("watcher_active_tasks{worker=\"default\"}", 0.0);
    is("watcher_circuit_breaker_state{worker=\"default\"}", 0.0);
    is("windlass_attempts_total{harness=\"command\",outcome=\"succeeded\"}", 1.0);
    is("windlass_jobs{status=\"succeeded\"}", 1.0);
    is("windlass_ready", 1.0);
    assert!(value(&text, "windlass_claims_total") >= 2.0, "{text}");

    // The API shows the same behind its token, and a restart begins at nothing, as Prometheus expects of a counter.
    assert!(get(&home, &daemon.url, "/metrics").expect("figures").1.contains("watcher_tasks_processed_total"));
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    let daemon = Daemon::up(&home);
    let text = get(&home, &daemon.url, "/metrics").expect("figures").1;
    assert!(value(&text, "watcher_tasks_processed_total{status=\"completed\",worker=\"default\"}").abs() < 1e-9, "{text}");
    assert!((value(&text, "windlass_jobs{status=\"succeeded\"}") - 1.0).abs() < 1e-9, "{text}");
}

#[test]
fn a_task_that_waits_for_a_person_to_set_something_up_is_counted_as_failed() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    run(&home, "there-is-no-such-program", 3);
    let text = get(&home, &daemon.url, "/metrics").expect("figures").1;
    assert!(is_same(value(&text, "watcher_tasks_processed_total{status=\"failed\",worker=\"default\"}"), 1.0), "{text}");
    assert!(is_same(value(&text, "watcher_tasks_failed_total{reason=\"not_installed\",worker=\"default\"}"), 1.0), "{text}");
    assert!(is_same(value(&text, "windlass_jobs_held{kind=\"ready\"}"), 0.0), "{text}");
    assert!(is_same(value(&text, "windlass_duty_held{duty=\"housekeeping\"}"), 1.0), "{text}");
}

fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// The cumulative counts of a histogram's buckets never fall, and the last one is its count.
fn assert_is_histogram(text: &str, name: &str) -> f64 {
    let of_bucket = |line: &str| line.strip_prefix(&format!("{name}_bucket{{"))?.rsplit_once(' ')?.1.parse::<f64>().ok();
    let buckets: Vec<f64> = text.lines().filter_map(of_bucket).collect();
    assert!(buckets.len() > 5 && buckets.is_sorted(), "{name}: {buckets:?}");
    let count = value(text, &format!("{name}_count"));
    assert_eq!(buckets.last(), Some(&count), "{name}");
    count
}

#[test]
fn the_store_s_commits_and_the_workspaces_are_measured() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let figures = || get(&home, &daemon.url, "/metrics").expect("figures").1;
    assert!(!figures().contains("windlass_workspace_bytes "), "nothing has measured them yet");
    run(&home, "sh -c 'seq 1 10000 > file'", 0);
    home.run(&["housekeeping", "--run-now"]).code(0);
    let text = figures();
    let commits = assert_is_histogram(&text, "windlass_store_commit_seconds");
    assert!(commits >= 3.0, "{text}");
    assert!(is_same(assert_is_histogram(&text, "windlass_store_commit_operations"), commits), "{text}");
    assert!(value(&text, "windlass_store_commit_operations_sum") >= commits, "{text}");
    assert!(value(&text, "windlass_store_commit_seconds_sum") > 0.0, "{text}");
    assert!(text.contains("\nwindlass_store_queue "), "{text}");
    assert!(value(&text, "windlass_workspace_bytes") > 10_000.0, "{text}");
    let before = value(&text, "windlass_workspace_bytes");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    let daemon = Daemon::up(&home);
    let same = || is_same(value(&get(&home, &daemon.url, "/metrics")?.1, "windlass_workspace_bytes"), before).then_some(());
    eventually("it is known after a restart too", same);
}

#[test]
fn task_files_are_counted_and_a_worker_that_is_found_has_figures_before_its_first_task() {
    let home = Home::new();
    let shared = home.path().join("shared");
    let tasks = |worker: &str| shared.join("tasks").join(worker);
    std::fs::create_dir_all(tasks("marie")).expect("a shared directory");
    let marie = "[worker.marie]\nharness = \"command\"\nprogram = \"/bin/echo hello\"\n";
    home.configure(&format!("metrics_port = {}\n[files]\nroot = \"{}\"\n{marie}", free_port(), shared.display()));
    let daemon = Daemon::up(&home);
    let figure = |line: &str| {
        let text = get(&home, &daemon.url, "/metrics")?.1;
        text.contains(&format!("\n{line} ")).then(|| value(&text, line))
    };
    let is = |line: &str, wanted: f64| {
        eventually(&format!("{line} is {wanted}"), || figure(line).filter(|figure| is_same(*figure, wanted)).map(drop));
    };
    is("windlass_files_results_total{status=\"completed\",worker=\"marie\"}", 0.0);
    for (name, text) in [("good.json", "{\"task_id\": \"good\", \"description\": \"say hello\"}"), ("bad.json", "no task")] {
        std::fs::write(tasks("marie").join(".new"), text).expect("a file");
        std::fs::rename(tasks("marie").join(".new"), tasks("marie").join(name)).expect("its name");
    }
    is("windlass_files_taken_total{worker=\"marie\"}", 1.0);
    is("windlass_files_rejected_total{worker=\"marie\"}", 1.0);
    is("windlass_files_results_total{status=\"completed\",worker=\"marie\"}", 1.0);
    is("windlass_files_live{worker=\"marie\"}", 0.0);
    is("windlass_files_degraded{worker=\"marie\"}", 0.0);
    // How soon it was seen is known of a file that the kernel told of, and not of one that was found.
    for name in ["windlass_files_detection_seconds", "windlass_files_intake_seconds"] {
        assert!(assert_is_histogram(&get(&home, &daemon.url, "/metrics").expect("figures").1, name) <= 1.0);
    }

    std::fs::create_dir(tasks("anga")).expect("a folder that nobody configured");
    is("watcher_tasks_processed_total{status=\"completed\",worker=\"anga\"}", 0.0);
    is("watcher_task_duration_seconds_count{worker=\"anga\"}", 0.0);
}

#[test]
fn a_taken_port_is_warned_of_and_work_goes_on() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    home.configure(&format!("metrics_port = {port}\n"));
    let _daemon = Daemon::up(&home);
    eventually("the warning", || log_of(&home).contains(&format!("metrics are not served on 127.0.0.1:{port}")).then_some(()));
    run(&home, "echo done", 0);
}

#[test]
fn metrics_can_be_switched_off() {
    let home = Home::new();
    let port = free_port();
    home.configure(&format!("metrics_port = {port}\nenable_metrics = false\n"));
    let daemon = Daemon::up(&home);
    assert!(get(&home, &format!("http://127.0.0.1:{port}"), "/metrics").is_none());
    let (status, text) = get(&home, &daemon.url, "/metrics").expect("an answer");
    assert!(status == 404 && text.contains("enable_metrics"), "{status} {text}");
}

#[test]
fn no_second_listener_is_opened_where_nobody_asked_for_one() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    assert!(!log_of(&home).contains("metrics are"), "{}", log_of(&home));
}

#[test]
fn a_worker_whose_executor_is_another_program_is_counted_by_its_files() {
    let home = Home::new();
    let shared = home.path().join("shared");
    let (task, result) = (shared.join("tasks/marie/a.json"), shared.join("results/marie/a.json"));
    for folder in ["tasks/marie", "results/marie", "execution_meta"] {
        std::fs::create_dir_all(shared.join(folder)).expect("a shared directory");
    }
    let marie = "[worker.marie]\nmode = \"hybrid\"\n";
    home.configure(&format!("metrics_port = {}\n[files]\nroot = \"{}\"\n{marie}", free_port(), shared.display()));
    let daemon = Daemon::up(&home);
    let is = |line: &str, wanted: f64| {
        let figure = || get(&home, &daemon.url, "/metrics").map(|(_, text)| value(&text, line));
        eventually(&format!("{line} is {wanted}"), || figure().filter(|figure| is_same(*figure, wanted)).map(drop));
    };
    std::fs::write(&task, r#"{"task_id":"a","description":"x"}"#).expect("a task");
    is("watcher_task_queue_size{worker=\"marie\"}", 1.0);
    eventually("its receipt", || shared.join("triggers/marie/a.json").exists().then_some(()));
    std::fs::remove_file(&task).expect("the executor takes it");
    is("watcher_active_tasks{worker=\"marie\"}", 1.0);
    is("watcher_task_queue_size{worker=\"marie\"}", 0.0);
    is("windlass_running_jobs", 0.0);
    std::fs::write(&result, r#"{"task_id":"a"}"#).expect("a result");
    std::fs::write(shared.join("execution_meta/a.json"), r#"{"task_id":"a","execution_time":1,"status":"completed"}"#).expect("a word");
    is("watcher_tasks_processed_total{status=\"completed\",worker=\"marie\"}", 1.0);
    is("watcher_active_tasks{worker=\"marie\"}", 0.0);
}

#[test]
fn what_agents_use_begins_at_zero_for_those_that_are_used_and_the_projects_there_are() {
    let home = Home::new();
    home.configure("harness_defaults = { default = \"command\" }\n");
    let daemon = Daemon::up(&home);
    let has = |line: &str| get(&home, &daemon.url, "/metrics").is_some_and(|(_, text)| text.contains(&format!("\n{line} 0\n")));
    for line in [
        "windlass_tokens_total{harness=\"command\",kind=\"input\",project=\"scratch\"}",
        "windlass_tokens_total{harness=\"command\",kind=\"cache_write\",project=\"scratch\"}",
        "windlass_cost_dollars_total{harness=\"command\",project=\"scratch\"}",
    ] {
        eventually(line, || has(line).then_some(()));
    }
    let claude = "windlass_cost_dollars_total{harness=\"claude\",project=\"scratch\"}";
    assert!(!has(claude), "nothing uses it");
    home.run(&["run", "a goal", "--project", "scratch", "--harness", "claude", "--no-review", "--detach"]).code(0);
    eventually("a job of it was begun", || has(claude).then_some(()));
}
