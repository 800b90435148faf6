//! Notifications: people are told what needs them, once each time that it happens, by mail, webhook and chat; on both databases.

use std::time::Duration;

use serde_json::{Value, json};
use windlass_testkit::mail::{Mail, MailServer, Tls};
use windlass_testkit::postgres::TestPostgres;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, LONG, eventually, id, said};
use crate::callbacks::{BROKEN, Hook, OK, Sent};

const SECRET: &str = "a secret of the receiver";
const PASSWORD: &str = "swordfish-of-the-mail";

/// A receiver of each kind.
struct Receivers {
    mail: MailServer,
    hook: Hook,
    chat: Hook,
}

impl Receivers {
    fn new() -> Self {
        Self { mail: MailServer::start().unwrap(), hook: Hook::new(&[OK]), chat: Hook::new(&[OK]) }
    }

    /// The configuration that names them.
    fn table(&self) -> String {
        let (mail, hook, chat) = (self.mail.port(), self.hook.port, self.chat.port);
        format!(
            "[notify]\npage_url = \"https://w.test\"\nallow = [\"127.0.0.1:{mail}\", \"127.0.0.1:{hook}\", \"127.0.0.1:{chat}\"]\n\
             [notify.mail]\nkind = \"email\"\nurl = \"smtp://ann:{PASSWORD}@127.0.0.1:{mail}\"\nfrom = \"Windlass <windlass@example.org>\"\nto = [\"ann@example.org\", \"bob@example.org\"]\n\
             [notify.hook]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{hook}/?key=swordfish-of-the-hook\"\nsecret = \"{SECRET}\"\nkinds = [\"dead\"]\n\
             [notify.chat]\nkind = \"slack\"\nurl = \"http://127.0.0.1:{chat}/services/swordfish-of-the-chat\"\nkinds = [\"dead\", \"breaker\"]\n"
        )
    }

    fn mail(&self) -> Mail {
        self.mail.next(LONG).expect("a mail")
    }
}

/// A daemon that tells them. Failing often is what these tests are about: no breaker opens.
fn bench(receivers: &Receivers, database: &str, env: &[(&str, &str)]) -> Bench {
    Bench::with_env(TempRepo::failing_check(), &format!("circuit_breaker_threshold = 1000\n{database}"), &receivers.table(), env)
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($(fn $name:ident($database:ident: &str) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn check($database: &str) $body

            #[test]
            fn sqlite() {
                check("");
            }

            #[test]
            fn postgres() {
                if let Some(database) = TestPostgres::database_blocking() {
                    check(&format!("database_url = {:?}\n", database.url()));
                }
            }
        }
    )*};
}

/// A dead assignment and its dead job.
fn dead(bench: &Bench) -> (String, String) {
    let a = bench.command("echo the gate is shut >&2; exit 75", &["--verify", "./check.sh", "--max-retries", "0"]);
    let ended = bench.ended(&a);
    assert_eq!(ended["jobs"][0]["status"], "dead", "{ended:#}");
    (a, id(&ended["jobs"][0]))
}

