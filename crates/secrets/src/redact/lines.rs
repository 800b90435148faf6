//! What rules find, taken out line by line.

use std::fmt;

use crate::scanner::Scanner;
use crate::window::{Cut, hits_in};

const CUT: Cut = Cut { window: 128 << 10, tail: 32 << 10, context: 1024 };
/// So many letters of base64 in a line behind the beginning of a key are the key's.
const MIN_KEY_RUN: usize = 40;

/// Holds back the line that has not ended, and of a line without end a window.
pub(super) struct Lines {
    scanner: Scanner,
    /// `context` bytes that were given out, then what was not.
    held: Vec<u8>,
    /// How many bytes of `held` were given out.
    given: usize,
    /// Up to where `held` was already searched for a line's end.
    searched: usize,
    key: Key,
}

/// Whether a private key has begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Outside,
    /// Its first line was; nothing has been said of it.
    Begun,
    /// It has been replaced.
    Said,
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl Lines {
    pub(super) fn new(scanner: Scanner) -> Self {
        Self { scanner, held: Vec::new(), given: 0, searched: 0, key: Key::Outside }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut clean = Vec::new();
        let mut rest = chunk;
        // No more is held than a window, however long the chunk.
        while !rest.is_empty() {
            let room = (CUT.window + CUT.tail).saturating_sub(self.held.len() - self.given).max(1);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.held.extend_from_slice(now);
            rest = later;
            self.drain(&mut clean);
        }
        clean
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut clean = Vec::new();
        if self.held.len() > self.given {
            let end = self.held.len();
            self.line(0, self.given, end, &mut clean);
        }
        self.held.clear();
        self.given = 0;
        self.searched = 0;
        clean
    }

    /// Gives out the lines that have ended, and windows of one that is too long.
    fn drain(&mut self, clean: &mut Vec<u8>) {
        let mut start = 0;
        loop {
            let from = self.searched.max(self.given);
            match memchr::memchr(b'\n', &self.held[from..]) {
                Some(at) => {
                    let end = from + at + 1;
                    self.line(start, self.given, end, clean);
                    start = end;
                    self.given = end;
                    self.searched = end;
                }
                None if self.held.len() - self.given >= CUT.window + CUT.tail => {
                    let edge = self.given + CUT.window;
                    let end = self.given + CUT.window + CUT.tail;
                    let next = self.replace(start, self.given..edge, end, clean);
                    self.given = next.max(edge);
                    start = self.given.saturating_sub(CUT.context).max(start);
                    self.searched = self.held.len();
                }
                None => {
                    self.searched = self.held.len();
                    break;
                }
            }
        }
        self.held.drain(..start);
        self.given -= start;
        self.searched -= start;
    }

    /// A line's end is there (or the stream's): what of it was not given out goes out.
    fn line(&mut self, start: usize, given: usize, end: usize, clean: &mut Vec<u8>) {
        let line = &self.held[start..end];
        if self.key != Key::Outside {
            if crate::value::find(line, b"-----END").is_some() || !is_key_line(line) {
                self.key = Key::Outside;
            } else {
                if self.key == Key::Begun && given == start {
                    clean.extend_from_slice(b"[redacted:private-key]\n");
                    self.key = Key::Said;
                }
                return;
            }
        }
        if let Some(at) = private_key_begins(line)
            && crate::value::find(&line[at..], b"-----END").is_none()
        {
            self.key = Key::Begun;
        }
        self.replace(start, given..end, end, clean);
    }

    /// Gives out a part of what is held with its secrets replaced. Says up to where.
    fn replace(&self, from: usize, owned: std::ops::Range<usize>, end: usize, clean: &mut Vec<u8>) -> usize {
        let edge = owned.end;
        let mut done = owned.start;
        for hit in hits_in(self.scanner.engine(), &self.held, false, from, owned, end) {
            clean.extend_from_slice(&self.held[done..hit.span.start]);
            clean.extend_from_slice(b"[redacted:");
            clean.extend_from_slice(hit.rule.id.as_bytes());
            clean.push(b']');
            done = hit.span.end;
        }
        if done < edge {
            clean.extend_from_slice(&self.held[done..edge]);
            done = edge;
        }
        done
    }
}

fn private_key_begins(line: &[u8]) -> Option<usize> {
    let at = crate::value::find(line, b"-----BEGIN ")?;
    crate::value::find(&line[at..line.len().min(at + 64)], b"PRIVATE KEY").map(|_| at)
}

/// A line of a key: nothing but its letters, one of its headers, or empty; or, behind a log's stamp, many of its letters.
fn is_key_line(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii();
    let letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let header = [&b"Proc-Type:"[..], b"DEK-Info:", b"Version:", b"Comment:"].iter().any(|h| trimmed.starts_with(h));
    let mark = |b: &u8| letter(b) || matches!(b, b'"' | b'\'' | b',' | b'|' | b'>' | b'#' | b'*' | b'\\' | b' ');
    header || trimmed.iter().all(mark) && !trimmed.contains(&b' ') || trimmed.split(|b| !letter(b)).any(|run| run.len() >= MIN_KEY_RUN)
}
