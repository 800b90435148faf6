//! Every captured run of the real agent CLIs, mapped: one snapshot for each CLI, and the ends held against what the
//! capture's index says of the process.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use windlass_harness::stream::LineSplitter;
use windlass_harness::{Exit, Mapper};
use windlass_types::{AgentEvent, FailureKind, Harness, RunEnd, Timestamp, Usage};

/// Sat, 21 Nov 2026: the day after the captures.
const NOW: Timestamp = Timestamp(1_795_255_000_000);

#[derive(Debug, Deserialize)]
struct Case {
    cli: Harness,
    #[serde(rename = "case")]
    name: String,
    file: String,
    exit_code: Option<i32>,
    killed_by_signal: Option<i32>,
    killed_by_time_limit: bool,
    #[serde(rename = "final")]
    last: Option<Final>,
    stderr_tail: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Final {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    is_error: Option<bool>,
    status: Option<String>,
}

impl Case {
    fn exit(&self) -> Exit {
        Exit { code: self.exit_code, signal: self.killed_by_signal, stderr_tail: self.stderr_tail.join("\n") }
    }

    /// What the index says, by the rule: exit code 0 and a final event that says success.
    fn succeeded(&self) -> bool {
        let said = self.last.as_ref().is_some_and(|f| match self.cli {
            Harness::Claude => f.subtype.as_deref() == Some("success") && f.is_error == Some(false),
            Harness::Codex => f.kind == "turn.completed",
            _ => f.status.as_deref() == Some("success"),
        });
        said && self.exit_code == Some(0)
    }
}

fn captures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures"))
}

fn cases(harness: Harness) -> Vec<Case> {
    let index = std::fs::read(captures().join("index.json")).unwrap();
    let all: Vec<Case> = serde_json::from_slice(&index).unwrap();
    assert_eq!(all.len(), 165);
    all.into_iter().filter(|c| c.cli == harness).collect()
}

fn map(case: &Case) -> (Vec<AgentEvent>, RunEnd) {
    map_bytes(case, &std::fs::read(captures().join(&case.file)).unwrap())
}

fn map_bytes(case: &Case, bytes: &[u8]) -> (Vec<AgentEvent>, RunEnd) {
    let mut splitter = LineSplitter::default();
    let mut lines = splitter.push(bytes);
    lines.extend(splitter.finish());
    let mut mapper = Mapper::for_reading(case.cli);
    let events = lines.iter().flat_map(|l| mapper.line(l)).collect();
    (events, mapper.finish(&case.exit(), NOW))
}

fn used(usage: Option<Usage>) -> String {
    usage.map_or_else(
        || "unknown".to_owned(),
        |u| {
            let cost = u.cost_micros.map_or_else(String::new, |c| format!(" {}µ$", c.0));
            format!("{}+{}{}", u.input_tokens + u.cache_read_tokens + u.cache_write_tokens, u.output_tokens, cost)
        },
    )
}

/// `Session Text ToolStarted…`, a run of one kind counted.
fn kinds(events: &[AgentEvent]) -> String {
    let name = |event: &AgentEvent| match event {
        AgentEvent::Session { .. } => "session".to_owned(),
        AgentEvent::Text { delta: false, .. } => "text".to_owned(),
        AgentEvent::Text { .. } => "delta".to_owned(),
        AgentEvent::Thinking { .. } => "thinking".to_owned(),
        AgentEvent::ToolStarted { name, .. } => format!("{name}("),
        AgentEvent::ToolEnded { is_error, .. } => if *is_error { ")!" } else { ")" }.to_owned(),
        AgentEvent::Usage { .. } => "usage".to_owned(),
        AgentEvent::Notice { .. } => "notice".to_owned(),
        AgentEvent::Ended { end } => format!("{}{}", if end.ok { "OK" } else { "ERROR" }, if end.denials > 0 { " denied" } else { "" }),
        AgentEvent::Unknown { what } => format!("?{what}"),
    };
    let mut parts: Vec<(String, usize)> = Vec::new();
    for event in events {
        let name = name(event);
        match parts.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => parts.push((name, 1)),
        }
    }
    parts.into_iter().map(|(name, count)| if count == 1 { name } else { format!("{name}×{count}") }).collect::<Vec<_>>().join(" ")
}

fn summary(harness: Harness) -> String {
    let mut out = String::new();
    for case in cases(harness) {
        let (events, end) = map(&case);
        let session = events.iter().find_map(|e| match e {
            AgentEvent::Session { session_id, .. } => Some(session_id.as_str()),
            _ => None,
        });
        let _ = writeln!(out, "{} [{}]", case.name, session.map_or("no session", |s| &s[..8]));
        let _ = writeln!(out, "  {}", kinds(&events));
        let _ = match end {
            RunEnd::Finished { text, usage } => writeln!(out, "  finished {text:?} used {}", used(usage)),
            RunEnd::Failed { failure, usage } => {
                let hint = failure.hint.map(|h| format!(" ({h})")).unwrap_or_default();
                let retry = failure.retry_at.map(|at| format!(" again in {} ms", at.since_ms(NOW))).unwrap_or_default();
                writeln!(out, "  failed {} {:?}{hint}{retry} used {}", failure.kind.as_str(), failure.message, used(usage))
            }
        };
    }
    out
}

