//! What happened in a seed, in a line each, so that it can be read and compared.

use std::fmt::Arguments;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

#[derive(Default)]
pub(crate) struct History {
    lines: Vec<String>,
    hash: DefaultHasher,
    /// The first promise that was broken.
    pub(crate) violation: Option<String>,
}

impl History {
    pub(crate) fn note(&mut self, at_ms: i64, what: Arguments<'_>) {
        let line = format!("{:>9.3} {what}", at_ms as f64 / 1000.0);
        line.hash(&mut self.hash);
        self.lines.push(line);
    }

    pub(crate) fn violate(&mut self, at_ms: i64, what: String) {
        self.note(at_ms, format_args!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.finish()
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}
