//! What is old and over goes by itself, what is not stays and is told of.

use std::path::PathBuf;

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;

/// Everything is too old at once.
const AT_ONCE: &str = "[retention]\nevents_days = 0.0000001\ntranscripts_days = 0.0000001\nfinished_days = \"never\"\n\
                       [workspaces]\nkeep_days = 0.0000001\nmin_free_bytes = 0\n";

const MEND: &str = "sh -c 'echo 42 > answer.txt; seq 1 400; echo mended'";

fn run_to_its_end(home: &Home, repo: &TempRepo, program: &str) -> String {
    let path = repo.path().to_str().expect("UTF-8");
    let args = ["run", "make the check pass", "--repo", path, "--program", program, "--verify", "./check.sh", "--no-review", "--json"];
    home.run(&args).json()["id"].as_str().expect("an id").to_owned()
}

fn workspace_of(home: &Home, id: &str) -> Option<PathBuf> {
    let projects = std::fs::read_dir(home.data().join("workspaces")).expect("the workspaces");
    projects.flatten().map(|project| project.path().join(id)).find(|path| path.exists())
}

/// A second has to pass: files and rows of the same instant are not older than it.
fn wait_for_age(home: &Home) {
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(1100) {
        home.run(&["status"]).code(0);
    }
}

#[test]
fn a_dry_run_shows_what_would_go_and_a_real_one_removes_it() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure(AT_ONCE);
    let _daemon = Daemon::up(&home);
    let id = run_to_its_end(&home, &repo, MEND);
    let before = home.run(&["housekeeping", "--json"]).code(0).json();
    assert!(before["last"].is_null() && before["next_at"].is_string(), "not at once after a start: {before:#}");
    wait_for_age(&home);
    let dry = home.run(&["housekeeping", "--dry-run", "--json"]).code(0).json();
    assert_eq!((dry["dry_run"].as_bool(), dry["removed"]["workspaces"].as_u64()), (Some(true), Some(1)), "{dry:#}");
    assert!(workspace_of(&home, &id).is_some());
    assert!(home.run(&["logs", &id]).code(0).out.contains("mended"));

    let run = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    assert_eq!(run["problems"].as_array().map(Vec::len), Some(0), "{run:#}");
    for (what, at_least) in [("workspaces", 1), ("transcripts", 1), ("events", 5)] {
        assert!(run["removed"][what].as_u64() >= Some(at_least), "{what}: {run:#}");
        assert_eq!(run["removed"][what].as_u64() > Some(0), dry["removed"][what].as_u64() > Some(0), "{what}: {dry:#}");
    }
    assert!(workspace_of(&home, &id).is_none());
    assert!(log_of(&home).contains("housekeeping removed"), "{}", log_of(&home));
    let logs = home.run(&["logs", &id]).code(0);
    assert!(logs.out.contains("was removed by housekeeping"), "{logs:?}");
    assert_eq!(home.run(&["assignment", &id, "--json"]).code(0).json()["status"].as_str(), Some("complete"), "its rows stay");
    let shown = home.run(&["housekeeping"]).code(0).out;
    assert!(shown.contains("1 workspace") && shown.contains("never"), "{shown}");
}

#[test]
fn a_reader_of_events_that_are_gone_is_told_and_goes_on() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure(AT_ONCE);
    let _daemon = Daemon::up(&home);
    run_to_its_end(&home, &repo, MEND);
    wait_for_age(&home);
    home.run(&["housekeeping", "--run-now"]).code(0);
    home.run(&["events", "--after", "1"]).code(2).says("are no longer kept");
    let kept = home.run(&["events", "--json"]).code(0).json();
    let of_one = |event: &serde_json::Value| event["at"] == kept["items"][0]["at"];
    assert!(kept["items"].as_array().is_some_and(|items| items.iter().all(of_one)), "those of the last operation stay: {kept:#}");
    home.run(&["pause"]).code(0);
    let next = home.run(&["events", "--json"]).code(0).json();
    let numbers: Vec<_> = next["items"].as_array().expect("items").iter().map(|event| event["seq"].as_u64().unwrap_or(0)).collect();
    assert!(numbers.len() > 1 && numbers.windows(2).all(|two| two[1] == two[0] + 1), "numbers go on: {numbers:?}");
}

#[test]
fn a_workspace_with_work_that_is_nowhere_else_stays_and_doctor_says_what_to_do() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure(AT_ONCE);
    let _daemon = Daemon::up(&home);
    // The check stays red: what the agent did is not committed, and then the work is called off.
    let id = run_to_its_end(&home, &repo, "sh -c 'date +%N > answer.txt'");
    home.run(&["cancel", &id]).code(0);
    wait_for_age(&home);
    let run = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    assert_eq!(run["kept"][0]["assignment_id"].as_str(), Some(id.as_str()), "{run:#}");
    assert!(workspace_of(&home, &id).is_some());
    let doctor = home.run(&["doctor"]).code(0).out;
    assert!(doctor.contains(&format!("windlass clean --bundle {id}")), "{doctor}");
    home.run(&["clean", "--bundle", &id]).code(0);
    assert!(workspace_of(&home, &id).is_none());
}

#[test]
fn a_dry_run_counts_what_a_real_one_removes() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure(&AT_ONCE.replace("\"never\"", "0.0000001"));
    let _daemon = Daemon::up(&home);
    run_to_its_end(&home, &repo, MEND);
    wait_for_age(&home);
    let dry = home.run(&["housekeeping", "--dry-run", "--json"]).code(0).json();
    let run = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    assert_eq!(run["removed"]["assignments"].as_u64(), Some(1), "{run:#}");
    for what in ["assignments", "transcripts", "transcript_bytes", "workspaces"] {
        assert_eq!(dry["removed"][what], run["removed"][what], "{what}");
    }
}

