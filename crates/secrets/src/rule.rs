//! What a rule is: how a kind of secret is found, and what makes it surely one.

use serde::Serialize;

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It looks like one.
    Low,
    /// A value that is named a secret and looks random.
    Medium,
    /// A vendor's own format.
    High,
}

/// What may stand before a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Anything but a letter or digit (an escape such as `\n` or `%22` is no letter).
    Word,
    /// Anything but what such a value is made of: letters, digits, `_` and `-`.
    Run,
    /// Anything.
    Any,
}

/// One kind of secret.
///
/// A rule looks at a text only where one of its keywords stands, and only as far as it reaches. So the time is linear whatever
/// the text.
#[derive(Debug)]
pub struct Rule {
    /// Its name, stable: allow-lists and reports speak of it.
    pub id: &'static str,
    /// What it finds, for people.
    pub about: &'static str,
    pub(crate) keywords: &'static [&'static str],
    /// Tried at the keyword's first byte, or anywhere in the window if `before` is not 0. Its first group is the secret, else all of it.
    pub(crate) pattern: &'static str,
    pub(crate) before: usize,
    pub(crate) reach: usize,
    /// Whether keywords count in any case.
    pub(crate) fold: bool,
    pub(crate) left: Left,
    /// Bits a byte that the secret has to have.
    pub(crate) entropy: f32,
    /// Whether placeholders (`EXAMPLE`, `xxxxx`, `your-key`) are looked for.
    pub(crate) placeholders: bool,
    pub(crate) check: fn(&[u8]) -> bool,
    /// How sure its findings are.
    pub confidence: Confidence,
}

fn anything(_: &[u8]) -> bool {
    true
}

impl Rule {
    /// A format that begins with its keyword.
    pub(crate) const fn token(id: &'static str, about: &'static str, keywords: &'static [&'static str], pattern: &'static str) -> Self {
        Self {
            id,
            about,
            keywords,
            pattern,
            before: 0,
            reach: 300,
            fold: false,
            left: Left::Word,
            entropy: 3.0,
            placeholders: true,
            check: anything,
            confidence: Confidence::High,
        }
    }

    /// A format of which the keyword is a part in the middle, at most `before` bytes from its beginning.
    pub(crate) const fn around(mut self, before: usize) -> Self {
        self.before = before;
        self.left = Left::Any;
        self
    }

    /// How far from its keyword the secret may end.
    pub(crate) const fn reach(mut self, bytes: usize) -> Self {
        self.reach = bytes;
        self
    }

    /// Keywords count in any case.
    pub(crate) const fn folded(mut self) -> Self {
        self.fold = true;
        self
    }

    pub(crate) const fn left(mut self, left: Left) -> Self {
        self.left = left;
        self
    }

    pub(crate) const fn entropy(mut self, bits: f32) -> Self {
        self.entropy = bits;
        self
    }

    /// What else has to hold.
    pub(crate) const fn check(mut self, check: fn(&[u8]) -> bool) -> Self {
        self.check = check;
        self
    }

    /// The check says it all: no look for placeholders.
    pub(crate) const fn proved(mut self, check: fn(&[u8]) -> bool) -> Self {
        self.check = check;
        self.placeholders = false;
        self
    }

    pub(crate) const fn medium(mut self) -> Self {
        self.confidence = Confidence::Medium;
        self
    }
}
