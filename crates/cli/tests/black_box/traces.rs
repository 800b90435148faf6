//! Traces, as a collector of this test's own receives them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use crate::daemon::{Daemon, log_of};
use crate::environment::Home;
use crate::looks::PATIENCE;

const SECRET_GOAL: &str = "the goal that no collector may read";
const SECRET_OUTPUT: &str = "the answer that no collector may read";

struct Collector {
    url: String,
    received: mpsc::Receiver<(String, Vec<u8>)>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (send, received) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let send = send.clone();
                std::thread::spawn(move || {
                    while let Some(request) = answer(&stream).filter(|r| send.send(r.clone()).is_ok()) {
                        drop(request);
                    }
                });
            }
        });
        Self { url, received }
    }
}

/// Takes one request of a connection: its first line and its body.
fn answer(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    Some((first.trim().to_owned(), body))
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The 16 bytes of an id.
fn bytes(id: &str) -> Vec<u8> {
    let hex = id.split_once('_').expect("an id").1;
    (0..16).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex")).collect()
}

#[test]
fn an_assignment_is_one_trace_with_its_jobs_attempts_and_stages_and_nothing_that_was_said() {
    let (home, collector) = (Home::new(), Collector::start());
    home.configure(&format!("[telemetry]\notlp_endpoint = \"{}\"\n", collector.url));
    let daemon = Daemon::up(&home);
    let program = format!("echo {SECRET_OUTPUT}");
    let args = ["run", SECRET_GOAL, "--project", "scratch", "--harness", "command", "--program", &program, "--no-review", "--json"];
    let id = home.run(&args).code(0).json()["id"].as_str().expect("an id").to_owned();
    // A stop sends what waits.
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    let mut all = Vec::new();
    while !holds(&all, b"windlass.assignment.status") {
        let (line, body) = collector.received.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{e}: {}", log_of(&home)));
        assert_eq!(line, "POST /v1/traces HTTP/1.1");
        all.extend(body);
    }
    assert!(holds(&all, &bytes(&id)), "the trace's id is the assignment's");
    for wanted in ["invoke_agent command", "gen_ai.operation.name", "gen_ai.provider.name", "job implement", "service.name", &id] {
        assert!(holds(&all, wanted.as_bytes()), "{wanted}");
    }
    for stage in ["prompt", "run"] {
        assert!(holds(&all, stage.as_bytes()), "{stage}");
    }
    for said in [SECRET_GOAL, SECRET_OUTPUT] {
        assert!(!holds(&all, said.as_bytes()), "{said}");
    }
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    let home = Home::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    home.configure(&format!("[telemetry]\notlp_endpoint = \"http://{nobody}\"\n"));
    let daemon = Daemon::up(&home);
    home.run(&["run", "a goal", "--project", "scratch", "--harness", "command", "--program", "echo done", "--no-review"]).code(0);
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
}

#[test]
fn an_address_that_cannot_be_spoken_to_is_told_and_work_goes_on() {
    let home = Home::new();
    home.configure("[telemetry]\notlp_endpoint = \"https://collector.example\"\n");
    let _daemon = Daemon::up(&home);
    assert!(log_of(&home).contains("no traces are sent"), "{}", log_of(&home));
    home.run(&["status"]).code(0);
}
