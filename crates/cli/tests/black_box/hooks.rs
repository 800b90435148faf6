//! Hooks: put into settings that somebody else writes too, taken out again, and never in an agent's way.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::Daemon;
use crate::environment::{Answer, Home};

const THEIRS: &str = "{\n  \"theme\": \"dark\",\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"./bell.sh\"}]}]\n  }\n}\n";

fn read(home: &Home, path: &str) -> String {
    std::fs::read_to_string(home.path().join(path)).expect("the file")
}

fn install(home: &Home, more: &[&str]) -> Answer {
    home.run(&[&["hooks", "install", "--user", "--harness", "claude"], more].concat())
}

#[test]
fn hooks_are_put_beside_others_once_and_taken_out_without_them() {
    let home = Home::new();
    home.write(".claude/settings.json", THEIRS);
    let shown = install(&home, &["--dry-run"]).code(0).out;
    assert!(shown.contains("+++ ") && shown.contains("hooks send --harness claude") && shown.contains("PreToolUse"), "{shown}");
    assert_eq!(read(&home, ".claude/settings.json"), THEIRS, "a dry run changes nothing");
    let answer = install(&home, &["--json"]).code(0).json();
    let item = &answer["items"][0];
    assert_eq!(
        (&item["changed"], item["backup"].as_str().map(|path| path.ends_with("settings.json.before-windlass"))),
        (&true.into(), Some(true))
    );
    assert_eq!(read(&home, ".claude/settings.json.before-windlass"), THEIRS);
    let installed = read(&home, ".claude/settings.json");
    assert!(installed.starts_with("{\n  \"theme\": \"dark\",\n") && installed.contains("./bell.sh"), "{installed}");
    let read_again: Value = serde_json::from_str(&installed).expect("JSON");
    for event in ["SessionStart", "PreToolUse", "PostToolUse", "PostToolUseFailure", "UserPromptSubmit", "Stop", "SessionEnd"] {
        let group = read_again["hooks"][event].as_array().and_then(|groups| groups.last()).expect("ours");
        let command = group["hooks"][0]["command"].as_str().expect("a command");
        assert!(command.contains(" hooks send --harness claude") && command.ends_with(" >/dev/null 2>&1 || true"), "{command}");
    }
    install(&home, &[]).code(0);
    assert_eq!(read(&home, ".claude/settings.json"), installed, "again changes nothing");
    assert_eq!(read(&home, ".claude/settings.json.before-windlass"), THEIRS);
    home.run(&["hooks", "uninstall", "--user", "--harness", "claude"]).code(0);
    let left: Value = serde_json::from_str(&read(&home, ".claude/settings.json")).expect("JSON");
    assert_eq!(left, serde_json::from_str::<Value>(THEIRS).expect("JSON"));
    let is_kept = home.path().join(".claude/settings.json.before-windlass").exists();
    assert_eq!(is_kept, read(&home, ".claude/settings.json") != THEIRS, "what is there again needs no other copy");
}

#[test]
fn where_nothing_was_before_hooks_came_nothing_is_left_of_them() {
    let home = Home::new();
    install(&home, &[]).code(0);
    assert!(read(&home, ".claude/settings.json").contains("hooks send"));
    home.run(&["hooks", "uninstall", "--user", "--harness", "claude"]).code(0);
    assert!(!home.path().join(".claude").exists());
    home.write(".claude/mine.md", "mine");
    install(&home, &[]).code(0);
    home.run(&["hooks", "uninstall", "--user", "--harness", "claude"]).code(0);
    let left: Vec<_> =
        std::fs::read_dir(home.path().join(".claude")).expect("their folder").flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, ["mine.md"]);
}

#[test]
fn each_agent_has_its_file_and_the_daemon_that_is_named_is_spoken_to() {
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("repo/.git")).expect("a repository");
    std::fs::create_dir_all(home.path().join("repo/deep")).expect("a folder");
    let mut command = home.command(&["hooks", "install", "--harness", "claude", "--harness", "gemini", "--data-dir", "../some data"]);
    Answer::of(command.current_dir(home.path().join("repo/deep")).output().expect("the binary runs")).code(0);
    for file in ["repo/.claude/settings.json", "repo/.gemini/settings.json"] {
        let text = read(&home, file);
        assert!(text.contains(&format!("--data-dir '{}/repo/some data'", home.path().display())) || text.contains("some data'"), "{text}");
    }
    home.run(&["hooks", "install", "--user", "--harness", "codex"]).code(0).says("trusted");
    assert!(read(&home, ".codex/hooks.json").contains("--harness codex"));
    home.run(&["hooks", "install", "--project", "--harness", "codex"]).code(2).says("--user");
    home.run_with(&["hooks", "install"], &[("PATH", "/nowhere")]).code(2).says("--harness");
    let nothing = home.run(&["hooks", "uninstall", "--user", "--harness", "gemini"]).code(0);
    assert!(nothing.out.contains("stays as it is") && !home.path().join(".gemini").exists(), "{}", nothing.out);
}

