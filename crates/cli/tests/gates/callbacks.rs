//! Callbacks: the end of an operation is told to whoever asked, signed, at least once, and to nobody else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, LONG, eventually};
use crate::operations::{made, request};

const SECRET: &str = "a secret of the service";

/// What a receiver was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&self.body);
        let hex = mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        self.header("X-Windlass-Signature-256") == format!("sha256={hex}")
    }
}

/// A receiver that gives these answers in turn, the last one for ever.
pub(crate) struct Hook {
    pub(crate) port: u16,
    pub(crate) sent: Receiver<Sent>,
}

impl Hook {
    pub(crate) fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, sent) = channel();
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let answer = answers.get(n).or(answers.last()).cloned().unwrap_or_default();
                receive(stream, &answer, &to);
            }
        });
        Self { port, sent }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?a=b", self.port)
    }

    pub(crate) fn next(&self) -> Sent {
        self.sent.recv_timeout(LONG).expect("a message")
    }
}

fn receive(mut stream: TcpStream, answer: &str, to: &Sender<Sent>) {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    let (head, length) = loop {
        let Ok(count @ 1..) = stream.read(&mut piece) else { return };
        all.extend_from_slice(&piece[..count]);
        if let Some(end) = all.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(all[..end].to_vec()).unwrap();
            let length: usize = head.to_ascii_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok()).unwrap();
            break (head, (end + 4, length));
        }
    };
    while all.len() < length.0 + length.1 {
        let Ok(count @ 1..) = stream.read(&mut piece) else { return };
        all.extend_from_slice(&piece[..count]);
    }
    let _ = stream.write_all(answer.as_bytes());
    let _ = to.send(Sent { head, body: all[length.0..].to_vec() });
    if answer.contains("for ever") {
        // A body without an end: until the other side has had enough.
        while stream.write_all(&[b'x'; 8_192]).is_ok() {}
    }
}

pub(crate) const OK: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
pub(crate) const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A daemon that may tell this receiver.
fn bench(hook: &Hook, env: &[(&str, &str)]) -> Bench {
    let table = format!("[callbacks]\nallow = [\"127.0.0.1:{}\"]\n", hook.port);
    Bench::with_env(TempRepo::failing_check(), "", &table, env)
}

fn with_callback(bench: &Bench, url: &str, more: &Value) -> String {
    let mut body = request(bench, &json!({"callback": {"url": url, "secret": SECRET}}));
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    made(bench, &body)
}

/// The event that says how telling of it ended.
fn told(bench: &Bench, id: &str) -> Value {
    eventually("telling of it has ended", || bench.events(id, "operation.callback").pop().filter(|data| data["status"] != "due"))
}

#[test]
fn the_result_is_posted_once_signed_over_its_raw_bytes() {
    let hook = Hook::new(&[OK]);
    let bench = bench(&hook, &[]);
    let id = with_callback(&bench, &hook.url(), &json!({}));
    let sent = hook.next();
    assert!(sent.head.starts_with("POST /hook?a=b HTTP/1.1"), "{}", sent.head);
    assert!(sent.is_signed_with(SECRET) && !sent.is_signed_with("another secret of it"), "{}", sent.head);
    assert_eq!(sent.header("X-Windlass-Event"), "operation.succeeded");
    let body = sent.json();
    assert_eq!(
        (&body["operationId"], &body["success"], &body["event"]),
        (&id.as_str().into(), &true.into(), &"operation.succeeded".into())
    );
    assert_eq!(
        (&body["deliveryId"], &body["timestamp"]),
        (&sent.header("X-Windlass-Delivery").into(), &sent.header("X-Windlass-Timestamp").into())
    );
    assert_eq!(body["filesModified"], json!(["answer.txt"]));
    assert_eq!((&told(&bench, &id)["status"], &told(&bench, &id)["tries"]), (&"delivered".into(), &1.into()));
    let out = bench.daemon.log() + &bench.get(&format!("/api/v1/code-operations/{id}")).to_string();
    assert!(!out.contains(SECRET), "the secret is shown nowhere");
    assert!(hook.sent.try_recv().is_err(), "once is enough");
}

