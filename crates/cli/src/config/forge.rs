//! The forge: where it is, and who Windlass is there.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use windlass_delivery::{ForgeConfig, GITHUB};
use windlass_engine::ForgeWatch;

use super::layers::{Layers, Origin, Shown};
use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// No token is longer.
const TOKEN_MAX: u64 = 4096;

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
        (None, Some(file)) => Some(token_of(&super::settings::absolute(file)?)?),
        (None, None) => None,
    };
    Ok(token.map(|token| ForgeConfig::new(base_url, token.trim())))
}

/// The token in a file that nobody else may read.
fn token_of(path: &Path) -> Result<String> {
    let shown = path.display();
    let failed = |e: std::io::Error| {
        CliError::usage(format!("the forge's token cannot be read from {shown}: {e}")).hint("name its file in [forge] token_file")
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() || meta.len() > TOKEN_MAX {
        return Err(CliError::usage(format!("{shown} is no file with a token")).hint("put the token, and nothing else, into a file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(CliError::usage(format!("{shown} holds a token and others may read it (mode {:03o})", meta.mode() & 0o777))
            .hint(format!("chmod 600 {shown}; where it was readable for long, make a new token")));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_file_that_others_may_read_is_refused_by_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "ghp_x\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let told = token_of(&path).unwrap_err().to_string();
        assert!(told.contains("644") && !told.contains("ghp_x"), "{told}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(token_of(&path).unwrap().trim(), "ghp_x");
        assert!(token_of(dir.path()).is_err() && token_of(&dir.path().join("none")).is_err());
    }
}
