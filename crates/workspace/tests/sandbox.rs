//! What a program with a closed view sees and may do, at every level that this machine has.

#![allow(clippy::print_stderr, reason = "a skipped level is told to whoever runs the tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;
use windlass_types::SandboxLevel;
use windlass_workspace::launch::{Exited, LaunchSpec, Launcher, Limits, OverLimit, Stdin, View, landlock_gaps};

const EXE: &str = env!("CARGO_BIN_EXE_windlass-launch-probe");

/// The levels from `least` up that work here; says so when one does not.
async fn levels(least: SandboxLevel) -> Vec<Launcher> {
    let mut found = Vec::new();
    for level in [SandboxLevel::Bubblewrap, SandboxLevel::Landlock, SandboxLevel::Rlimits] {
        let launcher = Launcher::new(EXE, level);
        if level < least {
            continue;
        }
        if launcher.level() == level && launcher.self_test().await.is_ok() {
            found.push(launcher);
        } else {
            eprintln!("SKIPPED: the sandbox level {level} does not work here");
        }
    }
    found
}

/// A user's home with a secret and an engine's data directory, and in that one assignment's folder.
struct Machine {
    _dir: tempfile::TempDir,
    home: PathBuf,
    data: PathBuf,
    own: PathBuf,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap().join("home");
        let data = home.join(".local/share/windlass");
        let own = data.join("workspaces/shop/a1");
        for folder in [home.join(".ssh"), own.join("tree"), own.join("tmp"), data.join("workspaces/shop/a2"), data.join("git/x/objects")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        for (file, text) in [
            (home.join(".ssh/id_rsa"), "private key"),
            (home.join(".gitconfig"), "the user's own"),
            (data.join("token"), "wl_token"),
            (data.join("workspaces/shop/a2/work"), "another's work"),
            (data.join("git/x/objects/pack"), "an object"),
            (own.join("tree/file"), "mine"),
        ] {
            std::fs::write(file, text).unwrap();
        }
        Self { _dir: dir, home, data, own }
    }

    fn view(&self) -> View {
        View {
            closed: true,
            hidden: vec![self.data.clone(), self.data.join("workspaces")],
            read_only: vec![self.data.join("git/x/objects")],
            writable: vec![self.own.clone()],
            proxy: None,
        }
    }

    fn spec(&self, script: &str, view: View) -> LaunchSpec {
        LaunchSpec {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: [
                ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
                ("HOME".to_owned(), self.own.display().to_string()),
                ("TMPDIR".to_owned(), self.own.join("tmp").display().to_string()),
                ("REAL_HOME".to_owned(), self.home.display().to_string()),
                ("DATA".to_owned(), self.data.display().to_string()),
            ]
            .into(),
            cwd: self.own.join("tree"),
            stdin: Stdin::Null,
            limits: Limits::default(),
            view,
        }
    }
}

async fn run(launcher: &Launcher, spec: LaunchSpec) -> (Exited, String) {
    let mut launched = launcher.spawn(spec).await.unwrap();
    launched.go().await.unwrap();
    let (mut out, mut err) = (launched.stdout.take().unwrap(), launched.stderr.take().unwrap());
    let (mut text, mut errors) = (String::new(), String::new());
    let (a, b) = tokio::join!(out.read_to_string(&mut text), err.read_to_string(&mut errors));
    a.unwrap();
    b.unwrap();
    (launched.wait().await.unwrap(), text + &errors)
}

#[tokio::test]
async fn attack_56_a_program_reads_neither_keys_nor_the_token_nor_anothers_work() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Landlock).await {
        let script = "for f in .ssh/id_rsa .gitconfig; do cat \"$REAL_HOME/$f\"; done; cat \"$DATA/token\" \"$DATA\"/workspaces/shop/a2/work; \
                      ls -A \"$REAL_HOME/.ssh\" \"$DATA/workspaces/shop/a2\"; cat file \"$DATA/git/x/objects/pack\"";
        let (_, text) = run(&launcher, machine.spec(script, machine.view())).await;
        for secret in ["private key", "the user's own", "wl_token", "another's work"] {
            assert!(!text.contains(secret), "{}: {text}", launcher.level());
        }
        assert!(text.contains("mine") && text.contains("an object"), "its own is there at {}: {text}", launcher.level());
    }
}

