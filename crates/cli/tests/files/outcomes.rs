//! What a task's end looks like from outside.

use serde_json::json;

use crate::bench::{Bench, eventually, names, read};

#[test]
fn a_task_whose_agent_fails_for_good_has_a_result_that_says_so_and_its_own_fields() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    let task = json!({"task_id": "bad-1", "description": "fail-for-good", "ticket": 7, "metadata": {"by": "me"}, "status": "mine"});
    bench.drop_file("bad-1.json", &task.to_string());
    let result = bench.result("bad-1");
    assert_ne!(result["status"], "completed");
    assert!(result["error"]["kind"].is_string() && result["error"]["message"].is_string(), "{result:#}");
    assert_eq!((&result["exit_code"], &result["ticket"], &result["metadata"]), (&json!(3), &json!(7), &json!({"by": "me"})));
    assert_eq!(result["task_fields"], json!({"status": "mine"}), "a task cannot speak for its result");
    bench.emptied();
}

#[test]
fn a_task_out_of_retries_is_a_dead_letter_with_every_attempts_error() {
    let bench = Bench::new("retry_backoff = 1.0\ninitial_retry_delay = 0.0\nmax_retries = 1\ntask_timeout = 1\n");
    let _daemon = bench.started();
    bench.drop_task("slow", "wait-for-gate");
    let result = bench.result("slow");
    assert_eq!((result["status"].as_str(), result["attempts"].as_u64()), (Some("dead"), Some(2)), "{result:#}");
    let letter = eventually("the dead letter", || read(&bench.shared("dlq/marie/slow.json")));
    assert_eq!(letter["task"]["description"], "wait-for-gate");
    assert_eq!(letter["errors"].as_array().unwrap().len(), 2, "{letter:#}");
    assert!(letter["why"].is_string() && letter["at"].is_string());
    let id = result["assignment_id"].as_str().unwrap();
    let verb = format!("windlass dead-letters replay {id}");
    for hint in [&letter["hint"], &result["error"]["hint"]] {
        assert!(hint.as_str().unwrap().contains(&verb), "{hint}");
    }
    bench.emptied();
}

#[test]
fn a_dead_task_is_shown_by_its_id_and_replayed_with_other_words_in_place_of_its_description() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new("retry_backoff = 1.0\ninitial_retry_delay = 0.0\nmax_retries = 0\ntask_timeout = 1\nprompt = \"PROMPT\"\n");
    let prompt = bench.shared("../data/marie.md");
    std::fs::write(&prompt, "You are marie.\n").unwrap();
    let config = bench.data().join("windlass.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace("PROMPT", prompt.to_str().unwrap());
    std::fs::write(&config, text).unwrap();
    let editor = bench.shared("../data/editor.sh");
    std::fs::write(&editor, "#!/bin/sh\ngrep -q wait-for-gate \"$1\" && echo 'sign:other-words' > \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = bench.started();
    bench.drop_task("slow-1", "wait-for-gate");
    assert_eq!(bench.result("slow-1")["status"], "dead");
    let shown = daemon.json(&["dead-letters", "show", "slow-1"]).unwrap();
    assert_eq!(shown["assignment"]["north_star"], "wait-for-gate", "{shown:#}");
    let mut replay = crate::daemon::windlass(&bench.data());
    let out = replay.args(["dead-letters", "replay", "slow-1", "--edit"]).env("EDITOR", &editor).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    eventually("its result is written again", || read(&bench.shared("results/marie/slow-1.json")).filter(|r| r["status"] == "completed"));
    assert_eq!(bench.witnessed(), ["other-words"]);
}

#[test]
fn a_finished_id_dropped_again_runs_again() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    for round in 1..=3 {
        bench.drop_task("again", "sign:again");
        eventually("it ran once more", || (bench.witnessed().len() == round).then_some(()));
        bench.emptied();
        assert_eq!(bench.result("again")["status"], "completed");
    }
    assert!(names(&bench.shared("dlq/marie")).is_empty());
}

