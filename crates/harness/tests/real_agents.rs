//! The real agent CLIs, called as [`prepare`](windlass_harness::prepare) says, against a scripted model on the loopback.

mod common;

use std::process::Command;

use common::{Place, Ran, read, run};
use windlass_harness::{HarnessSettings, Price, RunRequest, Session, Settings, probe};
use windlass_testkit::cli::AgentCli;
use windlass_testkit::model::{ModelScript, ScriptedModel, Tool, Turn};
use windlass_types::{FailureKind, Harness, RunEnd, Usage};

const REAL: [Harness; 3] = [Harness::Claude, Harness::Codex, Harness::Gemini];

fn settings(harness: Harness) -> Option<Settings> {
    let program = AgentCli::find(harness)?;
    let model = match harness {
        Harness::Claude => "claude-sonnet-4-5",
        Harness::Codex => "gpt-5.5",
        _ => "gemini-2.5-pro",
    };
    let price = Price { input_micros: 1_000_000, output_micros: 10_000_000, ..Price::default() };
    let one = HarnessSettings {
        program: Some(format!("'{}'", program.display())),
        model: Some(model.to_owned()),
        prices: [(model.to_owned(), price)].into(),
    };
    Some(Settings { harness: [(harness, one)].into(), search_path: std::env::var("PATH").unwrap_or_default(), ..Settings::default() })
}

fn request(place: &Place, harness: Harness, model: &ScriptedModel) -> RunRequest {
    assert!(Command::new("git").args(["init", "-q"]).current_dir(place.path("tree")).status().unwrap().success());
    let mut request = place.request(harness);
    let (key, base, url) = match harness {
        Harness::Claude => ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", model.url()),
        Harness::Codex => ("OPENAI_API_KEY", "OPENAI_BASE_URL", format!("{}/v1", model.url())),
        _ => ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", model.url()),
    };
    request.user.env = [(key.to_owned(), "test-key".to_owned()), (base.to_owned(), url)].into();
    request
}

fn usage(ran: &Ran) -> Usage {
    match &ran.end {
        RunEnd::Finished { usage: Some(usage), .. } => *usage,
        _ => panic!("{ran:#?}"),
    }
}

#[test]
fn a_real_agent_writes_a_file_and_its_session_goes_on() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        let script = ModelScript::new()
            .turn(Turn::tool(Tool::write("hello.txt", "hello\n")).tokens(1000, 50))
            .turn(Turn::text("I wrote it.").tokens(1200, 10))
            .turn(Turn::text("Again.").tokens(100, 20));
        let model = ScriptedModel::start(script);
        let place = Place::new();
        let mut request = request(&place, harness, &model);
        let first = run(&request, &settings);
        assert_eq!(first.text(), "I wrote it.", "{first:#?}");
        assert_eq!(read(place.path("tree/hello.txt")), "hello\n", "{harness}: {first:#?}");
        let used = usage(&first);
        assert_eq!((used.input_tokens, used.output_tokens), (2200, 60), "{harness}");
        assert!(used.cost_micros.is_some(), "{harness}");

        request.session = Session::Resume { session_id: first.session() };
        request.prompt = "What did you do?".to_owned();
        let second = run(&request, &settings);
        assert_eq!(second.text(), "Again.", "{second:#?}");
        assert_eq!(second.session(), first.session(), "{harness}");
        let used = usage(&second);
        assert_eq!((used.input_tokens, used.output_tokens), (100, 20), "{harness}: only what the second run used");
        let last = model.main_loop_requests().pop().unwrap();
        assert!(last.text.contains("Write hello.txt") && last.text.contains("What did you do?"), "{harness}: the past is sent again");
    }
}

#[test]
fn a_real_agent_whose_session_is_gone_begins_a_new_one() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        let model = ScriptedModel::start(ModelScript::new().turn(Turn::text("Fresh.")));
        let place = Place::new();
        let mut request = request(&place, harness, &model);
        request.session = Session::Resume { session_id: "99999999-9999-4999-8999-999999999999".to_owned() };
        assert_eq!(run(&request, &settings).text(), "Fresh.");
    }
}

