//! The figures of a daemon that works.

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;
use crate::looks::{eventually, get};

fn free_port() -> u16 {
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
