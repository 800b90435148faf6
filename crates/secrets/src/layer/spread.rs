//! Letters with NULs between them: UTF-16, UTF-32, and text that hides in a binary.

use super::Derived;
use super::map::Puzzle;

pub(super) fn each(text: &[u8], found: &mut impl FnMut(Derived)) {
    let Some(first) = memchr::memchr(0, text) else { return };
    let mut puzzle = Puzzle::default();
    puzzle.piece(0, &text[..first]);
    let mut at = first;
    while at < text.len() {
        let start = at + text[at..].iter().take_while(|b| **b == 0).count();
        let end = memchr::memchr(0, &text[start..]).map_or(text.len(), |n| start + n);
        if end > start {
            puzzle.piece(start, &text[start..end]);
        }
        at = end.max(at + 1);
    }
    let (text, map) = puzzle.finish(text.len());
    found(Derived { text, map, only_crossing: true, keeps_code: true });
}
