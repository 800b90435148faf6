//! A daemon for a test, and how `windlass up` starts, serves and stops.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::environment::{Answer, Home};

/// A `windlass up` that serves; killed with its test.
pub(crate) struct Daemon {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Daemon {
    pub(crate) fn up(home: &Home) -> Self {
        Self::up_with(home, &["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits"])
    }

    pub(crate) fn up_with(home: &Home, args: &[&str]) -> Self {
        Self::up_by(home, home.command(args))
    }

    fn up_by(home: &Home, mut command: std::process::Command) -> Self {
        let log = std::fs::File::create(home.path().join("daemon.log")).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the daemon starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("its first line");
        let url = line.strip_prefix("windlass ready on ").map(|url| url.trim_end().to_owned());
        let Some(url) = url else {
            panic!("{line:?} is not the ready line; its log: {}", log_of(home));
        };
        Self { child, out, url }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("it can be signalled");
    }

    /// Waits for its end; gives its exit code and what else it printed.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("its output");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn log_of(home: &Home) -> String {
    std::fs::read_to_string(home.path().join("daemon.log")).unwrap_or_default()
}

#[test]
fn it_prints_one_line_once_it_serves_and_leaves_its_address_and_token() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    assert!(daemon.url.starts_with("http://127.0.0.1:"), "{}", daemon.url);
    let endpoint: Value =
        serde_json::from_str(&std::fs::read_to_string(home.data().join("endpoint.json")).expect("the file")).expect("JSON");
    let told = (endpoint["url"].as_str(), endpoint["pid"].as_u64(), endpoint["version"].as_str());
    assert_eq!(told, (Some(daemon.url.as_str()), Some(u64::from(daemon.pid())), Some(env!("CARGO_PKG_VERSION"))));
    for file in ["token", "endpoint.json", "lock"] {
        let mode = std::fs::metadata(home.data().join(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(std::fs::metadata(home.data()).expect("the folder").permissions().mode() & 0o777, 0o700);

    let status = home.run(&["status", "--json"]).code(0).json();
    assert_eq!(status["store"].as_str(), Some("sqlite"));
    assert!(home.run(&["status"]).code(0).out.contains(&daemon.url));

    daemon.signal(rustix::process::Signal::TERM);
    let (code, rest) = daemon.ended();
    assert_eq!((code, rest.as_str()), (Some(0), ""), "{}", log_of(&home));
    assert!(!home.data().join("endpoint.json").exists());
    home.run(&["status"]).code(5);
}

#[test]
fn it_stops_on_ctrl_c_too_and_starts_again_on_the_same_data() {
    let home = Home::new();
    for _ in 0..2 {
        let daemon = Daemon::up(&home);
        daemon.signal(rustix::process::Signal::INT);
        assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));
    }
}

#[test]
fn a_killed_daemon_leaves_nothing_that_stops_the_next() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    daemon.signal(rustix::process::Signal::KILL);
    daemon.ended();
    assert!(home.data().join("endpoint.json").exists());
    home.run(&["status"]).code(5);
    let daemon = Daemon::up(&home);
    home.run(&["status"]).code(0);
    drop(daemon);
}

#[test]
fn a_second_daemon_on_one_data_directory_is_refused_and_told_the_first() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    home.run(&["up", "--listen", "127.0.0.1:0"]).code(1).says(&format!("(pid {})", daemon.pid())).says("hint: ");
    home.run(&["status"]).code(0);
}

#[test]
fn a_port_that_is_taken_is_told_and_leaves_no_endpoint() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let answer = home.run(&["up", "--listen", &address]).code(1).says("is taken").says("hint: ");
    assert_eq!(answer.out, "");
    assert!(!home.data().join("endpoint.json").exists());
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_somebody_says_so() {
    let home = Home::new();
    home.run(&["up", "--listen", "0.0.0.0:0"]).code(1).says("refusing to listen on").says("hint: ");
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let home = Home::new();
    let file = home.write("file", "");
    let dir = file.join("data");
    home.run(&["up", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().expect("UTF-8")]).code(1).says("file/data").says("hint: ");
    if !rustix::process::geteuid().is_root() {
        let dir = home.path().join("locked");
        std::fs::create_dir(&dir).expect("a folder");
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o500)).expect("its mode");
        home.run(&["up", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().expect("UTF-8")]).code(1).says("cannot be written");
    }
}

#[test]
fn a_database_of_somebody_elses_or_none_at_all_is_refused() {
    let home = Home::new();
    let junk = home.write("junk.db", &"this is no database. ".repeat(500));
    home.run(&["up", "--listen", "127.0.0.1:0", "--database-url", junk.to_str().expect("UTF-8")]).code(1).says("database").says("hint: ");
    assert!(!home.data().join("endpoint.json").exists());
}

