//! Who may do what, from the command line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use serde_json::Value;

use crate::daemon::Daemon;
use crate::environment::{Answer, Home};
use crate::looks::eventually;

/// The binary, with this on its standard input.
fn run_with_input(home: &Home, args: &[&str], input: &str) -> Answer {
    let mut command = home.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
    Answer::of(child.wait_with_output().expect("its end"))
}

/// Signs a browser in with the owner's token.
fn sign_in(home: &Home, daemon: &Daemon) {
    let host = daemon.url.trim_start_matches("http://");
    let token = std::fs::read_to_string(home.data().join("token")).expect("the token");
    let body = format!(r#"{{"token":"{}"}}"#, token.trim());
    let mut stream = TcpStream::connect(host).expect("connected");
    let head = format!("POST /api/v1/session HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_token_is_made_with_a_scope_used_listed_and_revoked() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let secret = home.run(&["tokens", "create", "ci", "--scope", "read", "--days", "7"]).code(0).says("this once").out.trim().to_owned();
    assert!(secret.starts_with("wlt_"), "{secret}");
    let env = [("WINDLASS_URL", daemon.url.as_str()), ("WINDLASS_TOKEN", secret.as_str())];
    home.run_with(&["assignments"], &env).code(0);
    home.run_with(&["pause"], &env).code(2).says("needs the scope operate");
    home.run_with(&["tokens"], &env).code(2).says("needs the scope admin");
    let listed = home.run(&["tokens", "--json"]).code(0);
    assert_eq!(listed.json()["items"][0]["name"], "ci");
    assert!(!listed.out.contains(&secret));
    home.run(&["tokens", "create", "ci", "--scope", "read"]).code(2).says("already");
    home.run(&["tokens", "revoke", "ci"]).code(0);
    home.run_with(&["assignments"], &env).code(2);
    home.run(&["tokens", "revoke", "ci"]).code(2).says("no token named");
    assert!(home.run(&["tokens"]).code(0).out.contains("revoked"));
}

#[test]
fn users_are_added_changed_and_removed_and_their_passwords_stand_nowhere() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    assert!(home.run(&["users"]).code(0).err.contains("windlass open"));
    let password = "a password for omar";
    run_with_input(&home, &["users", "add", "omar", "--role", "operator", "--password-stdin"], &format!("{password}\n")).code(0);
    run_with_input(&home, &["users", "add", "vera", "--role", "viewer", "--password-stdin"], "short\n").code(2).says("10 to 200");
    home.run(&["users", "add", "vera", "--role", "viewer"]).code(2).says("--password-stdin");
    home.run(&["users", "add", "../x", "--role", "viewer", "--password-stdin"]).code(2).says("cannot be a user's name");
    home.run(&["users", "set", "omar"]).code(2);
    home.run(&["users", "set", "omar", "--role", "viewer", "--disable"]).code(0);
    let users = home.run(&["users", "--json"]).code(0).json();
    assert_eq!((&users["items"][0]["role"], &users["items"][0]["disabled"]), (&Value::from("viewer"), &Value::from(true)));
    home.run(&["users", "remove", "omar"]).code(0);
    home.run(&["users", "remove", "omar"]).code(2).says("no user");
    for file in ["windlass.db", "windlass.db-wal", "daemon.log"] {
        let bytes = std::fs::read(home.data().join(file)).or_else(|_| std::fs::read(home.path().join(file))).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(password), "{file}");
    }
}

#[test]
fn browsers_that_are_signed_in_are_listed_and_signed_out_one_by_one_or_all() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    home.run(&["sign-ins"]).code(0).says("windlass open");
    for _ in 0..3 {
        sign_in(&home, &daemon);
    }
    let listed = home.run(&["sign-ins", "--json"]).code(0).json();
    let ids: Vec<&str> = listed["items"].as_array().expect("sign-ins").iter().map(|one| one["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 3, "{listed}");
    let shown = home.run(&["sign-ins"]).code(0).out;
    assert!(shown.contains(ids[0]) && shown.contains("the owner") && shown.contains("in 13 days"), "{shown}");
    home.run(&["sign-ins", "end"]).code(2);
    home.run(&["sign-ins", "end", ids[0], "--all"]).code(2);
    home.run(&["sign-ins", "end", "../x"]).code(2).says("is no id of a sign-in");
    assert!(home.run(&["sign-ins", "end", ids[0]]).code(0).out.contains("is signed out"));
    home.run(&["sign-ins", "end", ids[0]]).code(2).says("no sign-in");
    assert_eq!(home.run(&["sign-ins", "end", ids[1], "--json"]).code(0).json()["id"], ids[1]);
    assert!(home.run(&["sign-ins", "end", "--all"]).code(0).out.contains("1 browser is signed out"));
    assert_eq!(home.run(&["sign-ins", "--json"]).code(0).json()["items"], Value::Array(Vec::new()));
}

#[test]
fn open_prints_a_link_whose_code_is_behind_the_fragment() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let link = home.run(&["open"]).code(0).says("within five minutes").out.trim().to_owned();
    assert!(link.starts_with(&format!("{}/login#wlc_", daemon.url)), "{link}");
    let json = home.run(&["open", "--scope", "read", "--json"]).code(0).json();
    assert!(json["url"].is_string() && json["expires_at"].is_string(), "{json}");
    home.run(&["open", "--scope", "everything"]).code(2);
}

#[test]
fn the_audit_log_says_who_did_what_and_what_was_refused() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    home.run(&["pause"]).code(0);
    home.run_with(&["resume"], &[("WINDLASS_URL", daemon.url.as_str()), ("WINDLASS_TOKEN", "wrong")]).code(2);
    let lines = eventually("both are written down", || {
        let log = home.run(&["audit", "--json"]).code(0).json();
        let lines = log["items"].as_array().cloned().unwrap_or_default();
        (lines.len() >= 2).then_some(lines)
    });
    let told: Vec<(&str, &str, i64)> = lines
        .iter()
        .map(|line| {
            (line["who"].as_str().expect("who"), line["action"].as_str().expect("an action"), line["status"].as_i64().expect("a status"))
        })
        .collect();
    assert_eq!(told, [("nobody", "resume", 401), ("person", "pause", 200)]);
    assert!(home.run(&["audit", "--who", "person"]).code(0).out.contains("pause"));
}
