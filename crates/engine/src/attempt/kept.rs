//! What is kept of a run's output: the transcript, a command's output for the next prompt, and the line that tells people what goes on.

use std::path::PathBuf;

use windlass_harness::stream::{Line, TranscriptWriter};
use windlass_types::{AgentEvent, AssignmentId, AttemptId, Failure, FailureKind};

use super::Stop;
use crate::engine::Inner;

/// How much of a command's output is kept in memory for the next prompt.
const OUTPUT_KEPT: usize = 1024 * 1024;

/// Where an attempt's transcript is.
pub(crate) fn transcript_path(inner: &Inner, assignment: AssignmentId, attempt: AttemptId) -> PathBuf {
    inner.config.data_dir.join("transcripts").join(assignment.to_string()).join(format!("{attempt}.jsonl.gz"))
}

/// A run's transcript: there is no file before there is something in it.
pub(super) struct Transcript {
    pub(super) path: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) writer: Option<TranscriptWriter>,
}

impl Transcript {
    pub(super) fn writer(&mut self) -> Result<&mut TranscriptWriter, Stop> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => {
                let opened = TranscriptWriter::open(&self.path, self.max_bytes);
                let failed = |e| {
                    let text = format!("the transcript {} could not be written: {e}", self.path.display());
                    Stop::from(Failure::new(FailureKind::DiskFull, text))
                };
                Ok(none.insert(opened.map_err(failed)?))
            }
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        self.writer.as_mut().map_or(Ok(()), TranscriptWriter::flush).map_err(disk)
    }

    pub(super) fn finish(self) -> Result<(), Stop> {
        self.writer.map_or(Ok(()), TranscriptWriter::finish).map_err(disk)
    }
}

pub(super) fn disk(e: std::io::Error) -> Stop {
    Failure::new(FailureKind::DiskFull, format!("the transcript could not be written: {e}")).into()
}

pub(super) fn keep(kept: &mut String, line: &Line) {
    if kept.len() < 2 * OUTPUT_KEPT {
        kept.push_str(&line.text());
        kept.push('\n');
    }
    if kept.len() > OUTPUT_KEPT {
        *kept = super::prompt::cut_middle(kept, OUTPUT_KEPT / 2);
    }
}

pub(super) fn keep_tail(tail: &mut String, line: &Line) {
    tail.push_str(&line.text());
    tail.push('\n');
    if tail.len() > 16 * 1024 {
        let mut at = tail.len() - 8 * 1024;
        while !tail.is_char_boundary(at) {
            at += 1;
        }
        tail.drain(..at);
    }
}

pub(super) fn message_of(event: &AgentEvent) -> Option<String> {
    let short = |text: &str| text.lines().find(|l| !l.trim().is_empty()).map(|l| l.trim().chars().take(160).collect::<String>());
    match event {
        AgentEvent::ToolStarted { name, input, .. } => {
            let about = ["command", "cmd", "file_path", "path", "description"]
                .iter()
                .find_map(|k| input.get(k).and_then(|v| v.as_str()))
                .and_then(short);
            Some(about.map_or_else(|| name.clone(), |about| format!("{name}: {about}")))
        }
        AgentEvent::Text { text, delta: false } | AgentEvent::Notice { text } => short(text),
        _ => None,
    }
}