#[test]
fn a_database_of_a_later_windlass_is_refused() {
    let home = Home::new();
    drop(Daemon::up(&home));
    let database = rusqlite::Connection::open(home.data().join("windlass.db")).expect("the database");
    database.execute("UPDATE schema_meta SET version = 9999, min_binary = 9999", []).expect("a later schema");
    drop(database);
    home.run(&["up", "--listen", "127.0.0.1:0"]).code(1).says("needs schema 9999").says("hint: a later windlass has written it");
}

#[test]
fn a_second_signal_stops_it_at_once_and_the_work_is_kept() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let id = home.run(&["run", "goal", "--project", "scratch", "--program", "sleep 600", "--no-review", "--detach"]).code(0).out;
    let mut follow = home.command(&["events", "-f", "--kind", "stage.started"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(follow.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.is_ok_and(|l| l.contains("\"run\""))), "the agent runs");
    follow.kill().expect("it can be ended");
    follow.wait().expect("it ends");
    daemon.signal(rustix::process::Signal::TERM);
    // The first signal has been seen when it is logged; two that come together would count as one.
    while !log_of(&home).contains("stopping: no more work is taken") {
        std::thread::yield_now();
    }
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0));
    assert!(!home.data().join("endpoint.json").exists());
    let idle = ["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits", "--max-concurrent-tasks", "0"];
    let _daemon = Daemon::up_with(&home, &idle);
    let detail = home.run(&["assignment", id.trim(), "--json"]).code(0).json();
    assert_eq!(detail["status"].as_str(), Some("active"), "{detail:#}");
}

#[test]
fn projects_of_the_configuration_are_known() {
    let home = Home::new();
    let repo = windlass_testkit::repo::TempRepo::failing_check();
    home.configure(&format!("[project.shop]\nrepo = \"{}\"\nverify = \"./check.sh\"\n", repo.path().display()));
    let _daemon = Daemon::up(&home);
    let list = home.run(&["projects", "--json"]).code(0).json();
    let shop = list["items"].as_array().expect("items").iter().find(|p| p["name"] == "shop").expect("the project").clone();
    assert_eq!((shop["id"].as_str(), shop["settings"]["verify"].as_str()), (Some("shop"), Some("./check.sh")));
    assert_eq!(list["next_cursor"], Value::Null);
    assert!(home.run(&["projects"]).code(0).out.contains("shop\t"));
}

#[test]
fn a_wrong_token_is_refused_with_what_to_do() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let answer = home.run_with(&["status"], &[("WINDLASS_TOKEN", "not-the-token-of-this-daemon-at-all")]);
    answer.code(2).says("the token that was sent is none that this daemon knows").says("hint: ").says("WINDLASS_TOKEN");
}

#[test]
fn daemons_that_are_given_one_token_are_opened_by_it_and_keep_it_to_themselves() {
    const TOKEN: &str = "one-token-for-all-nodes-0123456789abcdef";
    let homes = [Home::new(), Home::new()];
    // The first has had a token of its own before.
    drop(Daemon::up(&homes[0]));
    for home in &homes {
        let mut command = home.command(&["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits"]);
        command.env("WINDLASS_TOKEN", TOKEN);
        let daemon = Daemon::up_by(home, command);
        let elsewhere = Home::new();
        elsewhere.run_with(&["status", "--url", &daemon.url], &[("WINDLASS_TOKEN", TOKEN)]).code(0);
        home.run(&["status"]).code(0);
        let file = home.data().join("token");
        assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
        assert!(!log_of(home).contains(TOKEN), "{}", log_of(home));
    }
    let short = homes[0].run_with(&["up", "--listen", "127.0.0.1:0"], &[("WINDLASS_TOKEN", "guess-me")]).code(2);
    let short = short.says("WINDLASS_TOKEN cannot be this daemon's token").says("32");
    assert!(!short.err.contains("guess-me"), "{short:?}");
}

#[test]
fn ids_that_name_nothing_are_refused() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    for args in [
        ["job", "job_01990000000070008000000000000000"],
        ["assignment", "asg_01990000000070008000000000000000"],
        ["assignment", "job_01990000000070008000000000000000"],
        ["job", "beef"],
        ["logs", "att_01990000000070008000000000000000"],
        ["explain", "../../etc/passwd"],
        ["cancel", "abc"],
        ["trust", "nobody"],
    ] {
        let answer = home.run(&args).code(2);
        assert!(answer.err.starts_with("error: ") && answer.out.is_empty(), "{args:?}: {answer:?}");
    }
}

