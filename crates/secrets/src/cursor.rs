//! Lines and columns of places, counted on the way.

/// Counts from one place to the next; places come in order.
#[derive(Debug)]
pub(crate) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    line: usize,
    column: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// Line and column of a place, each from 1. A place before the last one is taken for the last one.
    pub(crate) fn place(&mut self, at: usize) -> (usize, usize) {
        let at = at.clamp(self.at, self.text.len());
        let passed = &self.text[self.at..at];
        let lines = memchr::memchr_iter(b'\n', passed).count();
        let rest = match memchr::memrchr(b'\n', passed) {
            Some(end) => {
                self.column = 1;
                &passed[end + 1..]
            }
            None => passed,
        };
        self.line += lines;
        // A letter's further bytes are no columns.
        self.column += rest.iter().filter(|b| **b & 0xc0 != 0x80).count();
        self.at = at;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_letters_and_lines_begin_at_one() {
        let text = "äb\ncd\n".as_bytes();
        let mut cursor = Cursor::new(text);
        assert_eq!(cursor.place(0), (1, 1));
        assert_eq!(cursor.place(2), (1, 2));
        assert_eq!(cursor.place(4), (2, 1));
        assert_eq!(cursor.place(5), (2, 2));
        assert_eq!(cursor.place(99), (3, 1));
    }
}
