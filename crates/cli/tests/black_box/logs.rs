//! The daemon's log as programs read it.

use serde_json::Value;

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;

#[test]
fn each_line_is_an_object_and_what_an_attempt_says_names_its_job() {
    let home = Home::new();
    home.configure("log_level = \"WARNING\"\n");
    let up = ["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits", "--log-level", "INFO"];
    let daemon = Daemon::up_with(&home, &up);
    let args = ["run", "a goal", "--project", "scratch", "--harness", "command", "--program", "echo done", "--no-review", "--json"];
    let id = home.run(&args).code(0).json()["id"].as_str().expect("an id").to_owned();
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    let log = log_of(&home);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    for line in &lines {
        for key in ["timestamp", "level", "message", "target"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
    let settled = lines.iter().find(|l| l["message"].as_str().is_some_and(|m| m.ends_with("is succeeded"))).expect("a line on the end");
    assert_eq!((&settled["span"]["assignment.id"], &settled["span"]["attempt"]), (&Value::from(id), &Value::from(1)), "{settled}");
    assert_eq!(settled["span"]["job.id"], settled["job.id"], "{settled}");
}

#[test]
fn the_words_of_other_programs_for_a_level_are_understood() {
    for word in ["INFO", "WARNING", "critical", "Debug"] {
        let home = Home::new();
        home.run_with(&["config"], &[("LOG_LEVEL", word)]).code(0);
    }
}