#[tokio::test]
async fn attack_56_a_program_writes_only_in_its_own_folder() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Landlock).await {
        let script = "for f in /etc/planted /usr/planted /planted \"$REAL_HOME/.ssh/planted\" \"$REAL_HOME/planted\" \"$DATA/planted\" \
                      \"$DATA/git/x/objects/planted\" \"$DATA/workspaces/shop/a2/planted\"; do ( : > \"$f\" ) && echo \"wrote $f\"; done; \
                      rm \"$DATA/token\" \"$DATA/git/x/objects/pack\"; : > planted && mv planted ../moved && echo fine";
        let (exited, text) = run(&launcher, machine.spec(script, machine.view())).await;
        assert!(exited.success() && text.contains("fine") && machine.own.join("moved").exists(), "{}: {text}", launcher.level());
        for place in [machine.home.join(".ssh"), machine.home.clone(), machine.data.clone(), machine.data.join("git/x/objects")] {
            assert!(!place.join("planted").exists(), "{}: {}: {text}", launcher.level(), place.display());
        }
        assert!(!Path::new("/etc/planted").exists() && !Path::new("/usr/planted").exists());
        assert!(!machine.data.join("workspaces/shop/a2/planted").exists(), "{text}");
        assert!(machine.data.join("token").exists() && machine.data.join("git/x/objects/pack").exists());
    }
}

#[tokio::test]
async fn attack_56_the_temporary_folder_is_private() {
    let machine = Machine::new();
    let name = format!("windlass-private-{}", std::process::id());
    let outside = Path::new("/tmp").join(&name);
    std::fs::write(&outside, "left by another").unwrap();
    for launcher in levels(SandboxLevel::Landlock).await {
        let script = format!("cat /tmp/{name}; echo planted > /tmp/{name}; echo x > \"$TMPDIR/x\" && echo fine");
        let (exited, text) = run(&launcher, machine.spec(&script, machine.view())).await;
        assert!(exited.success() && text.contains("fine") && !text.contains("left by another"), "{}: {text}", launcher.level());
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "left by another", "{}", launcher.level());
    }
    std::fs::remove_file(outside).unwrap();
}

#[tokio::test]
async fn attack_41_the_environment_of_processes_outside_is_closed_to_a_program() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Landlock).await {
        let script = format!("cat /proc/{}/environ /proc/$PPID/environ | tr '\\0' '\\n'; ls /proc/{0}/root/", std::process::id());
        let (_, text) = run(&launcher, machine.spec(&script, machine.view())).await;
        assert!(!text.contains("CARGO_MANIFEST_DIR") && !text.contains("usr"), "{}: {text}", launcher.level());
    }
}

#[tokio::test]
async fn what_a_program_is_shown_it_reaches_by_the_links_that_lead_there() {
    let machine = Machine::new();
    let tools = machine.home.join("tools/lib");
    std::fs::create_dir_all(&tools).unwrap();
    std::fs::write(tools.join("tool.sh"), "#!/bin/sh\necho \"tool in $(dirname \"$(readlink -f \"$0\")\")\"\n").unwrap();
    std::fs::set_permissions(tools.join("tool.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("lib/tool.sh", machine.home.join("tools/tool")).unwrap();
    std::os::unix::fs::symlink(machine.home.join("tools"), machine.home.join("bin")).unwrap();
    for launcher in levels(SandboxLevel::Landlock).await {
        let mut view = machine.view();
        view.read_only.push(machine.home.join("bin/tool"));
        let (_, text) = run(&launcher, machine.spec("\"$REAL_HOME/bin/tool\"", view)).await;
        assert_eq!(text, format!("tool in {}\n", tools.display()), "{}", launcher.level());
    }
}

#[tokio::test]
async fn a_folder_that_is_shown_keeps_what_is_hidden_in_it_to_itself() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Landlock).await {
        let mut view = machine.view();
        view.writable.push(machine.home.clone());
        let script = "cat \"$DATA/token\"; cat \"$REAL_HOME/.gitconfig\"; cat file";
        let (_, text) = run(&launcher, machine.spec(script, view)).await;
        assert!(text.contains("the user's own") && text.contains("mine") && !text.contains("wl_token"), "{}: {text}", launcher.level());
    }
}

#[tokio::test]
async fn a_program_has_what_every_program_expects() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Rlimits).await {
        let script = "set -e; echo x > /dev/null; head -c 4 /dev/urandom > /dev/null; cat /proc/self/status > /dev/null; test -r /etc/passwd; \
                      cat /etc/resolv.conf > /dev/null; (sleep 0; true) & wait; git --version > /dev/null; mktemp > /dev/null; echo fine";
        let (exited, text) = run(&launcher, machine.spec(script, machine.view())).await;
        assert!(exited.success(), "{}: {text}", launcher.level());
        assert_eq!(text, "fine\n", "{}", launcher.level());
    }
}

#[tokio::test]
async fn attack_52_a_program_over_its_memory_is_killed_with_all_that_it_started() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Rlimits).await {
        // The shell's own child grows; nothing of it is a file.
        let mut spec = machine.spec("head -c 200000000 /dev/zero | tail -n 1 | sh -c 'sleep 600'; sleep 600", machine.view());
        spec.limits.max_memory_bytes = Some(64 * 1024 * 1024);
        let (exited, _) = run(&launcher, spec).await;
        assert!(matches!(exited.over, Some(OverLimit::Memory(bytes)) if bytes > 64 * 1024 * 1024), "{}: {exited:?}", launcher.level());
    }
}

