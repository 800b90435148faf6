//! Whether `gemini` is there and can log in.

use windlass_types::{Harness, Probe};

use crate::probe::{of_program, version_in};
use crate::{Settings, UserFiles};

pub(crate) async fn probe(settings: &Settings, user: &UserFiles) -> Probe {
    of_program(Harness::Gemini, "gemini", settings, user, version_in).await
}
