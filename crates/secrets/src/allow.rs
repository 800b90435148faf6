//! What is allowed to stand where it stands, as the base branch says.

use std::collections::HashSet;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::finding::Fingerprint;

/// Comments that allow the secrets of their line.
const COMMENTS: &[&[u8]] = &[b"windlass:allow-secret", b"gitleaks:allow", b"pragma: allowlist secret"];
/// So far around a secret its line is looked through.
const MAX_LINE: usize = 16 << 10;

/// What does not count in a scan. It is made of what is on the base branch: a list, and the comments in the base's files.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    fingerprints: HashSet<Fingerprint>,
    entries: Vec<Entry>,
}

/// A list of allowed findings.
///
/// ```toml
/// [[allow]]
/// fingerprint = "0123456789abcdef0123456789abcdef"
/// reason = "revoked in 2030"
///
/// [[allow]]
/// path = "tests/fixtures/**"
/// rule = "jwt"
/// ```
///
/// An entry allows what all of its keys say; it has one of `fingerprint`, `path` and `rule` at least.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    entries: Vec<Entry>,
}

/// Why a list cannot be read. Then nothing is allowed.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// It is no such TOML.
    #[error("the allow-list of secrets cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// An entry allows nothing, or everything.
    #[error("entry {0} of the allow-list of secrets names no fingerprint, path or rule; give it one")]
    Empty(usize),
    /// A fingerprint that no finding can have.
    #[error("entry {0} of the allow-list of secrets: {1:?} is no fingerprint; copy it from the finding")]
    Fingerprint(usize, String),
    /// A rule that there is none of.
    #[error("entry {0} of the allow-list of secrets: there is no rule {1:?}")]
    Rule(usize, String),
    /// A path pattern that is none.
    #[error("entry {0} of the allow-list of secrets: {1}")]
    Path(usize, #[source] globset::Error),
}

#[derive(Debug, Clone)]
struct Entry {
    fingerprint: Option<Fingerprint>,
    path: Option<GlobMatcher>,
    rule: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    allow: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    fingerprint: Option<String>,
    path: Option<String>,
    rule: Option<String>,
    /// For people.
    #[serde(default, rename = "reason")]
    _reason: Option<String>,
}

impl AllowList {
    /// Reads a list.
    pub fn parse(toml: &str) -> Result<Self, AllowError> {
        let file: File = toml::from_str(toml)?;
        let entries = file.allow.into_iter().enumerate().map(|(at, line)| Entry::of(at + 1, line)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

impl Entry {
    fn of(at: usize, line: Line) -> Result<Self, AllowError> {
        if line.fingerprint.is_none() && line.path.is_none() && line.rule.is_none() {
            return Err(AllowError::Empty(at));
        }
        let fingerprint =
            line.fingerprint.map(|text| Fingerprint::parse(&text).ok_or_else(|| AllowError::Fingerprint(at, text.clone()))).transpose()?;
        if let Some(rule) = &line.rule
            && !crate::rules::all().any(|r| r.id == rule)
        {
            return Err(AllowError::Rule(at, rule.clone()));
        }
        let glob = |path: String| GlobBuilder::new(&path).literal_separator(true).build().map(|g| g.compile_matcher());
        let path = line.path.map(glob).transpose().map_err(|e| AllowError::Path(at, e))?;
        Ok(Self { fingerprint, path, rule: line.rule })
    }

    fn allows(&self, rule: &str, path: &str, fingerprint: &Fingerprint) -> bool {
        self.fingerprint.as_ref().is_none_or(|f| f == fingerprint)
            && self.rule.as_ref().is_none_or(|r| r == rule)
            && self.path.as_ref().is_none_or(|p| p.is_match(path))
    }
}

impl Allowed {
    /// Nothing is allowed.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// What the base's list allows, besides.
    pub fn with_list(mut self, list: AllowList) -> Self {
        self.entries.extend(list.entries);
        self
    }

    /// What comments in the base's files allow, besides: see [`crate::Scanner::allowed_by_comments`].
    pub fn with_fingerprints(mut self, fingerprints: impl IntoIterator<Item = Fingerprint>) -> Self {
        self.fingerprints.extend(fingerprints);
        self
    }

    pub(crate) fn allows(&self, rule: &str, path: &str, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint) || self.entries.iter().any(|entry| entry.allows(rule, path, fingerprint))
    }
}

/// Whether the line of a place has a comment that allows its secrets.
pub(crate) fn has_comment(text: &[u8], at: usize) -> bool {
    let from = at.saturating_sub(MAX_LINE);
    let start = memchr::memrchr(b'\n', &text[from..at]).map_or(from, |n| from + n + 1);
    let to = text.len().min(at + MAX_LINE);
    let end = memchr::memchr(b'\n', &text[at..to]).map_or(to, |n| at + n);
    COMMENTS.iter().any(|comment| crate::value::find(&text[start..end], comment).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_is_wrong_with_it() {
        for (text, says) in [
            ("[[allow]]\nreason = \"x\"", "names no fingerprint"),
            ("[[allow]]\nfingerprint = \"12\"", "is no fingerprint"),
            ("[[allow]]\nrule = \"nonsense\"", "there is no rule"),
            ("[[allow]]\npath = \"a[\"", "entry 1"),
            ("[[allow]]\nrulle = \"jwt\"", "unknown field"),
            ("allow", "cannot be read"),
        ] {
            let error = AllowList::parse(text).expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(AllowList::parse("").is_ok());
    }

    #[test]
    fn an_entry_allows_what_all_its_keys_say() {
        let list = AllowList::parse("[[allow]]\npath = \"tests/**\"\nrule = \"jwt\"").unwrap();
        let allowed = Allowed::nothing().with_list(list);
        let fingerprint = Fingerprint::parse(&"0".repeat(32)).unwrap();
        assert!(allowed.allows("jwt", "tests/a/b.txt", &fingerprint));
        assert!(!allowed.allows("jwt", "src/a.txt", &fingerprint));
        assert!(!allowed.allows("npm-token", "tests/a/b.txt", &fingerprint));
        assert!(!Allowed::nothing().allows("jwt", "tests/a", &fingerprint));
    }
}
