//! Any program: the prompt on its standard input and in `$WINDLASS_PROMPT_FILE`, its standard output is its answer.
//!
//! Exit code 0 is success, 75 (`EX_TEMPFAIL`) a trouble that may pass, 77 and 78 (`EX_NOPERM`, `EX_CONFIG`) something a
//! person has to set up, and any other a failure. What it used is not known.

pub(crate) mod flags;
mod map;
pub(crate) mod probe;

pub(crate) use map::Map;
