//! Secrets that are known by value, in every spelling that a program is likely to print.

use std::collections::BTreeMap;
use std::fmt;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Shorter values are not secrets that can be taken out: they would be found everywhere.
const MIN_LEN: usize = 6;
/// A piece of a secret (a line of a key, the inside of its base64) has to be longer, to be surely a piece of it.
const MIN_PIECE_LEN: usize = 12;
/// Everything that URL encoders escape; they leave `-._~` alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Holds bytes back only as long as they may be the beginning of a secret.
pub(super) struct Known {
    finder: Finder,
    held: Vec<u8>,
}

enum Finder {
    Nothing,
    Spellings {
        automaton: AhoCorasick,
        patterns: Vec<Vec<u8>>,
        replacements: Vec<Vec<u8>>,
        max_len: usize,
    },
    /// The secrets could not be made into a search: then nothing may pass.
    Broken {
        said: bool,
    },
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

impl Known {
    pub(super) fn new(secrets: &[(String, String)]) -> Self {
        let spellings = spellings(secrets);
        if spellings.is_empty() {
            return Self { finder: Finder::Nothing, held: Vec::new() };
        }
        let (patterns, replacements): (Vec<_>, Vec<_>) =
            spellings.into_iter().map(|(pattern, name)| (pattern, format!("[redacted:{name}]").into_bytes())).unzip();
        let max_len = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let built =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA)).build(&patterns);
        let finder = match built {
            Ok(automaton) => Finder::Spellings { automaton, patterns, replacements, max_len },
            Err(_) => Finder::Broken { said: false },
        };
        Self { finder, held: Vec::new() }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.pass(chunk, false)
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.pass(&[], true)
    }

    fn pass(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let (automaton, patterns, replacements, max_len) = match &mut self.finder {
            Finder::Nothing => return chunk.to_vec(),
            Finder::Broken { said } => {
                let first = !std::mem::replace(said, true);
                return if first {
                    b"[redacted: the secrets could not be searched for, so nothing is shown]\n".to_vec()
                } else {
                    Vec::new()
                };
            }
            Finder::Spellings { automaton, patterns, replacements, max_len } => (automaton, patterns, replacements, *max_len),
        };
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        // Where, at or after `from`, something begins that may yet become a secret. What begins before it is decided.
        let undecided = |from: usize| {
            if end {
                return bytes.len();
            }
            let first = from.max(bytes.len().saturating_sub(max_len.saturating_sub(1)));
            (first..bytes.len()).find(|at| begins_one(patterns, &bytes[*at..])).unwrap_or(bytes.len())
        };
        let mut clean = Vec::with_capacity(bytes.len());
        let mut done = 0;
        let mut until = undecided(0);
        for found in automaton.find_iter(&bytes) {
            if found.start() >= until {
                break;
            }
            clean.extend_from_slice(&bytes[done..found.start()]);
            clean.extend_from_slice(&replacements[found.pattern().as_usize()]);
            done = found.end();
            if done > until {
                until = undecided(done);
            }
        }
        clean.extend_from_slice(&bytes[done..until]);
        self.held = bytes.split_off(until);
        clean
    }
}

/// Every spelling of these secrets with the name of its secret, sorted, for the search of beginnings. The first name that has one keeps it.
pub(crate) fn spellings(secrets: &[(String, String)]) -> BTreeMap<Vec<u8>, String> {
    let mut spellings: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    for (name, value) in secrets.iter().filter(|(_, value)| value.len() >= MIN_LEN) {
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).collect();
        for spelling in spellings_of(value) {
            spellings.entry(spelling).or_insert_with(|| name.clone());
        }
    }
    spellings
}

/// Whether `tail` is the beginning, and not the whole, of a pattern. The patterns are sorted.
fn begins_one(patterns: &[Vec<u8>], tail: &[u8]) -> bool {
    let at = patterns.partition_point(|p| p.as_slice() <= tail);
    patterns.get(at).is_some_and(|p| p.starts_with(tail))
}

fn spellings_of(secret: &str) -> Vec<Vec<u8>> {
    let trimmed = secret.trim();
    let mut spellings = vec![secret.as_bytes().to_vec(), trimmed.as_bytes().to_vec()];
    if secret.contains('\n') {
        let lines = secret.lines().map(str::trim).filter(|l| l.len() >= MIN_PIECE_LEN && !l.starts_with("-----"));
        spellings.extend(lines.map(|l| l.as_bytes().to_vec()));
    }
    // JSON inside JSON escapes twice.
    let once = json_escaped(trimmed);
    spellings.push(json_escaped(&once).into_bytes());
    spellings.push(once.into_bytes());
    for set in [RESERVED, NON_ALPHANUMERIC] {
        let upper = percent_encode(trimmed.as_bytes(), set).to_string();
        spellings.push(lower_escapes(&upper).into_bytes());
        spellings.push(upper.into_bytes());
    }
    // Some escape every byte.
    for (before, between) in [("%", ""), ("\\x", ""), ("", " "), ("", ":")] {
        let upper = trimmed.bytes().map(|byte| format!("{before}{byte:02X}")).collect::<Vec<_>>().join(between);
        let lower = trimmed.bytes().map(|byte| format!("{before}{byte:02x}")).collect::<Vec<_>>().join(between);
        spellings.extend([upper.into_bytes(), lower.into_bytes()]);
    }
    let hex = crate::finding::hex(trimmed.as_bytes());
    spellings.push(hex.to_ascii_uppercase().into_bytes());
    spellings.push(hex.into_bytes());
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // Inside a longer text the secret stands at one of three offsets to the groups of three bytes. The characters at
        // the edges also depend on the neighbours, and are left off.
        for offset in 0..3usize {
            let mut padded = vec![0u8; offset];
            padded.extend_from_slice(trimmed.as_bytes());
            let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
            let text = engine.encode(&padded);
            if let Some(core) = text.get(first..last).filter(|core| core.len() >= MIN_PIECE_LEN.min(trimmed.len())) {
                spellings.push(core.as_bytes().to_vec());
            }
        }
        spellings.push(engine.encode(trimmed).into_bytes());
        spellings.push(engine.encode(secret).into_bytes());
    }
    spellings.retain(|s| s.len() >= MIN_LEN);
    spellings
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut hex = 0;
    for c in text.chars() {
        lower.push(if hex > 0 { c.to_ascii_lowercase() } else { c });
        hex = if c == '%' { 2 } else { usize::saturating_sub(hex, 1) };
    }
    lower
}