#[test]
fn what_is_blocked_keeps_everything() {
    let (home, repo, other) = (Home::new(), TempRepo::failing_check(), TempRepo::failing_check());
    home.configure(&AT_ONCE.replace("\"never\"", "0.0000001"));
    let _daemon = Daemon::up(&home);
    let blocked = run_to_its_end(&home, &repo, "sh -c 'echo no > answer.txt; seq 1 400; echo tried'");
    let done = run_to_its_end(&home, &other, MEND);
    wait_for_age(&home);
    let run = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    assert_eq!((run["removed"]["assignments"].as_u64(), run["removed"]["workspaces"].as_u64()), (Some(1), Some(1)), "{run:#}");
    assert_eq!(home.run(&["assignment", &blocked, "--json"]).code(0).json()["status"].as_str(), Some("blocked"));
    assert!(home.run(&["logs", &blocked]).code(0).out.contains("tried"));
    assert!(workspace_of(&home, &blocked).is_some());
    home.run(&["assignment", &done]).code(2);
    home.run(&["housekeeping", "--run-now"]).code(0);
    assert!(!home.data().join("transcripts").join(&done).exists(), "its transcripts go with its rows");
}

#[test]
fn with_too_little_space_new_work_waits_with_words_and_doctor_says_so() {
    let home = Home::new();
    home.configure(&format!("[workspaces]\nmin_free_bytes = {}\n", 1_u64 << 60));
    let daemon = Daemon::up(&home);
    let id =
        home.run(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review", "--detach"]).code(0).out.trim().to_owned();
    let told = |answer: &Value| answer["hold"]["kind"].as_str() == Some("storage");
    let begun = std::time::Instant::now();
    let explained = loop {
        let explained = home.run(&["explain", &id, "--json"]).code(0).json();
        if told(&explained) || begun.elapsed() > std::time::Duration::from_secs(30) {
            break explained;
        }
    };
    assert!(told(&explained) && explained["hold"]["reason"].as_str().unwrap_or_default().contains("free some space"), "{explained:#}");
    let (status, inbox) = crate::looks::get(&home, &daemon.url, "/api/v1/inbox").expect("an answer");
    let inbox: Value = serde_json::from_str(&inbox).expect("JSON");
    assert_eq!(status, 200, "{inbox:#}");
    assert_eq!(inbox["items"][0]["kind"], "storage", "{inbox:#}");
    assert!(inbox["items"][0]["why"].as_str().unwrap_or_default().contains("MiB are free"), "{inbox:#}");
    let doctor = home.run(&["doctor"]).code(0).out;
    assert!(doctor.contains("no new work is begun for want of space"), "{doctor}");
}

#[test]
fn a_transcript_read_page_by_page_is_the_whole_one() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    let id = run_to_its_end(&home, &repo, "sh -c 'echo 42 > answer.txt; seq 1 3000'");
    let logs = home.run(&["logs", &id, "--raw"]).code(0).out;
    let numbers: Vec<u32> = logs.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(numbers, (1..=3000).collect::<Vec<_>>());
    assert_eq!(home.run(&["logs", &id, "--raw"]).code(0).out, logs, "a second reader begins at the beginning");
}

#[test]
fn a_stream_of_events_says_what_it_no_longer_has_and_goes_on() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure(AT_ONCE);
    let daemon = Daemon::up(&home);
    run_to_its_end(&home, &repo, MEND);
    wait_for_age(&home);
    home.run(&["housekeeping", "--run-now"]).code(0);
    let token = std::fs::read_to_string(home.data().join("token")).expect("the token");
    let address = daemon.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(std::time::Duration::from_mins(1))).expect("a limit");
    let head = "GET /api/v1/events HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: 1\r\n";
    write!(stream, "{head}Host: {address}\r\nAuthorization: Bearer {}\r\n\r\n", token.trim()).expect("asked");
    let lines: Vec<String> = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.starts_with("event:") || line.starts_with("data:"))
        .take(3)
        .collect();
    assert_eq!(lines[0], "event: reset", "{lines:?}");
    let first: Value = serde_json::from_str(lines[1].trim_start_matches("data: ")).expect("JSON");
    assert!(first["first"].as_i64() > Some(2) && lines[2].starts_with("event: "), "{lines:?}");
}

#[test]
fn old_lines_of_the_audit_log_and_credentials_that_ended_go() {
    let home = Home::new();
    home.configure(&AT_ONCE.replace("[workspaces]", "audit_days = 0.0000001\ncredentials_days = 0.0000001\n[workspaces]"));
    let _daemon = Daemon::up(&home);
    for name in ["old", "new"] {
        home.run(&["tokens", "create", name, "--scope", "read", "--days", "7"]).code(0);
    }
    home.run(&["tokens", "revoke", "old"]).code(0);
    wait_for_age(&home);
    let dry = home.run(&["housekeeping", "--dry-run", "--json"]).code(0).json();
    assert_eq!(dry["removed"]["credentials"].as_u64(), Some(1), "{dry:#}");
    let run = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    assert_eq!(run["removed"]["credentials"].as_u64(), Some(1), "what is good stays: {run:#}");
    assert!(run["removed"]["audit_lines"].as_u64() >= dry["removed"]["audit_lines"].as_u64().max(Some(3)), "{run:#}");
    let listed = home.run(&["tokens"]).code(0).out;
    assert!(listed.contains("new") && !listed.contains("old"), "{listed}");
    let shown = home.run(&["housekeeping"]).code(0).out;
    assert!(shown.contains("that ended") && shown.contains("audit log"), "{shown}");
}
