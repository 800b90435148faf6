//! The bytes of any agent: cut into lines, cleaned of secrets, kept.
//!
//! The order matters: bytes pass the [`Redactor`] first, then the [`LineSplitter`]; what is stored and parsed is clean.

mod line;
mod redact;
mod transcript;

pub(crate) use line::KEPT_MAX_BYTES;
pub use line::{Line, LineSplitter};
pub use redact::Redactor;
pub use transcript::{Record, TranscriptReader, TranscriptWriter};
