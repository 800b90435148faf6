//! Dead letters: found, shown whole, and replayed alone or in bulk, with other words; on both databases.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use windlass_testkit::postgres::TestPostgres;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, id, said};

/// Failing often is what these tests are about: no breaker opens.
fn bench(database: &str) -> Bench {
    Bench::with(TempRepo::failing_check(), &format!("circuit_breaker_threshold = 1000\n{database}"), "")
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($(fn $name:ident($bench:ident: &Bench) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn check($bench: &Bench) $body

            #[test]
            fn sqlite() {
                check(&bench(""));
            }

            #[test]
            fn postgres() {
                if let Some(database) = TestPostgres::database_blocking() {
                    check(&bench(&format!("database_url = {:?}\n", database.url())));
                }
            }
        }
    )*};
}

/// An agent that cannot go on until it is told the word.
fn needs_the_word(bench: &Bench) -> String {
    let agent = "if grep -q OPEN_SESAME; then echo 42 > answer.txt; else echo the gate is shut >&2; exit 75; fi";
    bench.command(agent, &["--verify", "./check.sh", "--max-retries", "1"])
}

/// A dead assignment and its dead job.
fn dead(bench: &Bench) -> (String, String) {
    let a = needs_the_word(bench);
    let ended = bench.ended(&a);
    assert_eq!(ended["jobs"][0]["status"], "dead", "{ended:#}");
    (a, id(&ended["jobs"][0]))
}

fn outcomes(answer: &Value) -> Vec<(String, String)> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|r| (id(r), r["outcome"].as_str().unwrap().to_owned())).collect()
}

