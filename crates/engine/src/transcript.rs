//! Transcripts, read back: each line as the agent printed it, and what it means by today's mapping.

use windlass_harness::Mapper;
use windlass_harness::stream::{Line, TranscriptReader};
use windlass_types::{AttemptId, AttemptStatus};

use crate::attempt::transcript_path;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};
use crate::request::{TranscriptItem, TranscriptPage};

const ITEMS_MAX: u32 = 2000;

impl Engine {
    /// A piece of an attempt's transcript, from record `from` on. Follows a live one.
    pub async fn transcript(&self, id: AttemptId, from: u64, limit: u32) -> Result<TranscriptPage, EngineError> {
        let attempt = self.inner.store.attempt(id).await?;
        let path = transcript_path(&self.inner, attempt.assignment_id, id);
        let over = attempt.status != AttemptStatus::Running;
        let limit = limit.clamp(1, ITEMS_MAX);
        let harness = attempt.harness;
        let read = tokio::task::spawn_blocking(move || {
            let mut items = Vec::new();
            let mut more = false;
            let reader = match TranscriptReader::open(&path) {
                Ok(reader) => reader,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((items, more)),
                Err(e) => return Err(e),
            };
            let mut mapper = Mapper::for_reading(harness);
            for (number, record) in (0u64..).zip(reader) {
                if items.len() >= limit as usize {
                    more = true;
                    break;
                }
                // Earlier lines are mapped too: a mapping remembers what came before.
                let events = if record.stream == "stdout" { mapper.line(&Line::whole(&record.line)) } else { Vec::new() };
                if number >= from {
                    items.push(TranscriptItem { number, at: record.at, stream: record.stream, line: record.line, events });
                }
            }
            Ok((items, more))
        })
        .await;
        let (items, more) = match read {
            Ok(Ok(found)) => found,
            Ok(Err(e)) => return Err(EngineError::new(ErrorKind::Internal, format!("the transcript of {id} could not be read: {e}"))),
            Err(e) => return Err(EngineError::new(ErrorKind::Internal, format!("reading the transcript of {id} broke off: {e}"))),
        };
        let next = items.last().map_or(from, |i| i.number + 1);
        Ok(TranscriptPage { attempt_id: id, items, next, ended: over && !more })
    }
}
