//! Transcripts, read back: each line as the agent printed it, and what it means by today's mapping.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windlass_harness::Mapper;
use windlass_harness::stream::{Line, TranscriptReader};
use windlass_types::{AttemptId, AttemptStatus};

use crate::attempt::transcript_path;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};
use crate::request::{TranscriptItem, TranscriptPage};

const ITEMS_MAX: u32 = 2000;
/// How many readers may be between two pages.
const CURSORS_MAX: usize = 8;

impl Engine {
    /// A piece of an attempt's transcript, from record `from` on. Follows a live one.
    pub async fn transcript(&self, id: AttemptId, from: u64, limit: u32) -> Result<TranscriptPage, EngineError> {
        let attempt = self.inner.store.attempt(id).await?;
        let path = transcript_path(&self.inner, attempt.assignment_id, id);
        let over = attempt.status != AttemptStatus::Running;
        let limit = limit.clamp(1, ITEMS_MAX);
        let harness = attempt.harness;
        let kept = self.inner.cursors.take(id, from);
        let read = tokio::task::spawn_blocking(move || match kept {
            Some(cursor) => Ok(cursor.page(from, limit)),
            None => match TranscriptReader::open(&path) {
                Ok(reader) => Ok(Cursor { id, next: 0, reader, mapper: Mapper::for_reading(harness) }.page(from, limit)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok((Vec::new(), None)),
                Err(e) => Err(e),
            },
        })
        .await;
        let (items, rest) = match read {
            Ok(Ok(found)) => found,
            Ok(Err(e)) => return Err(EngineError::new(ErrorKind::Internal, format!("the transcript of {id} could not be read: {e}"))),
            Err(e) => return Err(EngineError::new(ErrorKind::Internal, format!("reading the transcript of {id} broke off: {e}"))),
        };
        let next = items.last().map_or(from, |i| i.number + 1);
        let more = rest.is_some();
        self.inner.cursors.keep(rest);
        Ok(TranscriptPage { attempt_id: id, items, next, ended: over && !more })
    }
}

/// A transcript read up to a record, with what its mapping remembers of what came before.
struct Cursor {
    id: AttemptId,
    /// The number of the next record.
    next: u64,
    reader: TranscriptReader,
    mapper: Mapper,
}

impl Cursor {
    /// The records from `from` on, at most `limit`, and itself where there may be more.
    fn page(mut self, from: u64, limit: u32) -> (Vec<TranscriptItem>, Option<Self>) {
        let mut items = Vec::new();
        while items.len() < limit as usize {
            let Some(record) = self.reader.next() else { return (items, None) };
            // Earlier lines are mapped too: a mapping remembers what came before.
            let events = if record.stream == "stdout" { self.mapper.line(&Line::whole(&record.line)) } else { Vec::new() };
            if self.next >= from {
                items.push(TranscriptItem { number: self.next, at: record.at, stream: record.stream, line: record.line, events });
            }
            self.next += 1;
        }
        (items, Some(self))
    }
}

/// Places in transcripts where the next page begins: reading a long one page by page reads it once.
#[derive(Default)]
pub(crate) struct Cursors(Mutex<VecDeque<Cursor>>);

impl Cursors {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Cursor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, id: AttemptId, next: u64) -> Option<Cursor> {
        let mut kept = self.lock();
        let index = kept.iter().position(|cursor| cursor.id == id && cursor.next == next)?;
        kept.remove(index)
    }

    fn keep(&self, cursor: Option<Cursor>) {
        let Some(cursor) = cursor else { return };
        let mut kept = self.lock();
        if kept.len() >= CURSORS_MAX {
            kept.pop_front();
        }
        kept.push_back(cursor);
    }
}
