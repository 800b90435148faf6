//! A turn played without a process, for jobs that only measure or demonstrate the engine.

use std::time::Duration;

use windlass_types::{RunEnd, Timestamp, Usage};

use super::map::{failure, usage_of};
use super::script::{Script, Step, When};
use super::wire::{Problem, Tokens};

/// Plays the turn for this run and gives how it ended; `now` is what a quota's wait is counted from.
///
/// Call it only where [`is_in_process`](super::is_in_process) says so.
pub async fn in_process(script: &str, job_type: &str, nth: u32, iteration: u32, now: Timestamp) -> RunEnd {
    let when = When { job_type, nth, iteration, attempt: None };
    let script = match Script::parse_again(script) {
        Ok(script) => script,
        Err(failure) => return RunEnd::Failed { failure, usage: None },
    };
    let Some((_, turn)) = script.turn(&when) else { return RunEnd::Failed { failure: super::no_turn(&when), usage: None } };
    let mut said = String::new();
    let mut used = Tokens::default();
    let mut told = true;
    for step in &turn.steps {
        let usage = || told.then(|| usage_of(used));
        let failed = |problem: Problem, text: &str| RunEnd::Failed { failure: failure(&problem, text, now), usage: usage() };
        match step {
            Step::Say(text) => said.clone_from(text),
            Step::Usage(more) => used = used.plus(*more),
            Step::UsageUnknown(unknown) => told = !unknown,
            Step::SleepMs(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::Verdict(table) => said = serde_json::Value::Object(table.clone()).to_string(),
            Step::NothingToChange(why) => said = format!("NOTHING_TO_CHANGE: {why}"),
            Step::End(text) | Step::ClaimDone(text) => return RunEnd::Finished { text: text.clone(), usage: usage() },
            Step::Fail(text) => return failed(Problem::Failed, text),
            Step::ApiError(text) => return failed(Problem::ApiError, text),
            Step::Quota(quota) => return failed(Problem::RateLimited { retry_after_secs: quota.retry_after_secs }, ""),
            Step::Unauthorized(true) => return failed(Problem::Unauthorized, ""),
            // The check of the script lets no others through.
            _ => {}
        }
    }
    let usage: Option<Usage> = told.then(|| usage_of(used));
    RunEnd::Finished { text: said, usage }
}

#[cfg(test)]
mod tests {
    use windlass_types::{FailureKind, Micros};

    use super::*;

    async fn play(steps: &str) -> RunEnd {
        in_process(&format!("[[turn]]\nprocess = false\nsteps = [{steps}]"), "pm", 1, 1, Timestamp(1000)).await
    }

    #[tokio::test]
    async fn a_turn_without_a_process_ends_as_its_steps_say() {
        let RunEnd::Finished { text, usage } = play(
            r#"{ say = "a" }, { usage = { input_tokens = 3, output_tokens = 4, cost_usd = 0.5 } }, { verdict = { action = "complete" } }"#,
        )
        .await
        else {
            panic!()
        };
        assert_eq!(text, r#"{"action":"complete"}"#);
        assert_eq!(usage.unwrap().cost_micros, Some(Micros(500_000)));
        let RunEnd::Failed { failure, .. } = play("{ quota = { retry_after_secs = 5 } }").await else { panic!() };
        assert_eq!((failure.kind, failure.retry_at), (FailureKind::RateLimited, Some(Timestamp(6000))));
        assert_eq!(
            play(r#"{ usage_unknown = true }, { end = "x" }, { say = "y" }"#).await,
            RunEnd::Finished { text: "x".to_owned(), usage: None }
        );
    }
}
