//! Known secrets taken out of a byte stream, in every spelling an agent is likely to print.

use std::collections::BTreeMap;

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

/// Replaces known secrets by `[redacted:NAME]`.
///
/// A secret is also found as base64 (standard and URL alphabet, also inside a longer encoded text), percent-encoded,
/// escaped as in JSON, and each line of a long one by itself. Bytes are held back only as long as they may be the
/// beginning of a secret, so an ordinary line passes at once.
///
/// Limits: a secret that is split, encrypted or spelled another way passes, and so does one shorter than six bytes.
#[derive(Debug)]
pub struct Redactor {
    finder: Finder,
    held: Vec<u8>,
}

#[derive(Debug)]
enum Finder {
    Nothing,
    Known {
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

impl Redactor {
    /// A redactor for these secrets, each a name and a value.
    pub fn new(secrets: &[(String, String)]) -> Self {
        // Sorted by pattern, for the search of beginnings; the first name that has a pattern keeps it.
        let mut spellings: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (name, value) in secrets.iter().filter(|(_, value)| value.len() >= MIN_LEN) {
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).collect();
            for spelling in spellings_of(value) {
                spellings.entry(spelling).or_insert_with(|| format!("[redacted:{name}]").into_bytes());
            }
        }
        if spellings.is_empty() {
            return Self { finder: Finder::Nothing, held: Vec::new() };
        }
        let (patterns, replacements): (Vec<_>, Vec<_>) = spellings.into_iter().unzip();
        let max_len = patterns.iter().map(Vec::len).max().unwrap_or(0);
        // A redactor is made for every run: an automaton that is built quickly beats one that searches a little faster.
        let builder =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(Some(AhoCorasickKind::ContiguousNFA)).build(&patterns);
        let finder = match builder {
            Ok(automaton) => Finder::Known { automaton, patterns, replacements, max_len },
            Err(_) => Finder::Broken { said: false },
        };
        Self { finder, held: Vec::new() }
    }

    /// Takes the next bytes; gives what is surely clean.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.pass(chunk, false)
    }

