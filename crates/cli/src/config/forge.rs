//! The forge: where it is, and who Windlass is there.

use std::path::PathBuf;

use serde::Deserialize;
use windlass_delivery::{ForgeConfig, GITHUB};
use windlass_engine::ForgeWatch;

use super::layers::{Layers, Origin, Shown};
use super::raw::RawFile;
use crate::failure::Result;

/// `[forge]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawForge {
    pub(crate) base_url: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) poll_interval: Option<u64>,
    pub(crate) max_follow_ups: Option<u32>,
}

/// How often open pull requests are looked at, and how often they are answered.
pub(super) fn watch(l: &mut Layers<'_>, raw: &RawFile) -> Result<ForgeWatch> {
    let usual = ForgeWatch::default();
    let interval_secs = l.pick("forge.poll_interval", &[], None, raw.forge.poll_interval, usual.interval_secs)?;
    super::check::range("forge.poll_interval", interval_secs, 1, 86_400)?;
    let max_follow_ups = l.pick("forge.max_follow_ups", &[], None, raw.forge.max_follow_ups, usual.max_follow_ups)?;
    super::check::range("forge.max_follow_ups", max_follow_ups, 0, 100)?;
    Ok(ForgeWatch { interval_secs, max_follow_ups })
}

/// How the forge is reached, where there is a token for it. The token is never shown.
pub(super) fn read(l: &mut Layers<'_>, raw: &RawFile) -> Result<Option<ForgeConfig>> {
    let base_url = l.pick("forge.base_url", &[], None, raw.forge.base_url.clone(), GITHUB.to_owned())?;
    let file = l.given("forge.token_file", &[], None, raw.forge.token_file.clone())?;
    let token = match (l.env.text("GITHUB_TOKEN"), &file) {
        (Some(token), _) => {
            l.shown.push(Shown { key: "forge.token".to_owned(), value: "***".into(), origin: Origin::Env("GITHUB_TOKEN") });
            Some(token.to_owned())
        }
        (None, Some(file)) => Some(super::secret_file::read("forge.token_file", &super::settings::absolute(file)?)?),
        (None, None) => None,
    };
    Ok(token.map(|token| ForgeConfig::new(base_url, token.trim())))
}
