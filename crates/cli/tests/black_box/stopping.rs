//! A stop: no more work is taken, what runs has its grace, the rest is handed back, and nothing of it counts as failed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use serde_json::Value;
use windlass_testkit::process::processes_with_env;
use windlass_testkit::repo::TempRepo;

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
    Daemon::up_with(home, &["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits"])
}

fn configure(home: &Home, slots: u32, grace_secs: u32) {
    home.configure(&format!("[worker.default]\nmax_concurrent_tasks = {slots}\n[engine]\ngrace = {grace_secs}\nkill_grace_ms = 300\n"));
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

/// A daemon with one job, whose agent does not listen to SIGTERM, told once to stop.
fn told_to_stop(home: &Home) -> Daemon {
    home.configure("max_concurrent_tasks = 1\n[engine]\ngrace = 3600\nkill_grace_ms = 3600000\n");
    let started = home.path().join("started");
    let program = home.write("agent.sh", &format!("trap '' TERM; touch {}; while :; do sleep 1234; done", started.display()));
    let daemon = up(home);
    submit(home, &format!("sh {}", program.display()));
    eventually("its agent runs", || started.exists().then_some(()));
    daemon.signal(Signal::TERM);
    eventually("it stops", || get(home, &daemon.url, "/ready").filter(|(_, body)| body.contains("stopping")));
    daemon
}

/// The one job of a daemon that starts anew and begins nothing.
fn job_at_next_start(home: &Home) -> Value {
    configure(home, 0, 1);
    let _daemon = up(home);
    let job = eventually("it waits for a slot", || jobs(home).into_iter().find(|j| j["status"] == "queued"));
    let assignment = job["assignment_id"].as_str().expect("an id");
    eventually("its agent is dead", || processes_with_env("WINDLASS_ASSIGNMENT_ID", assignment).is_empty().then_some(()));
    job
}

#[test]
fn a_second_signal_skips_the_wait_kills_the_agent_and_hands_its_job_back() {
    let home = Home::new();
    let daemon = told_to_stop(&home);
    let assignment = jobs(&home)[0]["assignment_id"].as_str().expect("an id").to_owned();
    let asked = Instant::now();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}: {}", asked.elapsed(), log_of(&home));
    assert!(processes_with_env("WINDLASS_ASSIGNMENT_ID", &assignment).is_empty(), "its agent is dead before it ends");

    let job = job_at_next_start(&home);
    for counter in ["failures", "rescues", "parks"] {
        assert_eq!(job[counter], 0, "{counter}: {job:#}");
    }
    assert!(job["failure"].is_null(), "{job:#}");
    std::fs::remove_file(home.path().join("started")).expect("the mark of the first run");
    configure(&home, 1, 0);
    let _daemon = up(&home);
    eventually("it runs again", || home.path().join("started").exists().then_some(()));
}

#[test]
fn a_daemon_that_stops_says_so() {
    let home = Home::new();
    let _daemon = told_to_stop(&home);
    let said = home.run(&["status"]).code(0).out;
    assert!(said.contains("stopping") && !said.contains("recovering"), "{said}");
    assert_eq!(home.run(&["status", "--json"]).code(0).json()["stopping"], true);
}

#[test]
fn a_third_signal_ends_it_at_once_and_no_job_counts_as_failed() {
    let home = Home::new();
    let daemon = told_to_stop(&home);
    // Stopped, it cannot take the second signal before the third is there: both arrive at once, as different signals do.
    daemon.signal(Signal::STOP);
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::INT);
    daemon.signal(Signal::CONT);
    assert_eq!(daemon.ended().0, Some(130), "{}", log_of(&home));

    let job = job_at_next_start(&home);
    assert_eq!(job["failures"], 0, "{job:#}");
    assert!(job["rescues"].as_i64().is_some_and(|rescues| rescues <= 1), "{job:#}");
}

#[test]
fn a_job_whose_git_call_hangs_is_handed_back_too() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    configure(&home, 1, 0);
    let daemon = up(&home);
    home.run(&["pause"]).code(0);
    let path = repo.path().to_str().expect("UTF-8");
    home.run(&["run", "a goal", "--detach", "--repo", path, "--harness", "command", "--program", "true", "--no-review"]).code(0);
    // Whoever reads the repository's settings from now on waits for ever.
    let settings = repo.path().join(".git/config");
    std::fs::remove_file(&settings).expect("they were there");
    assert!(std::process::Command::new("mkfifo").arg(&settings).status().expect("mkfifo runs").success());
    home.run(&["resume"]).code(0);
    // There is an end to write into as soon as somebody reads.
    let open = || rustix::fs::open(&settings, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok();
    let kept_open = eventually("git reads it", open);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    eventually("its git is dead", || rustix::io::write(&kept_open, b"x").is_err().then_some(()));

    let job = job_at_next_start(&home);
    assert_eq!((&job["failures"], &job["rescues"]), (&0.into(), &0.into()), "{job:#}");
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
