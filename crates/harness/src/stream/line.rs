//! Lines out of chunks, in bounded memory whatever comes.

use std::borrow::Cow;

/// What is kept of a line that nothing reads any more, and of any line in a transcript.
pub(crate) const KEPT_MAX_BYTES: usize = 256 * 1024;

/// One line, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its bytes; of one that was too long, its beginning.
    pub bytes: Vec<u8>,
    /// How many more it had, when it was longer than the splitter's bound; else 0.
    pub left_out_bytes: u64,
}

impl Line {
    /// A line that is known whole, such as one read back from a transcript.
    pub fn whole(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), left_out_bytes: 0 }
    }

    /// Whether it was longer than the splitter's bound, so that only its beginning is here.
    pub const fn is_too_long(&self) -> bool {
        self.left_out_bytes > 0
    }

    /// As text; bytes that are no UTF-8 become replacement characters.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The beginning of its text, of about [`KEPT_MAX_BYTES`], and how many bytes of the whole line are not in it.
    pub(crate) fn beginning(&self) -> (Cow<'_, str>, u64) {
        let mut end = self.bytes.len().min(KEPT_MAX_BYTES);
        if end < self.bytes.len() {
            // Not inside a character, which has up to three bytes after its first.
            let back = self.bytes[..=end].iter().rev().take(4).position(|b| b & 0b1100_0000 != 0b1000_0000);
            end -= back.unwrap_or(0);
        }
        (String::from_utf8_lossy(&self.bytes[..end]), self.left_out_bytes.saturating_add((self.bytes.len() - end) as u64))
    }
}

/// Cuts a stream into lines of at most a bound. A longer line cannot be read: a short beginning of it is kept for people.
#[derive(Debug)]
pub struct LineSplitter {
    max: usize,
    line: Vec<u8>,
    left_out_bytes: u64,
    open: bool,
}

impl Default for LineSplitter {
    /// A splitter for lines of up to 8 MiB.
    fn default() -> Self {
        Self::new(8 * 1024 * 1024)
    }
}

impl LineSplitter {
    /// A splitter for lines of up to `max` bytes.
    pub const fn new(max: usize) -> Self {
        Self { max, line: Vec::new(), left_out_bytes: 0, open: false }
    }

    /// Takes the next bytes; gives the lines that ended in them.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.add(&rest[..end]);
            lines.push(self.take());
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.open = true;
            self.add(rest);
        }
        lines
    }

    /// The last line, when the stream ended inside one.
    pub fn finish(&mut self) -> Option<Line> {
        self.open.then(|| self.take())
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.left_out_bytes == 0 && self.line.len() + bytes.len() <= self.max {
            self.line.extend_from_slice(bytes);
            return;
        }
        let kept = self.max.min(KEPT_MAX_BYTES);
        let more = bytes.len().min(kept.saturating_sub(self.line.len()));
        let whole = self.line.len() + bytes.len();
        self.line.extend_from_slice(&bytes[..more]);
        self.line.truncate(kept);
        self.line.shrink_to_fit();
        self.left_out_bytes = self.left_out_bytes.saturating_add((whole - self.line.len()) as u64);
    }

    fn take(&mut self) -> Line {
        self.open = false;
        Line { bytes: std::mem::take(&mut self.line), left_out_bytes: std::mem::take(&mut self.left_out_bytes) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(stream: &[u8], max: usize) -> Vec<Line> {
        let mut parts: Vec<&[u8]> = stream.split(|b| *b == b'\n').collect();
        if parts.last().is_some_and(|p| p.is_empty()) {
            parts.pop();
        }
        let line = |p: &[u8]| Line { bytes: p[..p.len().min(max)].to_vec(), left_out_bytes: p.len().saturating_sub(max) as u64 };
        parts.into_iter().map(line).collect()
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_lines_of_the_whole(
            chunks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..40), 0..20),
            max in 1usize..30,
        ) {
            let mut splitter = LineSplitter::new(max);
            let mut lines: Vec<Line> = chunks.iter().flat_map(|c| splitter.push(c)).collect();
            lines.extend(splitter.finish());
            prop_assert_eq!(lines, naive(&chunks.concat(), max));
        }
    }

    #[test]
    fn a_gibibyte_without_a_line_end_is_one_short_line_in_bounded_memory() {
        let mut splitter = LineSplitter::new(1024);
        let chunk = vec![b'x'; 1024 * 1024];
        for _ in 0..1024 {
            assert!(splitter.push(&chunk).is_empty());
            assert!(splitter.line.capacity() <= 4096);
        }
        let lines = splitter.push(b"\nnext\n");
        assert_eq!((lines[0].bytes.len(), lines[0].left_out_bytes), (1024, (1 << 30) - 1024));
        assert_eq!(lines[1], Line::whole("next"));
        assert_eq!(splitter.finish(), None);
    }

    #[test]
    fn of_a_line_that_is_too_long_to_be_read_only_a_short_beginning_stays_in_memory() {
        let mut splitter = LineSplitter::default();
        splitter.push(&vec![b'x'; 8 * 1024 * 1024]);
        assert_eq!(splitter.line.len(), 8 * 1024 * 1024, "it may still end here, and be read");
        splitter.push(b"xy");
        assert!(splitter.line.capacity() < 2 * KEPT_MAX_BYTES, "{}", splitter.line.capacity());
        let line = splitter.finish().unwrap();
        assert_eq!((line.bytes.len(), line.left_out_bytes), (KEPT_MAX_BYTES, (8 * 1024 * 1024 + 2 - KEPT_MAX_BYTES) as u64));
    }

    #[test]
    fn the_beginning_of_a_line_ends_between_two_characters() {
        for before in 0..4 {
            let text = format!("{}{}", "x".repeat(before), "\u{1f600}".repeat(KEPT_MAX_BYTES / 4 + 1));
            let line = Line::whole(&text);
            let (beginning, left_out) = line.beginning();
            assert!(text.starts_with(&*beginning) && beginning.len() > KEPT_MAX_BYTES - 4, "{before}");
            assert_eq!(beginning.len() as u64 + left_out, text.len() as u64);
        }
        assert_eq!(Line::whole("short").beginning(), ("short".into(), 0));
    }
}
