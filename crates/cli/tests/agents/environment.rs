//! What an agent is given: its own key and no other, a home of its own, its login by a link.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_testkit::process::descendants;
use windlass_types::Harness;

use crate::bench::{Bench, CLIS, PATIENCE, Setup, eventually, key};
use crate::failures::then_works;

/// Secrets of the person who starts the daemon. None of them is an agent's business.
const STRANGERS: [(&str, &str); 3] = [
    ("GITHUB_TOKEN", "ghp-not-for-any-agent"),
    ("AWS_SECRET_ACCESS_KEY", "aws-not-for-any-agent"),
    ("DATABASE_PASSWORD", "pw-not-for-any-agent"),
];

crate::with_each_cli!(
    no_process_of_an_agent_has_a_secret_but_the_agents_own_key,
    an_agents_commands_find_windlass_and_what_the_daemon_finds,
);

async fn no_process_of_an_agent_has_a_secret_but_the_agents_own_key(harness: Harness) {
    let script = ModelScript::new().turn(Turn::tool(Tool::run("sleep 300"))).turn(Turn::text("Done."));
    let setup = STRANGERS.iter().fold(Setup::default(), |setup, (name, value)| setup.env(name, *value));
    let Some(bench) = Bench::start_with(harness, script, setup) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let sleeps = || Bench::processes(&id).iter().any(|p| p.command == "sleep 300");
    eventually(PATIENCE, sleeps).unwrap_or_else(|| panic!("{}", bench.account(&id)));

    let workspace = workspace(&bench, &id);
    let daemon_token = fs::read_to_string(bench.daemon.data.join("token")).unwrap();
    let others = CLIS.iter().filter(|c| **c != harness).map(|c| key(*c).1);
    let forbidden: Vec<&str> = others.chain(STRANGERS.iter().map(|s| s.1)).chain([daemon_token.trim()]).collect();
    let agents = Bench::processes(&id);
    assert!(agents.len() >= 2, "{agents:?}");
    // What the daemon started to watch over the agent is as readable to it as the agent's own processes.
    for process in descendants(bench.daemon.pid()).into_iter().chain(agents.clone()) {
        let Ok(env) = fs::read(format!("/proc/{}/environ", process.pid)) else { continue };
        let env = String::from_utf8_lossy(&env).into_owned();
        for secret in &forbidden {
            assert!(!env.contains(secret), "{} has {secret}", process.command);
        }
    }
    let mut own = 0;
    for process in &agents {
        let Ok(env) = fs::read(format!("/proc/{}/environ", process.pid)) else { continue };
        let env = String::from_utf8_lossy(&env).into_owned();
        let home = env.split('\0').find_map(|v| v.strip_prefix("HOME=")).map(PathBuf::from);
        assert_eq!(home, Some(workspace.join("home")), "{}: HOME is the assignment's", process.command);
        own += usize::from(env.contains(key(harness).1));
    }
    assert!(own >= 1, "the agent itself has its key");

    // Cancelled, it is gone with its tools.
    assert!(bench.daemon.call(&["cancel", &id]).status.success());
    Bench::nothing_left(&id, std::time::Duration::from_secs(10));
    assert!(files_with(&bench.daemon.data, key(harness).1).is_empty(), "{:?}", files_with(&bench.daemon.data, key(harness).1));
}

async fn an_agents_commands_find_windlass_and_what_the_daemon_finds(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::run("windlass progress --progress 40 'half-way there' && toolchain")))
        .turn(Turn::tool(Tool::write("done.txt", "done\n")).when_last("the toolchain runs"))
        .turn(Turn::text("Done."));
    let tools = tempfile::tempdir().unwrap();
    let tool = tools.path().join("toolchain");
    fs::write(&tool, "#!/bin/sh\necho the toolchain runs\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let Some(bench) = Bench::start_with(harness, script, Setup::default().env("PATH", path)) else { return };
    let id = bench.submit(&["--no-review", "--verify", "toolchain"]);
    bench.complete(&id);
    let requests = bench.model.main_loop_requests();
    assert!(requests.get(1).is_some_and(|r| r.newest.contains("the toolchain runs")), "{}", bench.account(&id));
}

