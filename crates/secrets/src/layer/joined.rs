//! Literals that a program puts together: `"one" + "two"`, also over lines.

use super::Derived;
use super::map::Puzzle;

/// So much before and behind a chain of literals is taken with it: the name it is assigned to.
const AROUND: usize = 200;
/// Two joints further apart are two chains.
const MAX_LITERAL: usize = 2048;
/// A chain is cut here.
const MAX_CHAIN: usize = 64 << 10;
/// So much may stand between two literals.
const MAX_JOINT: usize = 80;

pub(super) fn each(text: &[u8], found: &mut impl FnMut(Derived)) {
    let mut joints = memchr::memchr3_iter(b'"', b'\'', b'`', text).filter_map(|at| joint(text, at)).peekable();
    while let Some(first) = joints.next() {
        let around = first.0.saturating_sub(AROUND);
        let start = text[around..first.0].iter().rposition(|b| *b == b'\n').map_or(around, |n| around + n + 1);
        let mut puzzle = Puzzle::default();
        puzzle.piece(start, &text[start..first.0]);
        let mut end = first.1;
        while let Some(next) = joints.peek().copied() {
            // A quote inside of the joint before.
            if next.0 < end {
                joints.next();
                continue;
            }
            if next.0 - end > MAX_LITERAL || next.1 - start > MAX_CHAIN {
                break;
            }
            puzzle.piece(end, &text[end..next.0]);
            end = next.1;
            joints.next();
        }
        let last = text.len().min(end + MAX_LITERAL);
        let line = memchr::memchr(b'\n', &text[end..last]).map_or(last, |n| end + n);
        puzzle.piece(end, &text[end..line]);
        let (text, map) = puzzle.finish(line);
        found(Derived { text, map, only_crossing: true, keeps_code: true });
    }
}

/// What stands between two literals, if the first ends here: from its closing quote up to and with the opening one.
fn joint(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let space = |from: usize| from + text[from..text.len().min(from + MAX_JOINT)].iter().take_while(|b| b.is_ascii_whitespace()).count();
    let before = space(at + 1);
    let rest = text.get(before..)?;
    let sign = [&b"++"[..], b"..", b"<>", b"||", b"+", b".", b"&", b"\\\n", b"\\\r\n", b","]
        .into_iter()
        .find(|sign| rest.starts_with(sign))
        .unwrap_or_default();
    // A comma joins only where a list is joined.
    if sign == b"," && !is_joined_list(text, at) || sign.is_empty() && before == at + 1 {
        return None;
    }
    let mut open = space(before + sign.len());
    // `b"…"`, `f"…"`
    if matches!(text.get(open), Some(b'b' | b'f' | b'r' | b'u' | b'L' | b'@')) {
        open += 1;
    }
    matches!(text.get(open), Some(b'"' | b'\'' | b'`')).then_some((at, open + 1))
}

/// Whether a list around here is made into one text.
fn is_joined_list(text: &[u8], at: usize) -> bool {
    const NEAR: usize = 160;
    let before = &text[at.saturating_sub(NEAR)..at];
    let after = &text[at..text.len().min(at + NEAR)];
    let has = |text: &[u8], word: &[u8]| crate::value::find(text, word).is_some();
    has(before, b"concat")
        || has(before, b"join")
        || has(before, b"Join")
        || has(after, b".join(")
        || has(after, b".concat(")
        || has(before, b"implode")
}
