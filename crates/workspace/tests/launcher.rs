//! The launcher with real processes, in every mode that this machine has.

#![allow(clippy::print_stderr, reason = "a skipped mode and a measurement are told to whoever runs the tests")]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use windlass_types::{FailureKind, SandboxLevel};
use windlass_workspace::launch::{
    JOB_MARKER, LaunchError, LaunchSpec, Launched, Launcher, Limits, Stdin, become_subreaper, end_leftovers, resolve_program, start_time,
    sweep, wait_gone,
};

const EXE: &str = env!("CARGO_BIN_EXE_windlass-launch-probe");

/// The modes with a launcher that work here; says so when one is missing.
async fn modes() -> Vec<Launcher> {
    let best = Launcher::detect(EXE).await;
    if best.level() != SandboxLevel::Bubblewrap {
        eprintln!("SKIPPED: bubblewrap cannot make a PID namespace here; only {} is tested", best.level());
        return vec![best];
    }
    vec![best, Launcher::new(EXE, SandboxLevel::Rlimits)]
}

fn job(name: &str) -> String {
    format!("job_{name}_{}_{}", std::process::id(), Instant::now().elapsed().as_nanos())
}

fn shell(script: &str, job: &str) -> LaunchSpec {
    LaunchSpec {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned()), (JOB_MARKER.to_owned(), job.to_owned())].into(),
        cwd: "/".into(),
        stdin: Stdin::Null,
        limits: Limits::default(),
        view: windlass_workspace::launch::View::default(),
    }
}

async fn output(launched: &mut Launched) -> String {
    let (mut out, mut err) = (launched.stdout.take().unwrap(), launched.stderr.take().unwrap());
    let (mut text, mut errors) = (String::new(), String::new());
    let (a, b) = tokio::join!(out.read_to_string(&mut text), err.read_to_string(&mut errors));
    a.unwrap();
    b.unwrap();
    text + &errors
}

/// Pids whose environment carries the job's marker.
fn marked(job: &str) -> Vec<i32> {
    let entry = format!("{JOB_MARKER}={job}");
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| env.split(|b| *b == 0).any(|one| one == entry.as_bytes()))
    })
    .collect()
}

async fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_program_whose_lease_ends_before_go_is_never_started() {
    let dir = tempfile::tempdir().unwrap();
    for launcher in modes().await {
        let started = dir.path().join("started");
        let mut launched = launcher.spawn(shell(&format!("touch {}", started.display()), &job("late"))).await.unwrap();
        launched.stopper().renew(Duration::ZERO).await;
        launched.go().await.unwrap();
        let exited = launched.wait().await.unwrap();
        assert!(exited.lease_ended && !exited.success(), "{exited:?}");
        assert!(!started.exists());
    }
}

#[tokio::test]
async fn a_program_gets_its_arguments_environment_folder_and_input_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for launcher in modes().await {
        let mut spec = shell("pwd; cat; env | sort; printf '%s|' \"$@\"; readlink /proc/self/fd/* >&2; true", &job("args"));
        spec.args.extend(["sh".into(), "a b".into(), String::new(), "é$(x)\n\"".into()]);
        spec.cwd = dir.path().canonicalize().unwrap();
        spec.stdin = Stdin::Text("line one\nline two\n".repeat(50_000));
        let marker = spec.env[JOB_MARKER].clone();
        let mut launched = launcher.spawn(spec).await.unwrap();
        assert_eq!(start_time(launched.pid), Some(launched.start_time));
        launched.go().await.unwrap();
        let text = output(&mut launched).await;
        assert!(launched.wait().await.unwrap().success());
        assert!(text.starts_with(&format!("{}\nline one\n", dir.path().canonicalize().unwrap().display())));
        let rest = text.rsplit("line two\n").next().unwrap();
        let mut lines: Vec<&str> = rest.lines().filter(|l| l.contains('=') && !l.starts_with("PWD") && !l.starts_with("_=")).collect();
        lines.retain(|l| !l.starts_with("OLDPWD") && !l.starts_with("SHLVL"));
        assert_eq!(lines, [&format!("PATH={}", "/usr/bin:/bin"), &format!("{JOB_MARKER}={marker}")]);
        assert!(rest.contains("a b||é$(x)\n\"|"), "{rest}");
        assert!(rest.contains("pipe:[") && !rest.contains("socket:["), "the lifeline is not inherited: {rest}");
    }
}

