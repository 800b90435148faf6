//! What can be known of an agent without running it on a task.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use windlass_types::{Harness, Probe, Problem};

use crate::login::{self, Login};
use crate::outcome::login_hint;
use crate::{Settings, UserFiles, claude, codex, command, gemini, simulated};

/// A program that takes longer to say its version is not fit to use.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Looks for an agent's program, asks for its version, and looks at how it would log in.
pub async fn probe(harness: Harness, settings: &Settings, user: &UserFiles) -> Probe {
    match harness {
        Harness::Claude => claude::probe::probe(settings, user).await,
        Harness::Codex => codex::probe::probe(settings, user).await,
        Harness::Gemini => gemini::probe::probe(settings, user).await,
        Harness::Command => command::probe::probe(settings),
        Harness::Simulated => simulated::probe(settings),
    }
}

pub(crate) const fn empty(harness: Harness) -> Probe {
    Probe { harness, path: None, version: None, login: None, login_expires_at: None, problems: Vec::new() }
}

/// The probe of an agent that is a program with a login. `version` reads what `--version` printed.
pub(crate) async fn of_program(
    harness: Harness,
    usual: &str,
    settings: &Settings,
    user: &UserFiles,
    version: fn(&str) -> Option<String>,
) -> Probe {
    let mut probe = empty(harness);
    match crate::program::find(harness, usual, settings) {
        Ok(found) => {
            probe.path = Some(found.program.display().to_string());
            let printed = ask_version(harness, &found.program, &found.args, settings).await;
            probe.version = printed.as_deref().ok().and_then(version);
            if probe.version.is_none() {
                let how = printed.err().unwrap_or_else(|| "it printed something else".to_owned());
                probe.problems.push(Problem {
                    what: format!("{} --version did not tell a version: {how}", found.program.display()),
                    hint: format!("run it by hand, and install {usual} anew if it fails there too"),
                });
            }
        }
        Err(failure) => probe.problems.push(Problem { what: failure.message, hint: failure.hint.unwrap_or_default() }),
    }
    let missing = |what: String| Problem { what, hint: login_hint(harness).to_owned() };
    match login::find(harness, user, &BTreeMap::new()) {
        Some(Login::Variable(_)) => probe.login = Some("api_key".to_owned()),
        Some(Login::File(file)) => {
            probe.login = Some("login_file".to_owned());
            probe.login_expires_at = file.expires_at.filter(|_| !file.renewable);
            if let Some(at) = file.ends_before(settings.clock.now()) {
                probe.problems.push(missing(format!("the login in {} ended at {at} and cannot renew itself", file.path.display())));
            }
        }
        None => probe.problems.push(missing(format!("{harness} has neither a key nor a login file"))),
    }
    probe
}

/// The first word of the output that looks like a version.
pub(crate) fn version_in(text: &str) -> Option<String> {
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(|word| word.chars().filter(|c| !c.is_control()).take(64).collect())
}

async fn ask_version(harness: Harness, program: &Path, args: &[String], settings: &Settings) -> Result<String, String> {
    // Even for its version a program may write to its home: it gets one of its own.
    let home = std::path::PathBuf::from(format!("/tmp/windlass-probe-{}-{}", std::process::id(), harness.as_str()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&home).is_ok();
    let at = if made { home.as_path() } else { Path::new("/nonexistent") };
    let answer = tokio::time::timeout(TIMEOUT, run(program, args, at, settings)).await;
    if made {
        let _ = std::fs::remove_dir_all(&home);
    }
    match answer {
        Ok(answer) => answer.map_err(|e| e.to_string()),
        Err(_) => Err(format!("nothing within {} s", TIMEOUT.as_secs())),
    }
}

async fn run(program: &Path, args: &[String], home: &Path, settings: &Settings) -> std::io::Result<String> {
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .arg("--version")
        .env_clear()
        .env("PATH", &settings.search_path)
        .env("HOME", home)
        .env("CLAUDE_CONFIG_DIR", home)
        .env("CODEX_HOME", home)
        .env("GEMINI_CLI_HOME", home)
        .env("GEMINI_CLI_NO_RELAUNCH", "true")
        .env("DISABLE_AUTOUPDATER", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(64 * 1024).read_to_end(&mut printed).await?;
    }
    let status = child.wait().await?;
    if !status.success() {
        return Err(std::io::Error::other(format!("it ended with {status}")));
    }
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(version_in("2.1.197 (Claude Code)\n").as_deref(), Some("2.1.197"));
        assert_eq!(version_in("codex-cli 0.169.0\n").as_deref(), Some("0.169.0"));
        assert_eq!(version_in("v0.61.0\n").as_deref(), Some("0.61.0"));
        assert_eq!(version_in("no idea"), None);
    }
}