on_both! {
    fn a_dead_letter_is_listed_and_shown_with_all_that_led_to_it(bench: &Bench) {
        let (a, job) = dead(bench);
        let listed = |args: &[&str]| bench.ok(&[&["dead-letters"], args].concat())["items"].as_array().unwrap().len();
        assert_eq!(listed(&[]), 1);
        assert_eq!(listed(&["--harness", "command", "--failure", "api_error", "--worker", "default", "--since", "1h"]), 1);
        for other in
            [["--harness", "claude"], ["--failure", "timeout"], ["--worker", "marie"], ["--since", "2999-01-01T00:00:00Z"], ["--project", "x"]]
        {
            assert_eq!(listed(&other), 0, "{other:?}");
        }

        let shown = bench.ok(&["dead-letters", "show", &job]);
        assert_eq!((&shown["id"], &shown["status"]), (&job.as_str().into(), &"dead".into()));
        assert!(shown["reason"].as_str().unwrap().contains("2 attempts failed"), "{shown:#}");
        assert_eq!(shown["assignment"]["north_star"], "make the check pass");
        let attempts = shown["attempts_list"].as_array().unwrap();
        assert!(
            attempts.len() == 2 && attempts.iter().all(|t| t["failure"]["message"].as_str().unwrap().contains("the gate is shut")),
            "{shown:#}"
        );
        assert_eq!(shown["replay"], format!("windlass dead-letters replay {job}"));
        let text = said(&bench.daemon.call(&["dead-letters", "show", &job]));
        assert!(text.contains("attempt 2") && text.contains("the gate is shut") && text.contains("dead-letters replay"), "{text}");

        bench.ok(&["cancel", &a]);
        let (code, told) = bench.refused(&["dead-letters", "replay", &job]);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains("its assignment is cancelled"), "{told}");
    }

    fn all_dead_letters_are_replayed_at_once_with_other_words_and_a_person_s_block_stays(bench: &Bench) {
        let (first, second) = (dead(bench), dead(bench));
        let blocked = dead(bench);
        bench.ok(&["update-assignment", &blocked.0, "--status", "blocked", "--reason", "wait for me"]);

        let dry = bench.ok(&["dead-letters", "replay", "--all", "--dry-run"]);
        assert_eq!(outcomes(&dry).len(), 3);
        assert!(outcomes(&dry).iter().all(|(_, outcome)| outcome == "would_replay"));
        assert_eq!(bench.ok(&["dead-letters"])["items"].as_array().unwrap().len(), 3, "a dry run changes nothing");

        let done =
            bench.ok(&["dead-letters", "replay", "--all", "--failure", "api_error", "--context", "The word is OPEN_SESAME.", "--key", "k1"]);
        assert!(outcomes(&done).iter().all(|(_, outcome)| outcome == "replayed"), "{done:#}");
        for (a, job) in [&first, &second] {
            let ended = bench.until(a, "the replayed job ends", |a| a["status"] == "complete");
            let job_now = bench.job(job);
            assert_eq!(
                (&job_now["status"], &job_now["failures"], &job_now["attempts"]),
                (&"succeeded".into(), &0.into(), &3.into()),
                "{ended:#}"
            );
            let told = bench.events(a, "job.status").into_iter().find(|e| e["replayed"] == true).unwrap();
            assert_eq!(
                (&told["from"], &told["status"], &told["failure"]["kind"], &told["key"]),
                (&"dead".into(), &"queued".into(), &"api_error".into(), &"k1".into())
            );
            assert!(told["by"].is_string(), "{told:#}");
        }
        let waits = done["items"].as_array().unwrap().iter().find(|r| id(r) == blocked.1).unwrap();
        assert!(waits["message"].as_str().unwrap().contains("wait for me"), "{waits:#}");
        assert_eq!(bench.assignment(&blocked.0)["status"], "blocked");
        assert_eq!(bench.jobs(&blocked.0)[0]["attempts"], 2, "it waits for the person");
    }

    fn the_same_request_again_replays_nothing_twice(bench: &Bench) {
        let (a, job) = dead(bench);
        let body = json!({ "ids": [&job], "key": "once" }).to_string();
        let replay = || {
            let (status, body) = bench.http("POST", "/api/v1/dead-letters/replay", &body);
            assert_eq!(status, 200, "{body}");
            outcomes(&serde_json::from_str(&body).unwrap())
        };
        assert_eq!(replay(), [(job.clone(), "replayed".to_owned())]);
        bench.until(&a, "it is dead again", |a| a["status"] == "blocked" && a["jobs"][0]["attempts"] == 4);
        assert_eq!(replay(), [(job.clone(), "already".to_owned())]);
        assert_eq!(bench.jobs(&a)[0]["status"], "dead");
        assert_eq!(outcomes(&bench.ok(&["dead-letters", "replay", &job, "--key", "twice"])), [(job, "replayed".to_owned())]);
    }

    fn the_prompt_is_edited_in_the_person_s_editor(bench: &Bench) {
        let (a, job) = dead(bench);
        let editor = bench.file("editor.sh", "#!/bin/sh\necho 'The word is OPEN_SESAME.' >> \"$1\"\n");
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
        let out = bench.call_with(&[("EDITOR", "false")], &["dead-letters", "replay", &job, "--edit"]);
        assert_eq!(out.status.code(), Some(2), "{}", said(&out));
        assert_eq!(bench.jobs(&a)[0]["status"], "dead", "an editor that gives up replays nothing");
        let out = bench.call_with(&[("EDITOR", editor.to_str().unwrap())], &["dead-letters", "replay", &job, "--edit"]);
        assert!(out.status.success(), "{}", said(&out));
        bench.until(&a, "the replayed job ends", |a| a["status"] == "complete");
    }

    fn what_is_written_in_the_editor_replaces_what_was_wanted(bench: &Bench) {
        let agent = "if grep -q 'make the check pass'; then echo still the old words >&2; exit 75; else echo 42 > answer.txt; fi";
        let a = bench.command(agent, &["--verify", "./check.sh", "--max-retries", "0"]);
        let job = id(&bench.ended(&a)["jobs"][0]);
        let seen = bench.file("seen", "");
        let script = format!("#!/bin/sh\ncp \"$1\" '{}'\nhead -n 1 '{0}' > \"$1\"\necho 'Write 42.' >> \"$1\"\n", seen.display());
        let editor = bench.file("editor.sh", &script);
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
        // By its assignment.
        let out = bench.call_with(&[("EDITOR", editor.to_str().unwrap())], &["dead-letters", "replay", &a, "--edit"]);
        assert!(out.status.success(), "{}", said(&out));
        let shown = std::fs::read_to_string(&seen).unwrap();
        assert!(shown.starts_with("<!-- windlass: what is wanted") && shown.contains("\nmake the check pass\n"), "{shown}");
        let done = bench.until(&a, "the replayed job ends", |a| a["status"] == "complete");
        assert_eq!((&done["north_star"], &bench.job(&job)["spec"]["fresh_after"]), (&"Write 42.".into(), &1.into()), "{done:#}");
    }

    fn what_is_no_dead_letter_is_refused_by_name(bench: &Bench) {
        let a = bench.command("exit 3", &[]);
        let failed = id(&bench.ended(&a)["jobs"][0]);
        let (code, told) = bench.refused(&["dead-letters", "replay", &failed]);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains("is failed and no dead letter"), "{told}");
        assert_eq!(bench.refused(&["dead-letters", "show", &failed]).0, 2);
        let (code, told) = bench.refused(&["dead-letters", "replay"]);
        assert!(code == 2 && told.contains("--all"), "{told}");
        let (code, told) = bench.refused(&["dead-letters", "replay", &a]);
        assert!(code == 2 && told.contains("has no dead letter"), "{told}");
        assert_eq!(bench.refused(&["dead-letters", "replay", "no-such-task"]).0, 2);
        assert_eq!(bench.refused(&["dead-letters", "replay", &failed, "--failure", "timeout"]).0, 2);
        assert_eq!(bench.refused(&["dead-letters", "--failure", "bad_luck"]).0, 2);
        let (status, body) = bench.http("POST", "/api/v1/dead-letters/replay", "{}");
        assert_eq!(status, 422, "{body}");
    }
}