#[tokio::test]
async fn the_exit_status_or_signal_of_the_program_is_told() {
    for launcher in modes().await {
        for (script, code, signal) in [("exit 0", Some(0), None), ("exit 7", Some(7), None), ("kill -9 $$", None, Some(9))] {
            let mut launched = launcher.spawn(shell(script, &job("exit"))).await.unwrap();
            launched.go().await.unwrap();
            let exited = launched.wait().await.unwrap();
            assert_eq!((exited.code, exited.signal, exited.survivors_killed), (code, signal, 0), "{script} {:?}", launcher.level());
            assert_eq!(launched.wait().await.unwrap(), exited);
            assert!(wait_gone(launched.pid, launched.start_time, Duration::ZERO).await);
        }
    }
}

#[tokio::test]
async fn nothing_runs_before_go() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ran");
    for launcher in modes().await {
        let launched = launcher.spawn(shell(&format!("touch {}", file.display()), &job("go"))).await.unwrap();
        let (pid, start) = (launched.pid, launched.start_time);
        drop(launched);
        assert!(wait_gone(pid, start, Duration::from_secs(5)).await);
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn a_program_that_cannot_start_is_a_typed_error() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "not a program").unwrap();
    for launcher in modes().await {
        for (program, kind) in
            [(PathBuf::from("/no/such/program"), FailureKind::NotInstalled), (plain.clone(), FailureKind::BadConfiguration)]
        {
            let mut spec = shell("", &job("bad"));
            spec.program = program;
            let mut launched = launcher.spawn(spec).await.unwrap();
            let error = launched.go().await.unwrap_err();
            assert_eq!(error.failure().kind, kind, "{error}");
        }
        let mut spec = shell("", &job("bad"));
        spec.cwd = "/no/such/folder".into();
        assert!(matches!(launcher.spawn(spec).await, Err(LaunchError::Refused { what, .. }) if what == "/no/such/folder"));
        for broken in ["A=B", "", "A\0"] {
            let mut spec = shell("", &job("bad"));
            spec.env.insert(broken.to_owned(), String::new());
            assert!(matches!(launcher.spawn(spec).await, Err(LaunchError::BadSpec { .. })));
        }
    }
    assert!(matches!(resolve_program("no-such-program-here", "/usr/bin:/bin"), Err(LaunchError::NotFound { .. })));
    assert!(matches!(resolve_program("./sh", "/usr/bin:/bin"), Err(LaunchError::BadSpec { .. })));
    assert!(resolve_program("sh", "relative:/usr/bin:/bin").unwrap().is_absolute());
}

/// A tree like those that agents leave: detached, deaf to SIGTERM, with forks of forks and an emptied environment.
const DEAF: &str = "trap '' TERM HUP INT; sleep 300 & \
    setsid sh -c 'trap \"\" TERM HUP; sleep 300 & (setsid nohup sleep 300 >/dev/null 2>&1 &); sleep 300' >/dev/null 2>&1 & \
    env -i setsid /bin/sh -c 'trap \"\" TERM; sleep 300; sleep 300' >/dev/null 2>&1 & ";

#[tokio::test]
async fn what_a_program_leaves_behind_at_its_end_is_killed_and_counted() {
    for launcher in modes().await {
        let job = job("loose");
        let mut launched = launcher.spawn(shell(&format!("{DEAF} exec sh -c 'sleep 0.1; exit 3'"), &job)).await.unwrap();
        launched.go().await.unwrap();
        let exited = launched.wait().await.unwrap();
        assert_eq!(exited.code, Some(3));
        assert!(exited.survivors_killed >= 5, "{exited:?} {:?}", launcher.level());
        assert_eq!(marked(&job), Vec::<i32>::new());
    }
}

