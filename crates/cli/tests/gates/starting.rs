//! A daemon that cannot serve says why, and touches nothing.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::bench::{Bench, id, said};
use crate::daemon::windlass;

/// A data directory with nothing in it but an empty configuration.
fn data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("windlass.toml"), "").unwrap();
    dir
}

fn up(data: &Path, args: &[&str]) -> Output {
    // It should end at once; should it serve after all, the test must not wait for ever.
    let mut timed = Command::new("timeout");
    let plain = windlass(data);
    timed.args(["20", plain.get_program().to_str().unwrap(), "up"]).args(args);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    timed.stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn assert_refused(out: &Output, parts: &[&str]) {
    let text = said(out);
    assert!(matches!(out.status.code(), Some(1 | 2)), "{:?}: {text}", out.status);
    assert!(!text.contains("windlass ready"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for part in parts {
        assert!(text.contains(part), "it should say {part:?}: {text}");
    }
}

#[test]
fn a_second_daemon_on_the_same_data_directory_is_refused_and_names_the_first() {
    let bench = Bench::new();
    let pid = bench.daemon.pid().to_string();
    let out = up(bench.data(), &["--listen", "127.0.0.1:0"]);
    assert_refused(&out, &["another windlass", &pid, "hint:"]);
    assert_eq!(bench.ok(&["status"])["ready"], true, "the first serves on");
}

#[test]
fn another_data_directory_does_not_get_the_database_of_a_daemon_that_runs() {
    let bench = Bench::new();
    let (pid, database) = (bench.daemon.pid().to_string(), bench.data().join("windlass.db"));
    let dir = data();
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&database, &link).unwrap();
    for named in [database.display().to_string(), format!("sqlite:{}", database.display()), link.display().to_string()] {
        let out = up(dir.path(), &["--listen", "127.0.0.1:0", "--database-url", &named]);
        assert_refused(&out, &["another windlass", &pid, bench.data().to_str().unwrap(), "windlass.db", "WINDLASS_DATABASE_URL"]);
    }
    let mut run = windlass(dir.path());
    run.args(["run", "mend it", "--repo", &bench.repo_path()]).env("WINDLASS_DATABASE_URL", &database);
    assert_refused(&run.stdin(Stdio::null()).output().unwrap(), &["another windlass", &pid]);
    let mut restore = windlass(dir.path());
    restore.args(["restore", "/no/such/backup"]).env("WINDLASS_DATABASE_URL", &database);
    assert_refused(&restore.stdin(Stdio::null()).output().unwrap(), &["another windlass", &pid]);
    assert_eq!(bench.ok(&["status"])["ready"], true, "the first serves on");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = data();
    let out = up(dir.path(), &["--listen", &address.to_string()]);
    assert_refused(&out, &[&address.port().to_string(), "taken", "hint:"]);
    assert!(!dir.path().join("endpoint.json").exists());
}

#[test]
fn an_address_that_makes_no_sense_is_refused() {
    let dir = data();
    for address in ["nonsense", "127.0.0.1:99999", "::::"] {
        assert_refused(&up(dir.path(), &["--listen", address]), &[address]);
    }
}

#[test]
fn a_database_of_a_later_windlass_is_refused_and_left_as_it_is() {
    let mut bench = Bench::new();
    let a = id(&bench.ok(&["create", "kept", "--repo", &bench.repo_path()]));
    bench.daemon.kill();
    let database = bench.data().join("windlass.db");
    let db = || rusqlite::Connection::open(&database).unwrap();
    let set = |meta: (i64, i64)| db().execute("UPDATE schema_meta SET version = ?1, min_binary = ?2", meta).unwrap();
    let own = db().query_row("SELECT version, min_binary FROM schema_meta", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    set((999, 999));
    let out = up(bench.data(), &["--listen", "127.0.0.1:0"]);
    assert_refused(&out, &["windlass.db", "999", "later windlass"]);
    set(own);
    assert!(bench.daemon.start());
    assert_eq!(bench.assignment(&a)["north_star"], "kept");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let dir = data();
    let database = dir.path().join("windlass.db");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup');")
        .unwrap();
    assert_refused(&up(dir.path(), &["--listen", "127.0.0.1:0"]), &["recipes", "hint:"]);
    let db = rusqlite::Connection::open(&database).unwrap();
    let tables: i64 = db.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let dir = data();
    let database = dir.path().join("windlass.db");
    let text = "This is not a database, it is a letter.\n".repeat(200);
    std::fs::write(&database, &text).unwrap();
    assert_refused(&up(dir.path(), &["--listen", "127.0.0.1:0"]), &["windlass.db"]);
    assert_eq!(std::fs::read_to_string(&database).unwrap(), text);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let dir = data();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let out = windlass(dir.path())
        .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(file.join("data"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_refused(&out, &["file/data", "hint:"]);

    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let data = dir.path().join("read-only");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o555)).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = windlass(&data);
    command.env("WINDLASS_CONFIG", dir.path().join("windlass.toml"));
    command.args(["up", "--listen", "127.0.0.1:0"]).stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        // Nothing is read-only to root.
        command.uid(65534).gid(65534);
    }
    match command.output() {
        Ok(out) => assert_refused(&out, &["read-only", "hint:"]),
        Err(e) => windlass_testkit::skip::skipped(
            &format!("a place where other users may run the binary ({e})"),
            "Build into a target directory that others may read.",
        ),
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_with_its_place() {
    let dir = data();
    let config = dir.path().join("windlass.toml");
    for (text, parts) in [
        ("max_retries = \"many\"\n", vec!["windlass.toml", "max_retries"]),
        ("[engine\n", vec!["windlass.toml"]),
        ("[harness.copilot]\nprogram = \"x\"\n", vec!["windlass.toml", "copilot"]),
    ] {
        std::fs::write(&config, text).unwrap();
        assert_refused(&up(dir.path(), &["--listen", "127.0.0.1:0"]), &parts);
    }
}

#[test]
fn a_run_without_a_daemon_works_here_on_its_own_assignment_only() {
    let mut bench = Bench::new();
    // Work that would be due while the run below goes on.
    let waiting = bench.simulated(
        r#"[[turn]]
        steps = [{ quota = { retry_after_secs = 1 } }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--no-review"],
    );
    bench.until_held(&waiting, 0, "parked");
    bench.daemon.kill();
    let repo = bench.repo_path();
    let out = bench.daemon.call(&[
        "run",
        "now",
        "--program",
        "sh -c 'sleep 2; echo 42 > answer.txt'",
        "--verify",
        "./check.sh",
        "--repo",
        &repo,
        "--json",
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let done: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(done["status"], "complete", "{done:#}");
    assert!(!bench.data().join("endpoint.json").exists(), "it leaves no daemon behind");

    assert!(bench.daemon.start());
    let other = bench.ended(&waiting);
    assert_eq!(other["status"], "complete", "{other:#}");
    let attempts = bench.job(&id(&other["jobs"][0]))["attempts_list"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 2, "{attempts:#}");
    assert!(attempts[1]["started_at"].as_str() > done["jobs"][0]["ended_at"].as_str(), "the run left it alone: {attempts:#}");
}
