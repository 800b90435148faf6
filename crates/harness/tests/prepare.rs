//! What a call looks like, and what is put into a home for it. The programs are stand-ins that are never run.

mod common;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use common::{NOW, Place, SESSION, read};
use windlass_harness::{RunRequest, Session, Settings, Stdin, UserFiles, prepare};
use windlass_types::{Clock, FailureKind, Harness, Micros};

/// Programs of every agent's name, in a folder that is the search path.
fn settings(place: &Place) -> Settings {
    let bin = place.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["claude", "codex", "gemini", "mytool"] {
        std::fs::write(bin.join(name), "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Settings {
        search_path: bin.display().to_string(),
        windlass_exe: "/opt/windlass".into(),
        running_as_root: true,
        clock: Clock::manual(NOW),
        ..Settings::default()
    }
}

fn all_keys() -> UserFiles {
    UserFiles::from_vars(UserFiles::variables().map(|name| (name.to_owned(), format!("value of {name}"))))
}

fn request(place: &Place, harness: Harness) -> RunRequest {
    let mut request = place.request(harness);
    request.env = [("PATH".to_owned(), "/agents/path".to_owned()), ("WINDLASS_JOB_ID".to_owned(), "job_1".to_owned())].into();
    request.user = all_keys();
    request.program = Some("mytool 'two words' -x".to_owned());
    request.script = Some("[[turn]]\nsteps = []".to_owned());
    request
}

fn show(place: &Place, request: &RunRequest, settings: &Settings) -> String {
    let invocation = prepare(request, settings).unwrap();
    let mut out = format!("{}\n", invocation.program.display());
    for arg in &invocation.args {
        let _ = writeln!(out, "  {arg}");
    }
    for (name, value) in &invocation.env {
        let _ = writeln!(out, "  {name}={value}");
    }
    let stdin = match &invocation.stdin {
        Stdin::Null => "nothing".to_owned(),
        Stdin::Text(text) => format!("{text:?}"),
    };
    let _ = writeln!(out, "  reads {stdin} in {}", invocation.cwd.display());
    out.replace(&place.dir.path().display().to_string(), "/P")
}

fn touch(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "").unwrap();
}

#[test]
fn every_agent_is_called_as_its_manual_says() {
    let mut out = String::new();
    for harness in Harness::ALL {
        let place = Place::new();
        let settings = settings(&place);
        let mut request = request(&place, harness);
        let _ = write!(out, "== {harness}, a new session\n{}", show(&place, &request, &settings));

        request.session = Session::Resume { session_id: SESSION.to_string() };
        request.read_only = true;
        request.model = Some("some-model".to_owned());
        request.system_prompt = Some("Be brief.".to_owned());
        request.max_turns = Some(7);
        request.cost_limit_micros = Some(Micros(1_500_000));
        let project = place.path("tree").display().to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        touch(&place.path("home/.claude/projects").join(project).join(format!("{SESSION}.jsonl")));
        touch(&place.path(&format!("home/.codex/sessions/2026/11/20/rollout-2026-11-20T21-45-55-{SESSION}.jsonl")));
        let chat = place.path("home/.gemini/tmp/tree/chats/session-2026-11-20T21-45-11111111.jsonl");
        touch(&chat);
        std::fs::write(chat, format!("{{\"sessionId\":\"{SESSION}\"}}\n{{\"type\":\"user\",\"content\":[{{\"text\":\"Do it.\"}}]}}\n"))
            .unwrap();
        touch(&place.path(&format!("home/.windlass/simulated/{SESSION}.json")));
        let _ = write!(out, "== {harness}, a session that goes on, only looking\n{}", show(&place, &request, &settings));
        if harness == Harness::Gemini {
            let _ = writeln!(out, "  {}", read(place.path("home/.gemini/settings.json")));
        }
        if harness == Harness::Command {
            assert_eq!(read(place.path("home/.windlass/prompt.md")), "Be brief.\n\nWrite hello.txt");
        }
    }
    insta::assert_snapshot!("calls", out);
}

#[test]
fn geminis_id_of_a_session_that_it_emptied_is_neither_resumed_nor_taken_again() {
    let place = Place::new();
    let mut request = request(&place, Harness::Gemini);
    request.session = Session::Resume { session_id: SESSION.to_string() };
    let chat = place.path("home/.gemini/tmp/tree/chats/session-2026-11-20T21-45-11111111.jsonl");
    touch(&chat);
    let flags = |lines: &str| {
        std::fs::write(&chat, lines).unwrap();
        let args = prepare(&request, &settings(&place)).unwrap().args;
        ["--resume", "--session-id"].map(|flag| args.iter().any(|a| a == flag))
    };
    let prompt = r#"{"type":"user","content":[{"text":"Do it."}]}"#;
    let taken_back = r#"{"$set":{"messages":[{"type":"user","content":[{"text":"<session_context>"}]}]}}"#;
    assert_eq!(flags(&format!("{{\"sessionId\":\"{SESSION}\"}}\n{prompt}\n")), [true, false]);
    assert_eq!(flags(&format!("{{\"sessionId\":\"{SESSION}\"}}\n{prompt}\n{taken_back}\n")), [false, false]);
    assert_eq!(flags(&format!("{{\"sessionId\":\"11111111-other\"}}\n{prompt}\n")), [false, true]);
}