#[tokio::test]
async fn a_program_within_its_limits_is_left_alone() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Rlimits).await {
        let mut spec = machine.spec("sleep 0.3; echo x > small", machine.view());
        spec.limits = Limits { max_memory_bytes: Some(256 << 20), max_file_bytes: Some(1 << 20), max_processes: Some(50) };
        let (exited, text) = run(&launcher, spec).await;
        assert!(exited.success() && exited.over.is_none(), "{}: {exited:?} {text}", launcher.level());
    }
}

#[tokio::test]
async fn attack_52_a_program_of_too_many_processes_is_killed() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Rlimits).await {
        let mut spec = machine.spec("i=0; while [ $i -lt 40 ]; do sleep 600 & i=$((i+1)); done; wait", machine.view());
        spec.limits.max_processes = Some(20);
        let (exited, text) = run(&launcher, spec).await;
        // Where the kernel counts them, the shell may give up before it is seen.
        assert!(!exited.success(), "{}: {exited:?} {text}", launcher.level());
        assert!(matches!(exited.over, Some(OverLimit::Processes(count)) if count > 20) || text.contains("fork"), "{exited:?} {text}");
    }
}

#[tokio::test]
async fn attack_52_a_file_longer_than_allowed_is_not_written() {
    let machine = Machine::new();
    for launcher in levels(SandboxLevel::Rlimits).await {
        let mut spec = machine.spec("exec head -c 4000000 /dev/zero > big", machine.view());
        spec.limits.max_file_bytes = Some(1 << 20);
        let (exited, _) = run(&launcher, spec).await;
        assert!(!exited.success(), "{exited:?}");
        assert_eq!(std::fs::metadata(machine.own.join("tree/big")).unwrap().len(), 1 << 20, "{}", launcher.level());
    }
}

#[tokio::test]
async fn attack_58_a_program_with_a_network_of_its_own_reaches_only_its_way_out() {
    let machine = Machine::new();
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let launcher = Launcher::detect(EXE).await;
    if !launcher.keeps_network() {
        eprintln!("SKIPPED: network namespaces do not work here");
        return;
    }
    let socket = machine.data.join("way-out.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let heard = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 64];
        let read = client.read(&mut bytes).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"answered\n").await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    });
    let script = format!(
        "(exec 3<>/dev/tcp/127.0.0.1/{}) 2>/dev/null && echo reached; exec 3<>/dev/tcp/127.0.0.1/{}; echo asked >&3; head -n 1 <&3; \
         grep -c : /proc/net/dev",
        outside.local_addr().unwrap().port(),
        windlass_workspace::launch::PROXY_PORT
    );
    let mut spec = machine.spec(&script, View { proxy: Some(socket), ..machine.view() });
    spec.program = "/bin/bash".into();
    let (exited, text) = run(&launcher, spec).await;
    assert!(exited.success(), "{exited:?} {text}");
    assert_eq!(text, "answered\n1\n", "one interface, the loopback, and nothing behind it but the way out");
    assert_eq!(heard.await.unwrap(), "asked\n");
}

#[test]
fn what_landlock_does_not_keep_is_told() {
    if let Some(gaps) = landlock_gaps() {
        assert!(gaps.contains(&"network addresses"), "{gaps:?}");
    }
}

/// Not a test of behaviour: prints what starting a program costs at each level. `cargo xtask bench sandbox`.
#[tokio::test]
#[ignore = "a measurement"]
async fn rate() {
    let machine = Machine::new();
    let socket = machine.data.join("way-out.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut rows = vec![("off", Launcher::new(EXE, SandboxLevel::Off), machine.view())];
    for launcher in levels(SandboxLevel::Rlimits).await.into_iter().rev() {
        rows.push((launcher.level().as_str(), launcher, machine.view()));
    }
    let best = Launcher::detect(EXE).await;
    if best.keeps_network() {
        rows.push(("bubblewrap, network of its own", best, View { proxy: Some(socket), ..machine.view() }));
    }
    // Interleaved, so that what else the machine does falls on all alike.
    const ROUNDS: usize = 200;
    let mut took: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, launcher, view), took) in rows.iter().zip(&mut took) {
            let mut spec = machine.spec("", view.clone());
            (spec.program, spec.args) = ("/bin/true".into(), Vec::new());
            let start = std::time::Instant::now();
            let mut launched = launcher.spawn(spec).await.unwrap();
            launched.go().await.unwrap();
            assert!(launched.wait().await.unwrap().success());
            took.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    eprintln!("| level | median | 95th percentile | a second, one after another |\n| --- | --- | --- | --- |");
    for ((name, ..), mut took) in rows.iter().zip(took) {
        took.sort_by(f64::total_cmp);
        let sum: f64 = took.iter().sum();
        eprintln!("| {name} | {:.2} ms | {:.2} ms | {:.0} |", took[ROUNDS / 2], took[ROUNDS * 95 / 100], ROUNDS as f64 * 1e3 / sum);
    }
}
