//! `windlass run`, with a daemon and without.

use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::daemon::{Daemon, log_of};
use crate::environment::{Answer, Home};

/// A program that mends the sample repository.
const MEND: &str = "sh -c 'echo 42 > answer.txt; echo mended'";

fn path(repo: &TempRepo) -> &str {
    repo.path().to_str().expect("UTF-8")
}

fn run_args<'a>(repo: &'a TempRepo, program: &'a str) -> Vec<&'a str> {
    vec![
        "run",
        "make the check pass",
        "--repo",
        path(repo),
        "--harness",
        "command",
        "--program",
        program,
        "--verify",
        "./check.sh",
        "--no-review",
    ]
}

/// What each outcome leaves behind.
#[track_caller]
fn assert_delivered(repo: &TempRepo, answer: &Value) {
    assert_eq!((answer["status"].as_str(), answer["exit_code"].as_u64()), (Some("complete"), Some(0)), "{answer:#}");
    let branch = answer["branch"].as_str().expect("a branch");
    assert!(branch.starts_with("windlass/"), "{branch}");
    assert_eq!(repo.rev(branch).as_deref(), answer["commit"].as_str());
    assert_eq!(repo.file_at(branch, "answer.txt").as_deref().map(str::trim), Some("42"));
    assert_eq!(repo.file_at("main", "answer.txt").as_deref().map(str::trim), Some("41"));
    assert_eq!(answer["files"][0]["path"].as_str(), Some("answer.txt"));
    assert_eq!(answer["jobs"][0]["status"].as_str(), Some("succeeded"));
}

#[test]
fn without_a_daemon_it_works_here_and_leaves_no_endpoint() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let mut args = run_args(&repo, MEND);
    args.push("--json");
    let answer = home.run(&args).code(0);
    assert_delivered(&repo, &answer.json());
    assert!(!home.data().join("endpoint.json").exists());
    assert_eq!(repo.status(), "", "the user's work tree is left alone");
}

#[test]
fn for_a_person_it_tells_each_step_beside_the_summary() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let answer = home.run(&run_args(&repo, MEND)).code(0).says("the check `./check.sh` passed").says("next: git diff main...windlass/");
    assert!(answer.out.contains("outcome     complete") && answer.out.contains("1 file changed"), "{answer:?}");
}

#[test]
fn with_a_daemon_it_hands_over_and_follows() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    let mut args = run_args(&repo, MEND);
    args.push("--json");
    let answer = home.run(&args).code(0).json();
    assert_delivered(&repo, &answer);
    let id = answer["id"].as_str().expect("an id");
    let logs = home.run(&["logs", id]).code(0);
    assert!(logs.out.contains("mended"), "{logs:?}");
    assert!(home.run(&["logs", id, "--raw"]).code(0).out.contains("mended"));
    assert!(home.run(&["logs", id, "--json"]).code(0).json()["items"][0]["attempt_id"].is_string());
    assert!(home.run(&["logs", id, "-f"]).code(0).out.contains("mended"));
    let diff = home.run(&["diff", id]).code(0).out;
    assert!(diff.contains("+42"), "{diff}");
    assert!(home.run(&["diff", id, "--stat"]).code(0).out.contains("answer.txt"));
    assert_eq!(home.run(&["diff", id, "--json"]).code(0).json()["id"].as_str(), Some(id));
    let job = answer["jobs"][0]["id"].as_str().expect("a job");
    assert!(home.run(&["job", job]).code(0).out.contains("attempt 1"));
}

#[test]
fn detached_it_prints_the_id_and_does_not_wait() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    home.run(&["pause"]).code(0);
    let mut args = run_args(&repo, MEND);
    args.push("--detach");
    let id = home.run(&args).code(0).out;
    assert_eq!(id.trim().len(), "asg_".len() + 32, "{id:?}");
    args.push("--json");
    let answer = home.run(&args).code(0).json();
    assert_eq!((answer["status"].as_str(), answer["created"].as_bool()), (Some("active"), Some(true)));
    assert!(answer["jobs"][0]["id"].is_string());
}

