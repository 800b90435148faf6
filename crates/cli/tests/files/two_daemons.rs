//! Two daemons that know one shared directory, each with a database of its own.

use std::io::{Read as _, Write as _};
use std::path::Path;

use serde_json::Value;

use crate::bench::{Bench, eventually, read};
use crate::daemon::Daemon;

/// What a daemon answers at `/ready`.
fn ready(data: &Path) -> Value {
    let url = read(&data.join("endpoint.json")).unwrap()["url"].as_str().unwrap().to_owned();
    let host = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn of_two_daemons_over_one_directory_one_takes_its_files_and_the_other_when_that_one_is_gone() {
    let bench = Bench::new("");
    let mut first = bench.started();
    eventually("the first takes the files", || first.json(&["files"]));
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(bench.data().join("windlass.toml"), other.path().join("windlass.toml")).unwrap();
    let mut second = Daemon::new(other.path());
    assert!(second.start());
    let refused = eventually("the second says that it takes none", || {
        let said = String::from_utf8(second.call(&["files"]).stderr).unwrap();
        said.contains("another daemon takes the files").then_some(said)
    });
    assert!(refused.contains("hint:"), "{refused}");
    let (first_ready, second_ready) = (ready(&bench.data()), ready(other.path()));
    assert!(second_ready["status"] == "ready" && second_ready["reason"].as_str().unwrap().contains("windlass files"), "{second_ready}");
    assert!(first_ready["status"] == "ready" && first_ready["reason"].is_null(), "{first_ready}");
    for n in 0..20 {
        bench.drop_task(&format!("t-{n}"), &format!("sign:t-{n}"));
    }
    bench.emptied();
    let mut signed = bench.witnessed();
    signed.sort();
    let runs = signed.len();
    signed.dedup();
    assert_eq!((signed.len(), runs), (20, 20), "each ran once");
    assert!(second.log().contains("another daemon takes the files"));
    first.kill();
    bench.drop_task("later", "sign:later");
    assert_eq!(bench.result("later")["status"], "completed");
    assert!(second.json(&["files"]).is_some());
}
