//! Letters that are written as escapes: `%3A`, `\x3a`, `\u003a`, `\/`, `&quot;`.

use super::Derived;
use super::map::Puzzle;

/// So much around escapes is taken with them.
const AROUND: usize = 400;
/// A region is cut here; the next one begins a little before.
const MAX_REGION: usize = 16 << 10;

pub(super) fn each(text: &[u8], found: &mut impl FnMut(Derived)) {
    let mut from = 0;
    while let Some(first) = next_escape(text, from) {
        let start = text[first.saturating_sub(AROUND)..first]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(first.saturating_sub(AROUND), |n| first.saturating_sub(AROUND) + n + 1);
        let (derived, end) = region(text, start, first);
        found(derived);
        from = end;
    }
}

/// The text from `start` to where escapes end, without them.
fn region(text: &[u8], start: usize, first: usize) -> (Derived, usize) {
    let mut puzzle = Puzzle::default();
    let mut at = start;
    let mut next = Some(first);
    let mut last = first;
    while let Some(escape) = next {
        puzzle.piece(at, &text[at..escape]);
        let (letter, len) = escape_at(text, escape).unwrap_or((text[escape], 1));
        puzzle.piece(escape, &[letter]);
        at = escape + len;
        last = at;
        let limit = text.len().min(at + AROUND);
        let line = memchr::memchr(b'\n', &text[at..limit]).map_or(limit, |n| at + n);
        next = if at - start > MAX_REGION { None } else { next_escape(&text[..line], at) };
    }
    let end = text.len().min(last + AROUND);
    let end = memchr::memchr(b'\n', &text[last..end]).map_or(end, |n| last + n);
    puzzle.piece(at, &text[at..end]);
    let (text, map) = puzzle.finish(end);
    (Derived { text, map, only_crossing: true, keeps_code: true }, last)
}

fn next_escape(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr3_iter(b'%', b'\\', b'&', text.get(from..)?).map(|at| from + at).find(|at| escape_at(text, *at).is_some())
}

/// The letter of an escape, and how long it is written.
fn escape_at(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = text.get(at + 1..)?;
    let hex = |digits: Option<&[u8]>| u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok().filter(|b| *b >= 0x09);
    let both = |len: usize, digits: Option<&[u8]>| Some((hex(digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit)))?, len));
    match text[at] {
        b'%' => both(3, rest.get(..2)),
        b'\\' => match rest.first()? {
            b'/' => Some((b'/', 2)),
            b'x' => both(4, rest.get(1..3)),
            b'u' if rest.get(1..3) == Some(b"00") => both(6, rest.get(3..5)),
            _ => None,
        },
        _ => [
            (&b"quot;"[..], b'"'),
            (b"amp;", b'&'),
            (b"apos;", b'\''),
            (b"#34;", b'"'),
            (b"#39;", b'\''),
            (b"#x27;", b'\''),
            (b"#x2F;", b'/'),
            (b"lt;", b'<'),
            (b"gt;", b'>'),
        ]
        .into_iter()
        .find(|(name, _)| rest.starts_with(name))
        .map(|(name, letter)| (letter, name.len() + 1)),
    }
}