#[test]
fn a_check_that_stays_red_exits_with_4_and_says_what_to_do() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let mut args = run_args(&repo, "sh -c 'date +%N > answer.txt'");
    args.extend(["--max-iterations", "1"]);
    let answer = home.run(&args).code(4).says("windlass retry job_");
    assert!(answer.out.contains("outcome     blocked") && answer.out.contains("verify_failed"), "{answer:?}");
}

#[test]
fn what_a_person_has_to_set_up_exits_with_3() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let missing = home.run(&run_args(&repo, "/nowhere/agent --now")).code(3);
    assert!(missing.out.contains("to do"), "{missing:?}");
}

#[test]
fn an_agent_that_is_not_installed_exits_with_3() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    home.configure("[harness.claude]\nprogram = \"/nowhere/claude\"\n");
    let answer = home.run(&["run", "goal", "--repo", path(&repo), "--harness", "claude", "--json"]).code(3).json();
    assert_eq!((answer["status"].as_str(), answer["block"]["kind"].as_str()), (Some("blocked"), Some("not_installed")), "{answer:#}");
}

#[test]
fn a_check_that_cannot_be_started_exits_with_3() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let args = ["run", "goal", "--repo", path(&repo), "--program", MEND, "--verify", "./nowhere-check.sh", "--no-review", "--json"];
    let answer = home.run(&args).code(3).json();
    assert_eq!(answer["block"]["kind"].as_str(), Some("verify_missing"), "{answer:#}");
}

#[test]
fn repositories_that_cannot_be_worked_on_are_refused_with_what_to_do() {
    let home = Home::new();
    let no_repo = home.path().join("plain");
    std::fs::create_dir(&no_repo).expect("a folder");
    let refused = |answer: Answer| {
        assert!((2..=3).contains(&answer.code), "{answer:?}");
        assert!(!format!("{}{}", answer.out, answer.err).contains("panicked"), "{answer:?}");
    };
    let run = |repo: &str, more: &[&str]| {
        let mut args = vec!["run", "goal", "--repo", repo, "--program", MEND, "--no-review"];
        args.extend(more);
        home.run(&args)
    };
    refused(run(no_repo.to_str().expect("UTF-8"), &[]));
    refused(run(path(&TempRepo::new()), &[]));
    refused(run(path(&TempRepo::failing_check()), &["--base", "no-such-branch"]));
}

#[test]
fn a_dirty_work_tree_or_a_detached_head_is_left_as_it_is() {
    let home = Home::new();
    let dirty = TempRepo::failing_check();
    dirty.write("answer.txt", "mine\n");
    let before = dirty.status();
    home.run(&run_args(&dirty, MEND)).code(0);
    assert_eq!(dirty.status(), before);
    let detached = TempRepo::failing_check();
    detached.git(&["checkout", "--quiet", "--detach"]);
    let answer = home.run(&run_args(&detached, MEND));
    assert!([0, 2, 3].contains(&answer.code), "{answer:?}");
    assert_eq!(detached.git(&["rev-parse", "--abbrev-ref", "HEAD"]).trim(), "HEAD");
}

#[test]
fn ctrl_c_on_an_attached_run_leaves_the_work_with_the_daemon() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let daemon = Daemon::up(&home);
    let go = home.path().join("go");
    let program = format!("sh -c 'echo 42 > answer.txt; while [ ! -e {} ]; do sleep 0.05; done'", go.display());
    let mut child = home.command(&run_args(&repo, &program)).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_for_line(&mut child, "▸ implement");
    interrupt(&child);
    let answer = Answer::of(child.wait_with_output().expect("it ends")).code(130);
    assert!(answer.err.contains("the daemon goes on with asg_"), "{answer:?}");
    std::fs::write(&go, "").expect("the sign");
    let id = home.run(&["assignments", "--json"]).json()["items"][0]["id"].as_str().expect("an id").to_owned();
    home.run(&["logs", &id, "-f"]).code(0);
    let detail = home.run(&["assignment", &id, "--json"]).code(0).json();
    assert_eq!(detail["status"].as_str(), Some("complete"), "{detail:#}\n{}", log_of(&home));
    drop(daemon);
}

