//! The real agent CLIs under the real daemon, with a scripted model behind them.
//!
//! What is asserted is what a person sees: the assignment, its journal, the branch in their repository, the machine's
//! processes; and what the model was asked, which no agent can make up.
#![allow(missing_docs, clippy::print_stderr, reason = "tests")]

mod bench;
#[path = "../crash/daemon.rs"]
mod daemon;
mod environment;
mod failures;
mod hooks;
mod interruptions;
mod mcp;
mod operations;
mod verdicts;
mod work;

/// Makes one test for each CLI out of a function that takes the harness.
macro_rules! with_each_cli {
    ($($test:ident),* $(,)?) => {
        mod claude { $(#[tokio::test] async fn $test() { super::$test(windlass_types::Harness::Claude).await; })* }
        mod codex { $(#[tokio::test] async fn $test() { super::$test(windlass_types::Harness::Codex).await; })* }
        mod gemini { $(#[tokio::test] async fn $test() { super::$test(windlass_types::Harness::Gemini).await; })* }
    };
}
pub(crate) use with_each_cli;
