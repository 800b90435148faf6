//! The bytes of any agent: cut into lines, kept.
//!
//! Whoever reads them takes the secrets out first, so that what is parsed and stored here is clean.

mod line;
mod transcript;

pub(crate) use line::KEPT_MAX_BYTES;
pub use line::{Line, LineSplitter};
pub use transcript::{Record, TranscriptReader, TranscriptWriter};
