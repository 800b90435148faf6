//! Lines out of chunks, in bounded memory whatever comes.

use std::borrow::Cow;

/// One line, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its bytes; of one that was too long, its beginning.
    pub bytes: Vec<u8>,
    /// Whether it was longer than the splitter's bound.
    pub too_long: bool,
}

impl Line {
    /// A line that is known whole, such as one read back from a transcript.
    pub fn whole(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), too_long: false }
    }

    /// As text; bytes that are no UTF-8 become replacement characters.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Cuts a stream into lines of at most a bound; what a line has beyond it is thrown away.
#[derive(Debug)]
pub struct LineSplitter {
    max: usize,
    line: Vec<u8>,
    too_long: bool,
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
        Self { max, line: Vec::new(), too_long: false, open: false }
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
        let room = self.max - self.line.len();
        self.too_long |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> Line {
        self.open = false;
        Line { bytes: std::mem::take(&mut self.line), too_long: std::mem::take(&mut self.too_long) }
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
        parts.into_iter().map(|p| Line { bytes: p[..p.len().min(max)].to_vec(), too_long: p.len() > max }).collect()
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
        assert_eq!((lines[0].bytes.len(), lines[0].too_long), (1024, true));
        assert_eq!(lines[1], Line::whole("next"));
        assert_eq!(splitter.finish(), None);
    }
}
