//! Secrets that stand in files of their own.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::failure::{CliError, Result};

/// No secret is longer.
const SECRET_MAX: u64 = 4096;

/// The secret in a file that nobody else may read; `key` names the file.
pub(super) fn read(key: &str, path: &Path) -> Result<String> {
    let shown = path.display();
    let failed = |e: std::io::Error| {
        CliError::usage(format!("`{key}`: the secret cannot be read from {shown}: {e}")).hint("name a file that holds it and nothing else")
    };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() || meta.len() > SECRET_MAX {
        return Err(
            CliError::usage(format!("`{key}`: {shown} is no file with a secret")).hint("put the secret, and nothing else, into a file")
        );
    }
    if meta.mode() & 0o077 != 0 {
        return Err(CliError::usage(format!("`{key}`: {shown} holds a secret and others may read it (mode {:03o})", meta.mode() & 0o777))
            .hint(format!("chmod 600 {shown}; where it was readable for long, make a new secret")));
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?.trim().to_owned())
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
        let told = read("forge.token_file", &path).unwrap_err().to_string();
        assert!(told.contains("644") && told.contains("forge.token_file") && !told.contains("ghp_x"), "{told}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read("forge.token_file", &path).unwrap(), "ghp_x");
        assert!(read("forge.token_file", dir.path()).is_err() && read("forge.token_file", &dir.path().join("none")).is_err());
    }
}
