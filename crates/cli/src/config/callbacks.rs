//! Who is told of the end of operations, and what the messages are signed with.

use std::fmt;

use super::layers::Layers;
use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// Shorter secrets are guessed.
const SECRET_MIN: usize = 16;

/// `[callbacks]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CallbackSettings {
    /// Receivers, as HOST:PORT, that need not be on the public internet.
    pub(crate) allow: Vec<String>,
    /// What messages are signed with whose request brings no secret.
    pub(crate) secret: Option<String>,
}

impl fmt::Debug for CallbackSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackSettings").field("allow", &self.allow).finish_non_exhaustive()
    }
}

pub(super) fn read(l: &mut Layers<'_>, raw: &RawFile) -> Result<CallbackSettings> {
    let given = Some(raw.callbacks.allow.clone()).filter(|allow| !allow.is_empty());
    let allow = l.pick("callbacks.allow", &[], None, given, Vec::new())?;
    super::check::places("callbacks.allow", &allow)?;
    let secret = l.given("callbacks.secret", &["WINDLASS_CALLBACK_SECRET"], None, raw.callbacks.secret.clone())?;
    if let (Some(shown), true) = (l.shown.last_mut(), secret.is_some()) {
        shown.value = "***".into();
    }
    if secret.as_ref().is_some_and(|secret| secret.len() < SECRET_MIN) {
        return Err(CliError::usage(format!("callbacks.secret has fewer than {SECRET_MIN} bytes")).hint("use a long random one"));
    }
    Ok(CallbackSettings { allow, secret })
}
