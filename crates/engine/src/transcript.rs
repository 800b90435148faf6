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
        self.read_transcript(id, from, move |cursor| cursor.page(from, limit.clamp(1, ITEMS_MAX))).await
    }

    /// The last records of an attempt's transcript, at most `count`, as it stands now.
    pub async fn transcript_end(&self, id: AttemptId, count: u32) -> Result<TranscriptPage, EngineError> {
        self.read_transcript(id, 0, move |cursor| (cursor.end(count.clamp(1, ITEMS_MAX)), None)).await
    }

    async fn read_transcript(
        &self,
        id: AttemptId,
        from: u64,
        read: impl FnOnce(Cursor) -> (Vec<TranscriptItem>, Option<Cursor>) + Send + 'static,
    ) -> Result<TranscriptPage, EngineError> {
        let attempt = self.inner.store.attempt(id).await?;
        let path = transcript_path(&self.inner, attempt.assignment_id, id);
        let over = attempt.status != AttemptStatus::Running;
        let harness = attempt.harness;
        let kept = self.inner.cursors.take(id, from);
        let read = tokio::task::spawn_blocking(move || match kept {
            Some(cursor) => Ok(read(cursor)),
            None => match TranscriptReader::open(&path) {
                Ok(reader) => Ok(read(Cursor { id, number: 0, reader, mapper: Mapper::for_reading(harness) })),
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
    number: u64,
    reader: TranscriptReader,
    mapper: Mapper,
}

impl Cursor {
    /// The records from `from` on, at most `limit`, and itself where there may be more.
    fn page(mut self, from: u64, limit: u32) -> (Vec<TranscriptItem>, Option<Self>) {
        let mut items = Vec::new();
        while items.len() < limit as usize {
            let Some(item) = self.next() else { return (items, None) };
            if item.number >= from {
                items.push(item);
            }
        }
        (items, Some(self))
    }

    /// The last records, at most `count`.
    fn end(self, count: u32) -> Vec<TranscriptItem> {
        let mut last = VecDeque::with_capacity(count as usize);
        for item in self {
            if last.len() == count as usize {
                last.pop_front();
            }
            last.push_back(item);
        }
        last.into()
    }
}

impl Iterator for Cursor {
    type Item = TranscriptItem;

    /// The next record. Each is mapped, wanted or not: a mapping remembers what came before.
    fn next(&mut self) -> Option<TranscriptItem> {
        let record = self.reader.next()?;
        let events = if record.stream == "stdout" { self.mapper.line(&Line::whole(&record.line)) } else { Vec::new() };
        let number = self.number;
        self.number += 1;
        Some(TranscriptItem { number, at: record.at, stream: record.stream, line: record.line, events })
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
        let index = kept.iter().position(|cursor| cursor.id == id && cursor.number == next)?;
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

#[cfg(test)]
mod tests {
    use windlass_harness::stream::TranscriptWriter;
    use windlass_types::{Clock, Harness, Ids, Timestamp};

    use super::*;

    #[test]
    fn the_end_of_a_transcript_is_what_its_last_page_would_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        for n in 0..1000 {
            writer.line(Timestamp(n), "stdout", &Line::whole(&format!("line {n}"))).unwrap();
        }
        writer.finish().unwrap();
        let id = Ids::seeded(Clock::system(), 1).attempt();
        let cursor =
            || Cursor { id, number: 0, reader: TranscriptReader::open(&path).unwrap(), mapper: Mapper::for_reading(Harness::Command) };
        let told = |items: &[TranscriptItem]| items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>();
        let end = cursor().end(10);
        assert_eq!((end.len(), end[0].number, end[9].line.as_str()), (10, 990, "line 999"));
        assert_eq!(told(&end), told(&cursor().page(990, 500).0));
        assert_eq!(cursor().end(5000).len(), 1000);
    }
}
