//! Secrets, found before they leave and taken out of what is kept and shown.
//!
//! A [`Scanner`] looks through files, commit messages, names and texts and gives [`Finding`]s, which never hold the secret. A
//! [`Redactor`] takes secrets (known ones, and whatever a rule finds) out of a stream. [`Allowed`] is what does not count; it is
//! made of the base branch's list and comments only, because a branch that could allow its own secrets would need no scanner.
//!
//! How it finds: one pass for keywords, then each [`Rule`] looks at the places of its own keywords and no further than it reaches;
//! values without a format are found by the name they are assigned to, and pass only if they are random and stand for nothing else.
//! Encoded, escaped, joined and spread texts (base64, hexadecimal, `%3A`, `"a" + "b"`, UTF-16) are searched as if they were plain.
//!
//! **Invariant:** time is linear and memory bounded whatever the input: every look from a place is bounded, and texts are cut into
//! windows. **Invariant:** what holds a secret cannot be printed.

mod allow;
mod assign;
mod check;
mod cursor;
mod engine;
mod finding;
mod hit;
mod layer;
mod own;
mod redact;
mod rule;
mod rules;
mod sarif;
mod scanner;
mod value;
mod window;
mod words;

pub use allow::{AllowError, AllowList, Allowed};
pub use finding::{Finding, Fingerprint};
pub use redact::Redactor;
pub use rule::{Confidence, Rule};
pub use rules::all as rules;
pub use sarif::sarif;
pub use scanner::{Scanner, ScannerError};
