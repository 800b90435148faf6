//! GitHub's own description of its API, installed from npm at the version pinned in `npm/package.json`.

use std::path::{Path, PathBuf};

use crate::cli::{INSTALL, NODE_MODULES, installed, pinned};
use crate::skip::skipped;

const PACKAGE: &str = "@octokit/openapi";

/// The OpenAPI document of api.github.com, or `None` after a loud skip where it is not installed in the pinned version.
///
/// # Panics
///
/// With `CI=true`, where others skip.
pub fn description() -> Option<PathBuf> {
    let file = Path::new(NODE_MODULES).join(PACKAGE).join("generated/api.github.com.json");
    let wanted = pinned(PACKAGE);
    if wanted.is_some() && file.exists() && installed(PACKAGE) == wanted {
        return Some(file);
    }
    skipped(&format!("GitHub's description of its API, {PACKAGE} {}", wanted.unwrap_or_default()), INSTALL);
    None
}
