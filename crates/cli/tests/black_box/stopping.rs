//! A stop: no more work is taken, what runs has its grace, the rest is handed back, and nothing of it counts as failed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use windlass_testkit::process::processes_with_env;

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;
use crate::looks::{eventually, get};

fn submit(home: &Home, program: &str) {
    home.run(&["run", "a goal", "--detach", "--project", "scratch", "--harness", "command", "--program", program, "--no-review"]).code(0);
}

fn jobs(home: &Home) -> Vec<Value> {
    let url = endpoint(home);
    let (status, body) = get(home, &url, "/api/v1/jobs?limit=200").expect("an answer");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<Value>(&body).expect("JSON")["items"].as_array().expect("jobs").clone()
}

fn endpoint(home: &Home) -> String {
    let text = std::fs::read_to_string(home.data().join("endpoint.json")).expect("an endpoint");
    serde_json::from_str::<Value>(&text).expect("JSON")["url"].as_str().expect("a URL").to_owned()
}

fn running(home: &Home) -> usize {
    jobs(home).iter().filter(|j| j["status"] == "running").count()
}

fn up(home: &Home) -> Daemon {
    Daemon::up_with(home, &["up", "--listen", "127.0.0.1:0", "--isolation", "subreaper"])
}

fn configure(home: &Home, slots: u32, grace_secs: u32) {
    home.configure(&format!(
        "max_concurrent_tasks = {slots}\n[worker.default]\nmax_concurrent_tasks = {slots}\n[engine]\ngrace = {grace_secs}\nkill_grace_ms = 300\n"
    ));
}

/// Everything that a listener is sent until the daemon ends the stream, chunk marks and all.
fn read_stream(data: &Path, url: &str) -> String {
    let host = url.trim_start_matches("http://");
    let token = std::fs::read_to_string(data.join("token")).expect("a token");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let head = format!("Host: {host}\r\nAuthorization: Bearer {}\r\nAccept: text/event-stream", token.trim());
    write!(stream, "GET /api/v1/events HTTP/1.1\r\n{head}\r\n\r\n").expect("it is asked");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("it ends");
    told
}

#[test]
fn fifty_running_jobs_are_handed_back_and_none_is_counted_as_failed() {
    const JOBS: usize = 50;
    let home = Home::new();
    configure(&home, 50, 1);
    let daemon = up(&home);
    for _ in 0..JOBS {
        submit(&home, "sleep 1234");
    }
    eventually("all of them run", || (running(&home) == JOBS).then_some(()));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));

    configure(&home, 0, 1);
    let _daemon = up(&home);
    let jobs = jobs(&home);
    assert_eq!(jobs.len(), JOBS);
    for job in &jobs {
        assert_eq!(job["status"], "queued", "{job:#}");
        for counter in ["failures", "rescues", "parks"] {
            assert_eq!(job[counter], 0, "{counter}: {job:#}");
        }
        assert!(job["failure"].is_null(), "{job:#}");
    }
}

#[test]
fn while_it_stops_it_says_so_takes_no_work_and_lets_what_runs_end() {
    let home = Home::new();
    configure(&home, 1, 60);
    let go = home.path().join("go");
    let daemon = up(&home);
    let program = home.write("agent.sh", &format!("while [ ! -e {} ]; do sleep 0.05; done; echo done", go.display()));
    let program = format!("sh {}", program.display());
    submit(&home, &program);
    submit(&home, &program);
    eventually("one runs", || (running(&home) == 1).then_some(()));
    let (data, stream_url) = (home.data(), daemon.url.clone());
    let stream = std::thread::spawn(move || read_stream(&data, &stream_url));
    eventually("somebody listens", || get(&home, &daemon.url, "/metrics")?.1.contains("\nwindlass_event_streams 1\n").then_some(()));

    daemon.signal(Signal::TERM);
    let url = daemon.url.clone();
    let word = eventually("it says that it stops", || get(&home, &url, "/ready").filter(|(_, body)| body.contains("stopping")));
    assert_eq!(word.0, 503, "{}", word.1);
    assert!(get(&home, &url, "/metrics").expect("figures").1.contains("\nwindlass_stopping 1\n"));
    std::fs::write(&go, "").expect("the word to go on");
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    let told = stream.join().expect("the stream was read");
    assert!(told.contains("job.status") && told.ends_with("0\r\n\r\n"), "it ends as a stream does: {told:?}");

    configure(&home, 0, 1);
    let _daemon = up(&home);
    let mut statuses: Vec<_> = jobs(&home).iter().map(|j| j["status"].as_str().unwrap_or_default().to_owned()).collect();
    statuses.sort();
    assert_eq!(statuses, ["queued", "succeeded"]);
}

#[test]
fn a_second_signal_skips_the_wait_and_what_ran_is_rescued() {
    let home = Home::new();
    configure(&home, 1, 3600);
    let daemon = up(&home);
    submit(&home, "sleep 1234");
    eventually("it runs", || (running(&home) == 1).then_some(()));
    daemon.signal(Signal::TERM);
    let url = daemon.url.clone();
    eventually("it stops", || get(&home, &url, "/ready").filter(|(_, body)| body.contains("stopping")));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().0, Some(130), "{}", log_of(&home));

    configure(&home, 0, 1);
    let _daemon = up(&home);
    let job = eventually("it is rescued", || jobs(&home).into_iter().find(|j| j["status"] == "queued"));
    assert_eq!((&job["failures"], &job["rescues"]), (&0.into(), &1.into()), "{job:#}");
    let assignment = job["assignment_id"].as_str().expect("an id");
    eventually("its agent is dead", || processes_with_env("WINDLASS_ASSIGNMENT_ID", assignment).is_empty().then_some(()));
}

#[test]
fn a_signal_while_it_recovers_ends_it_well() {
    let home = Home::new();
    configure(&home, 3, 1);
    for _ in 0..3 {
        let daemon = up(&home);
        submit(&home, "sleep 1234");
        eventually("it runs", || (running(&home) > 0).then_some(()));
        // Killed with work under way, so that the next one has to recover, and is stopped meanwhile.
        daemon.signal(Signal::KILL);
        daemon.ended();
        let daemon = up(&home);
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    }
    let _daemon = up(&home);
    for job in eventually("all are looked after", || Some(jobs(&home)).filter(|jobs| jobs.iter().all(|j| j["status"] != "dead"))) {
        assert_eq!(job["failures"], 0, "{job:#}");
    }
}
