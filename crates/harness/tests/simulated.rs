//! The simulated agent as a real process.

mod common;

use common::{Place, Ran, SESSION, read, run, spawn};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use windlass_harness::{Session, Settings, prepare};
use windlass_testkit::witness;
use windlass_types::{AgentEvent, FailureKind, Harness, Micros, RunEnd};

fn settings() -> Settings {
    Settings { windlass_exe: env!("CARGO_BIN_EXE_windlass-simulated-agent").into(), ..Settings::default() }
}

fn play_script(place: &Place, script: &str, attempt: u32) -> Ran {
    let mut request = place.request(Harness::Simulated);
    request.script = Some(script.to_owned());
    request.env.insert("WINDLASS_ATTEMPT_NUMBER".to_owned(), attempt.to_string());
    request.env.insert("WINDLASS_JOB_ID".to_owned(), "job_x".to_owned());
    request.env.insert("WINDLASS_ATTEMPT".to_owned(), attempt.to_string());
    if attempt > 1 {
        request.session = Session::Resume { session_id: SESSION.to_string() };
    }
    run(&request, &settings())
}

fn play(steps: &str) -> (Place, Ran) {
    let place = Place::new();
    let ran = play_script(&place, &format!("[[turn]]\nsteps = [{steps}]"), 1);
    (place, ran)
}

#[test]
fn it_works_in_the_tree_says_what_it_does_and_ends() {
    let (place, ran) = play(
        r#"{ say = "I write." }, { write = { path = "src/a.txt", content = "a" } }, { append = { path = "src/a.txt", content = "b" } },
           { run = "cat src/a.txt; exit 3" }, { usage = { input_tokens = 10, output_tokens = 2, cost_usd = 0.25 } },
           { usage = { input_tokens = 1 } }, { say = "Done." }"#,
    );
    assert_eq!(read(place.path("tree/src/a.txt")), "ab");
    let RunEnd::Finished { text, usage: Some(usage) } = &ran.end else { panic!("{ran:#?}") };
    assert_eq!((text.as_str(), usage.input_tokens, usage.output_tokens, usage.cost_micros), ("Done.", 11, 2, Some(Micros(250_000))));
    assert_eq!(ran.session(), SESSION.to_string());
    assert!(ran.events.contains(&AgentEvent::ToolEnded { id: "tool_3".to_owned(), is_error: true, output: "ab".to_owned() }));
}

