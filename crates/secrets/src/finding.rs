//! What is told of a secret that was found.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::hit::Hit;
use crate::rule::Confidence;

/// A secret that stands somewhere. It says where and of which kind, and holds no more of it than the first letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// The file's path, or the name of the text.
    pub path: String,
    /// The line that it begins on, from 1.
    pub line: usize,
    /// The character of that line, from 1.
    pub column: usize,
    /// How many bytes of the text it takes.
    pub length: usize,
    /// At most its first four characters.
    pub redacted: String,
    /// What an allow-list names it by.
    pub fingerprint: Fingerprint,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A finding's name for allow-lists: the hash of rule, value and path.
///
/// Who can guess the value can prove the guess with it, so a list of fingerprints is for those who may see the repository.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_LEN: usize = 32;

impl Fingerprint {
    /// A fingerprint as it was printed; none if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == FINGERPRINT_LEN && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain.then(|| Self(text.to_owned()))
    }

    /// As it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn of(hit: &Hit, path: &str) -> Self {
        Self::of_value(hit.rule.id, &hit.secret, path)
    }

    pub(crate) fn of_value(rule: &str, value: &[u8], path: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [rule.as_bytes(), value, path.as_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hex(&hash.finalize()[..FINGERPRINT_LEN / 2]))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}

/// The first letters of a secret: four of a long one, none of a short one, of which they would be too much.
pub(crate) fn redacted(secret: &[u8]) -> String {
    let secret = secret.trim_ascii();
    let shown = match secret.len() {
        0..16 => 0,
        16..24 => 2,
        _ => 4,
    };
    let mut text: String = secret[..shown].iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect();
    text.push_str("****");
    text
}