#[test]
fn a_job_that_only_looks_cannot_write_but_can_run_git() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        let script = ModelScript::new()
            .turn(Turn::tool(Tool::write("hello.txt", "hello\n")))
            .turn(Turn::tool(Tool::run("git status")))
            .turn(Turn::text("I looked."));
        let model = ScriptedModel::start(script);
        let place = Place::new();
        let mut request = request(&place, harness, &model);
        request.read_only = true;
        let ran = run(&request, &settings);
        assert_eq!(ran.text(), "I looked.", "{ran:#?}");
        assert!(!place.path("tree/hello.txt").exists(), "{harness}");
        let last = model.main_loop_requests().pop().unwrap();
        assert!(last.text.contains("No commits yet"), "{harness}: {}", last.newest);
    }
}

#[test]
fn refused_credentials_and_limits_are_told_from_a_real_agents_stream() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        for (turn, kind) in [(Turn::error(401).always(), FailureKind::Unauthorized), (Turn::error(400).always(), FailureKind::AgentFailed)]
        {
            let model = ScriptedModel::start(ModelScript::new().turn(turn));
            let ran = run(&request(&Place::new(), harness, &model), &settings);
            assert_eq!(ran.failure().0, kind, "{ran:#?}");
        }
    }
}

#[tokio::test]
async fn a_probe_tells_the_version_and_what_is_missing() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        let probed = probe(harness, &settings, &windlass_harness::UserFiles::default()).await;
        assert!(probed.version.as_deref().is_some_and(|v| v.contains('.')), "{probed:?}");
        assert_eq!(probed.login, None);
        assert_eq!(probed.problems.len(), 1, "{probed:?}");
    }
}

#[test]
fn commands_that_a_repository_brings_for_the_agent_are_not_run() {
    for harness in REAL {
        let Some(settings) = settings(harness) else { continue };
        let model = ScriptedModel::start(ModelScript::new().turn(Turn::tool(Tool::run("git status"))).turn(Turn::text("Done.")));
        let place = Place::new();
        let request = request(&place, harness, &model);
        let tree = place.path("tree");
        let mark = |name: &str| format!("touch {}", place.path(name).display());
        let hook =
            |event: &str, name: &str| format!(r#""{event}":[{{"matcher":"*","hooks":[{{"type":"command","command":"{}"}}]}}]"#, mark(name));
        let server = format!(r#"{{"command":"/bin/sh","args":["-c","{}"],"trust":true}}"#, mark("ran-server"));
        for dir in [".claude", ".gemini", ".codex"] {
            std::fs::create_dir(tree.join(dir)).unwrap();
        }
        let claude = format!("{{\"hooks\":{{{},{}}}}}", hook("SessionStart", "ran-start"), hook("PreToolUse", "ran-hook"));
        std::fs::write(tree.join(".claude/settings.json"), claude).unwrap();
        std::fs::write(tree.join(".mcp.json"), format!(r#"{{"mcpServers":{{"x":{server}}}}}"#)).unwrap();
        let gemini = format!(
            r#"{{"hooks":{{{},{}}},"mcpServers":{{"x":{server}}}}}"#,
            hook("SessionStart", "ran-start"),
            hook("BeforeTool", "ran-hook")
        );
        std::fs::write(tree.join(".gemini/settings.json"), gemini).unwrap();
        let codex = format!(
            "notify = [\"/bin/sh\", \"-c\", \"{}\"]\n[mcp_servers.x]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"{}\"]\n",
            mark("ran-hook"),
            mark("ran-server")
        );
        std::fs::write(tree.join(".codex/config.toml"), codex).unwrap();
        let ran = run(&request, &settings);
        assert_eq!(ran.text(), "Done.", "{ran:#?}");
        for name in ["ran-start", "ran-hook", "ran-server"] {
            assert!(!place.path(name).exists(), "{harness} did {name}");
        }
    }
}
