//! What clients say when nobody serves, and what works all the same.

use crate::environment::Home;

const ID: &str = "asg_01990000000070008000000000000000";
const JOB: &str = "job_01990000000070008000000000000000";

#[test]
fn every_client_verb_says_that_no_daemon_runs_and_exits_with_5() {
    let home = Home::new();
    let verbs: &[&[&str]] = &[
        &["status"],
        &["queue"],
        &["assignments"],
        &["assignment", ID],
        &["jobs", "--json"],
        &["job", JOB],
        &["logs", JOB],
        &["explain", JOB],
        &["diff", ID],
        &["events"],
        &["create", "a goal"],
        &["insert-job", ID],
        &["update-assignment", ID, "--status", "active"],
        &["cancel", JOB],
        &["retry", JOB],
        &["pause"],
        &["resume"],
        &["unpark", "claude"],
        &["breakers"],
        &["breakers", "close", "claude"],
        &["dead-letters"],
        &["dead-letters", "show", JOB],
        &["dead-letters", "replay", JOB],
        &["projects"],
        &["trust", "shop"],
        &["verdict", "complete", "--reason", "done"],
        &["progress", "half way"],
        &["run", "a goal", "--project", "scratch", "--detach"],
    ];
    for args in verbs {
        let answer = home.run(args).code(5).says("error: no daemon runs on").says("hint: ");
        assert_eq!(answer.out, "", "{args:?}");
    }
}

#[test]
fn an_address_where_nobody_answers_is_named() {
    let home = Home::new();
    home.run_with(&["status"], &[("WINDLASS_URL", "http://127.0.0.1:9"), ("WINDLASS_TOKEN", "t")]).code(5).says("127.0.0.1:9");
    home.run_with(&["status"], &[("WINDLASS_URL", "unix:/nowhere.sock"), ("WINDLASS_TOKEN", "t")]).code(5).says("/nowhere.sock");
    home.run(&["status", "--url", "ftp://x"]).code(2).says("ftp://x");
}

#[test]
fn an_endpoint_file_that_a_crash_left_behind_is_no_daemon() {
    let home = Home::new();
    home.write("data/endpoint.json", r#"{"url":"http://127.0.0.1:9","pid":1,"version":"0"}"#);
    home.run(&["status"]).code(5);
    home.write("data/endpoint.json", "{");
    home.run(&["status"]).code(5);
}

#[test]
fn the_doctor_looks_without_a_daemon_too() {
    let home = Home::new();
    let answer = home.run(&["doctor", "--json"]).code(0).json();
    let names: Vec<&str> = answer["harnesses"].as_array().expect("harnesses").iter().filter_map(|h| h["harness"].as_str()).collect();
    assert_eq!(names, ["claude", "codex", "gemini", "command", "simulated"]);
    assert!(answer["checks"].as_array().is_some_and(|c| c.iter().any(|c| c["name"] == "git")));
    assert!(!home.data().exists(), "a look makes nothing");
    let text = home.run(&["doctor"]).code(0).out;
    assert!(text.contains("hint: "), "what is missing comes with what to do: {text}");
}

#[test]
fn the_doctor_finds_nothing_wrong_with_an_agent_that_nothing_is_configured_to_use() {
    let home = Home::new();
    let look = |configuration: &str| {
        home.configure(configuration);
        let all = home.run(&["doctor", "--json"]).code(0).json();
        let used: Vec<_> = all["harnesses"].as_array().expect("harnesses").iter().map(|h| h["used"] == true).collect();
        (used, home.run(&["doctor"]).code(0).out)
    };
    let lines = |text: &str, of: &str| {
        let mut lines = text.lines().skip_while(|line| !line.starts_with(of));
        let first = lines.next().expect("its line").to_owned();
        (first, lines.take_while(|line| line.starts_with(' ')).count())
    };
    let (used, text) = look("harness_defaults = { default = \"command\" }\n[harness.claude]\nprogram = \"/nonexistent/claude\"\n");
    assert_eq!(used, [true, false, false, true, false], "what has a table of its own is meant to be used: {text}");
    assert!(lines(&text, "claude").1 >= 2, "{text}");
    let (codex, problems) = lines(&text, "codex");
    assert!(codex.contains("not used") && problems == 0, "{text}");

    let (used, text) = look("[project.shop]\nharness_defaults = { review = \"gemini\" }\n[worker.marie]\nharness = \"codex\"\n");
    assert_eq!(used, [true, true, true, false, false], "{text}");
    for agent in ["claude", "codex", "gemini"] {
        assert!(lines(&text, agent).1 >= 2, "{agent}: {text}");
    }
}
