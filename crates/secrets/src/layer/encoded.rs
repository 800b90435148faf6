//! Base64 and hexadecimal digits of text.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::map::Puzzle;
use super::{Derived, Map};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);

/// Shorter runs hold no secret.
const MIN_RUN: usize = 20;
const MIN_HEX: usize = 32;
/// A run of at least this length at a line's end goes on on the next line.
const MIN_FULL_LINE: usize = 56;
/// So much has to be text for the rest to be looked at.
const SAMPLE: usize = 16;

pub(super) fn each(text: &[u8], found: &mut impl FnMut(Derived)) {
    let mut at = 0;
    while let Some((start, mut end)) = next_run(text, at) {
        if end - start >= MIN_FULL_LINE && continuation(text, end).is_some() {
            end = lines(text, start, end, found);
        } else {
            one_run(&text[start..end], start, None, found);
        }
        at = end;
    }
}

/// The text that a value is the base64 of, if it is of one.
pub(crate) fn decoded_text(value: &[u8]) -> Option<Vec<u8>> {
    const MIN: usize = 12;
    const MAX: usize = 2048;
    let letters = value.len() - value.iter().rev().take_while(|b| **b == b'=').count();
    if !(MIN..=MAX).contains(&letters) || !value[..letters].iter().all(|b| IN_RUN[usize::from(*b)]) {
        return None;
    }
    let text = STANDARD.decode(standard(&value[..letters])).ok()?;
    text.iter().all(|b| is_text_byte(*b)).then(|| text.trim_ascii().to_vec())
}

/// The next run of encoding letters. Looks at every twentieth byte where there is none.
fn next_run(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    while start + MIN_RUN <= text.len() {
        match text[start..start + MIN_RUN].iter().rposition(|b| !IN_RUN[usize::from(*b)]) {
            Some(other) => start += other + 1,
            None => {
                let more = text[start + MIN_RUN..].iter().take_while(|b| IN_RUN[usize::from(**b)]).count();
                return Some((start, start + MIN_RUN + more));
            }
        }
    }
    None
}

/// Takes the lines of a block together. Says where it ends.
fn lines(text: &[u8], start: usize, end: usize, found: &mut impl FnMut(Derived)) -> usize {
    let mut whole = Puzzle::default();
    whole.piece(start, &text[start..end]);
    let mut end = end;
    let mut length = end - start;
    while let Some(next) = continuation(text, end) {
        let more = text[next..].iter().take_while(|b| IN_RUN[usize::from(**b)]).count();
        whole.piece(next, &text[next..next + more]);
        end = next + more;
        // The last line of a block is shorter.
        if more < length {
            break;
        }
        length = more;
    }
    let (block, map) = whole.finish(end);
    one_run(&block, 0, Some(map), found);
    end
}

/// Where the next line's run begins, if what separates it is a line's end (plain or escaped) and indentation.
fn continuation(text: &[u8], end: usize) -> Option<usize> {
    let rest = &text[end..text.len().min(end + 80)];
    let breaks = [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n", b"\\\n"].into_iter().find(|b| rest.starts_with(b))?;
    let rest = &rest[breaks.len()..];
    let indent = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'+')).count();
    rest.get(indent).is_some_and(|b| IN_RUN[usize::from(*b)]).then_some(end + breaks.len() + indent)
}

fn one_run(run: &[u8], at: usize, outer: Option<Map>, found: &mut impl FnMut(Derived)) {
    let mut outer = outer;
    let mut give = |text: Vec<u8>, map: Map| {
        let map = match outer.take() {
            Some(outer) => Map::Both(Box::new(map), Box::new(outer)),
            None => map,
        };
        found(Derived { text, map, only_crossing: false, keeps_code: false });
    };
    if run.len() >= MIN_HEX && run.iter().all(u8::is_ascii_hexdigit) {
        let text: Vec<u8> = run.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        if is_text(&text[..SAMPLE.min(text.len())]) {
            give(text, Map::Hex(at));
        }
        return;
    }
    let Some(start) = text_start(run) else { return };
    let letters = standard(&run[start..run.len() - (run.len() - start) % 4]);
    // A tail of two or three letters is a byte or two.
    let tail = standard(&run[run.len() - (run.len() - start) % 4..]);
    let Ok(mut text) = STANDARD.decode(&letters) else { return };
    if let Ok(rest) = STANDARD.decode(&tail) {
        text.extend(rest);
    }
    give(text, Map::Base64(at + start));
}

/// Where in a run base64 of text begins: at its beginning, or behind letters that belong to something else.
fn text_start(run: &[u8]) -> Option<usize> {
    let samples = [0, run.len() / 2];
    let at = samples.into_iter().flat_map(|at| at..at + 4).find(|at| is_sample(run, *at))?;
    // Back to where it began to be text.
    let mut start = at;
    while start >= 4 && STANDARD.decode(standard(&run[start - 4..start])).is_ok_and(|bytes| bytes.iter().all(|b| is_text_byte(*b))) {
        start -= 4;
    }
    Some(start)
}

fn is_sample(run: &[u8], at: usize) -> bool {
    let mut bytes = [0; SAMPLE];
    let mut letters = [0; SAMPLE];
    let Some(sample) = run.get(at..at + SAMPLE) else { return false };
    // A byte of text is below 128, so the first letter of each four is of the alphabet's first half. Most runs end here.
    if !sample.iter().step_by(4).all(|b| matches!(b, b'A'..=b'Z' | b'a'..=b'f')) {
        return false;
    }
    for (letter, byte) in letters.iter_mut().zip(sample) {
        *letter = plain(*byte);
    }
    STANDARD.decode_slice(letters, &mut bytes).is_ok_and(|len| is_text(&bytes[..len]))
}

/// Both alphabets as the standard one.
fn standard(letters: &[u8]) -> Vec<u8> {
    letters.iter().map(|b| plain(*b)).collect()
}

fn plain(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

/// Text, also of two bytes a letter.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| is_text_byte(*b) || *b == 0) && memchr::memchr_iter(0, bytes).count() * 2 <= bytes.len()
}

fn is_text_byte(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) || matches!(byte, b'\n' | b'\r' | b'\t')
}

fn digit(byte: u8) -> u8 {
    char::from(byte).to_digit(16).unwrap_or(0) as u8
}

/// Which bytes are in runs of encoding letters.
const IN_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};
