//! The search of one text: a scan for keywords, and what their rules make of the places.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};

use crate::assign;
use crate::hit::Hit;
use crate::layer::{self, Derived};
use crate::rule::{Confidence, Left, Rule};
use crate::rules;
use crate::scanner::ScannerError;
use crate::value::{entropy, judge, placeholder};

/// How often an encoding may be inside another.
const MAX_DEPTH: usize = 3;
const MAX_REGEX_BYTES: usize = 8 << 20;

pub(crate) struct Engine {
    automaton: AhoCorasick,
    /// A keyword's uses, in the order of the automaton's patterns.
    keywords: Vec<Keyword>,
    rules: Vec<Compiled>,
}

#[derive(Default)]
struct Keyword {
    uses: Vec<(usize, &'static [u8])>,
    names: bool,
}

struct Compiled {
    rule: &'static Rule,
    regex: Regex,
}

impl Engine {
    pub(crate) fn new() -> Result<Self, ScannerError> {
        let mut compiled = Vec::new();
        let mut words: Vec<String> = Vec::new();
        let mut keywords: Vec<Keyword> = Vec::new();
        let mut place = |word: &str| {
            let word = word.to_ascii_lowercase();
            words.iter().position(|w| *w == word).unwrap_or_else(|| {
                words.push(word);
                words.len() - 1
            })
        };
        for rule in rules::formats() {
            let pattern = if rule.before == 0 { format!(r"\A(?:{})", rule.pattern) } else { rule.pattern.to_owned() };
            let regex = RegexBuilder::new(&pattern)
                .unicode(false)
                .size_limit(MAX_REGEX_BYTES)
                .build()
                .map_err(|source| ScannerError::Rule { rule: rule.id, source: Box::new(source) })?;
            for word in rule.keywords {
                let at = place(word);
                keywords.resize_with(keywords.len().max(at + 1), Keyword::default);
                keywords[at].uses.push((compiled.len(), word.as_bytes()));
            }
            compiled.push(Compiled { rule, regex });
        }
        for word in assign::KEYWORDS {
            let at = place(word);
            keywords.resize_with(keywords.len().max(at + 1), Keyword::default);
            keywords[at].names = true;
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .map_err(ScannerError::Keywords)?;
        Ok(Self { automaton, keywords, rules: compiled })
    }

    /// All hits in a text, in every encoding that is looked into. `code`: it is a program, in which bare words are no values.
    pub(crate) fn search(&self, text: &[u8], code: bool) -> Vec<Hit> {
        self.search_at(text, code, 0)
    }

    fn search_at(&self, text: &[u8], code: bool, depth: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.direct(text, code, &mut hits);
        if depth < MAX_DEPTH {
            layer::each(text, &mut |derived: Derived| {
                let code = code && derived.keeps_code;
                for mut hit in self.search_at(&derived.text, code, depth + 1) {
                    if derived.only_crossing && !derived.map.crosses(hit.context..hit.span.end) {
                        continue;
                    }
                    hit.context = derived.map.range(hit.context..hit.context + 1).start;
                    hit.span = derived.map.range(hit.span);
                    hits.push(hit);
                }
            });
        }
        hits
    }

    /// The hits that stand in a text as they are.
    fn direct(&self, text: &[u8], code: bool, hits: &mut Vec<Hit>) {
        let mut name_end = 0;
        // Where each rule's last match ends: a match inside a match is none.
        let mut done: Vec<usize> = Vec::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let keyword = &self.keywords[found.pattern().as_usize()];
            for (index, word) in &keyword.uses {
                let compiled = &self.rules[*index];
                let rule = compiled.rule;
                if !rule.fold && text[found.range()] != **word || !may_begin(text, found.start(), rule.left) {
                    continue;
                }
                if done.get(*index).is_some_and(|end| *end > found.start()) {
                    continue;
                }
                if let Some(hit) = compiled.try_at(text, found.start()) {
                    done.resize(self.rules.len(), 0);
                    done[*index] = hit.span.end;
                    hits.push(hit);
                }
            }
            if keyword.names && found.start() >= name_end {
                let (end, assigned) = assign::read(text, found.range(), code);
                name_end = end;
                hits.extend(assigned.and_then(|a| by_name(text, &a)));
            }
        }
    }
}

impl Compiled {
    fn try_at(&self, text: &[u8], keyword_at: usize) -> Option<Hit> {
        let rule = self.rule;
        let from = keyword_at - rule.before.min(keyword_at);
        let window = &text[from..text.len().min(keyword_at + rule.reach)];
        let groups = self.regex.captures(window)?;
        let whole = groups.get(0)?;
        let secret = groups.get(1).unwrap_or(whole);
        let span = from + secret.start()..from + secret.end();
        let bytes = secret.as_bytes();
        // More of the same behind it: not this format, but the beginning of something longer.
        let cut = bytes.last().is_some_and(u8::is_ascii_alphanumeric) && text.get(span.end).is_some_and(u8::is_ascii_alphanumeric);
        if cut || bytes.is_empty() {
            return None;
        }
        let real = entropy(bytes) >= rule.entropy && !(rule.placeholders && placeholder(bytes)) && (rule.check)(bytes);
        Some(Hit {
            rule,
            context: from + whole.start(),
            span,
            secret: bytes.to_vec(),
            confidence: rule.confidence,
            by_name: false,
            refuted: !real,
        })
    }
}

fn by_name(text: &[u8], assigned: &assign::Assigned) -> Option<Hit> {
    let value = &text[assigned.value.clone()];
    let (rule, confidence) = match rules::named(&assigned.plain_name, value) {
        Some(named) if crate::value::is_uuid(value) => (&named.rule, named.rule.confidence),
        Some(named) => (&named.rule, judge_decoded(assigned, value)?),
        None => (&rules::GENERIC.rule, judge_decoded(assigned, value)?),
    };
    Some(Hit {
        rule,
        context: assigned.name_at,
        span: assigned.value.clone(),
        secret: value.to_vec(),
        confidence,
        by_name: true,
        refuted: false,
    })
}

/// What is the base64 of a text is judged as that text.
fn judge_decoded(assigned: &assign::Assigned, value: &[u8]) -> Option<Confidence> {
    match layer::decoded_text(value) {
        Some(text) => judge(assigned.strength, &text, true),
        None => judge(assigned.strength, value, assigned.quoted),
    }
}

/// Whether a value may begin here: not in the middle of a longer one, unless what looks like its letter is an escape's.
fn may_begin(text: &[u8], at: usize, left: Left) -> bool {
    let Some(before) = at.checked_sub(1).map(|b| text[b]) else { return true };
    match left {
        Left::Any => true,
        Left::Run if matches!(before, b'_' | b'-') => false,
        Left::Word | Left::Run => !before.is_ascii_alphanumeric() || ends_escape(&text[at.saturating_sub(12)..at]),
    }
}

/// `\n`, `%22`, `\x22`, `\u0022`, and a terminal's colours.
fn ends_escape(before: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., b'%', a, b] | [.., b'\\', b'x', a, b] => hex(&[*a, *b]),
        [.., b'\\', b'u', a, b, c, d] => hex(&[*a, *b, *c, *d]),
        [.., b'm'] => memchr::memrchr(0x1b, before)
            .is_some_and(|at| before[at + 1..before.len() - 1].iter().all(|b| b.is_ascii_digit() || b"[;".contains(b))),
        _ => false,
    }
}
