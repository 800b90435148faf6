//! The scripted model is believed by the real agent CLIs: they work, fail, hang and resume by its script.

mod driver;

use driver::Agent;
use windlass_testkit::model::{LoggedRequest, ModelScript, Outcome, Tool, Turn, Wire};
use windlass_testkit::process::kill_tree;
use windlass_types::Harness;

/// Makes one test for each CLI out of a function that takes the harness.
macro_rules! with_each_cli {
    ($($test:ident),* $(,)?) => {
        mod claude { $(#[tokio::test] async fn $test() { super::$test(super::Harness::Claude).await; })* }
        mod codex { $(#[tokio::test] async fn $test() { super::$test(super::Harness::Codex).await; })* }
        mod gemini { $(#[tokio::test] async fn $test() { super::$test(super::Harness::Gemini).await; })* }
    };
}

with_each_cli!(
    a_scripted_write_puts_a_file_into_the_repository,
    a_scripted_command_runs_and_its_output_reaches_the_model,
    a_refused_key_fails_the_run,
    a_rate_limit_fails_the_run,
    an_agent_that_hangs_on_the_model_can_be_killed,
    an_agent_that_hangs_in_the_middle_of_a_stream_can_be_killed,
    a_stream_cut_short_is_not_taken_for_an_answer,
    a_stream_that_ends_too_early_in_good_order_is_not_taken_for_an_answer,
    a_session_killed_in_a_tool_is_resumed,
    a_tool_that_outlives_its_agent_is_found_by_its_environment,
    the_tokens_of_the_script_are_what_the_agent_reports,
    a_server_error_is_asked_again,
    an_error_inside_a_stream_is_no_answer,
);

async fn a_scripted_write_puts_a_file_into_the_repository(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::write("hello.txt", "hello\nworld\n")).saying("I write the file.").tokens(1000, 50))
        .turn(Turn::text("The file is there."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Write hello.txt").await;
    assert!(run.succeeded(), "{:?} {} {}", run.code, run.said(), run.stderr);
    assert_eq!(agent.file("hello.txt").as_deref(), Some("hello\nworld\n"));
    assert!(run.said().contains("The file is there."));
    let requests = agent.model.main_loop_requests();
    assert_eq!(turns(&requests), [Some(0), Some(1)]);
    assert!(requests[0].newest.contains("Write hello.txt"));
    assert!(!requests[1].newest.contains("Write hello.txt"), "what is newest now is the tool's result");
    let wire = match harness {
        Harness::Claude => Wire::Anthropic,
        Harness::Codex => Wire::OpenAi,
        _ => Wire::Gemini,
    };
    assert!(requests.iter().all(|r| r.wire == Some(wire) && r.outcome == Outcome::Answered));
}

async fn a_scripted_command_runs_and_its_output_reaches_the_model(harness: Harness) {
    let script =
        ModelScript::new().turn(Turn::tool(Tool::run("echo forty-one | sed s/one/two/"))).turn(Turn::text("Done.").when_last("forty-two"));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Run it").await;
    assert!(run.succeeded(), "{:?} {} {}", run.code, run.said(), run.stderr);
    let requests = agent.model.main_loop_requests();
    assert_eq!(turns(&requests), [Some(0), Some(1)], "{}", requests[1].newest);
}

async fn a_refused_key_fails_the_run(harness: Harness) {
    let script = ModelScript::new().turn(Turn::error(401).message("this key is not known").header("x-should-retry", "false").always());
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    assert!(!run.succeeded() && run.code.is_some_and(|c| c != 0), "{:?} {}", run.code, run.said());
    assert!(run.said().contains("401") || run.said().contains("API key"), "{}", run.said());
}

async fn a_rate_limit_fails_the_run(harness: Harness) {
    let script = ModelScript::new().turn(Turn::rate_limited(Some(1)).always());
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    assert!(!run.succeeded() && run.code.is_some_and(|c| c != 0), "{:?} {}", run.code, run.said());
    assert!(run.said().contains("429") || run.said().contains("rate limit"), "{}", run.said());
}

async fn an_agent_that_hangs_on_the_model_can_be_killed(harness: Harness) {
    let Some(agent) = Agent::new(harness, ModelScript::new().turn(Turn::hang().always())) else { return };
    let running = agent.start("Say hi", None);
    let request = agent.model.wait_for_request(1).await;
    assert_eq!(request.outcome, Outcome::Open);
    let run = running.kill().await;
    assert_eq!(run.code, None, "a signal ended it");
    agent.model.wait_until_idle().await;
    assert_eq!(agent.model.main_loop_requests()[0].outcome, Outcome::Broken);
}

async fn an_agent_that_hangs_in_the_middle_of_a_stream_can_be_killed(harness: Harness) {
    let Some(agent) = Agent::new(harness, ModelScript::new().turn(Turn::hang_mid_stream("This answer stands still half-way.").always()))
    else {
        return;
    };
    let running = agent.start("Say hi", None);
    agent.model.wait_for_request(1).await;
    let run = running.kill().await;
    assert_eq!(run.code, None, "a signal ended it");
    agent.model.wait_until_idle().await;
}

async fn a_stream_cut_short_is_not_taken_for_an_answer(harness: Harness) {
    let script = ModelScript::new().turn(Turn::cut_abrupt("This answer is cut before its end.")).turn(Turn::text("A whole answer."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    // Claude and Codex ask again by themselves; Gemini fails.
    if harness == Harness::Gemini {
        assert!(!run.succeeded() && run.code == Some(1), "{:?} {}", run.code, run.said());
    } else {
        assert!(run.succeeded() && run.said().contains("A whole answer."), "{:?} {} {}", run.code, run.said(), run.stderr);
        assert!(!run.said().contains("before its end"));
    }
    assert_eq!(agent.model.main_loop_requests()[0].outcome, Outcome::Broken);
}

async fn a_stream_that_ends_too_early_in_good_order_is_not_taken_for_an_answer(harness: Harness) {
    let script = ModelScript::new().turn(Turn::cut_clean("This answer is cut before its end.")).turn(Turn::text("A whole answer."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    // Gemini, told to ask once only, shows what it got and exits 0: only its final event says that this is an error.
    if harness == Harness::Gemini {
        assert_eq!(run.code, Some(0), "{}", run.said());
        assert!(!run.succeeded() && run.said().contains("ended without a finish reason"), "{}", run.said());
    } else {
        assert!(run.succeeded() && run.said().contains("A whole answer."), "{:?} {} {}", run.code, run.said(), run.stderr);
        assert!(!run.said().contains("before its end"));
    }
}

async fn a_session_killed_in_a_tool_is_resumed(harness: Harness) {
    let script = ModelScript::new()
        .turn(Turn::tool(Tool::write("hello.txt", "hello\n")))
        .turn(Turn::tool(Tool::run("sleep 300")))
        .turn(Turn::text("I went on."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let running = agent.start("Write, then run", None);
    running.runs("sleep 300").await;
    let killed = running.kill().await;
    assert_eq!(killed.code, None, "a signal ended it");
    assert_eq!(agent.file("hello.txt").as_deref(), Some("hello\n"));

    let resumed = agent.resume(&killed.session(), "Continue now").await;
    assert!(resumed.succeeded(), "{:?} {} {}", resumed.code, resumed.said(), resumed.stderr);
    assert!(resumed.said().contains("I went on."));
    assert_eq!(resumed.session(), killed.session());
    let request = agent.model.wait_for_request(3).await;
    assert!(request.text.contains("Write, then run") && request.text.contains("hello.txt"), "the session's past is sent again");
    assert!(request.newest.contains("Continue now"));
}

async fn a_tool_that_outlives_its_agent_is_found_by_its_environment(harness: Harness) {
    let script = ModelScript::new().turn(Turn::tool(Tool::run("sleep 301; echo over")));
    let Some(agent) = Agent::new(harness, script) else { return };
    let running = agent.start("Run it", None);
    let tool = running.runs("sleep 301").await;
    let left = running.kill_alone().await;
    assert!(left.iter().any(|p| p.pid == tool.pid), "{left:?}");
    for process in left {
        kill_tree(process.pid);
    }
}

async fn the_tokens_of_the_script_are_what_the_agent_reports(harness: Harness) {
    let script = ModelScript::new().turn(Turn::text("Hello.").tokens(1100, 70).cached_tokens(30));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    let last = run.events.iter().rfind(|e| e["usage"].is_object() || e["stats"].is_object()).unwrap();
    let seen = match harness {
        Harness::Claude => ["input_tokens", "cache_read_input_tokens", "output_tokens"].map(|k| last["usage"][k].as_u64()),
        Harness::Codex => ["input_tokens", "cached_input_tokens", "output_tokens"].map(|k| last["usage"][k].as_u64()),
        _ => ["input_tokens", "cached", "output_tokens"].map(|k| last["stats"][k].as_u64()),
    };
    // Claude counts what came from the cache apart from the input, the others count it in.
    let input = if harness == Harness::Claude { 1100 } else { 1130 };
    assert_eq!(seen, [Some(input), Some(30), Some(70)], "{last}");
}

async fn a_server_error_is_asked_again(harness: Harness) {
    let script = ModelScript::new().turn(Turn::error(500).header("retry-after", "0")).turn(Turn::text("Back again."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    // Gemini is told here to ask once only.
    if harness == Harness::Gemini {
        assert_eq!(run.code, Some(500 % 256), "{}", run.said());
    } else {
        assert!(run.succeeded() && run.said().contains("Back again."), "{:?} {} {}", run.code, run.said(), run.stderr);
    }
}

async fn an_error_inside_a_stream_is_no_answer(harness: Harness) {
    let code = match harness {
        Harness::Claude => "overloaded_error",
        Harness::Codex => "rate_limit_exceeded",
        _ => "UNAVAILABLE",
    };
    let script =
        ModelScript::new().turn(Turn::stream_error(code, "too much to do. Please try again in 1s.")).turn(Turn::text("Back again."));
    let Some(agent) = Agent::new(harness, script) else { return };
    let run = agent.run("Say hi").await;
    // Gemini is told here to ask once only.
    if harness == Harness::Gemini {
        assert_eq!(run.code, Some(503 % 256), "{}", run.said());
    } else {
        assert!(run.succeeded() && run.said().contains("Back again."), "{:?} {} {}", run.code, run.said(), run.stderr);
    }
}

fn turns(requests: &[LoggedRequest]) -> Vec<Option<usize>> {
    requests.iter().map(|r| r.turn).collect()
}
