//! The sandbox of an attempt, seen from outside: what its agent and its check reach, and what runs where there is none.

use std::io::{Read as _, Write as _};
use std::path::Path;

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, assert_nothing_left_running, id};

const LEVELS: [&str; 2] = ["bubblewrap", "landlock"];

/// A bench at that level, in whose user's home lies a key; none, loudly, where the level does not work.
fn at(level: &str, home: &Path) -> Option<Bench> {
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::write(home.join(".ssh/id_rsa"), "the private key").unwrap();
    std::fs::write(home.join(".gitconfig"), "[user]\nname = the real user\n").unwrap();
    let bench = Bench::with_env(TempRepo::failing_check(), "", "", &[("HOME", home.to_str().unwrap())]);
    let reached = bench.get("/api/v1/status")["isolation"].as_str().unwrap().to_owned();
    if reached == level {
        return Some(bench);
    }
    drop(bench);
    if !LEVELS.contains(&reached.as_str()) || windlass_workspace::launch::landlock_gaps().is_none() {
        windlass_testkit::skip::skipped(&format!("the sandbox level {level}"), "install bubblewrap, or run a kernel with Landlock");
        return None;
    }
    let engine = format!("isolation = \"{level}\"\n");
    Some(Bench::with_env(TempRepo::failing_check(), "", &engine, &[("HOME", home.to_str().unwrap())]))
}

fn level_of(bench: &Bench, assignment: &Value) -> String {
    bench.job(&id(&assignment["jobs"][0]))["attempts_list"][0]["isolation"].as_str().unwrap().to_owned()
}

#[test]
fn attack_56_neither_agent_nor_check_sees_the_users_home_the_token_or_another_assignment() {
    for level in LEVELS {
        let home = tempfile::tempdir().unwrap();
        let Some(bench) = at(level, home.path()) else { continue };
        let first = bench.ended(&bench.command("echo of-the-first > answer.txt", &["--no-review"]));
        let look = format!(
            "cat {home}/.ssh/id_rsa {home}/.gitconfig {data}/token {data}/windlass.db; grep -rl of-the-first {data}/workspaces; \
             git config user.name; echo planted > {home}/.ssh/planted; echo planted > /etc/planted; true",
            home = home.path().display(),
            data = bench.data().display()
        );
        let (seen, checked) = (bench.outside("seen"), bench.outside("checked"));
        // Landlock lets nothing new be made in a folder in which something is hidden.
        for file in [&seen, &checked] {
            std::fs::write(file, "").unwrap();
        }
        let script = format!("{{ {look}; }} > {} 2>&1\nwindlass --version >> {0}\necho 42 > answer.txt\n", seen.display());
        let check = format!("{{ {look}; }} > {} 2>&1; ./check.sh", checked.display());
        let done = bench.ended(&bench.command(&script, &["--verify", &check, "--no-review"]));
        assert_eq!(done["status"], "complete", "{level}: {done:#}");
        assert_eq!(level_of(&bench, &done), level);
        let token = std::fs::read_to_string(bench.data().join("token")).unwrap();
        for file in [seen, checked] {
            let seen = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
            for secret in ["the private key", "the real user", token.trim(), "SQLite format", &id(&first)] {
                assert!(!seen.contains(secret), "{level}: {secret}: {seen}");
            }
        }
        assert!(String::from_utf8_lossy(&std::fs::read(bench.outside("seen")).unwrap()).contains("windlass "), "it can call windlass");
        assert!(!home.path().join(".ssh/planted").exists() && !Path::new("/etc/planted").exists());
    }
}

#[test]
fn attack_57_require_runs_nothing_where_the_sandbox_does_not_hold() {
    let bench = Bench::with(TempRepo::failing_check(), "", "isolation = \"rlimits\"\n[sandbox]\nmode = \"require\"\n");
    let ran = bench.outside("ran");
    let a = bench.command(&format!("touch {}", ran.display()), &[]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "sandbox_missing");
    let told = blocked["block"].to_string();
    assert!(told.contains("bubblewrap") && told.contains("rlimits"), "{told}");
    assert_eq!(blocked["jobs"][0]["status"], "queued", "the job waits unharmed");
    assert!(!ran.exists() && bench.stages(&id(&blocked["jobs"][0])).is_empty(), "nothing was begun");
    assert_eq!(bench.get("/api/v1/status")["isolation"], "rlimits");
}

