//! Where a place in a derived text stands in the text that it was made of.

use std::ops::Range;

/// How places are found again.
pub(crate) enum Map {
    /// Base64 of the text from this place.
    Base64(usize),
    /// Hexadecimal digits of the text from this place.
    Hex(usize),
    /// Pieces: where each begins in the derived text and in the text. Sorted; the first begins at 0.
    Pieces(Vec<(usize, usize)>),
    /// The first is of the derived text, the second of what that one was made of.
    Both(Box<Map>, Box<Map>),
}

impl Map {
    /// The place in the text of a range of the derived text.
    pub(crate) fn range(&self, range: Range<usize>) -> Range<usize> {
        match self {
            Self::Base64(from) => from + range.start * 4 / 3..from + (range.end * 4).div_ceil(3),
            Self::Hex(from) => from + range.start * 2..from + range.end * 2,
            Self::Pieces(pieces) => {
                let place = |at: usize| {
                    let piece = pieces.partition_point(|(out, _)| *out <= at).saturating_sub(1);
                    pieces.get(piece).map_or(at, |(out, start)| start + at - out)
                };
                let start = place(range.start);
                start..place(range.end).max(start)
            }
            Self::Both(inner, outer) => outer.range(inner.range(range)),
        }
    }

    /// Whether a range of the derived text is of more than one piece.
    pub(crate) fn crosses(&self, range: Range<usize>) -> bool {
        match self {
            Self::Pieces(pieces) => {
                let next = pieces.partition_point(|(out, _)| *out <= range.start);
                pieces.get(next).is_some_and(|(out, _)| *out < range.end)
            }
            _ => true,
        }
    }
}

/// A derived text while it is put together.
#[derive(Default)]
pub(crate) struct Puzzle {
    text: Vec<u8>,
    pieces: Vec<(usize, usize)>,
}

impl Puzzle {
    /// Adds what stands at this place of the text.
    pub(crate) fn piece(&mut self, at: usize, bytes: &[u8]) {
        self.pieces.push((self.text.len(), at));
        self.text.extend_from_slice(bytes);
    }

    /// The text, and where its pieces are from; `end` is where the last one ends.
    pub(crate) fn finish(mut self, end: usize) -> (Vec<u8>, Map) {
        self.pieces.push((self.text.len(), end));
        (self.text, Map::Pieces(self.pieces))
    }
}
