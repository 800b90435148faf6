//! Backup and restore: made under load, checked, brought back elsewhere or in place, and never by halves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::daemon::{Daemon, log_of};
use crate::environment::{Answer, Home};

/// Submits without end, and prints each id that was promised.
fn load(home: &Home) -> Child {
    let submit = "while :; do \"$0\" run goal --project scratch --program true --no-review --detach || exit; done";
    let windlass = home.command(&[] as &[&str]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", submit]).arg(windlass.get_program()).env_clear();
    shell.envs(windlass.get_envs().filter_map(|(key, value)| Some((key, value?)))).current_dir(home.path());
    shell.stdin(Stdio::null()).stdout(std::fs::File::create(home.path().join("promised")).expect("a file")).stderr(Stdio::null());
    shell.spawn().expect("it starts")
}

fn promised(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(home.path().join("promised")).unwrap_or_default();
    text.lines().filter(|line| line.len() == "asg_".len() + 32).map(str::to_owned).collect()
}

fn until_promised(home: &Home, count: usize) -> Vec<String> {
    let begun = std::time::Instant::now();
    loop {
        let found = promised(home);
        if found.len() >= count {
            return found;
        }
        assert!(begun.elapsed().as_secs() < 120, "{found:?} {}", log_of(home));
        home.run(&["status"]);
    }
}

fn backup(home: &Home, name: &str) -> (String, Value) {
    let path = home.path().join(name).display().to_string();
    let made = home.run(&["backup", &path, "--json"]).code(0).json();
    (path, made)
}

fn ids(home: &Home, verb: &str) -> Vec<String> {
    let listed = home.run(&[verb, "--json", "--limit", "100000"]).code(0).json();
    listed["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_backup_under_load_holds_every_job_that_was_promised_before_it() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    let repo = TempRepo::failing_check();
    let path = repo.path().to_str().expect("UTF-8").to_owned();
    home.run(&["run", "goal", "--repo", &path, "--program", "sleep 600", "--no-review", "--detach"]).code(0);
    let mut load = load(&home);
    let before = until_promised(&home, 5);
    let (path, made) = backup(&home, "kept");
    assert!(made["assignments"].as_u64() > Some(5), "{made:#}");
    until_promised(&home, before.len() + 2);
    daemon.signal(rustix::process::Signal::KILL);
    daemon.ended();
    load.wait().expect("it ends");

    for file in ["manifest.json", "database/assignments.jsonl.gz"] {
        let mode = std::fs::metadata(Path::new(&path).join(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert!(!Path::new(&path).join("token").exists(), "the token is not in it");
    let elsewhere = Home::new();
    let restored = elsewhere.run(&["restore", &path, "--json"]).code(0).json();
    assert!(restored["aside"].is_null(), "{restored:#}");
    let _daemon = Daemon::up(&elsewhere);
    let found = ids(&elsewhere, "assignments");
    for id in &before {
        assert!(found.contains(id), "{id} was promised and is not in the backup");
    }
    for id in &before {
        elsewhere.run(&["logs", id, "-f"]).code(0);
    }
    let events = elsewhere.run(&["events", "--kind", "engine.restored", "--json"]).code(0).json();
    assert_eq!(events["items"].as_array().map(Vec::len), Some(1), "{events:#}");
    let doctor = elsewhere.run(&["doctor", "--json"]).code(0).json();
    for check in doctor["checks"].as_array().expect("checks") {
        if ["store", "database", "clock", "housekeeping", "backup", "workspaces"].contains(&check["name"].as_str().unwrap_or_default()) {
            assert!(check["problem"].is_null(), "{check:#}");
        }
    }
    let jobs = elsewhere.run(&["jobs", "--json", "--limit", "100000"]).code(0).json();
    let rescued = jobs["items"].as_array().expect("jobs").iter().filter(|job| job["rescues"].as_u64() > Some(0)).count();
    assert!(rescued >= 1, "the job that ran when the backup was made is run again: {jobs:#}");
}

#[test]
fn a_running_daemon_restores_in_place_and_goes_on() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    let path = repo.path().to_str().expect("UTF-8").to_owned();
    let run = |goal: &str| {
        let args = ["run", goal, "--repo", &path, "--program", "sh -c 'echo 42 > answer.txt; echo mended'", "--no-review", "--json"];
        home.run(&args).code(0).json()["id"].as_str().expect("an id").to_owned()
    };
    let kept = run("the first");
    let (backup, made) = backup(&home, "kept");
    let lost = run("the second");
    home.run(&["restore", &backup]).code(2).says("--force");
    let restored = home.run(&["restore", &backup, "--force", "--json"]).code(0).json();
    let aside = restored["aside"].as_str().expect("what was there before is kept");
    assert!(Path::new(aside).join("windlass.db").exists(), "{aside}");
    let found = ids(&home, "assignments");
    assert!(found.contains(&kept) && !found.contains(&lost), "{found:?}");
    assert!(home.run(&["logs", &kept]).code(0).out.contains("mended"), "its transcript came along");
    let kept_house = home.run(&["housekeeping", "--json"]).code(0).json();
    assert_eq!(kept_house["backed_up_at"], made["made_at"], "there is a backup: the one that this was restored from");
    run("the third");
    assert!(log_of(&home).contains("is restored"), "{}", log_of(&home));
}

#[test]
fn a_backup_that_was_changed_is_refused_and_nothing_is_touched() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    home.run(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review"]).code(0);
    let (path, _) = backup(&home, "kept");
    let before = ids(&home, "assignments");
    let file = Path::new(&path).join("database/jobs.jsonl.gz");
    let mut bytes = std::fs::read(&file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("written");
    home.run(&["restore", &path, "--force"]).code(2).says("is not as it was written");
    assert_eq!(ids(&home, "assignments"), before);
    drop(daemon);
    home.run(&["restore", &path, "--force"]).says("is not as it was written");
    home.run(&["restore", "/nowhere"]).says("is no backup to restore").says("hint: name the folder");
    let _daemon = Daemon::up(&home);
    assert_eq!(ids(&home, "assignments"), before);
}

#[test]
fn places_where_no_backup_can_be_are_refused_and_nothing_is_left_there() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let inside = home.data().join("backup").display().to_string();
    home.run(&["backup", &inside]).code(2).says("inside Windlass's own folders");
    let there = home.path().join("there");
    std::fs::create_dir(&there).expect("a folder");
    home.run(&["backup", there.to_str().expect("UTF-8")]).code(2).says("is there already");
    let nowhere = home.path().join("no/such/folder").display().to_string();
    home.run(&["backup", &nowhere]).code(2).says("no folder that exists");
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("the home").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("part")), "{left:?}");
}

#[test]
fn without_a_daemon_both_work_and_a_full_directory_is_not_written_over() {
    let home = Home::new();
    home.run(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review"]).code(0);
    let (path, made) = backup(&home, "kept");
    assert_eq!(made["jobs"].as_u64(), Some(1), "{made:#}");
    home.run(&["restore", &path]).code(1).says("--force");
    let answer: Answer = home.run(&["restore", &path, "--force"]).code(0);
    assert!(answer.out.contains("1 assignment ") && answer.out.contains("before-restore-"), "{answer:?}");
    let _daemon = Daemon::up(&home);
    assert_eq!(ids(&home, "jobs").len(), 1);
}

#[test]
fn a_data_directory_that_was_half_restored_is_not_served() {
    let home = Home::new();
    home.run(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review"]).code(0);
    let (path, _) = backup(&home, "kept");
    std::fs::write(home.data().join("restore-unfinished"), "").expect("the mark");
    home.run(&["up", "--listen", "127.0.0.1:0"]).code(1).says("cut off in the middle");
    home.run(&["restore", &path]).code(0);
    let _daemon = Daemon::up(&home);
    assert_eq!(ids(&home, "jobs").len(), 1);
}

#[test]
fn a_restore_that_is_killed_in_the_middle_leaves_a_postgresql_as_it_was() {
    let Some(database) = windlass_testkit::postgres::TestPostgres::database_blocking() else { return };
    let home = Home::new();
    home.configure(&format!("database_url = {:?}\n", database.url()));
    let run = || drop(home.run(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review"]).code(0));
    run();
    let (path, _) = backup(&home, "kept");
    run();
    let killed = home.run_with(&["restore", &path, "--force"], &[("WINDLASS_FAILPOINT", "restore.table:3")]);
    assert_ne!(killed.code, 0, "{killed:?}");
    let daemon = Daemon::up(&home);
    assert_eq!(ids(&home, "jobs").len(), 2, "nothing is lost and nothing half there");
    drop(daemon);
    // The server may take a moment to see that the daemon has gone.
    let begun = std::time::Instant::now();
    while home.run(&["restore", &path, "--force"]).code != 0 {
        assert!(begun.elapsed().as_secs() < 60, "it is never restored");
    }
    let _daemon = Daemon::up(&home);
    assert_eq!(ids(&home, "jobs").len(), 1);
}

#[test]
fn without_a_daemon_the_database_that_a_node_would_use_is_meant_and_said() {
    let Some(database) = windlass_testkit::postgres::TestPostgres::database_blocking() else { return };
    let home = Home::new();
    let url = database.url();
    home.run_with(&["run", "goal", "--project", "scratch", "--program", "true", "--no-review"], &[("WINDLASS_DATABASE_URL", url)]).code(0);
    let to = |name: &str| home.path().join(name).display().to_string();
    let made = home.run_with(&["backup", &to("bare"), "--json"], &[("DATABASE_URL", url)]).code(0).says("backing up the database postgres");
    assert_eq!(made.json()["jobs"].as_u64(), Some(1), "{made:?}");
    let made = home.run(&["backup", &to("flag"), "--json", "--database-url", url]).code(0).json();
    assert_eq!(made["jobs"].as_u64(), Some(1), "{made:#}");
    // Another program's is none of ours.
    home.run_with(&["backup", &to("none"), "--json"], &[("DATABASE_URL", "mysql://root:secret@127.0.0.1/app")]).code(0).says("windlass.db");
    let both = home.run_with(&["backup", &to("both")], &[("DATABASE_URL", "postgres://w:hunter2@db/x")]).code(2).says("two databases");
    assert!(!both.err.contains("hunter2"), "{both:?}");
    home.run_with(&["restore", &to("bare"), "--force"], &[("WINDLASS_DATABASE_URL", url)])
        .code(0)
        .says("restoring into the database postgres");
    let _daemon = Daemon::up(&home);
    home.run(&["backup", &to("daemon"), "--database-url", url]).code(2).says("its database is the one that is meant");
}
