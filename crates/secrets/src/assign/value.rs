//! What is assigned: from the end of a name to its value.

use std::ops::Range;

/// Longer values are no secrets of this kind.
const MAX_VALUE: usize = 1100;
const MAX_GAP: usize = 120;
/// Functions around a literal that do not change it.
const NOT_WRAPPERS: &[&[u8]] = &[b"get", b"env", b"read", b"find", b"hash", b"sha", b"load", b"fetch", b"lookup"];

/// The value that follows a name, and whether it is quoted.
pub(super) fn after(text: &[u8], name: &Range<usize>, code: bool) -> Option<(Range<usize>, bool)> {
    let text = &text[..text.len().min(name.end + MAX_GAP + MAX_VALUE)];
    let before = name.start.checked_sub(1).map(|at| text[at]);
    if before == Some(b'<') && byte(text, name.end) == Some(b'>') {
        return element(text, name.end + 1);
    }
    let name_quoted = byte(text, name.end).is_some_and(is_quote) || byte(text, name.end) == Some(b'\\');
    let closed = skip(text, name.end, 6, |b| is_quote(b) || matches!(b, b'\\' | b']' | b'?' | b'!'));
    let at = after_accessors(text, spaces(text, closed));
    if let Some(value_at) = named_value(text, closed).or_else(|| default_of(text, at)) {
        return value(text, value_at, before, code);
    }
    let flag = before == Some(b'-');
    let code = code && !in_comment(text, name.start);
    let op = operator(text, at, name_quoted).or_else(|| loose_operator(text, name.start, at).filter(|_| !code));
    match op {
        Some(Operator::Sets(at)) => value(text, typed(text, at).unwrap_or(at), before, code && !flag),
        Some(Operator::Passes(at)) => quoted(text, spaces(text, at)).map(|v| (v, true)),
        None if at > closed || name_quoted => quoted(text, at)
            .map(|v| (v, true))
            .or_else(|| (flag || is_command(text, name.start)).then(|| bare(text, at, before)).flatten().map(|v| (v, false))),
        None => None,
    }
}

enum Operator {
    /// Whatever follows is the value.
    Sets(usize),
    /// Only a literal that follows is.
    Passes(usize),
}

fn operator(text: &[u8], at: usize, name_quoted: bool) -> Option<Operator> {
    let rest = text.get(at..)?;
    for (sign, sets) in [
        (&b"==="[..], false),
        (b"!==", false),
        (b"||=", true),
        (b"??=", true),
        (b"==", false),
        (b"!=", false),
        (b":=", true),
        (b"=>", true),
        (b"<-", true),
        (b"+=", true),
        (b"?=", true),
        (b"||", false),
        (b"??", false),
        (b"=", true),
        (b":", true),
        (b"(", false),
    ] {
        if rest.starts_with(sign) {
            let at = at + sign.len();
            return Some(if sets { Operator::Sets(at) } else { Operator::Passes(at) });
        }
    }
    (name_quoted && matches!(rest.first(), Some(b',' | b')'))).then(|| Operator::Passes(at + 1))
}

/// What assigns only outside of programs: the columns of tables, and `is`.
fn loose_operator(text: &[u8], name_at: usize, at: usize) -> Option<Operator> {
    let rest = text.get(at..)?;
    let begins_line = name_at.checked_sub(1).is_none_or(|before| text[before] == b'\n');
    let sign = match rest {
        [b'|', ..] => 1,
        [b',', ..] if begins_line => 1,
        [b'i', b's', b' ', ..] if text[at - 1] == b' ' => 3,
        _ => return None,
    };
    Some(Operator::Sets(at + sign))
}

/// `{ get; set; }` of a property: what follows it.
fn after_accessors(text: &[u8], at: usize) -> usize {
    let block = &text[at.min(text.len())..text.len().min(at + 48)];
    let end = memchr::memchr(b'}', block).filter(|end| block.starts_with(b"{") && crate::value::find(&block[..*end], b"get;").is_some());
    end.map_or(at, |end| spaces(text, at + end + 1))
}