#[test]
fn a_live_id_dropped_twice_runs_once_and_another_of_its_id_is_refused() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    bench.drop_task("one", "wait-for-gate sign:one");
    eventually("it runs", || (bench.witnessed() == ["one"]).then_some(()));
    bench.drop_task("one", "wait-for-gate sign:one");
    bench.drop_file("other.json", r#"{"task_id":"one","description":"something else"}"#);
    assert!(bench.refusal("other.json").contains("is under way"));
    bench.drop_file("case.json", r#"{"task_id":"ONE","description":"something else"}"#);
    assert!(bench.refusal("case.json").contains("only in case"));
    bench.open_gate();
    bench.emptied();
    assert_eq!((bench.result("one")["status"].as_str(), bench.witnessed().len()), (Some("completed"), 1));
}

#[test]
fn a_directory_that_appears_becomes_a_worker_with_a_queue_of_its_own() {
    let bench = Bench::new("[harness_defaults]\ndefault = \"command\"\n");
    let daemon = bench.started();
    eventually("marie is there", || read(&bench.shared("heartbeats/marie.json")));
    std::fs::create_dir(bench.shared("tasks/anga")).unwrap();
    std::fs::write(bench.shared("tasks/anga/a-1.json"), r#"{"task_id":"a-1","description":"x"}"#).unwrap();
    // Its harness has no program here: a block, which is a failed result with its kind.
    let result = eventually("a result", || read(&bench.shared("results/anga/a-1.json")));
    assert_eq!((result["status"].as_str(), result["worker"].as_str()), (Some("failed"), Some("anga")));
    assert_eq!(result["error"]["kind"], "bad_configuration", "{result:#}");
    let files = daemon.json(&["files"]).unwrap();
    assert!(files["workers"].as_array().unwrap().iter().any(|w| w["name"] == "anga" && w["configured"] == false), "{files:#}");
}

#[test]
fn an_assignment_and_an_explanation_name_the_file_they_come_from() {
    let bench = Bench::new("");
    let daemon = bench.started();
    bench.drop_task("named", "sign:named");
    let id = bench.result("named")["assignment_id"].as_str().unwrap().to_owned();
    let shown = daemon.json(&["assignment", &id]).unwrap();
    assert_eq!((shown["source"].as_str(), shown["task"]["file"].as_str()), (Some("file"), Some("named.json")));
    let said = String::from_utf8(daemon.call(&["explain", &id]).stdout).unwrap();
    assert!(said.contains("named of tasks/marie/named.json"), "{said}");
}

#[test]
fn a_line_in_a_pipe_is_a_task() {
    use std::io::Write as _;
    let bench = Bench::new("");
    std::fs::create_dir(bench.shared("pipes")).unwrap();
    let pipe = bench.shared("pipes/marie.pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    let _daemon = bench.started();
    // Opening waits for a reader.
    let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
    pipe.write_all(b"{\"task_id\":\"p-1\",\"description\":\"x\"}\nnot a task\n{\"task_id\":\"p-2\",\"descr").unwrap();
    assert_eq!(bench.result("p-1")["status"], "completed");
    pipe.write_all(b"iption\":\"x\"}\n").unwrap();
    assert_eq!(bench.result("p-2")["status"], "completed");
    let refused = eventually("the bad line is kept", || {
        let names = names(&bench.shared("dlq/marie"));
        names.iter().any(|n| n.starts_with("pipe-") && n.ends_with(".error.txt")).then_some(names)
    });
    assert_eq!(refused.len(), 2, "{refused:?}");
}

/// Makes a pipe and gives its path.
fn pipe(bench: &Bench) -> std::path::PathBuf {
    std::fs::create_dir(bench.shared("pipes")).unwrap();
    let pipe = bench.shared("pipes/marie.pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0).unwrap();
    pipe
}

#[test]
fn a_last_line_without_its_end_is_a_task_once_its_writer_is_gone() {
    let bench = Bench::new("");
    let pipe = pipe(&bench);
    let _daemon = bench.started();
    for id in ["e-1", "e-2"] {
        std::fs::write(&pipe, format!("{{\"task_id\":\"{id}\",\"description\":\"sign:{id}\"}}")).unwrap();
        assert_eq!(bench.result(id)["status"], "completed");
    }
    std::fs::write(&pipe, "{\"task_id\":\"e-3\",\"description\":\"sign:e-3\"}\n").unwrap();
    assert_eq!(bench.result("e-3")["status"], "completed");
    assert!(names(&bench.shared("dlq/marie")).is_empty());
}

#[test]
fn what_a_pipe_holds_of_a_line_when_windlass_stops_is_kept() {
    use std::io::Write as _;
    let bench = Bench::new("");
    let path = pipe(&bench);
    let mut daemon = bench.started();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    pipe.write_all(b"{\"task_id\":\"p-1\",\"description\":\"x\"}\n{\"task_id\":\"half").unwrap();
    assert_eq!(bench.result("p-1")["status"], "completed");
    let pid = rustix::process::Pid::from_raw(daemon.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    daemon.wait_dead();
    let kept = names(&bench.shared("dlq/marie"));
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(std::fs::read_to_string(bench.shared("dlq/marie").join(&kept[0])).unwrap(), "{\"task_id\":\"half");
}

#[test]
fn two_workers_tasks_of_one_id_each_have_a_notice() {
    let bench = Bench::new("[harness_defaults]\ndefault = \"command\"\n");
    let _daemon = bench.started();
    bench.drop_task("same", "x");
    let first = eventually("the first notice", || read(&bench.shared("triggers/orchestrator/same.json")));
    std::fs::create_dir(bench.shared("tasks/anga")).unwrap();
    std::fs::write(bench.shared("tasks/anga/same.json"), r#"{"task_id":"same","description":"x"}"#).unwrap();
    let second = eventually("the second notice", || read(&bench.shared("triggers/orchestrator/same@anga.json")));
    assert_eq!((first["worker"].as_str(), second["worker"].as_str()), (Some("marie"), Some("anga")));
    assert_eq!(read(&bench.shared("triggers/orchestrator/same.json")), Some(first));
    // Its own is written again.
    bench.emptied();
    std::fs::remove_file(bench.shared("results/marie/same.json")).unwrap();
    bench.drop_task("same", "fail-for-good");
    eventually("the notice tells of the second run", || {
        read(&bench.shared("triggers/orchestrator/same.json")).filter(|notice| notice["status"] != "completed")
    });
    assert_eq!(names(&bench.shared("triggers/orchestrator")), ["same.json", "same@anga.json"]);
}

#[test]
fn a_refused_file_and_a_dead_letter_of_one_id_both_stay() {
    let bench = Bench::new("retry_backoff = 1.0\ninitial_retry_delay = 0.0\nmax_retries = 0\ntask_timeout = 1\n");
    let daemon = bench.started();
    bench.drop_file("slow.json", "not a task");
    assert!(bench.refusal("slow.json").contains("not JSON"));
    bench.drop_task("slow", "wait-for-gate");
    let dead = bench.result("slow");
    assert_eq!(dead["status"], "dead", "{dead:#}");
    let id = dead["assignment_id"].as_str().unwrap();
    let letter = format!("slow.{id}.json");
    assert_eq!(names(&bench.shared("dlq/marie")), [letter.clone(), "slow.json".to_owned(), "slow.json.error.txt".to_owned()]);
    assert_eq!(std::fs::read_to_string(bench.shared("dlq/marie/slow.json")).unwrap(), "not a task");
    // Replayed with success the letter goes, and it alone.
    bench.open_gate();
    let jobs = daemon.json(&["assignment", id]).unwrap();
    let job = jobs["jobs"].as_array().unwrap()[0]["id"].as_str().unwrap().to_owned();
    let replayed = daemon.call(&["dead-letters", "replay", &job]);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    eventually("the letter is gone", || (!bench.shared("dlq/marie").join(&letter).exists()).then_some(()));
    assert_eq!(bench.result("slow")["status"], "completed");
    assert_eq!(names(&bench.shared("dlq/marie")), ["slow.json", "slow.json.error.txt"]);
}

#[test]
fn a_task_written_over_its_predecessor_in_place_is_run_too() {
    let bench = Bench::new("");
    let _daemon = bench.started();
    for round in 1..=20 {
        // Written as soon as the result is there, into the very file that is about to be removed.
        let task = format!("{{\"task_id\":\"over\",\"description\":\"sign:over\"}}{}", " ".repeat(round % 2));
        std::fs::write(bench.shared("tasks/marie/over.json"), task).unwrap();
        eventually("it ran", || (bench.witnessed().len() >= round).then_some(()));
        eventually("its result", || read(&bench.shared("results/marie/over.json")));
        let _ = std::fs::remove_file(bench.shared("results/marie/over.json"));
    }
    bench.emptied();
    assert_eq!(bench.witnessed().len(), 20);
}

#[test]
fn a_task_that_waits_for_a_person_is_not_in_its_workers_queue_and_one_whose_worker_rests_is() {
    let lacking = "[worker.anga]\nharness = \"command\"\nprogram = \"/nonexistent/agent\"\n";
    let bench = Bench::new(&format!("{lacking}[worker.rests]\nharness = \"command\"\nmax_concurrent_tasks = 0\n"));
    for worker in ["anga", "rests"] {
        let dir = bench.shared(&format!("tasks/{worker}"));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("t-1.json"), r#"{"task_id":"t-1","description":"x"}"#).unwrap();
    }
    let daemon = bench.started();
    let result = eventually("the result", || read(&bench.shared("results/anga/t-1.json")));
    assert_eq!(result["error"]["kind"], "not_installed", "{result:#}");
    let written = std::fs::metadata(bench.shared("results/anga/t-1.json")).unwrap().modified().unwrap();
    let since = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let beat = |worker: &str| {
        eventually("a heartbeat after that", || {
            read(&bench.shared(&format!("heartbeats/{worker}.json"))).filter(|beat| beat["timestamp"].as_f64() > Some(since))
        })
    };
    let anga = beat("anga");
    assert_eq!((&anga["queue_size"], &anga["status"]), (&json!(0), &json!("idle")), "{anga:#}");
    let rests = beat("rests");
    assert_eq!((&rests["queue_size"], &rests["max_concurrent"]), (&json!(1), &json!(0)), "{rests:#}");
    let jobs = daemon.json(&["jobs", "--worker", "rests"]).unwrap();
    let explained = daemon.json(&["explain", jobs["items"][0]["id"].as_str().unwrap()]).unwrap();
    assert!(explained["hold"]["reason"].as_str().unwrap().contains("rests"), "{explained:#}");
    assert!(explained["hold"]["hint"].as_str().unwrap().contains("max_concurrent_tasks"), "{explained:#}");
    assert!(daemon.log().contains("worker rests takes no jobs here"), "{}", daemon.log());
}
