//! What was revoked since a backup stays revoked when it is restored, and the audit log goes on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::environment::{Answer, Home};
use crate::looks::{PATIENCE, eventually};

/// What lets somebody in, or did.
struct Keys {
    backup: String,
    leaked: String,
    kept: String,
    cookie: String,
    page_key: String,
}

const PASSWORD: &str = "a password for bob";

/// Sends a request; the status, and all that was answered.
fn ask(url: &str, request: &str, headers: &str, body: &str) -> (u16, String) {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nOrigin: {url}\r\nConnection: close\r\nContent-Type: application/json\r\n");
    write!(stream, "{head}{headers}Content-Length: {}\r\n\r\n{body}", body.len()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), answer)
}

fn sign_in(url: &str) -> (u16, String) {
    ask(url, "POST /api/v1/session", "", &json!({ "name": "bob", "password": PASSWORD }).to_string())
}

/// Looks at what only an admin sees.
fn look(url: &str, headers: &str) -> u16 {
    ask(url, "GET /api/v1/assignments", headers, "").0
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

impl Keys {
    /// The headers of bob's browser: its cookie is named by the daemon's port.
    fn browser(&self, url: &str) -> String {
        let port = url.rsplit(':').next().expect("a port");
        format!("Cookie: windlass_{port}={}\r\nX-Windlass-Page-Key: {}\r\n", self.cookie, self.page_key)
    }
}

/// Has somebody let in by a token and a session, makes a backup, and takes both away.
fn revoked_after_a_backup(home: &Home, url: &str) -> Keys {
    let token = |name: &str| home.run(&["tokens", "create", name, "--scope", "admin"]).code(0).out.trim().to_owned();
    let (leaked, kept) = (token("leaked"), token("kept"));
    let mut add = home.command(&["users", "add", "bob", "--role", "admin", "--password-stdin"]);
    let mut add = add.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    add.stdin.take().expect("its input").write_all(PASSWORD.as_bytes()).expect("written");
    Answer::of(add.wait_with_output().expect("its end")).code(0);
    let (status, answer) = sign_in(url);
    assert_eq!(status, 200, "{answer}");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: windlass_")).expect("a cookie");
    let cookie = cookie.split(['=', ';']).nth(1).expect("its value").to_owned();
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let page_key = body["page_key"].as_str().expect("a key").to_owned();
    let backup = home.path().join("kept").display().to_string();
    let keys = Keys { backup, leaked, kept, cookie, page_key };
    assert_eq!((look(url, &bearer(&keys.leaked)), look(url, &keys.browser(url))), (200, 200));
    home.run(&["backup", &keys.backup]).code(0);
    home.run(&["tokens", "revoke", "leaked"]).code(0);
    home.run(&["users", "remove", "bob"]).code(0);
    eventually("it is written down", || audited(home, "remove_user").pop());
    keys
}

fn audited(home: &Home, action: &str) -> Vec<Value> {
    let log = home.run(&["audit", "--action", action, "--json"]).code(0).json();
    log["items"].as_array().expect("lines").clone()
}

/// The address of the daemon: a restore may have changed its port.
fn address(home: &Home) -> String {
    let endpoint = std::fs::read(home.data().join("endpoint.json")).expect("the endpoint");
    serde_json::from_slice::<Value>(&endpoint).expect("JSON")["url"].as_str().expect("an address").to_owned()
}

/// Nobody is let in who was not before the restore, and everything that was done is still known.
fn nothing_came_back(home: &Home, keys: &Keys) {
    let url = address(home);
    assert_eq!(look(&url, &bearer(&keys.leaked)), 401, "the token is revoked");
    assert_eq!(look(&url, &keys.browser(&url)), 401, "the session is over");
    assert_eq!(sign_in(&url).0, 401, "the user is kept out");
    assert_eq!(look(&url, &bearer(&keys.kept)), 200);
    for action in ["create_token", "revoke_token", "create_user", "remove_user"] {
        assert!(!audited(home, action).is_empty(), "{action} is still written down");
    }
    let restored = audited(home, "restore_backup").into_iter().find(|line| line["status"] == 200).expect("the restore is written down");
    assert_eq!(restored["who"], "person");
    assert!(restored["path"].as_str().expect("a path").starts_with(&keys.backup), "{restored}");
    let house = home.run(&["housekeeping", "--json"]).code(0).json();
    let access = house["restore"]["restored"]["access"].as_str().expect("what became of access");
    assert!(access.contains("everybody signs in anew") && access.contains("1 user disabled"), "{access}");
    home.run(&["users", "set", "bob", "--enable"]).code(0);
    assert_eq!(sign_in(&url).0, 200, "somebody with a right to it lets him in again");
}

#[test]
fn a_running_daemon_that_is_restored_lets_nobody_in_again() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let keys = revoked_after_a_backup(&home, &daemon.url);
    let restored = home.run(&["restore", &keys.backup, "--force"]).code(0);
    assert!(restored.out.contains("everybody signs in anew"), "{restored:?}");
    nothing_came_back(&home, &keys);
}