/// Whether the line before a place has the beginning of a comment.
fn in_comment(text: &[u8], at: usize) -> bool {
    let line = &text[at.saturating_sub(MAX_GAP)..at];
    let line = line[memchr::memrchr(b'\n', line).map_or(0, |n| n + 1)..].trim_ascii_start();
    let slashes = crate::value::find(line, b"//").is_some_and(|at| at == 0 || line[at - 1] != b':');
    slashes || line.starts_with(b"#") || line.starts_with(b"*") || line.starts_with(b"--") || crate::value::find(line, b"/*").is_some()
}

/// `: Type = ` behind a name: where the value begins.
fn typed(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at.checked_sub(1)?) != Some(&b':') {
        return None;
    }
    let end = skip(text, at, 48, |b| b.is_ascii_alphanumeric() || b"_&<> ':[].?,*|".contains(&b));
    // The sign of base64's end follows without a space.
    let apart = end > at && (text[end - 1] == b' ' || byte(text, end + 1).is_some_and(is_quote));
    (apart && byte(text, end) == Some(b'=') && byte(text, end + 1) != Some(b'=')).then_some(end + 1)
}

/// `name: DB_PASSWORD` with `value: …` behind it, on this line or the next.
fn named_value(text: &[u8], at: usize) -> Option<usize> {
    let at = skip(text, at, MAX_GAP, |b| b.is_ascii_whitespace() || b == b',');
    let at = skip(text, at, 4, |b| is_quote(b) || b == b'\\');
    let rest = text.get(at..at + 5)?;
    if !rest.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let at = spaces(text, skip(text, at + 5, 4, |b| is_quote(b) || b == b'\\'));
    matches!(byte(text, at), Some(b':' | b'=')).then_some(at + 1)
}

/// `variable "name" { default = …`
fn default_of(text: &[u8], at: usize) -> Option<usize> {
    if byte(text, at) != Some(b'{') {
        return None;
    }
    let block = &text[at..text.len().min(at + 2 * MAX_GAP)];
    let block = &block[..memchr::memchr(b'}', block).unwrap_or(block.len())];
    let found = at + crate::value::find(block, b"default")?;
    let at = spaces(text, found + 7);
    (byte(text, at) == Some(b'=')).then_some(at + 1)
}

fn value(text: &[u8], at: usize, before: Option<u8>, code: bool) -> Option<(Range<usize>, bool)> {
    let at = spaces(text, at);
    if let Some(block) = block(text, at) {
        return bare(text, block, before).map(|v| (v, false));
    }
    // A long literal may begin on the next line.
    let next = if matches!(byte(text, at), Some(b'\r' | b'\n')) { skip(text, at, MAX_GAP, |b| b.is_ascii_whitespace()) } else { at };
    // The first of a list, or in brackets.
    let inside = skip(text, next, MAX_GAP, |b| b.is_ascii_whitespace() || matches!(b, b'[' | b'('));
    let listed = || quoted(text, inside).filter(|_| matches!(byte(text, next), Some(b'[' | b'(')));
    if let Some(literal) = quoted(text, next).or_else(|| wrapped(text, next)).or_else(listed) {
        return Some((literal, true));
    }
    let in_string = matches!(before, Some(b'?' | b'&' | b';'));
    if next != at || code && !in_string {
        return None;
    }
    bare(text, at, before).map(|v| (v, false))
}

/// `|` or `>` of YAML: the value is on the next line.
fn block(text: &[u8], at: usize) -> Option<usize> {
    if !matches!(byte(text, at), Some(b'|' | b'>')) {
        return None;
    }
    let end = skip(text, at + 1, 4, |b| matches!(b, b'-' | b'+' | b'0'..=b'9' | b' ' | b'\r'));
    (byte(text, end) == Some(b'\n')).then(|| spaces(text, end + 1))
}