#[test]
fn ctrl_c_on_an_embedded_run_hands_the_job_back_unharmed() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let mut child = home.command(&run_args(&repo, "sleep 600")).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_for_line(&mut child, "▸ implement");
    interrupt(&child);
    Answer::of(child.wait_with_output().expect("it ends")).code(130).says("goes on with the next `windlass up`");
    assert!(!home.data().join("endpoint.json").exists());
    home.configure("[worker.default]\nmax_concurrent_tasks = 0\n");
    let _daemon = Daemon::up(&home);
    let jobs = home.run(&["jobs", "--json"]).code(0).json();
    assert_eq!((jobs["items"][0]["status"].as_str(), jobs["items"][0]["failures"].as_u64()), (Some("queued"), Some(0)), "{jobs:#}");
}

#[test]
fn a_scripted_agent_and_its_pm_bring_a_goal_to_its_end() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let script = home.write(
        "script.toml",
        r#"
        [[turn]]
        type = "implement"
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { end = "The answer is 42." }]

        [[turn]]
        type = "pm"
        steps = [{ verdict = { verdict = "block", owner = "ann", action = "taste it", reason = "it needs a tongue" } }]
        "#,
    );
    let args = ["run", "make the check pass", "--repo", path(&repo), "--script", script.to_str().expect("UTF-8"), "--verify", "./check.sh"];
    let answer = home.run(&args).code(3).says("the check `./check.sh` passed");
    assert!(answer.out.contains("for ann: it needs a tongue") && answer.out.contains("taste it"), "{answer:?}");
    assert!(answer.out.contains("The answer is 42."), "{answer:?}");
}

#[test]
fn two_runs_without_a_daemon_on_one_data_directory_take_turns() {
    let (home, first, second) = (Home::new(), TempRepo::failing_check(), TempRepo::failing_check());
    let go = home.path().join("go");
    let program = format!("sh -c 'echo 42 > answer.txt; while [ ! -e {} ]; do sleep 0.05; done'", go.display());
    // Its agent waits for a sign outside of its workspace.
    let mut command = home.command(&run_args(&first, &program));
    command.env("WINDLASS_SANDBOX", "off").stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    wait_for_line(&mut child, "▸ implement");
    let mut waiting = home.command(&run_args(&second, MEND)).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_for_line(&mut waiting, "waiting for it to end");
    std::fs::write(&go, "").expect("the sign");
    Answer::of(child.wait_with_output().expect("it ends")).code(0);
    Answer::of(waiting.wait_with_output().expect("it ends")).code(0);
    let branches = |repo: &TempRepo| repo.branches().iter().filter(|b| b.starts_with("windlass/")).count();
    assert_eq!((branches(&first), branches(&second)), (1, 1));
}