#[test]
fn a_restored_postgresql_lets_nobody_in_again() {
    let Some(database) = windlass_testkit::postgres::TestPostgres::database_blocking() else { return };
    let home = Home::new();
    home.configure(&format!("database_url = {:?}\n", database.url()));
    let daemon = Daemon::up(&home);
    let keys = revoked_after_a_backup(&home, &daemon.url);
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    // The server may take a moment to see that the daemon has gone.
    eventually("it is restored", || (home.run(&["restore", &keys.backup, "--force"]).code == 0).then_some(()));
    let _daemon = Daemon::up(&home);
    nothing_came_back(&home, &keys);
}

#[test]
fn a_restore_that_was_cut_off_still_knows_what_was_revoked() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let keys = revoked_after_a_backup(&home, &daemon.url);
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    let killed = home.run_with(&["restore", &keys.backup, "--force"], &[("WINDLASS_FAILPOINT", "restore.moved")]);
    assert_ne!(killed.code, 0, "{killed:?}");
    assert!(!home.data().join("windlass.db").exists(), "the old one is aside, and the new one not there");
    home.run(&["restore", &keys.backup]).code(0);
    let _daemon = Daemon::up(&home);
    nothing_came_back(&home, &keys);
}

#[test]
fn a_new_machine_has_access_as_the_backup_has_it() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let keys = revoked_after_a_backup(&home, &daemon.url);
    let elsewhere = Home::new();
    let restored = elsewhere.run(&["restore", &keys.backup]).code(0);
    assert!(restored.out.contains("users and tokens are as the backup has them"), "{restored:?}");
    let there = Daemon::up(&elsewhere);
    assert_eq!(look(&there.url, &bearer(&keys.leaked)), 200, "nobody can know there");
    assert_eq!(look(&there.url, &keys.browser(&there.url)), 401, "everybody signs in anew");
    assert_eq!(sign_in(&there.url).0, 200);
}

#[test]
fn a_database_that_has_another_name_is_not_served() {
    let home = Home::new();
    drop(Daemon::up(&home));
    let backup = home.path().join("kept").display().to_string();
    home.run(&["backup", &backup]).code(0);
    let (own, other) = (home.data().join("windlass.db"), home.path().join("other.db"));
    std::fs::hard_link(&own, &other).expect("linked");
    let up = |url: &Path| home.run(&["up", "--listen", "127.0.0.1:0", "--database-url", url.to_str().expect("UTF-8")]);
    for path in [&own, &other] {
        up(path).code(1).says("2 names (hard links)").says("remove the other names");
    }
    home.run(&["restore", &backup, "--force"]).says("2 names (hard links)");
    assert!(own.exists(), "nothing is touched");
    std::fs::remove_file(other).expect("removed");
    drop(Daemon::up(&home));
}