#[test]
fn assignments_are_made_given_jobs_blocked_and_called_off_by_the_words_of_the_earlier_engine() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    home.run(&["pause"]).code(0);
    let id = home.run(&["create", "make it so"]).code(0).says("insert-job").out.trim().to_owned();
    assert!(id.starts_with("asg_"), "{id}");
    let job =
        home.run(&["insert-job", &id, "--type", "implement", "--harness", "simulated", "--context", "do it", "--json"]).code(0).json();
    let job_id = job["id"].as_str().expect("an id").to_owned();
    assert_eq!((job["status"].as_str(), job["spec"]["context"].as_str()), (Some("queued"), Some("do it")));
    let short = &job_id[job_id.len() - 8..];
    assert_eq!(home.run(&["job", short, "--json"]).code(0).json()["id"].as_str(), Some(job_id.as_str()));
    let queue = home.run(&["queue", "--json"]).code(0).json();
    assert_eq!((queue["items"][0]["id"].as_str(), queue["items"][0]["hold"]["kind"].as_str()), (Some(job_id.as_str()), Some("paused")));
    for list in [&["queue"][..], &["jobs"], &["job", short]] {
        assert!(home.run(list).code(0).out.contains("everything is paused"), "{list:?} tells what holds it");
    }
    assert!(home.run(&["explain", &job_id]).code(0).out.contains("paused"));
    assert_eq!(home.run(&["explain", &id, "--json"]).code(0).json()["id"].as_str(), Some(job_id.as_str()));

    let answer = home.run(&[
        "update-assignment",
        &id,
        "--status",
        "blocked",
        "--reason",
        "wait for me",
        "--owner",
        "ann",
        "--action",
        "look",
        "--json",
    ]);
    let blocked = answer.code(0).json();
    assert_eq!((blocked["status"].as_str(), blocked["block"]["owner"].as_str()), (Some("blocked"), Some("ann")));
    for list in [&["jobs"][..], &["job", short]] {
        assert!(home.run(list).code(0).out.contains("waits for ann: wait for me"), "{list:?} tells what holds it");
    }
    home.run(&["retry", &job_id])
        .code(2)
        .says(&format!("hint: it waits, as its assignment is blocked: windlass update-assignment {id} --status active"));
    let list = home.run(&["assignments", "--status", "blocked", "--json"]).code(0).json();
    assert_eq!((list["items"][0]["id"].as_str(), &list["next_cursor"]), (Some(id.as_str()), &Value::Null));
    assert!(home.run(&["assignment", &id]).code(0).out.contains("ann has to act: look"));
    home.run(&["update-assignment", &id, "--status", "active", "--budget-runs", "7"]).code(0);
    let detail = home.run(&["assignment", &id, "--json"]).code(0).json();
    assert_eq!((detail["status"].as_str(), detail["budget"]["runs"].as_u64()), (Some("active"), Some(7)));
    assert_eq!(detail["jobs"][0]["id"].as_str(), Some(job_id.as_str()));

    assert_eq!(home.run(&["cancel", &job_id, "--json"]).code(0).json()["status"].as_str(), Some("cancelled"));
    assert_eq!(home.run(&["retry", &job_id, "--context", "again", "--json"]).code(0).json()["spec"]["context"].as_str(), Some("again"));
    assert_eq!(home.run(&["cancel", &id, "--json"]).code(0).json()["status"].as_str(), Some("cancelled"));
    home.run(&["insert-job", &id, "--context", "too late"]).code(2).says("error: ");
    home.run(&["resume"]).code(0);
    let events = home.run(&["events", "--json"]).code(0).json();
    let kinds: Vec<&str> = events["items"].as_array().expect("items").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert!(kinds.contains(&"assignment.created") && kinds.contains(&"engine.resumed"), "{kinds:?}");
    assert_eq!(events["items"][0]["id"], events["items"][0]["seq"]);
}

#[test]
fn the_same_key_makes_one_assignment() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let make = || home.run(&["create", "once", "--key", "k1", "--json"]).code(0).json();
    let (first, second) = (make(), make());
    assert_eq!((first["id"].as_str(), first["created"].as_bool()), (second["id"].as_str(), Some(true)));
    assert_eq!(second["created"].as_bool(), Some(false));
}

#[test]
fn a_goal_of_one_mebibyte_is_taken() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let goal = home.write("goal.txt", &"x".repeat(1024 * 1024));
    let output = home.command(&["create", "-"]).stdin(std::fs::File::open(goal).expect("the file")).output().expect("the binary runs");
    let id = Answer::of(output).code(0).out;
    let detail = home.run(&["assignment", id.trim(), "--json"]).code(0).json();
    assert_eq!(detail["north_star"].as_str().map(str::len), Some(1024 * 1024));
}
