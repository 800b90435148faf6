//! Secrets taken out of a stream.

mod known;
mod lines;

use known::Known;
pub(crate) use known::spellings;
use lines::Lines;

use crate::scanner::Scanner;

/// Replaces known secrets by `[redacted:NAME]` and whatever a rule finds by `[redacted:rule-id]`.
///
/// A known secret is found in every spelling that a program is likely to print, and passes no border of chunks. Rules look at a
/// line at a time (at a private key over its lines), so what is given out waits for its line to end; a line without end passes in
/// windows. What comes out does not depend on how the stream was cut.
///
/// Limits: a secret that only two lines together give away passes.
#[derive(Debug)]
pub struct Redactor {
    known: Known,
    lines: Lines,
}

impl Redactor {
    /// A redactor for these secrets, each a name and a value, and for what the scanner finds.
    pub fn new(scanner: &Scanner, secrets: &[(String, String)]) -> Self {
        Self { known: Known::new(secrets), lines: Lines::new(scanner.clone()) }
    }

    /// Takes the next bytes; gives what is surely clean.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let passed = self.known.push(chunk);
        self.lines.push(&passed)
    }

    /// What was held back, cleaned: the stream has ended.
    pub fn finish(&mut self) -> Vec<u8> {
        let passed = self.known.finish();
        let mut clean = self.lines.push(&passed);
        clean.extend(self.lines.finish());
        clean
    }

    /// Cleans one text.
    pub fn clean(scanner: &Scanner, secrets: &[(String, String)], text: &str) -> String {
        let mut redactor = Self::new(scanner, secrets);
        let mut clean = redactor.push(text.as_bytes());
        clean.extend(redactor.finish());
        String::from_utf8_lossy(&clean).into_owned()
    }
}