#[test]
fn an_embedded_run_leaves_other_work_alone() {
    let (home, repo, other) = (Home::new(), TempRepo::failing_check(), TempRepo::failing_check());
    let idle = ["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits", "--max-concurrent-tasks", "0"];
    let daemon = Daemon::up_with(&home, &idle);
    let mut args = run_args(&other, MEND);
    args.push("--detach");
    home.run(&args).code(0);
    daemon.signal(rustix::process::Signal::TERM);
    daemon.ended();
    home.run(&run_args(&repo, MEND)).code(0);
    assert_eq!((repo.branches().len(), other.branches().len()), (2, 1));
    let _daemon = Daemon::up_with(&home, &idle);
    let jobs = home.run(&["jobs", "--status", "queued", "--json"]).code(0).json();
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_repositorys_own_check_counts_only_when_its_very_content_is_trusted() {
    let home = Home::new();
    let repo = TempRepo::failing_check().with_file(".windlass/project.toml", "verify = \"./check.sh\"\n").commit("settings");
    let _daemon = Daemon::up(&home);
    home.run(&["init", "--repo", path(&repo), "--name", "shop"]).code(0).says("windlass trust shop");
    let candidate = home.run(&["trust", "shop", "--json"]).code(0).json();
    let hash = candidate["hash"].as_str().expect("a hash");
    assert_eq!((candidate["id"].as_str(), candidate["trusted"].as_bool()), (Some("shop"), Some(false)));
    let shown = home.run(&["trust", "shop"]).code(2).says("nothing was trusted").says(&format!("--hash {hash}"));
    assert!(shown.out.contains("./check.sh"), "what would be trusted is shown first: {shown:?}");
    home.run(&["trust", "shop", "--hash", "beef"]).code(2).says("the content's hash is");
    home.run(&["trust", "shop", "--hash", hash]).code(0);
    home.run(&["trust", "shop", "--yes"]).code(0).says("trusted already");
    let run = home.run(&["run", "goal", "--project", "shop", "--program", MEND, "--no-review"]).code(0);
    assert!(run.err.contains("the check `./check.sh` passed"), "{run:?}");
}

#[test]
fn a_followed_run_outlives_a_crash_of_its_daemon() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
    let up = ["up", "--listen", &port, "--isolation", "rlimits"];
    let daemon = Daemon::up_with(&home, &up);
    let go = home.path().join("go");
    let program = format!("sh -c 'echo 42 > answer.txt; while [ ! -e {} ]; do sleep 0.05; done'", go.display());
    let mut child = home.command(&run_args(&repo, &program)).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_for_line(&mut child, "▸ implement");
    daemon.signal(rustix::process::Signal::KILL);
    daemon.ended();
    std::fs::write(&go, "").expect("the sign");
    let _daemon = Daemon::up_with(&home, &up);
    let answer = Answer::of(child.wait_with_output().expect("it ends")).code(0);
    assert!(answer.out.contains("outcome     complete"), "{answer:?}");
}

#[test]
fn work_that_is_called_off_exits_with_4() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    let mut child = home.command(&run_args(&repo, "sleep 600")).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_for_line(&mut child, "▸ implement");
    let id = home.run(&["assignments", "--json"]).json()["items"][0]["id"].as_str().expect("an id").to_owned();
    home.run(&["cancel", &id]).code(0);
    let answer = Answer::of(child.wait_with_output().expect("it ends")).code(4);
    assert!(answer.out.contains("outcome     cancelled"), "{answer:?}");
}

#[test]
fn an_agent_tells_its_progress_and_may_give_no_verdict_unless_it_is_a_pm() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let exe = env!("CARGO_BIN_EXE_windlass");
    let program = format!(
        "sh -c 'echo 42 > answer.txt; {exe} progress --progress 50 half-way && ! {exe} verdict complete --reason done 2> refused.txt'"
    );
    let mut args = run_args(&repo, &program);
    args.push("--json");
    let answer = home.run(&args).code(0).json();
    let branch = answer["branch"].as_str().expect("a branch");
    let refused = repo.file_at(branch, "refused.txt").unwrap_or_default();
    assert!(refused.starts_with("error: ") && refused.contains("pm"), "{refused:?}");
    let _daemon = Daemon::up(&home);
    let events = home.run(&["events", "--kind", "job.progress"]).code(0).out;
    assert!(events.contains("half-way"), "{events}");
}

#[test]
fn lists_go_on_where_they_ended() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let made: Vec<String> = (0..3).map(|n| home.run(&["create", &format!("goal {n}")]).code(0).out.trim().to_owned()).collect();
    let first = home.run(&["assignments", "--limit", "2", "--json"]).code(0).json();
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let rest = home.run(&["assignments", "--cursor", cursor, "--json"]).code(0).json();
    assert_eq!((first["items"][0]["id"].as_str(), rest["items"][0]["id"].as_str()), (Some(made[2].as_str()), Some(made[0].as_str())));
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next_cursor"]), (Some(1), &Value::Null));
}

#[test]
fn events_are_followed_as_they_happen() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let mut child = home.command(&["events", "-f", "--json", "--kind", "engine.paused"]).stdout(Stdio::piped()).spawn().expect("it starts");
    home.run(&["pause"]).code(0);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().expect("its output")), &mut line).expect("a line");
    let event: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((event["kind"].as_str(), event["id"].is_i64()), (Some("engine.paused"), true));
    child.kill().expect("it can be ended");
    child.wait().expect("it ends");
}

