//! Input that makes no sense is refused with exit code 2, an error and what to do.

use crate::environment::Home;

#[test]
fn a_wrong_command_line_is_refused_with_2_and_nothing_on_standard_output() {
    let home = Home::new();
    let wrong: &[&[&str]] = &[
        &[],
        &["no-such-verb"],
        &["run"],
        &["run", "goal", "--repo", ".", "--harness", "nobody"],
        &["run", "goal", "--repo", ".", "--type", "nothing"],
        &["run", "goal", "--repo", ".", "--project", "both"],
        &["run", "goal", "--project", "scratch", "--timeout", "0"],
        &["run", "goal", "--project", "scratch", "--budget-usd", "NaN"],
        &["insert-job", "asg_01990000000070008000000000000000", "--harness", "api"],
        &["update-assignment", "asg_01990000000070008000000000000000", "--status", "done"],
        &["update-assignment", "asg_01990000000070008000000000000000"],
        &["verdict", "ship-it", "--reason", "x"],
        &["verdict", "complete"],
        &["verdict", "complete", "--reason", "x", "--evidence", "vibes"],
        &["verdict", "block", "--reason", "x"],
        &["progress"],
        &["progress", "--progress", "101"],
        &["trust", "../x"],
        &["jobs", "--status", "lost"],
        &["jobs", "--limit", "0"],
    ];
    for args in wrong {
        let answer = home.run(args).code(2);
        assert_eq!(answer.out, "", "{args:?}");
        assert!(!answer.err.is_empty(), "{args:?}");
    }
}

#[test]
fn a_goal_that_is_empty_or_longer_than_a_mebibyte_is_refused() {
    let home = Home::new();
    for goal in ["", "  \n "] {
        home.run(&["run", goal, "--project", "scratch"]).code(2).says("the goal is empty").says("hint: ");
    }
    let long = home.write("goal.txt", &"x".repeat(1024 * 1024 + 1));
    let input = std::fs::File::open(long).expect("the file");
    let output = home.command(&["run", "-", "--project", "scratch"]).stdin(input).output().expect("the binary runs");
    crate::environment::Answer::of(output).code(2).says("at most 1048576 are taken");
}

#[test]
fn a_repository_that_is_not_there_is_named() {
    let home = Home::new();
    home.run(&["run", "goal"]).code(2).says("no repository was named").says("--repo");
    home.run(&["run", "goal", "--repo", "nowhere"]).code(2).says("\"nowhere\"");
    let file = home.write("file.txt", "");
    home.run(&["run", "goal", "--repo", file.to_str().expect("UTF-8")]).code(2).says("not a directory");
}

#[test]
fn a_program_or_script_for_another_harness_is_refused() {
    let home = Home::new();
    home.run(&["run", "g", "--project", "scratch", "--harness", "claude", "--program", "true"])
        .code(2)
        .says("--program is for --harness command");
    home.run(&["run", "g", "--project", "scratch", "--harness", "command", "--script", "x"])
        .code(2)
        .says("--script is for --harness simulated");
    home.run(&["run", "g", "--project", "scratch", "--script", "nowhere.toml"]).code(2).says("nowhere.toml");
}

#[test]
fn a_verdict_that_is_no_verdict_is_refused_before_it_is_sent() {
    let home = Home::new();
    let file = home.write("verdict.json", r#"{"verdict":"merge"}"#);
    home.run(&["verdict", "--json", file.to_str().expect("UTF-8")]).code(2).says("holds no verdict");
}