#[tokio::test]
async fn stop_ends_a_tree_that_ignores_sigterm_after_the_grace() {
    for launcher in modes().await {
        let job = job("stop");
        let mut launched = launcher.spawn(shell(&format!("{DEAF} wait"), &job)).await.unwrap();
        launched.go().await.unwrap();
        until("the tree is up", Duration::from_secs(5), || marked(&job).len() >= 4).await;
        let start = Instant::now();
        let exited = launched.stop(Duration::from_millis(200)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(200) && start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        assert_eq!(exited.signal, Some(9));
        assert_eq!(marked(&job), Vec::<i32>::new());
    }
}

#[tokio::test]
async fn a_program_that_heeds_sigterm_ends_within_its_grace_and_says_so_itself() {
    for launcher in modes().await {
        let mut launched = launcher.spawn(shell("trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done", &job("heed"))).await.unwrap();
        launched.go().await.unwrap();
        let mut out = launched.stdout.take().unwrap();
        assert_eq!(out.read_u8().await.unwrap(), b'u');
        let stopper = launched.stopper();
        let start = Instant::now();
        let (exited, ()) = tokio::join!(launched.wait(), stopper.stop(Duration::from_secs(30)));
        assert_eq!(exited.unwrap().code, Some(9));
        assert!(start.elapsed() < Duration::from_secs(5));
        stopper.stop(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn dropping_the_handle_kills_the_tree() {
    for launcher in modes().await {
        let job = job("drop");
        let mut launched = launcher.spawn(shell(&format!("{DEAF} wait"), &job)).await.unwrap();
        let stopper = launched.stopper();
        launched.go().await.unwrap();
        until("the tree is up", Duration::from_secs(5), || marked(&job).len() >= 4).await;
        drop(launched);
        until("the tree is gone", Duration::from_secs(5), || marked(&job).is_empty()).await;
        stopper.stop(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn orphans_are_reaped_while_the_program_runs() {
    for launcher in modes().await {
        let script =
            "for i in 1 2 3 4 5 6 7 8; do (sleep 0.01 &) ; done; sleep 0.6; grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l";
        let mut launched = launcher.spawn(shell(script, &job("reap"))).await.unwrap();
        launched.go().await.unwrap();
        let text = output(&mut launched).await;
        if launcher.level() == SandboxLevel::Bubblewrap {
            assert_eq!(text.trim(), "0");
        }
        assert_eq!(launched.wait().await.unwrap().survivors_killed, 0);
    }
}

#[tokio::test]
async fn limits_hold_for_the_program() {
    for launcher in modes().await {
        let mut spec = shell("ulimit -f; ulimit -v; ulimit -c", &job("limits"));
        spec.limits = Limits { max_memory_bytes: Some(1 << 30), max_file_bytes: Some(1 << 20), max_processes: None };
        let mut launched = launcher.spawn(spec).await.unwrap();
        launched.go().await.unwrap();
        let text = output(&mut launched).await;
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["2048", "unlimited", "0"]);
        assert!(launched.wait().await.unwrap().success());
    }
}

#[tokio::test]
async fn a_killed_engine_leaves_no_orphan_whenever_it_dies() {
    let modes = modes().await;
    let mut running = Vec::new();
    for launcher in &modes {
        for delay_ms in 0..=16_u64 {
            let job = job(&format!("kill{delay_ms}{}", launcher.level().as_str()));
            let mut engine = tokio::process::Command::new(EXE);
            engine.args(["engine", launcher.level().as_str(), &job, &format!("{DEAF} wait")]).stdin(Stdio::null()).stdout(Stdio::null());
            let mut engine = engine.spawn().unwrap();
            // Not a wait for an event: the moment of the crash is what varies here.
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            engine.start_kill().unwrap();
            engine.wait().await.unwrap();
            running.push(job);
        }
    }
    let label = |job: &str| {
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .any(|e| std::fs::read(e.path().join("cmdline")).is_ok_and(|line| line.split(|b| *b == 0).any(|one| one == job.as_bytes())))
    };
    for job in running {
        until(&format!("{job} is gone"), Duration::from_secs(5), || marked(&job).is_empty() && !label(&job)).await;
    }
}

#[tokio::test]
async fn when_the_launcher_itself_is_killed_its_tree_is_swept() {
    become_subreaper().unwrap();
    for launcher in modes().await {
        let job = job("lost");
        let mut launched = launcher.spawn(shell(&format!("{DEAF} wait"), &job)).await.unwrap();
        launched.go().await.unwrap();
        until("the tree is up", Duration::from_secs(5), || marked(&job).len() >= 4).await;
        // In a namespace the recorded process is the monitor; its child is the launcher.
        let pid = if launcher.level() == SandboxLevel::Bubblewrap { child_of(launched.pid) } else { launched.pid as i32 };
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
        assert!(matches!(launched.wait().await, Err(LaunchError::LauncherLost { .. })));
        assert_eq!(marked(&job), Vec::<i32>::new());
    }
}

#[tokio::test]
async fn a_launcher_that_its_agent_stopped_cannot_hold_up_a_stop() {
    let launcher = Launcher::new(EXE, SandboxLevel::Rlimits);
    let job = job("frozen");
    let mut launched = launcher.spawn(shell("sleep 0.2; kill -STOP $PPID; sleep 300", &job)).await.unwrap();
    launched.go().await.unwrap();
    until("the launcher is stopped", Duration::from_secs(5), || {
        std::fs::read_to_string(format!("/proc/{}/stat", launched.pid)).is_ok_and(|s| s.contains(") T "))
    })
    .await;
    let killed = end_leftovers(launched.pid, launched.start_time, &job, Duration::from_millis(50)).await;
    assert!(killed >= 2, "{killed}");
    assert!(matches!(launched.wait().await, Err(LaunchError::LauncherLost { .. })));
    assert_eq!(marked(&job), Vec::<i32>::new());
}

#[tokio::test]
async fn a_sweep_kills_what_carries_the_exact_marker_and_nothing_else() {
    let job = job("sweep");
    let spawn = |value: &str| {
        let mut command = tokio::process::Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; setsid env -i sleep 300 & sleep 300"]).env_clear();
        command.env("PATH", "/usr/bin:/bin").env(JOB_MARKER, value).kill_on_drop(true).spawn().unwrap()
    };
    let (mut victim, mut bystander) = (spawn(&job), spawn(&format!("{job}x")));
    until("both are up", Duration::from_secs(5), || marked(&job).len() >= 2).await;
    assert!(sweep(&job).await >= 3);
    assert_eq!(marked(&job), Vec::<i32>::new());
    // The sweep reaps what it kills when it is a child of ours, as orphans are: the handle finds nothing more.
    assert!(victim.wait().await.is_err());
    assert!(bystander.try_wait().unwrap().is_none());
    assert_eq!(sweep(&job).await, 0);
    assert!(sweep(&format!("{job}x")).await >= 3);
}

#[tokio::test]
async fn a_bare_program_is_stopped_by_its_group() {
    let launcher = Launcher::new(EXE, SandboxLevel::Off);
    let mut spec = shell("cat; sleep 300", &job("bare"));
    spec.stdin = Stdin::Text("hello".into());
    let mut launched = launcher.spawn(spec).await.unwrap();
    launched.go().await.unwrap();
    let mut out = launched.stdout.take().unwrap();
    let mut five = [0; 5];
    out.read_exact(&mut five).await.unwrap();
    assert_eq!(launched.stop(Duration::from_millis(500)).await.unwrap().signal, Some(15));
}

fn child_of(pid: u32) -> i32 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    if let Ok(children) = children {
        return children.split_whitespace().next().unwrap().parse().unwrap();
    }
    let parent = |child: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.into_iter().find(|child| parent(*child) == Some(pid)).unwrap()
}