/// A literal, with what may stand before its quote.
fn quoted(text: &[u8], at: usize) -> Option<Range<usize>> {
    let prefixed = skip(text, at, 2, |b| matches!(b, b'b' | b'r' | b'u' | b'f' | b'L' | b'B' | b'R' | b'U' | b'F' | b'@' | b'N'));
    let at = if byte(text, prefixed).is_some_and(is_quote) { prefixed } else { at };
    let slashes = skip(text, at, 4, |b| b == b'\\') - at;
    let open = at + slashes;
    let quote = byte(text, open).filter(|b| is_quote(*b))?;
    // Three quotes are one.
    let start = skip(text, open + 1, 2, |b| {
        b == quote && slashes == 0 && byte(text, open + 1) == Some(quote) && byte(text, open + 2) == Some(quote)
    });
    let mut end = start;
    while let Some(byte) = byte(text, end) {
        if byte == quote || byte == b'\n' || end - start > MAX_VALUE {
            break;
        }
        // Of `\"` the quote does not end a literal, but where the literal itself began so.
        end += if byte == b'\\' && slashes == 0 { 2 } else { 1 };
    }
    if byte(text, end) != Some(quote) {
        return None;
    }
    let value = text.get(start..end)?;
    let trailing = value.iter().rev().take(slashes).take_while(|b| **b == b'\\').count();
    (end - trailing > start).then(|| start..end - trailing)
}

/// `String::from("…")`, `Some("…")`: a call that has the literal for its only beginning.
fn wrapped(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = skip(text, at, 40, |b| b.is_ascii_alphanumeric() || b"_:.<> &!".contains(&b));
    if end == at || byte(text, end) != Some(b'(') {
        return None;
    }
    let call = text[at..end].to_ascii_lowercase();
    if NOT_WRAPPERS.iter().any(|word| crate::value::find(&call, word).is_some()) {
        return None;
    }
    quoted(text, spaces(text, end + 1))
}

/// A value without quotes: up to the next space, or what separates values.
fn bare(text: &[u8], at: usize, before: Option<u8>) -> Option<Range<usize>> {
    let query = matches!(before, Some(b'?' | b'&'));
    let end = skip(text, at, MAX_VALUE, |b| {
        let ends = is_quote(b) || matches!(b, b'<' | b';' | b',' | b'\\') || query && matches!(b, b'&' | b'#');
        b.is_ascii_graphic() && !ends
    });
    let value = &text[at..end];
    let trailing = value.iter().rev().take_while(|b| matches!(b, b')' | b']' | b'}' | b'>' | b'\\')).count();
    (value.len() > trailing).then(|| at..end - trailing)
}

fn element(text: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let end = skip(text, at, MAX_VALUE, |b| b.is_ascii_graphic() && b != b'<');
    (end > at && byte(text, end) == Some(b'<')).then_some((at..end, true))
}

/// Whether the line begins as one that sets something without a sign: `ENV NAME value`, `set name value`.
fn is_command(text: &[u8], name_at: usize) -> bool {
    let line = &text[name_at.saturating_sub(40)..name_at];
    let line = &line[memchr::memrchr(b'\n', line).map_or(0, |at| at + 1)..];
    let line = line.trim_ascii();
    [&b"ENV"[..], b"ARG", b"set", b"setx", b"export", b"config", b"login"].iter().any(|word| line.ends_with(word))
        || line.is_empty() && text[name_at..].starts_with(b"requirepass")
}

fn spaces(text: &[u8], at: usize) -> usize {
    skip(text, at, MAX_GAP, |b| matches!(b, b' ' | b'\t'))
}

fn skip(text: &[u8], at: usize, most: usize, kind: impl Fn(u8) -> bool) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take(most).take_while(|b| kind(**b)).count()
}

fn byte(text: &[u8], at: usize) -> Option<u8> {
    text.get(at).copied()
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}