    /// What was held back, cleaned: the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        self.pass(&[], true)
    }

    /// Cleans one text.
    pub fn clean(secrets: &[(String, String)], text: &str) -> String {
        let mut redactor = Self::new(secrets);
        let mut clean = redactor.push(text.as_bytes());
        clean.extend(redactor.finish());
        String::from_utf8_lossy(&clean).into_owned()
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
            Finder::Known { automaton, patterns, replacements, max_len } => (automaton, patterns, replacements, *max_len),
        };
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        // Where, at or after `from`, something begins that may yet become a secret. What begins before it is decided.
        let undecided = |from: usize| {
            if end {
                return bytes.len();
            }
            let first = from.max(bytes.len().saturating_sub(max_len.saturating_sub(1)));
            (first..bytes.len()).find(|at| begins_a_pattern(patterns, &bytes[*at..])).unwrap_or(bytes.len())
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

/// Whether `tail` is the beginning, and not the whole, of a pattern. The patterns are sorted.
fn begins_a_pattern(patterns: &[Vec<u8>], tail: &[u8]) -> bool {
    let at = patterns.partition_point(|p| p.as_slice() <= tail);
    patterns.get(at).is_some_and(|p| p.starts_with(tail))
}

fn spellings_of(secret: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![secret.as_bytes().to_vec()];
    let trimmed = secret.trim();
    spellings.push(trimmed.as_bytes().to_vec());
    if secret.contains('\n') {
        spellings.extend(
            secret.lines().map(str::trim).filter(|l| l.len() >= MIN_PIECE_LEN && !l.starts_with("-----")).map(|l| l.as_bytes().to_vec()),
        );
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
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // Inside a longer text the secret stands at one of three offsets to the groups of three bytes. The characters at
        // the edges also depend on the neighbours, and are left off.
        for offset in 0..3usize {
            let mut padded = vec![0u8; offset];
            padded.extend_from_slice(trimmed.as_bytes());
            let first = (offset * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets() -> Vec<(String, String)> {
        [
            ("A", "sk-secret/value+1"),
            ("B", "sk-secret/value+1-and-longer"),
            ("C", "aaaaab"),
            ("PEM", "-----BEGIN-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END-----\n"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec()
    }

    fn through(chunks: &[&[u8]]) -> Vec<u8> {
        let mut redactor = Redactor::new(&secrets());
        let mut clean: Vec<u8> = chunks.iter().flat_map(|c| redactor.push(c)).collect();
        clean.extend(redactor.finish());
        clean
    }

    fn clean(text: &str) -> String {
        Redactor::clean(&secrets(), text)
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        let secret = "sk-secret/value+1";
        assert_eq!(clean(&format!("key={secret}.")), "key=[redacted:A].");
        assert_eq!(clean(&format!("{secret}-and-longer")), "[redacted:B]", "the longest wins");
        assert_eq!(clean("x=sk-secret%2Fvalue%2B1&"), "x=[redacted:A]&");
        assert_eq!(clean("x=sk-secret%2fvalue%2b1&"), "x=[redacted:A]&");
        assert_eq!(clean("x=sk%2Dsecret%2Fvalue%2B1&"), "x=[redacted:A]&");
        for before in ["", "u", "us", "user:"] {
            for after in ["", "x", "xy"] {
                for engine in [&STANDARD, &URL_SAFE] {
                    let text = engine.encode(format!("{before}{secret}{after}"));
                    let clean = clean(&text);
                    assert!(clean.contains("[redacted:A]"), "{before}{after}: {clean}");
                    assert!(clean.len() - "[redacted:A]".len() <= 4 + text.len() - engine.encode(secret).len() + 4, "{clean}");
                }
            }
        }
        assert_eq!(
            clean("{\"k\":\"-----BEGIN-----\\nMIIEvQIBADANBg\\nkqhkiG9w0BAQ\\n-----END-----\\n\"}"),
            "{\"k\":\"[redacted:PEM]\\n\"}"
        );
        assert_eq!(clean("  kqhkiG9w0BAQ"), "  [redacted:PEM]");
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(Redactor::clean(&[("X".to_owned(), "12345".to_owned())], "12345"), "12345");
        assert_eq!(Redactor::clean(&[], "text"), "text");
    }

    #[test]
    fn an_ordinary_line_passes_at_once_and_a_beginning_waits() {
        let mut redactor = Redactor::new(&secrets());
        assert_eq!(redactor.push(b"{\"type\":\"thread.started\"}\n"), b"{\"type\":\"thread.started\"}\n");
        assert_eq!(redactor.push(b"key sk-sec"), b"key ");
        assert_eq!(redactor.push(b"ond\n"), b"sk-second\n");
        assert_eq!(redactor.push(b"aaaaaa"), b"a");
        assert_eq!(redactor.push(b"b!"), b"[redacted:C]!");
        assert!(redactor.finish().is_empty());
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_clean_text_and_leaks_nothing(
            parts in prop::collection::vec(prop_oneof![
                Just("sk-secret/value+1".to_owned()), Just("sk-secret/value+1-and-longer".to_owned()), Just("sk-secret/value+1-and".to_owned()),
                Just("aaaaab".to_owned()), Just("aaaa".to_owned()), Just("sk-sec".to_owned()), "[a-b\\n]{0,6}", Just("c2stc2VjcmV0L3ZhbHVlKzE=".to_owned()),
            ], 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let text = parts.concat();
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
            at.extend([0, text.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
            let clean = through(&chunks);
            prop_assert_eq!(&clean, &through(&[text.as_bytes()]));
            let clean = String::from_utf8(clean).unwrap();
            for secret in ["sk-secret/value+1", "aaaaab", "c2stc2VjcmV0L3ZhbHVlKz"] {
                prop_assert!(!clean.contains(secret), "{}", clean);
            }
        }
    }
}