#[test]
fn a_file_that_cannot_be_understood_and_a_link_out_of_the_project_are_left_alone() {
    let home = Home::new();
    for text in ["{ \"theme\": ", "[]", "{\"hooks\": 3}"] {
        home.write(".claude/settings.json", text);
        install(&home, &[]).code(2).says("was left as it is");
        assert_eq!(read(&home, ".claude/settings.json"), text);
        assert!(!home.path().join(".claude/settings.json.before-windlass").exists());
    }
    let outside = home.write("outside/settings.json", "{}");
    std::fs::create_dir_all(home.path().join("repo/.git")).expect("a repository");
    symlink(outside.parent().expect("a folder"), home.path().join("repo/.claude")).expect("a link");
    let mut command = home.command(&["hooks", "install", "--harness", "claude"]);
    Answer::of(command.current_dir(home.path().join("repo")).output().expect("the binary runs")).code(2).says("leads out of the project");
    assert_eq!(read(&home, "outside/settings.json"), "{}");
    std::fs::remove_dir_all(home.path().join(".claude")).expect("removed");
    symlink(outside.parent().expect("a folder"), home.path().join(".claude")).expect("a link");
    install(&home, &[]).code(0).says("is a link");
    assert!(read(&home, "outside/settings.json").contains("hooks send"));
}

#[test]
fn a_hook_says_nothing_and_ends_well_whatever_happens() {
    let home = Home::new();
    // Something that listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let payload = "{\"session_id\":\"s\",\"hook_event_name\":\"Stop\"}";
    let long = format!("{{\"session_id\":\"s\",\"x\":\"{}\"}}", "y".repeat(3_000_000));
    let cases: [(&[&str], &str); 7] = [
        (&["hooks", "send", "--harness", "claude"], payload),
        (&["hooks", "send", "--harness", "claude"], "{"),
        (&["hooks", "send", "--harness", "claude"], ""),
        (&["hooks", "send", "--harness", "claude", "--url", &url], &long),
        (&["hooks", "send", "--harness", "emacs"], payload),
        (&["hooks", "send", "--no-such-flag"], payload),
        (&["hooks", "send", "--harness", "claude", "--config", "/no/such/file"], payload),
    ];
    for (args, input) in cases {
        let began = Instant::now();
        let mut child =
            home.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let written = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let answer = Answer::of(child.wait_with_output().expect("its end")).code(0);
        assert_eq!((answer.out.as_str(), answer.err.as_str()), ("", ""), "{args:?}");
        assert!(written.is_ok() || args.contains(&"emacs") || args.contains(&"--no-such-flag"), "{args:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{args:?}");
    }
}

#[test]
fn a_session_is_found_by_the_agents_own_id_too_and_a_call_that_two_hooks_tell_counts_once() {
    let home = Home::new();
    let _daemon = Daemon::up(&home);
    let own = "3f0c9a52-7d1e-4b61-9d58-0a2f6c1e4b77";
    for event in ["PreToolUse", "PostToolUse"] {
        let payload = format!(
            "{{\"session_id\":\"{own}\",\"hook_event_name\":\"{event}\",\"tool_name\":\"Bash\",\"tool_use_id\":\"toolu_1\",\"tool_input\":{{\"command\":\"ls\"}}}}"
        );
        for _ in 0..2 {
            let mut child = home.command(&["hooks", "send", "--harness", "claude"]).stdin(Stdio::piped()).spawn().expect("the binary runs");
            child.stdin.take().expect("its input").write_all(payload.as_bytes()).expect("written");
            assert!(child.wait().expect("its end").success());
        }
    }
    for named in [own, "3f0c9a52"] {
        let found = home.run(&["agents", named, "--json"]).code(0).json();
        assert_eq!((&found["session"]["agent_session_id"], &found["session"]["tools_used"]), (&own.into(), &1.into()), "{found}");
    }
    home.run(&["agents", "3f0c9a52-no-such"]).code(2).says("names no session");
}