#[test]
fn a_receiver_that_fails_or_points_elsewhere_is_told_again_the_same_and_nobody_else_is() {
    let elsewhere = Hook::new(&[OK]);
    let redirect =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", elsewhere.url());
    let hook = Hook::new(&[BROKEN, &redirect, OK]);
    let bench = bench(&hook, &[]);
    let id = with_callback(&bench, &hook.url(), &json!({}));
    let all = [hook.next(), hook.next(), hook.next()];
    assert!(all.iter().all(|sent| sent.body == all[0].body && sent.is_signed_with(SECRET)), "the same bytes each time");
    assert!(all.iter().all(|sent| sent.header("X-Windlass-Delivery") == all[0].header("X-Windlass-Delivery")));
    assert_eq!((&told(&bench, &id)["status"], &told(&bench, &id)["tries"]), (&"delivered".into(), &3.into()));
    assert!(elsewhere.sent.try_recv().is_err(), "no redirect is followed");
}

#[test]
fn an_answer_without_an_end_is_cut_off_and_counts_by_its_first_line() {
    let hook = Hook::new(&["HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nX: for ever\r\n\r\n"]);
    let bench = bench(&hook, &[]);
    let id = with_callback(&bench, &hook.url(), &json!({}));
    hook.next();
    assert_eq!(told(&bench, &id)["status"], "delivered");
}

#[test]
fn a_receiver_inside_the_network_is_refused_unless_it_is_named() {
    let hook = Hook::new(&[OK]);
    let bench = Bench::new();
    let id = with_callback(&bench, &hook.url(), &json!({}));
    let told = told(&bench, &id);
    assert_eq!(told["status"], "dead", "{told:#}");
    assert!(told["problem"].as_str().unwrap().contains("not on the public internet"), "{told:#}");
    assert!(hook.sent.try_recv().is_err(), "nothing was sent");
    assert_eq!(bench.get(&format!("/api/v1/code-operations/{id}"))["status"], "succeeded", "the work is not touched by it");
}

#[test]
fn failed_and_cancelled_operations_are_told_too_with_the_daemons_own_secret_where_none_was_sent() {
    let hook = Hook::new(&[OK]);
    let bench = bench(&hook, &[("WINDLASS_CALLBACK_SECRET", "the daemon's own secret")]);
    let wrong = "[[turn]]\nsteps = [{ write = { path = \"answer.txt\", content = \"1\\n\" } }]";
    let callback = json!({"url": hook.url()});
    let id = with_callback(&bench, "", &json!({"callback": callback, "script": wrong, "maxIterations": 1}));
    let failed = hook.next();
    assert!(failed.is_signed_with("the daemon's own secret"));
    assert_eq!((failed.header("X-Windlass-Event"), &failed.json()["success"]), ("operation.failed", &false.into()));
    assert!(failed.json()["error"].as_str().unwrap().contains("check.sh"), "{}", failed.json());
    told(&bench, &id);
    // Another end, another message.
    bench.ok(&["op", "cancel", &id]);
    let cancelled = hook.next();
    assert_eq!(cancelled.header("X-Windlass-Event"), "operation.cancelled");
    assert_ne!(cancelled.header("X-Windlass-Delivery"), failed.header("X-Windlass-Delivery"));
}

#[test]
fn killed_between_the_end_and_its_telling_the_daemon_tells_it_after_its_next_start() {
    for (failpoint, before) in [("callback.due", 0), ("callback.sent", 1)] {
        let hook = Hook::new(&[OK]);
        let mut bench = bench(&hook, &[("WINDLASS_FAILPOINT", failpoint)]);
        let id = with_callback(&bench, &hook.url(), &json!({}));
        bench.daemon.wait_dead();
        let sent: Vec<Sent> = (0..before).map(|_| hook.next()).collect();
        assert!(hook.sent.recv_timeout(Duration::ZERO).is_err(), "{failpoint}");
        bench.daemon.set_env("WINDLASS_FAILPOINT", None);
        assert!(bench.daemon.start(), "{}", bench.daemon.log());
        let again = hook.next();
        assert!(again.is_signed_with(SECRET), "{failpoint}");
        assert!(sent.iter().all(|first| first.body == again.body), "the same message: {failpoint}");
        assert_eq!(again.json()["operationId"], id.as_str());
        assert_eq!(told(&bench, &id)["status"], "delivered", "{failpoint}");
    }
}