#[test]
fn a_crash_is_a_crash_once_and_a_resumed_run_goes_on_after_it() {
    let place = Place::new();
    let script = r#"[[turn]]
        steps = [{ append = { path = "log", content = "1" } }, { crash = true }, { append = { path = "log", content = "2" } }, { end = "Done." }]"#;
    let first = play_script(&place, script, 1);
    assert_eq!((first.exit.signal, first.failure().0), (Some(9), FailureKind::AgentCrashed));
    let second = play_script(&place, script, 2);
    assert_eq!(second.text(), "Done.");
    assert!(second.stdout.starts_with(&format!(r#"{{"type":"session","session_id":"{SESSION}","resumed":true}}"#)), "{}", second.stdout);
    assert_eq!(read(place.path("tree/log")), "12");
    // The turn has ended: a run after it begins it anew, and crashes again.
    assert_eq!(play_script(&place, script, 3).failure().0, FailureKind::AgentCrashed);
}

#[test]
fn a_turn_can_ask_for_the_attempt() {
    let place = Place::new();
    let script = "[[turn]]\nattempt = 1\nsteps = [{ api_error = \"busy\" }]\n[[turn]]\nsteps = [{ end = \"second\" }]";
    assert_eq!(play_script(&place, script, 1).failure().0, FailureKind::ApiError);
    assert_eq!(play_script(&place, script, 2).text(), "second");
}

#[test]
fn every_way_to_end_is_told_as_what_it_is() {
    for (steps, kind) in [
        (r#"{ fail = "no" }"#, FailureKind::AgentFailed),
        (r#"{ api_error = "busy" }"#, FailureKind::ApiError),
        (r"{ unauthorized = true }", FailureKind::Unauthorized),
        (r"{ exit = 3 }", FailureKind::AgentCrashed),
        (r"{ exit = 0 }", FailureKind::AgentCrashed),
    ] {
        assert_eq!(play(steps).1.failure(), (kind, None), "{steps}");
    }
    assert_eq!(play("{ quota = { retry_after_secs = 5 } }").1.failure(), (FailureKind::RateLimited, Some(5000)));
    assert_eq!(play(r#"{ claim_done = "All tests pass" }, { fail = "x" }"#).1.text(), "All tests pass");
    assert_eq!(play(r#"{ verdict = { action = "complete", n = 1 } }"#).1.text(), r#"{"action":"complete","n":1}"#);
    let (_place, ran) = play(r#"{ nothing_to_change = "it is there" }"#);
    assert_eq!(windlass_harness::nothing_to_change(ran.text()), Some("it is there"));
    let (_place, ran) = play("{ usage_unknown = true }");
    assert!(matches!(ran.end, RunEnd::Finished { usage: None, .. }));
}

#[test]
fn a_script_without_a_turn_for_the_run_is_a_configuration_failure() {
    let ran = play_script(&Place::new(), "[[turn]]\ntype = \"pm\"", 1);
    assert_eq!(ran.failure().0, FailureKind::BadConfiguration);
}

#[test]
fn garbage_and_floods_are_unknown_events_and_harm_nothing() {
    let (_place, ran) = play("{ garbage = true }, { flood_mib = 9 }, { end = \"ok\" }");
    assert_eq!(ran.text(), "ok");
    for what in ["not_utf8", "not_json", "too_long"] {
        assert!(ran.events.contains(&AgentEvent::Unknown { what: what.to_owned() }), "{what}");
    }
}

#[test]
fn it_outlives_sigterm_only_when_told_to() {
    let (_place, ran) = play(r#"{ ignore_sigterm = true }, { run = "kill -TERM $PPID" }, { end = "alive" }"#);
    assert_eq!(ran.text(), "alive");
    let (_place, ran) = play(r#"{ run = "kill -TERM $PPID" }, { stall = true }"#);
    assert_eq!(ran.exit.signal, Some(15));
}

#[test]
fn a_stalled_agent_says_nothing_more_until_it_is_killed() {
    let place = Place::new();
    let mut request = place.request(Harness::Simulated);
    request.script = Some("[[turn]]\nsteps = [{ say = \"here\" }, { stall = true }]".to_owned());
    let mut child = spawn(&prepare(&request, &settings()).unwrap());
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.any(|l| l.unwrap().contains("here")));
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
}

#[test]
fn the_witness_sees_a_start_and_an_end_but_no_end_of_a_crash() {
    let place = Place::new();
    let file = place.path("witness");
    let script = |last: &str| format!("[[turn]]\nsteps = [{{ witness = \"{}\" }}, {last}]", file.display());
    play_script(&place, &script("{ end = \"x\" }"), 1);
    let lines = witness::read(&file);
    assert_eq!(lines.iter().map(|l| l.event).collect::<Vec<_>>(), [witness::Event::Start, witness::Event::End]);
    assert_eq!((lines[0].job.as_str(), lines[0].token.as_str(), lines[0].pid), ("job_x", "1", lines[1].pid));
    assert!(lines[0].at_ns <= lines[1].at_ns && lines[0].at_ns > 0);
    play_script(&Place::new(), &script("{ crash = true }"), 1);
    assert_eq!(witness::read(&file).len(), 3);
}

#[test]
fn what_is_left_in_the_background_lives_in_its_own_session() {
    let (_place, ran) = play(r#"{ background = "exec sleep 300" }, { end = "x" }"#);
    let output = ran.events.iter().find_map(|e| match e {
        AgentEvent::ToolEnded { output, .. } => Some(output.clone()),
        _ => None,
    });
    let pid: i32 = output.unwrap().split_whitespace().find_map(|w| w.parse().ok()).unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    assert!(test_kill_process(pid).is_ok());
    kill_process(pid, Signal::KILL).unwrap();
}