#[test]
fn claudes_login_file_is_linked_into_the_home_and_never_copied() {
    let token = "sk-ant-oat01-scripted-login-of-the-person";
    let login = json!({"claudeAiOauth": {
        "accessToken": token, "refreshToken": "sk-ant-ort01-scripted-refresh-of-the-person", "expiresAt": 4_102_444_800_000_i64,
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max",
    }});
    by_login_file(Harness::Claude, ".claude", ".credentials.json", &login.to_string(), &["authorization"], token);
}

#[test]
fn codexs_login_file_is_linked_into_the_home_and_never_copied() {
    let token = "sk-scripted-login-of-the-person";
    let login = json!({"OPENAI_API_KEY": token, "tokens": null, "last_refresh": null});
    by_login_file(Harness::Codex, ".codex", "auth.json", &login.to_string(), &["authorization"], token);
}

/// Whoever renews a login ends the old one: the new one has to be kept.
#[test]
fn a_login_that_its_agent_renews_is_written_back_and_one_that_it_cannot_renew_is_not_touched() {
    let login = |refresh: &str| {
        json!({"claudeAiOauth": {
            "accessToken": "sk-ant-oat01-scripted-login-of-the-person", "refreshToken": refresh, "expiresAt": 4_102_444_800_000_i64,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": "max",
        }})
        .to_string()
    };
    for (refresh, is_kept) in [("sk-ant-ort01-scripted-refresh-of-the-person", true), ("", false)] {
        let renew = "printf '%s ' '' >> $HOME/.claude/.credentials.json && echo it was renewed || echo it was refused";
        let script = ModelScript::new()
            .turn(Turn::tool(Tool::run(renew)))
            .turn(Turn::tool(Tool::write("done.txt", "done\n")))
            .turn(Turn::text("Done."));
        let setup = Setup::default().env(key(Harness::Claude).0, "").home_file(".claude/.credentials.json", &login(refresh));
        let Some(bench) = Bench::start_with(Harness::Claude, script, setup) else { return };
        let id = bench.submit(&["--no-review", "--verify", "true"]);
        bench.complete(&id);
        let kept = fs::read_to_string(bench.user_home().join(".claude/.credentials.json")).unwrap();
        assert_eq!(kept == login(refresh) + " ", is_kept, "{kept:?}");
        let said = if is_kept { "it was renewed" } else { "it was refused" };
        assert!(bench.model.main_loop_requests().iter().any(|r| r.newest.contains(said)), "{}", bench.account(&id));
    }
}

fn by_login_file(harness: Harness, folder: &str, name: &str, content: &str, headers: &[&str], token: &str) {
    let setup = Setup::default()
        .env(key(harness).0, "")
        .home_file(&format!("{folder}/{name}"), content)
        .home_file(&format!("{folder}/other"), "mine");
    let Some(bench) = Bench::start_with(harness, then_works(ModelScript::new()), setup) else { return };
    let id = bench.submit(&["--no-review", "--verify", "./check.sh"]);
    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    let request = &bench.model.main_loop_requests()[0];
    let sent = headers.iter().any(|h| request.header(h).is_some_and(|v| v.contains(token)));
    assert!(sent, "the person's login is used: {:?}", request.headers);

    let own = workspace(&bench, &id).join("home").join(folder);
    let file = bench.user_home().join(folder).join(name);
    assert_eq!(fs::read_link(own.join(name)).ok(), Some(file.clone()));
    assert_eq!(fs::read_to_string(&file).unwrap(), content, "and it is as it was");
    assert!(!own.join("other").exists(), "nothing else of the person's folder is there");
    assert!(files_with(&bench.daemon.data, token).is_empty(), "{:?}", files_with(&bench.daemon.data, token));
}

/// The assignment's folder: tree, home, tmp.
fn workspace(bench: &Bench, id: &str) -> PathBuf {
    let stages = bench.job(id, 0)["attempts_list"][0]["stages"].clone();
    let prepare = stages.as_array().unwrap().iter().find(|s| s["stage"] == "prepare").unwrap();
    Path::new(prepare["detail"]["path"].as_str().unwrap()).parent().unwrap().to_owned()
}

/// The files below a folder that hold a text. Links are not followed.
fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), text));
        } else if kind.is_file() && fs::read(entry.path()).is_ok_and(|bytes| bytes.windows(text.len()).any(|w| w == text.as_bytes())) {
            found.push(entry.path());
        }
    }
    found
}
