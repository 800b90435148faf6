//! What a repository may tell `gemini` to run.
//!
//! The program is told to trust the folder, for it works in no other. It then reads the repository's own settings, which
//! go before those in the home. Hooks are switched off in the home and servers by a flag; what would switch them on
//! again, or runs a command another way, is refused here.

use std::io;
use std::path::Path;

use windlass_types::{Failure, FailureKind};

use crate::private_dir::read_planted;

/// More than any settings have.
const FILE_MAX: u64 = 1024 * 1024;
/// Names of settings that run something, or let it run. Also what could spell such a name in another way.
const NAMES: [&str; 6] = ["hooksConfig", "enableHooks", "discoveryCommand", "callCommand", "serverCommand", "\\u"];

/// Refuses a tree whose settings would run commands that nobody has trusted.
pub(super) fn refuse_commands(tree: &Path) -> Result<(), Failure> {
    let folder = tree.join(".gemini");
    let refuse = |what: String| {
        Failure::new(FailureKind::Untrusted, format!("the repository tells gemini to run commands: {what}"))
            .hint("take that out of the repository, or use another harness for it")
    };
    if folder.join(".env").symlink_metadata().is_ok() {
        return Err(refuse(".gemini/.env sets variables for it".to_owned()));
    }
    let text = match read_planted(&folder.join("settings.json"), FILE_MAX) {
        Ok(bytes) => bytes,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(e) => return Err(refuse(format!(".gemini/settings.json cannot be read: {e}"))),
    };
    let whole = (text.len() as u64) < FILE_MAX;
    let text = String::from_utf8_lossy(&text);
    match NAMES.iter().find(|name| text.contains(**name)) {
        Some(name) => Err(refuse(format!(".gemini/settings.json has {name}"))),
        None if whole => Ok(()),
        None => Err(refuse(".gemini/settings.json cannot be read whole".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_run_nothing_pass_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refuse_commands(dir.path()), Ok(()));
        std::fs::create_dir(dir.path().join(".gemini")).unwrap();
        let settings = dir.path().join(".gemini/settings.json");
        for (text, passes) in [
            (r#"{"ui":{"theme":"x"},"hooks":{},"mcpServers":{}}"#, true),
            (r#"{"hooksConfig":{"enabled":true}}"#, false),
            (r#"{"hooks\u0043onfig":{"enabled":true}}"#, false),
            (r#"{"tools":{"discoveryCommand":"x"}}"#, false),
        ] {
            std::fs::write(&settings, text).unwrap();
            assert_eq!(
                refuse_commands(dir.path()).map_err(|f| f.kind),
                if passes { Ok(()) } else { Err(FailureKind::Untrusted) },
                "{text}"
            );
        }
        std::fs::remove_file(&settings).unwrap();
        std::fs::write(dir.path().join(".gemini/.env"), "").unwrap();
        assert!(refuse_commands(dir.path()).is_err());
    }
}