#[test]
fn a_goal_with_a_key_is_worked_on_once() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let mut args = run_args(&repo, MEND);
    args.extend(["--key", "once", "--json"]);
    let (first, second) = (home.run(&args).code(0).json(), home.run(&args).code(0).json());
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second["spent"]["runs"].as_u64(), Some(1));
}

#[test]
fn a_budget_that_is_spent_waits_for_a_person() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let mut args = run_args(&repo, MEND);
    args.extend(["--budget-runs", "0"]);
    let answer = home.run(&args).code(3);
    assert!(answer.out.contains("outcome     waits") && answer.out.contains("budget"), "{answer:?}");
}

/// How long a line may take to come.
const LINE_MAX: Duration = Duration::from_mins(1);

/// Reads standard error until it has the text.
#[track_caller]
fn wait_for_line(child: &mut std::process::Child, text: &str) {
    let deadline = Instant::now() + LINE_MAX;
    let err = child.stderr.as_mut().expect("its standard error");
    let mut seen = Vec::new();
    let mut byte = [0u8; 1];
    while !String::from_utf8_lossy(&seen).contains(text) {
        let left = rustix::event::Timespec::try_from(deadline.saturating_duration_since(Instant::now())).expect("a short time");
        let ready = rustix::event::poll(&mut [rustix::event::PollFd::new(err, rustix::event::PollFlags::IN)], Some(&left));
        if ready.expect("its standard error can be waited for") == 0 {
            child.kill().expect("it can be ended");
            panic!("it did not say {text:?} in {LINE_MAX:?}: {}", String::from_utf8_lossy(&seen));
        }
        match err.read(&mut byte) {
            Ok(1) => seen.push(byte[0]),
            _ => panic!("it ended before it said {text:?}: {}", String::from_utf8_lossy(&seen)),
        }
    }
}

fn interrupt(child: &std::process::Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it can be signalled");
}

#[test]
fn a_workspace_is_removed_only_with_proof_that_its_work_is_elsewhere() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    let _daemon = Daemon::up(&home);
    let mut args = run_args(&repo, MEND);
    args.push("--json");
    let answer = home.run(&args).code(0).json();
    let (id, branch) = (answer["id"].as_str().expect("an id"), answer["branch"].as_str().expect("a branch"));
    let workspaces = || walk(&home.data().join("workspaces"), id);
    assert!(workspaces());

    // The delivered branch is gone from the repository: the workspace is the only place where the work is.
    let commit = repo.rev(branch).expect("a commit");
    repo.git(&["branch", "-D", branch]);
    home.run(&["clean", id]).code(2).says("--bundle");
    assert!(workspaces());

    repo.git(&["branch", branch, &commit]);
    home.run(&["clean", id]).code(0);
    assert!(!workspaces());
    home.run(&["clean", id]).code(2).says("no workspace");
    home.run(&["assignment", id]).code(0);
}

/// Whether a folder of this name is below another.
fn walk(dir: &std::path::Path, name: &str) -> bool {
    std::fs::read_dir(dir).into_iter().flatten().flatten().any(|e| e.file_name() == name || (e.path().is_dir() && walk(&e.path(), name)))
}

/// What a supervisor leaves open would be a way out of every sandbox.
#[test]
fn no_program_inherits_what_was_left_open_when_windlass_was_started() {
    let home = Home::new();
    let repo = TempRepo::new().with_file("a.txt", "a\n").commit("first");
    let args = [
        "run",
        "look",
        "--repo",
        repo.path().to_str().expect("UTF-8"),
        "--no-review",
        "--program",
        "sh -c 'ls -l /proc/self/fd > fds.txt'",
    ];
    let plain = home.command(&args);
    let mut leaky = std::process::Command::new("sh");
    leaky.args(["-c", "exec 9< /etc/hostname 8< /; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args()).env_clear();
    leaky
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path())
        .stdin(std::process::Stdio::null());
    Answer::of(leaky.output().expect("it runs")).code(0);
    let branch = repo.branches().into_iter().find(|branch| branch.starts_with("windlass/")).expect("a branch");
    let seen = repo.file_at(&branch, "fds.txt").expect("the list");
    assert!(!seen.contains("/etc/hostname") && !seen.lines().any(|line| line.ends_with("-> /")), "{seen}");
}
