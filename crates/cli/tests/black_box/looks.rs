//! Waiting for what has no event of its own, and looking at the daemon from outside.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use windlass_testkit::wait::eventually_blocking;

use crate::environment::Home;

/// Longer than anything here takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again until there is something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    eventually_blocking(what, PATIENCE, look)
}

/// Asks `http://HOST:PORT/…`; status and body, or `None` where nobody listens any more.
pub(crate) fn get(home: &Home, url: &str, path: &str) -> Option<(u16, String)> {
    let host = url.trim_start_matches("http://");
    let token = std::fs::read_to_string(home.data().join("token")).unwrap_or_default();
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n", token.trim()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
