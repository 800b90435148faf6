//! Configuration: flag, environment, file, default, in this order.
//!
//! [`raw`] is the file as written, [`Settings`] what the rest of the program sees; each value's origin is kept for
//! `windlass config`. The file is never looked for in the working directory, which may be a hostile repository.

pub(crate) mod callbacks;
mod check;
pub(crate) mod env;
pub(crate) mod files;
pub(crate) mod forge;
pub(crate) mod layers;
pub(crate) mod metrics;
pub(crate) mod named;
pub(crate) mod notify;
pub(crate) mod raw;
pub(crate) mod read;
pub(crate) mod sandbox;
mod secret_file;
pub(crate) mod settings;

pub(crate) use env::Env;
pub(crate) use layers::{Origin, Shown};
pub(crate) use settings::{Flags, Settings};
