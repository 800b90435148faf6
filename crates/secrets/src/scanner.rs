//! The scanner as others use it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::allow::Allowed;
use crate::cursor::Cursor;
use crate::engine::Engine;
use crate::finding::{Finding, Fingerprint, redacted};
use crate::own::{self, Own};
use crate::redact::Redactor;
use crate::rule::Confidence;
use crate::window::{Cut, each_hit};

/// More findings of one text say nothing more.
const MAX_FINDINGS: usize = 1000;
/// What ends in one of these is a program, in which words without quotes are no values.
const CODE: &[&str] = &[
    "rs", "py", "js", "jsx", "mjs", "cjs", "ts", "tsx", "vue", "svelte", "go", "java", "kt", "kts", "scala", "c", "h", "cc", "cpp", "cxx",
    "hpp", "cs", "swift", "m", "mm", "rb", "php", "pl", "lua", "dart", "ex", "exs", "erl", "hs", "clj", "zig", "sql", "r", "jl", "groovy",
    "html", "css", "scss",
];

/// Looks for secrets. Cheap to clone; making one takes some milliseconds.
#[derive(Clone)]
pub struct Scanner {
    engine: Arc<Engine>,
    /// Secrets that are known by value.
    own: Option<Arc<Own>>,
}

/// Why there is no scanner. Nothing may be pushed then.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// A rule's pattern is none.
    #[error("the pattern of the secret rule {rule} cannot be used: {source}")]
    Rule {
        /// The rule.
        rule: &'static str,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// The keywords cannot be searched for.
    #[error("the keywords of the secret rules cannot be searched for: {0}")]
    Keywords(#[source] aho_corasick::BuildError),
    /// The known secrets cannot be searched for.
    #[error("the secrets that are known cannot be searched for: {0}")]
    Own(#[source] aho_corasick::BuildError),
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").finish_non_exhaustive()
    }
}

impl Scanner {
    /// The scanner that all of this process share; it is made when it is first asked for.
    pub fn shared() -> Result<Self, &'static ScannerError> {
        static SHARED: OnceLock<Result<Scanner, ScannerError>> = OnceLock::new();
        SHARED.get_or_init(Self::new).as_ref().cloned()
    }

    /// A scanner with every rule.
    pub fn new() -> Result<Self, ScannerError> {
        Ok(Self { engine: Arc::new(Engine::new()?), own: None })
    }

    /// The same, which also finds these secrets (each a name and a value), in every spelling that a [`Redactor`] takes out.
    pub fn knowing(&self, secrets: &[(String, String)]) -> Result<Self, ScannerError> {
        let own = Own::new(secrets).map_err(ScannerError::Own)?;
        Ok(Self { engine: Arc::clone(&self.engine), own: Some(Arc::new(own)) })
    }

    /// Scans a file, whatever is in it, and the letters of its path.
    pub fn scan_bytes(&self, path: &str, bytes: &[u8], allowed: &Allowed) -> Vec<Finding> {
        let mut findings = self.scan_name(path, allowed);
        // A path that tells a secret is not told.
        let shown = findings.first().map_or_else(|| path.to_owned(), |finding| finding.path.clone());
        self.scan(path, &shown, bytes, allowed, &mut Known::new(), &mut findings);
        findings
    }

    /// Scans a file for what it holds beyond what it held `before`: a secret that stood there already counts only as often as it stands
    /// there more, wherever it has moved to. With `is_renamed` it had another path then, and the letters of this one are new.
    pub fn scan_change(&self, path: &str, bytes: &[u8], before: &[u8], is_renamed: bool, allowed: &Allowed) -> Vec<Finding> {
        let mut known = Known::new();
        let old_name = if is_renamed { "" } else { path };
        for text in [old_name.as_bytes(), before] {
            each_hit(&self.engine, text, is_code(path), Cut::FILES, |hit| *known.entry(Fingerprint::of(&hit, path)).or_default() += 1);
            if let Some(own) = &self.own {
                own.each(text, |span, _| *known.entry(Fingerprint::of_value(own::RULE, &text[span], path)).or_default() += 1);
            }
        }
        let shown = Redactor::clean(self, &[], path);
        let mut findings = Vec::new();
        for text in [path.as_bytes(), bytes] {
            self.scan(path, &shown, text, allowed, &mut known, &mut findings);
        }
        findings
    }

    /// Scans a text that is no file: a commit message, a title, a comment. `name` says which.
    pub fn scan_text(&self, name: &str, text: &str, allowed: &Allowed) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.scan(name, name, text.as_bytes(), allowed, &mut Known::new(), &mut findings);
        findings
    }

    /// Scans a file's name alone (of a file that is deleted or renamed, say); a finding is on line 1.
    pub fn scan_name(&self, path: &str, allowed: &Allowed) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.scan(path, path, path.as_bytes(), allowed, &mut Known::new(), &mut findings);
        if !findings.is_empty() {
            let shown = Redactor::clean(self, &[], path);
            for finding in &mut findings {
                finding.path.clone_from(&shown);
            }
        }
        findings
    }

    /// The findings of the base's version of a file that its own comments allow. Their fingerprints are allowed on the branch too.
    pub fn allowed_by_comments(&self, path: &str, base: &[u8]) -> Vec<Fingerprint> {
        let mut fingerprints = Vec::new();
        each_hit(&self.engine, base, is_code(path), Cut::FILES, |hit| {
            if crate::allow::has_comment(base, hit.span.start) {
                fingerprints.push(Fingerprint::of(&hit, path));
            }
        });
        fingerprints
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn scan(&self, path: &str, shown: &str, bytes: &[u8], allowed: &Allowed, known: &mut Known, findings: &mut Vec<Finding>) {
        let mut cursor = Cursor::new(bytes);
        each_hit(&self.engine, bytes, is_code(path), Cut::FILES, |hit| {
            if findings.len() >= MAX_FINDINGS {
                return;
            }
            let fingerprint = Fingerprint::of(&hit, path);
            // What is allowed is not counted, so that it cannot stand in the way of what is not.
            if allowed.allows(hit.rule.id, path, &fingerprint) {
                return;
            }
            if let Some(left) = known.get_mut(&fingerprint).filter(|left| **left > 0) {
                *left -= 1;
                return;
            }
            let (line, column) = cursor.place(hit.span.start);
            findings.push(Finding {
                rule: hit.rule.id,
                path: shown.to_owned(),
                line,
                column,
                length: hit.span.len(),
                redacted: redacted(&hit.secret),
                fingerprint,
                confidence: hit.confidence,
            });
        });
        let Some(own) = &self.own else { return };
        let mut cursor = Cursor::new(bytes);
        own.each(bytes, |span, name| {
            let fingerprint = Fingerprint::of_value(own::RULE, &bytes[span.clone()], path);
            if findings.len() >= MAX_FINDINGS || allowed.allows(own::RULE, path, &fingerprint) {
                return;
            }
            if let Some(left) = known.get_mut(&fingerprint).filter(|left| **left > 0) {
                *left -= 1;
                return;
            }
            let (line, column) = cursor.place(span.start);
            findings.push(Finding {
                rule: own::RULE,
                path: shown.to_owned(),
                line,
                column,
                length: span.len(),
                redacted: format!("[{name}]"),
                fingerprint,
                confidence: Confidence::High,
            });
        });
    }
}

/// How often a secret may stand somewhere without counting.
type Known = HashMap<Fingerprint, usize>;

fn is_code(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    CODE.iter().any(|code| code.eq_ignore_ascii_case(extension))
}