#[test]
fn a_key_reaches_the_harness_it_belongs_to_and_no_other() {
    for harness in Harness::ALL {
        let place = Place::new();
        let env = prepare(&request(&place, harness), &settings(&place)).unwrap().env;
        let has = |name: &str| env.contains_key(name);
        assert_eq!(has("ANTHROPIC_API_KEY"), harness == Harness::Claude, "{harness}");
        assert_eq!(has("OPENAI_API_KEY"), harness == Harness::Codex, "{harness}");
        assert_eq!(has("GEMINI_API_KEY"), harness == Harness::Gemini, "{harness}");
        assert_eq!(env["HOME"], place.path("home").display().to_string());
    }
}

#[test]
fn a_login_file_is_linked_and_never_copied() {
    for (harness, file, content) in [
        (Harness::Claude, ".claude/.credentials.json", r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"r","expiresAt":1}}"#),
        (Harness::Codex, ".codex/auth.json", r#"{"tokens":{"access_token":"a","refresh_token":"r"}}"#),
        (Harness::Gemini, ".gemini/oauth_creds.json", r#"{"access_token":"a","refresh_token":"r","expiry_date":1}"#),
    ] {
        let place = Place::new();
        touch(&place.path("user").join(file));
        std::fs::write(place.path("user").join(file), content).unwrap();
        touch(&place.path("user/.gemini/google_accounts.json"));
        let mut request = request(&place, harness);
        request.user = UserFiles { home: Some(place.path("user")), ..UserFiles::default() };
        let call = prepare(&request, &settings(&place)).unwrap();
        let own = place.path("user").join(file);
        assert_eq!((call.renews.as_slice(), call.reads.contains(&own)), ([own.clone()].as_slice(), false), "{harness} renews it");
        let link = place.path("home").join(file);
        assert_eq!(std::fs::read_link(&link).unwrap(), place.path("user").join(file), "{harness}");
        assert_eq!(place.path("home/.gemini/google_accounts.json").is_symlink(), harness == Harness::Gemini);

        // With a key instead, the link goes.
        request.user = all_keys();
        prepare(&request, &settings(&place)).unwrap();
        assert!(!link.is_symlink(), "{harness}");
    }
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let place = Place::new();
    let settings = settings(&place);
    let nothing = Settings { search_path: "/nowhere".to_owned(), ..settings.clone() };
    let kind = |request: &RunRequest, settings: &Settings| {
        let failure = prepare(request, settings).unwrap_err();
        assert!(failure.hint.is_some(), "{failure:?}");
        failure.kind
    };
    for harness in [Harness::Claude, Harness::Codex, Harness::Gemini] {
        let mut request = request(&place, harness);
        assert_eq!(kind(&request, &nothing), FailureKind::NotInstalled);
        request.user = UserFiles::default();
        assert_eq!(kind(&request, &settings), FailureKind::NotLoggedIn);
    }
    let mut command = request(&place, Harness::Command);
    assert_eq!(kind(&command, &nothing), FailureKind::NotInstalled);
    command.program = Some("'open".to_owned());
    assert_eq!(kind(&command, &settings), FailureKind::BadConfiguration);
    command.program = None;
    assert_eq!(kind(&command, &settings), FailureKind::BadConfiguration);
    let mut simulated = request(&place, Harness::Simulated);
    simulated.script = Some("steps".to_owned());
    assert_eq!(kind(&simulated, &settings), FailureKind::BadConfiguration);
    simulated.script = None;
    assert_eq!(kind(&simulated, &settings), FailureKind::BadConfiguration);
}

#[test]
fn a_session_id_that_is_a_path_or_a_flag_is_never_passed_on() {
    for harness in Harness::ALL {
        for id in ["../../etc/passwd", "--dangerously-bypass-hook-trust", ""] {
            let place = Place::new();
            let mut request = request(&place, harness);
            request.session = Session::Resume { session_id: id.to_owned() };
            let invocation = prepare(&request, &settings(&place)).unwrap();
            assert!(id.is_empty() || !invocation.args.iter().any(|a| a.contains(id)), "{harness}: {:?}", invocation.args);
            assert!(!invocation.args.iter().any(|a| a == "--resume" || a == "resume"), "{harness}");
        }
    }
}

#[test]
fn secrets_do_not_stand_in_arguments_or_debug_texts() {
    for harness in Harness::ALL {
        let place = Place::new();
        let request = request(&place, harness);
        let invocation = prepare(&request, &settings(&place)).unwrap();
        for (name, value) in request.user.secrets() {
            assert!(!invocation.args.iter().any(|a| a.contains(&value)), "{harness} shows {name}: {:?}", invocation.args);
        }
        assert!(!format!("{invocation:?} {request:?}").contains("value of ANTHROPIC_API_KEY"));
    }
}