#[test]
fn attack_56_57_without_a_sandbox_only_work_of_trusted_sources_runs_and_it_is_said() {
    let bench = Bench::with(TempRepo::failing_check(), "", "isolation = \"rlimits\"\n[sandbox]\nmode = \"auto\"\n");
    let done = bench.ended(&bench.command("echo 42 > answer.txt", &["--no-review"]));
    assert_eq!((&done["status"], level_of(&bench, &done).as_str()), (&"complete".into(), "rlimits"), "{done:#}");
    let goal = serde_json::json!({"goal": "make the check pass", "repo": bench.repo_path(), "harness": "command", "program": "/bin/true"});
    let (status, answer) = bench.http("POST", "/api/v1/assignments/run", &goal.to_string());
    assert_eq!(status, 201, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let blocked = bench.ended(&id(&answer["assignment"]));
    assert_blocked(&blocked, "sandbox_missing");
    assert!(blocked["block"].to_string().contains("not trusted"), "{blocked:#}");
    assert!(bench.daemon.log().contains("tokens are no boundary"), "{}", bench.daemon.log());
}

#[test]
fn a_file_of_the_repository_has_no_say_in_its_own_sandbox() {
    let home = tempfile::tempdir().unwrap();
    let Some(bench) = at("bubblewrap", home.path()) else { return };
    bench.repo.write(".windlass/project.toml", "sandbox = \"off\"\nlimits = { max_memory = 1 }\n");
    bench.repo.commit_all("a file that would switch its sandbox off");
    let done = bench.ended(&bench.command("echo 42 > answer.txt", &["--no-review"]));
    assert_eq!((&done["status"], level_of(&bench, &done).as_str()), (&"complete".into(), "bubblewrap"), "{done:#}");
}

#[test]
fn a_project_without_a_sandbox_sees_the_users_files_but_not_windlasss_own() {
    let home = tempfile::tempdir().unwrap();
    let Some(bench) = at("bubblewrap", home.path()) else { return };
    bench.ok(&["init", "--repo", &bench.repo_path(), "--name", "open", "--sandbox", "off"]);
    assert!(
        !bench.repo.path().join(".windlass/project.toml").exists() || {
            !std::fs::read_to_string(bench.repo.path().join(".windlass/project.toml")).unwrap().contains("sandbox")
        }
    );
    let seen = bench.outside("seen");
    let script = format!(
        "cat {}/.ssh/id_rsa {}/token > {} 2>&1; echo 42 > answer.txt",
        home.path().display(),
        bench.data().display(),
        seen.display()
    );
    let done = bench.ended(&bench.command(&script, &["--project", "open", "--no-review"]));
    assert_eq!((&done["status"], level_of(&bench, &done).as_str()), (&"complete".into(), "off"), "{done:#}");
    let seen = std::fs::read_to_string(seen).unwrap();
    let token = std::fs::read_to_string(bench.data().join("token")).unwrap();
    assert!(seen.contains("the private key") && !seen.contains(token.trim()), "{seen}");
}

/// Asks the proxy for an address, in words that need no program but a shell.
fn ask(port: u16) -> String {
    let request = format!("GET http://127.0.0.1:{port}/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
    format!("bash -c \"exec 3<>/dev/tcp/127.0.0.1/3128; printf '{request}' >&3; head -n 1 <&3\"")
}

#[test]
fn attack_58_with_an_allow_list_agent_and_check_reach_what_is_named_and_nothing_else() {
    let (named, other) = (Server::start(), Server::start());
    let settings = format!("[sandbox]\nnetwork = \"allow-list\"\nnetwork_allow = [\"127.0.0.1:{}\"]\n", named.port);
    let bench = Bench::with(TempRepo::failing_check(), "", &settings);
    if bench.get("/api/v1/status")["isolation"] != "bubblewrap" {
        windlass_testkit::skip::skipped("a network of a program's own", "install bubblewrap");
        return;
    }
    let asks = format!("{}; {}; (exec 3<>/dev/tcp/127.0.0.1/{}) && echo reached", ask(named.port), ask(other.port), other.port);
    let script = format!("{asks}\necho 42 > answer.txt\n");
    let check = format!("out=$({}); test \"${{out#*200}}\" != \"$out\" && ./check.sh", ask(named.port));
    let a = bench.command(&script, &["--verify", &check, "--no-review"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let said = bench.said(&id(&done["jobs"][0]));
    assert!(said.contains("HTTP/1.1 200") && said.contains("HTTP/1.1 403") && !said.contains("reached"), "{said}");
    let refused = bench.notices(&a, "network_refused");
    assert_eq!(refused[0]["hosts"], serde_json::json!([format!("127.0.0.1:{}", other.port)]), "{refused:#?}");
}

#[test]
fn a_network_that_cannot_be_kept_is_said_to_be_open() {
    let settings = "isolation = \"rlimits\"\n[sandbox]\nmode = \"auto\"\nnetwork = \"none\"\n";
    let bench = Bench::with(TempRepo::failing_check(), "", settings);
    let a = bench.command("echo 42 > answer.txt", &["--no-review"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
    assert!(bench.notices(&a, "network_open")[0]["text"].as_str().unwrap().contains("not enforced"));
}

/// A web server that says yes to everybody, until the test ends.
struct Server {
    port: u16,
}

impl Server {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let _ = client.read(&mut [0; 1024]);
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        });
        Self { port }
    }
}

#[test]
fn attack_52_an_agent_that_takes_too_much_memory_or_disk_is_ended_and_the_node_goes_on() {
    let limits = "[sandbox]\nmax_memory = 67108864\nmax_disk = 33554432\n";
    let bench = Bench::with(TempRepo::failing_check(), "", limits);
    for (script, named) in [
        ("head -c 300000000 /dev/zero | tail -n 1 > /dev/null; sleep 600", "max_memory"),
        ("head -c 60000000 /dev/urandom > big; sleep 600", "max_disk"),
        ("head -c 60000000 /dev/urandom > big", "max_disk"),
    ] {
        let a = bench.command(script, &[]);
        let blocked = bench.ended(&a);
        assert_blocked(&blocked, "sandbox_limit");
        assert!(blocked["block"].to_string().contains(named) || blocked["jobs"][0].to_string().contains(named), "{blocked:#}");
        assert_eq!(blocked["jobs"][0]["attempts"], 1, "trying again would not help: {blocked:#}");
        assert_nothing_left_running(&a);
    }
    let done = bench.ended(&bench.command("echo 42 > answer.txt", &["--no-review"]));
    assert_eq!(done["status"], "complete", "{done:#}");
}

#[test]
fn attack_52_a_file_that_was_cut_at_its_limit_is_not_delivered_as_if_it_were_whole() {
    let bench = Bench::with(TempRepo::failing_check(), "", "[sandbox]\nmax_file_size = 2000000\n");
    let blocked = bench.ended(&bench.command("head -c 5000000 /dev/zero > big 2> /dev/null; echo 42 > answer.txt", &[]));
    assert_blocked(&blocked, "sandbox_limit");
    let text = blocked.to_string();
    assert!(text.contains("big has just the 2000000 bytes") && text.contains("max_file_size"), "{blocked:#}");
    let done = bench.ended(&bench.command("head -c 1999999 /dev/zero > big; echo 42 > answer.txt", &["--no-review"]));
    assert_eq!(done["status"], "complete", "{done:#}");
}

#[test]
fn attack_52_what_lies_in_the_folders_in_memory_counts_as_memory() {
    let bench = Bench::with(TempRepo::failing_check(), "", "[sandbox]\nmax_memory = 67108864\n");
    if bench.get("/api/v1/status")["isolation"] != "bubblewrap" {
        windlass_testkit::skip::skipped("the sandbox level bubblewrap", "install bubblewrap");
        return;
    }
    for folder in ["/tmp", "/dev/shm"] {
        let script = format!("head -c 200000000 /dev/zero > {folder}/big; sleep 600");
        let blocked = bench.ended(&bench.command(&script, &[]));
        assert_blocked(&blocked, "sandbox_limit");
        assert!(blocked.to_string().contains("max_memory"), "{blocked:#}");
    }
}
