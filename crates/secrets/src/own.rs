//! Secrets that are known by value, looked for in what is scanned.

use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use crate::redact::spellings;

/// The id of their findings.
pub(crate) const RULE: &str = "known-secret";
/// Shorter values may stand anywhere by chance, and would refuse work for it.
const MIN_LEN: usize = 8;

/// Finds them in every spelling in which they are taken out of what is shown.
pub(crate) struct Own {
    automaton: AhoCorasick,
    /// The name of each pattern's secret.
    names: Vec<String>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

impl Own {
    pub(crate) fn new(secrets: &[(String, String)]) -> Result<Self, BuildError> {
        let long: Vec<_> = secrets.iter().filter(|(_, value)| value.trim().len() >= MIN_LEN).cloned().collect();
        let (patterns, names): (Vec<_>, Vec<_>) = spellings(&long).into_iter().unzip();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns)?;
        Ok(Self { automaton, names })
    }

    /// Tells each place, and the name of the secret that stands there.
    pub(crate) fn each(&self, bytes: &[u8], mut tell: impl FnMut(Range<usize>, &str)) {
        for found in self.automaton.find_iter(bytes) {
            tell(found.range(), &self.names[found.pattern().as_usize()]);
        }
    }
}