/// Work with this goal that a person blocks.
fn blocked(bench: &Bench, goal: &str) -> String {
    let (status, made) = bench.http("POST", "/api/v1/assignments", &json!({ "project": "scratch", "north_star": goal }).to_string());
    assert_eq!(status, 201, "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    let a = made["id"].as_str().or(made["assignment"]["id"].as_str()).unwrap().to_owned();
    bench.ok(&["update-assignment", &a, "--status", "blocked", "--reason", "somebody has to decide", "--action", "decide"]);
    a
}

/// The jobs that a message of the webhook tells of.
fn jobs_of(sent: &Sent) -> Vec<String> {
    let body = sent.json();
    body["notifications"].as_array().unwrap().iter().map(|one| one["jobId"].as_str().unwrap().to_owned()).collect()
}

fn recent(bench: &Bench) -> Vec<Value> {
    bench.ok(&["notifications"])["recent"].as_array().unwrap().clone()
}

/// What was told, once there is so much and all of it was taken.
fn told_all(bench: &Bench, count: usize) -> Vec<Value> {
    let taken = |all: &Vec<Value>| all.len() == count && all.iter().all(|one| one["state"] == "sent");
    eventually("all is told", || Some(recent(bench)).filter(taken))
}

on_both! {
    fn a_dead_letter_is_told_once_by_every_channel_that_wants_it_and_again_when_it_dies_again(database: &str) {
        let receivers = Receivers::new();
        let mut bench = bench(&receivers, database, &[]);
        let (a, job) = dead(&bench);

        let sent = receivers.hook.next();
        assert!(sent.is_signed_with(SECRET), "{}", sent.head);
        assert_eq!(sent.header("x-windlass-event"), "notification");
        let body = sent.json();
        assert_eq!((&body["deliveryId"], &body["timestamp"]), (&sent.header("x-windlass-delivery").into(), &sent.header("x-windlass-timestamp").into()));
        let told = &body["notifications"][0];
        assert_eq!((&told["kind"], &told["title"], &told["assignmentId"]), (&"dead".into(), &"make the check pass".into(), &a.as_str().into()), "{body:#}");
        assert!(told["why"].as_str().unwrap().contains("the gate is shut") && told["action"].is_string(), "{body:#}");
        assert_eq!(jobs_of(&sent), [job.as_str()]);
        let link = format!("https://w.test/assignments/{a}");
        assert_eq!(told["url"], link.as_str());
        let mail = receivers.mail();
        assert_eq!((mail.from.as_str(), mail.to.len()), ("windlass@example.org", 2));
        assert_eq!(mail.header("subject"), Some("[windlass] out of retries: make the check pass"), "{mail:?}");
        assert!(mail.text().contains(&format!("windlass explain {job}")) && mail.text().contains(&link), "{mail:?}");
        let chat = receivers.chat.next().json();
        assert!(chat["text"].as_str().unwrap().contains(&link) && chat.as_object().unwrap().len() == 1, "{chat}");

        told_all(&bench, 3);
        // Neither a life of the daemon nor another change of it is news.
        bench.daemon.kill();
        assert!(bench.daemon.start(), "{}", bench.daemon.log());
        bench.ok(&["update-assignment", &a, "--budget-runs", "99"]);
        let (_, other) = dead(&bench);
        assert_eq!(jobs_of(&receivers.hook.next()), [other.as_str()]);
        let mail = receivers.mail();
        assert!(mail.text().contains(&other) && !mail.text().contains(&job), "{mail:?}");

        // That it dies again is.
        bench.ok(&["dead-letters", "replay", &job]);
        let again = receivers.hook.next();
        assert_eq!(jobs_of(&again).len(), 1);
        assert_eq!(again.json()["notifications"][0]["assignmentId"], a.as_str());
        assert_ne!(again.json()["notifications"][0]["key"], told["key"], "something new");
        assert!(receivers.mail().text().contains(&jobs_of(&again)[0]));
        let all = told_all(&bench, 9);
        assert!(all.iter().all(|one| one["kind"] == "dead" && one["tries"] == 1 && one["error"].is_null()), "{all:#?}");
        assert!(receivers.mail.next(Duration::ZERO).is_none() && receivers.hook.sent.try_recv().is_err(), "once is enough");
    }

    fn what_a_receiver_missed_while_it_was_away_is_told_in_one_message_without_what_is_over(database: &str) {
        let receivers = Receivers::new();
        receivers.mail.refuse("MAIL", "451 4.3.2 come back later");
        let bench = bench(&receivers, database, &[]);
        let all: Vec<String> = (0..13).map(|n| blocked(&bench, &format!("goal {n}."))).collect();
        let due = |bench: &Bench| recent(bench).into_iter().filter(|one| one["state"] == "due" && one["channel"] == "mail").collect::<Vec<_>>();
        let waiting = eventually("all are known", || Some(due(&bench)).filter(|due| due.len() == all.len() && due.iter().any(|one| one["tries"].as_u64() > Some(0))));
        assert!(waiting.iter().any(|one| one["error"].as_str().is_some_and(|why| why.contains("come back later"))), "{waiting:#?}");
        assert!(bench.ok(&["notifications"])["channels"].as_array().unwrap().iter().any(|c| c["last_error"].is_string()));
        bench.ok(&["cancel", &all[0]]);
        eventually("what is over is forgotten", || (due(&bench).len() == all.len() - 1).then_some(()));
        receivers.mail.take_all();
        let mail = receivers.mail();
        assert_eq!(mail.header("subject"), Some("[windlass] 12 things need you"), "{mail:?}");
        assert!(mail.text().contains("and 2 more\r\n  https://w.test/inbox"), "{mail:?}");
        assert!(!mail.text().contains("goal 0."), "{mail:?}");
        eventually("all is told", || due(&bench).is_empty().then_some(()));
        assert!(receivers.mail.next(Duration::ZERO).is_none(), "one message for all");
        assert!(receivers.hook.sent.try_recv().is_err() && receivers.chat.sent.try_recv().is_err(), "others want to know other things");
    }
}

#[test]
fn an_open_breaker_is_told_once_each_time_that_it_opens() {
    let receivers = Receivers::new();
    let top = "circuit_breaker_threshold = 2\ncircuit_breaker_timeout = 3600\n";
    let bench = Bench::with_env(TempRepo::failing_check(), top, &receivers.table(), &[]);
    let script =
        "[[turn]]\nsteps = [{ api_error = \"503 upstream is away\" }, { api_error = \"503 upstream is away\" }, { say = \"Done.\" }]";
    for _ in 0..2 {
        let a = bench.simulated(script, &["--project", "scratch", "--no-review", "--max-retries", "9"]);
        let chat = receivers.chat.next().json();
        let text = chat["text"].as_str().unwrap();
        assert!(text.contains("circuit breaker open") && text.contains("503 upstream is away"), "{text}");
        // Else it would work between the faults of the next one.
        bench.ok(&["cancel", &a]);
        bench.ok(&["breakers", "close", "simulated"]);
    }
    assert!(receivers.hook.sent.try_recv().is_err(), "who wants dead letters only is not told");
}

#[test]
fn killed_about_the_sending_the_daemon_tells_it_after_its_next_start_under_the_same_name() {
    for (failpoint, before) in [("notification.due", 0), ("notification.sent", 1)] {
        let hook = Hook::new(&[OK]);
        let table = format!(
            "[notify]\nallow = [\"127.0.0.1:{}\"]\n[notify.hook]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n",
            hook.port,
            hook.url()
        );
        let mut bench = Bench::with_env(TempRepo::failing_check(), "", &table, &[("WINDLASS_FAILPOINT", failpoint)]);
        bench.command("exit 75", &["--verify", "./check.sh", "--max-retries", "0"]);
        bench.daemon.wait_dead();
        let sent: Vec<Sent> = (0..before).map(|_| hook.next()).collect();
        assert!(hook.sent.recv_timeout(Duration::ZERO).is_err(), "{failpoint}");
        bench.daemon.set_env("WINDLASS_FAILPOINT", None);
        assert!(bench.daemon.start(), "{}", bench.daemon.log());
        let again = hook.next();
        let name = |sent: &Sent| sent.header("x-windlass-delivery").to_owned();
        assert!(sent.iter().all(|first| name(first) == name(&again)), "the same message: {failpoint}");
        eventually("it is told", || recent(&bench).iter().all(|one| one["state"] == "sent").then_some(()));
    }
}

#[test]
fn mail_goes_over_tls_with_the_login_and_to_nobody_that_no_authority_vouches_for() {
    for (scheme, tls) in [("smtps", Tls::AtOnce), ("smtp", Tls::StartTls)] {
        let keys = tempfile::tempdir().unwrap();
        let (trusted, other) = (keys.path().join("trusted.pem"), keys.path().join("other.pem"));
        let (server, stranger) = (MailServer::with_tls(tls, &trusted).unwrap(), MailServer::with_tls(tls, &other).unwrap());
        let table = |name: &str, port: u16| {
            format!(
                "[notify.{name}]\nkind = \"email\"\nurl = \"{scheme}://ann:{PASSWORD}@127.0.0.1:{port}\"\nfrom = \"w@example.org\"\nto = [\"ann@example.org\"]\n"
            )
        };
        let (ours, theirs) = (server.port(), stranger.port());
        let tables =
            format!("[notify]\nallow = [\"127.0.0.1:{ours}\", \"127.0.0.1:{theirs}\"]\n{}{}", table("ours", ours), table("theirs", theirs));
        let bench = Bench::with_env(TempRepo::failing_check(), "", &tables, &[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
        let sent = bench.daemon.call(&["notifications", "test", "ours"]);
        assert!(sent.status.success(), "{scheme}: {}", said(&sent));
        let mail = server.next(LONG).expect("a mail");
        assert!(mail.encrypted && mail.login.is_some(), "{scheme}: {mail:?}");
        let (_, refused) = bench.refused(&["notifications", "test", "theirs"]);
        assert!(refused.contains("certificate"), "{scheme}: {refused}");
        assert!(stranger.next(Duration::ZERO).is_none());
    }
}

#[test]
fn attack_47_a_receiver_inside_the_network_is_refused_however_it_is_written() {
    let (mail, hook) = (MailServer::start().unwrap(), Hook::new(&[OK]));
    let hosts = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0", "2130706433", "0x7f000001", "169.254.169.254"];
    let (mut tables, mut names) = (Vec::new(), Vec::new());
    for (n, host) in hosts.iter().enumerate() {
        let (web, mail) = (format!("url = \"http://{host}:{}/\"", hook.port), format!("url = \"smtp://{host}:{}\"", mail.port()));
        tables.push(format!("[notify.chat-{n}]\nkind = \"slack\"\n{web}\n"));
        tables.push(format!("[notify.hook-{n}]\nkind = \"webhook\"\n{web}\nsecret = \"{SECRET}\"\n"));
        tables.push(format!("[notify.mail-{n}]\nkind = \"email\"\n{mail}\nfrom = \"w@x.test\"\nto = [\"a@x.test\"]\n"));
        names.extend(["chat", "hook", "mail"].map(|kind| format!("{kind}-{n}")));
    }
    let table = tables.concat();
    let bench = Bench::with(TempRepo::failing_check(), "", &table);
    for name in &names {
        let (_, told) = bench.refused(&["notifications", "test", name]);
        assert!(told.contains("not on the public internet") && told.contains("[notify] allow"), "{name}: {told}");
    }
    blocked(&bench, "a goal");
    let all = eventually("all is tried", || {
        Some(recent(&bench)).filter(|all| all.len() == names.len() && all.iter().all(|one| one["state"] == "failed"))
    });
    assert!(all.iter().all(|one| one["tries"] == 1), "it is not tried again: {all:#?}");
    assert!(hook.sent.try_recv().is_err() && mail.next(Duration::ZERO).is_none(), "nobody was called");
}

#[test]
fn attack_47_a_redirect_is_not_followed() {
    let elsewhere = Hook::new(&[OK]);
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", elsewhere.url());
    let hook = Hook::new(&[&redirect]);
    let both = format!("allow = [\"127.0.0.1:{}\", \"127.0.0.1:{}\"]", hook.port, elsewhere.port);
    let table = format!("[notify]\n{both}\n[notify.hook]\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n", hook.url());
    let bench = Bench::with(TempRepo::failing_check(), "", &table);
    let (_, told) = bench.refused(&["notifications", "test", "hook"]);
    assert!(told.contains("no redirect is followed"), "{told}");
    assert!(elsewhere.sent.try_recv().is_err());
}

#[test]
fn a_hostile_title_adds_no_header_and_calls_nobody() {
    let receivers = Receivers::new();
    let table = receivers.table().replace("kinds = [\"dead\", \"breaker\"]\n", "");
    let bench = Bench::with(TempRepo::failing_check(), "", &table);
    blocked(&bench, "fix it\rBcc: eve@example.org\r.\r\u{202e}txt.exe <!channel> @here \u{1b}[31m");
    let mail = receivers.mail();
    assert_eq!(mail.to, ["ann@example.org", "bob@example.org"]);
    assert_eq!(mail.header("bcc"), None, "{mail:?}");
    assert!(mail.data.is_ascii() && !mail.data.contains('\u{1b}'), "{mail:?}");
    let chat = receivers.chat.next().json();
    let text = chat["text"].as_str().unwrap();
    assert!(text.contains("fix it Bcc: eve") && text.contains("&lt;!channel&gt;"), "{text}");
    assert!(!text.contains(['<', '>', '\r', '\u{202e}', '\u{1b}']) && !text.contains("@here"), "{text}");
}

#[test]
fn a_channel_is_tried_by_a_message_that_says_so_and_its_failure_is_the_answer() {
    let receivers = Receivers::new();
    let bench = bench(&receivers, "", &[]);
    for name in ["mail", "hook", "chat"] {
        let out = bench.daemon.call(&["notifications", "test", name]);
        assert!(out.status.success(), "{}", said(&out));
    }
    assert_eq!(receivers.mail().header("subject"), Some("[windlass] needs you: this is a test"));
    let sent = receivers.hook.next();
    assert!(sent.is_signed_with(SECRET) && sent.header("x-windlass-event") == "test", "{}", sent.head);
    assert!(receivers.chat.next().json()["text"].as_str().unwrap().contains("this is a test"));
    assert!(recent(&bench).is_empty(), "it is no news");
    let (code, told) = bench.refused(&["notifications", "test", "pigeon"]);
    assert!(code == 2 && told.contains("there is no such channel"), "{told}");
    receivers.mail.refuse("RCPT", "550 5.1.1 nobody here");
    let (code, told) = bench.refused(&["notifications", "test", "mail"]);
    assert!(code == 2 && told.contains("550") && told.contains("nobody here"), "{told}");
}

#[test]
fn the_secrets_of_channels_are_shown_nowhere_and_are_no_agents_to_print() {
    let receivers = Receivers::new();
    receivers.mail.refuse("AUTH", &format!("535 5.7.8 the password {PASSWORD} is wrong"));
    let broken = Hook::new(&[BROKEN]);
    let table = receivers.table().replace(&receivers.hook.port.to_string(), &broken.port.to_string());
    let bench = Bench::with(TempRepo::failing_check(), "", &table);
    let a = bench.command(&format!("echo my {PASSWORD}; echo and {SECRET}; exit 75"), &["--verify", "./check.sh", "--max-retries", "0"]);
    let ended = bench.ended(&a);
    broken.next();
    let failed = eventually("it was tried", || {
        let channels = bench.ok(&["notifications"])["channels"].as_array().unwrap().clone();
        Some(channels).filter(|all| all.iter().filter(|c| c["last_error"].is_string()).count() == 2)
    });
    let shown = format!(
        "{failed:?}{}{}{}{}{}",
        said(&bench.daemon.call(&["notifications"])),
        said(&bench.daemon.call(&["config"])),
        bench.get("/api/v1/settings"),
        bench.said(&id(&ended["jobs"][0])),
        bench.daemon.log(),
    );
    assert!(shown.contains("5.7.8 the password"), "{failed:#?}");
    assert!(!shown.contains("swordfish") && !shown.contains(SECRET), "{shown}");
}