#[test]
fn every_claude_capture_is_mapped_as_it_was() {
    insta::assert_snapshot!("claude", summary(Harness::Claude));
}

#[test]
fn every_codex_capture_is_mapped_as_it_was() {
    insta::assert_snapshot!("codex", summary(Harness::Codex));
}

#[test]
fn every_gemini_capture_is_mapped_as_it_was() {
    insta::assert_snapshot!("gemini", summary(Harness::Gemini));
}

#[test]
fn what_takes_secrets_out_of_a_stream_changes_nothing_of_real_runs() {
    let scanner = windlass_secrets::Scanner::shared().unwrap();
    for harness in [Harness::Claude, Harness::Codex, Harness::Gemini] {
        for case in cases(harness) {
            let bytes = std::fs::read(captures().join(&case.file)).unwrap();
            let mut redactor = windlass_secrets::Redactor::new(&scanner, &[]);
            let mut clean = redactor.push(&bytes);
            clean.extend(redactor.finish());
            assert_eq!(map_bytes(&case, &clean), map(&case), "{harness} {}", case.name);
        }
    }
}

#[test]
fn a_run_finished_exactly_when_exit_code_and_final_event_both_say_so() {
    for case in [Harness::Claude, Harness::Codex, Harness::Gemini].into_iter().flat_map(cases) {
        // This one asked for another output format, which Windlass never does.
        if case.cli == Harness::Gemini && case.name == "text_json" {
            continue;
        }
        let (_, end) = map(&case);
        assert_eq!(matches!(end, RunEnd::Finished { .. }), case.succeeded(), "{:?} {}: {end:?}", case.cli, case.name);
    }
}

#[test]
fn a_run_without_a_final_event_or_killed_has_crashed_unless_its_exit_says_what_to_set_up() {
    let configuration: BTreeSet<&str> =
        ["bad_flag", "no_verbose", "write_skip_permissions_root", "not_git", "auth_gateway_env_only", "no_key", "untrusted_folder"].into();
    for case in [Harness::Claude, Harness::Codex, Harness::Gemini].into_iter().flat_map(cases) {
        let RunEnd::Failed { failure, .. } = map(&case).1 else { continue };
        let killed = case.killed_by_signal.is_some() || case.killed_by_time_limit;
        if killed || (case.last.is_none() && !configuration.contains(case.name.as_str())) {
            assert_eq!(failure.kind, FailureKind::AgentCrashed, "{:?} {}: {failure:?}", case.cli, case.name);
        } else if case.last.is_none() {
            assert!(
                matches!(failure.kind, FailureKind::BadConfiguration | FailureKind::NotLoggedIn),
                "{:?} {}: {failure:?}",
                case.cli,
                case.name
            );
            assert!(failure.hint.is_some(), "{:?} {}", case.cli, case.name);
        }
    }
}

#[test]
#[expect(clippy::match_same_arms, reason = "one line for each cause")]
fn a_final_event_that_says_failure_tells_its_kind() {
    use FailureKind::{AgentCrashed, AgentFailed, ApiError, BudgetExceeded, NotLoggedIn, RateLimited, Unauthorized};
    let expected = |harness: Harness, case: &str| match case {
        "connection_refused" | "connection_refused_bounded" | "hang_api_timeout" | "idle_timeout" | "cut_abrupt_then_ok" => ApiError,
        "error_500_exhausted" | "error_503_exhausted" | "error_529_exhausted" => ApiError,
        // Google's words for a wrong key come with a 400.
        "error_400" if harness == Harness::Gemini => Unauthorized,
        "error_400" | "refusal_stop" | "max_turns" | "error_in_stream_context" => AgentFailed,
        "error_401" | "error_401_no_retry_header" | "hooks_stop_failure" => Unauthorized,
        "error_429_no_retry_header" | "error_429_exhausted" => RateLimited,
        "no_key" => NotLoggedIn,
        "max_budget" => BudgetExceeded,
        "resume_unknown" | "resume_other_cwd" => AgentCrashed,
        other => panic!("{harness} {other} is not expected to fail"),
    };
    let mut seen = 0;
    for case in [Harness::Claude, Harness::Codex, Harness::Gemini].into_iter().flat_map(cases) {
        let RunEnd::Failed { failure, .. } = map(&case).1 else { continue };
        if case.last.is_some() && case.killed_by_signal.is_none() {
            assert_eq!(failure.kind, expected(case.cli, &case.name), "{:?} {}: {failure:?}", case.cli, case.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 29);
}
