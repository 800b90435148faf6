//! What a command prints and how it ends.

use windlass_types::{AgentEvent, Failure, FailureKind, Harness, RunEnd};

use crate::Exit;
use crate::outcome::{crashed, last_words, tail};
use crate::stream::Line;

/// The most of its output that is its final message.
const TEXT_MAX: usize = 64 * 1024;

/// One run's state.
#[derive(Debug, Default)]
pub(crate) struct Map {
    text: String,
}

impl Map {
    pub(crate) fn line(&mut self, line: &Line) -> Vec<AgentEvent> {
        let text = line.text().into_owned();
        self.text.push_str(tail(&text, TEXT_MAX));
        self.text.push('\n');
        if self.text.len() > 4 * TEXT_MAX {
            self.text = tail(&self.text, TEXT_MAX).to_owned();
        }
        let mut events = vec![AgentEvent::Text { text, delta: false }];
        if line.too_long {
            events.push(AgentEvent::Unknown { what: "too_long".to_owned() });
        }
        events
    }

    pub(crate) fn finish(&mut self, exit: &Exit) -> RunEnd {
        let failure = match (exit.code, exit.signal) {
            (Some(0), None) => return RunEnd::Finished { text: tail(&self.text, TEXT_MAX).to_owned(), usage: None },
            (Some(75), None) => failed(FailureKind::ApiError, exit, "says that it may work later (exit code 75)"),
            (Some(code @ (77 | 78)), None) => {
                failed(FailureKind::BadConfiguration, exit, &format!("says that it is not set up (exit code {code})"))
                    .hint("set up the program; its own words say what it misses")
            }
            (Some(code), None) => failed(FailureKind::AgentFailed, exit, &format!("failed with exit code {code}")),
            _ => crashed(Harness::Command, exit, "before its end"),
        };
        RunEnd::Failed { failure, usage: None }
    }
}

fn failed(kind: FailureKind, exit: &Exit, how: &str) -> Failure {
    let words = last_words(&exit.stderr_tail);
    Failure::new(kind, if words.is_empty() { format!("the command {how}") } else { format!("the command {how}: {words}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(code: Option<i32>, signal: Option<i32>) -> RunEnd {
        let mut map = Map::default();
        map.line(&Line::whole("hello"));
        map.line(&Line { bytes: vec![b'x', 0xff], too_long: true });
        map.finish(&Exit { code, signal, stderr_tail: "oh\nno\n".to_owned() })
    }

    fn kind(code: Option<i32>, signal: Option<i32>) -> FailureKind {
        match end(code, signal) {
            RunEnd::Failed { failure, .. } => failure.kind,
            RunEnd::Finished { .. } => panic!("finished"),
        }
    }

    #[test]
    fn only_the_exit_code_decides() {
        assert_eq!(end(Some(0), None), RunEnd::Finished { text: "hello\nx\u{fffd}\n".to_owned(), usage: None });
        assert_eq!(kind(Some(1), None), FailureKind::AgentFailed);
        assert_eq!(kind(Some(75), None), FailureKind::ApiError);
        assert_eq!(kind(Some(77), None), FailureKind::BadConfiguration);
        assert_eq!(kind(Some(78), None), FailureKind::BadConfiguration);
        assert_eq!(kind(None, Some(9)), FailureKind::AgentCrashed);
        assert_eq!(kind(None, None), FailureKind::AgentCrashed);
    }

    #[test]
    fn the_final_message_is_the_end_of_the_output() {
        let mut map = Map::default();
        for i in 0..100_000 {
            map.line(&Line::whole(&format!("line {i}")));
        }
        let RunEnd::Finished { text, .. } = map.finish(&Exit { code: Some(0), ..Exit::default() }) else { panic!() };
        assert!(text.len() <= TEXT_MAX && text.ends_with("line 99999\n"));
    }
}
