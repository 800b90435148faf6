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
        let end = &line.bytes[line.bytes.len().saturating_sub(TEXT_MAX)..];
        self.text.push_str(&String::from_utf8_lossy(end));
        self.text.push('\n');
        if self.text.len() > 4 * TEXT_MAX {
            self.text = tail(&self.text, TEXT_MAX).to_owned();
        }
        let (text, left_out_bytes) = line.beginning();
        let mut events = vec![AgentEvent::Text { text: text.into_owned(), delta: false }];
        if left_out_bytes > 0 {
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
        map.line(&Line { bytes: vec![b'x', 0xff], left_out_bytes: 1 });
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
    fn of_a_long_line_the_beginning_is_told_and_the_end_is_the_final_message() {
        let mut map = Map::default();
        let events = map.line(&Line::whole(&format!("begin{}end", "x".repeat(8 * 1024 * 1024))));
        let AgentEvent::Text { text, .. } = &events[0] else { panic!() };
        assert!(text.starts_with("begin") && text.len() <= 256 * 1024);
        assert_eq!(events[1], AgentEvent::Unknown { what: "too_long".to_owned() });
        let RunEnd::Finished { text, .. } = map.finish(&Exit { code: Some(0), ..Exit::default() }) else { panic!() };
        assert!(text.ends_with("end\n") && text.len() <= TEXT_MAX);
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
