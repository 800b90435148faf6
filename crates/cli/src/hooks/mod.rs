//! Hooks of agents that people start: which file they stand in, what is written there, and how a hook sends what it is given.

pub(crate) mod edit;
pub(crate) mod file;
pub(crate) mod send;

use std::path::{Path, PathBuf};

use windlass_types::Harness;

use crate::config::Env;
use crate::failure::{CliError, Result};

/// The agents that have hooks.
pub(crate) const HOOKED: [Harness; 3] = [Harness::Claude, Harness::Codex, Harness::Gemini];

/// How long an agent waits for a hook, in seconds. A hook gives up long before.
const TIMEOUT_SECS: u32 = 5;

/// Whose sessions tell of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of this user's.
    User,
    /// Those in this project, whoever starts them.
    Project(PathBuf),
}

/// The settings file of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) harness: Harness,
    pub(crate) file: PathBuf,
    /// Where it has to lie, links followed.
    pub(crate) inside: Option<PathBuf>,
}

/// Where an agent reads its hooks from. `None` where it has no such file.
pub(crate) fn place(harness: Harness, scope: &Scope, env: &Env) -> Result<Option<Place>> {
    let file = match scope {
        Scope::Project(root) => match harness {
            Harness::Claude => root.join(".claude/settings.json"),
            Harness::Gemini => root.join(".gemini/settings.json"),
            _ => return Ok(None),
        },
        Scope::User => {
            let own = |name: &str| env.text(name).map(PathBuf::from).filter(|path| path.is_absolute());
            let home = || {
                own("HOME").ok_or_else(|| CliError::usage("HOME is not set: there is no user to install hooks for").hint("use --project"))
            };
            let (variable, usual, name) = match harness {
                Harness::Claude => ("CLAUDE_CONFIG_DIR", ".claude", "settings.json"),
                Harness::Codex => ("CODEX_HOME", ".codex", "hooks.json"),
                Harness::Gemini => ("GEMINI_CLI_HOME", "", ".gemini/settings.json"),
                Harness::Command | Harness::Simulated => return Ok(None),
            };
            match own(variable) {
                Some(folder) => folder.join(name),
                None => home()?.join(usual).join(name),
            }
        }
    };
    let inside = match scope {
        // A link in a repository may lead anywhere.
        Scope::Project(root) => Some(root.clone()),
        Scope::User => None,
    };
    Ok(Some(Place { harness, file, inside }))
}

/// What stands in the settings for each event: the command, and how long the agent waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) events: &'static [&'static str],
    pub(crate) command: String,
    /// In the agent's own unit.
    pub(crate) timeout: u32,
}

impl Wanted {
    /// `program` is how the shell finds Windlass, `place` the flags that say which daemon is meant.
    pub(crate) fn of(harness: Harness, program: &str, place: &[String]) -> Self {
        let place = place.iter().fold(String::new(), |all, flag| format!("{all} {}", quoted(flag)));
        Self {
            events: windlass_harness::hook_events(harness),
            // Whatever happens to Windlass, the agent notices nothing: what a hook prints and how it ends means something to agents.
            command: format!("{}{MARK}{}{place}{QUIET}", quoted(program), harness.as_str()),
            timeout: if harness == Harness::Gemini { TIMEOUT_SECS * 1000 } else { TIMEOUT_SECS },
        }
    }
}

/// What stands between the program and the agent's name.
const MARK: &str = " hooks send --harness ";
/// What stands behind all words.
const QUIET: &str = " >/dev/null 2>&1 || true";

/// Whether a command is a hook of ours: word for word one that is written here, by whichever copy of Windlass. One that does anything
/// else beside is somebody else's.
pub(crate) fn is_ours(command: &str) -> bool {
    let command = command.strip_suffix(QUIET).unwrap_or(command);
    let words = words(command);
    let [program, hooks, send, flag, harness, place @ ..] = words.as_slice() else { return false };
    let is_hooked = |word: &str| HOOKED.iter().any(|harness| harness.as_str() == word);
    let is_place = |pair: &[String]| matches!(pair, [flag, _] if PLACE_FLAGS.contains(&flag.as_str()));
    is_program(program)
        && [hooks.as_str(), send, flag] == ["hooks", "send", "--harness"]
        && is_hooked(harness)
        && place.chunks(2).all(is_place)
        // Had a shell read more in it than words, they would not be written like that.
        && words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ") == command
}

/// The flags that say which daemon a hook speaks to.
const PLACE_FLAGS: [&str; 3] = ["--data-dir", "--config", "--url"];

/// Whether a program is Windlass by its file's name: `windlass`, or with a version behind it.
pub(crate) fn is_program(program: &str) -> bool {
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("windlass"));
    name.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_version))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The words of a command, as they were before [`quoted`].
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => word.extend(chars.next()),
            ' ' if !is_quoted => words.push(String::new()),
            c => word.push(c),
        }
    }
    words
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_known_by_its_command_and_other_peoples_are_not() {
        for program in ["windlass", "/opt/a b/windlass", "/opt/it's/windlass-0.2"] {
            let wanted = Wanted::of(Harness::Claude, program, &["--data-dir".to_owned(), "/a b".to_owned()]);
            assert!(is_ours(&wanted.command), "{}", wanted.command);
            assert!(wanted.command.ends_with(" hooks send --harness claude --data-dir '/a b' >/dev/null 2>&1 || true"));
        }
        assert!(is_ours("windlass hooks send --harness gemini"), "one that was typed");
        for other in [
            "windlass hooks install",
            "other hooks send --harness claude",
            "echo windlass",
            "",
            "windlass-helper.sh hooks send --harness claude",
            "windlass-0.2.sh hooks send --harness claude",
            "./my-windlass hooks send --harness claude",
            "windlass hooks send --harness mine",
            "windlass hooks send --harness claude; ./deploy.sh",
            "windlass hooks send --harness claude >/dev/null 2>&1 || true; ./deploy.sh",
            "windlass hooks send --harness claude && ./deploy.sh",
            "windlass hooks send --harness claude --data-dir $(./deploy.sh)",
            "windlass hooks send --harness claude --data-dir",
            "windlass hooks send --harness claude --verbose yes",
            "windlass hooks send --harness claude ./deploy.sh",
            "windlass hooks send --harness claude\n./deploy.sh",
            "./deploy.sh; windlass hooks send --harness claude",
            "FOO=1 windlass hooks send --harness claude",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn each_agent_has_its_own_file() -> Result<()> {
        let env = Env::of(&[("HOME", "/home/ann"), ("CODEX_HOME", "/srv/codex")]);
        let file = |harness, scope: &Scope| Ok::<_, CliError>(place(harness, scope, &env)?.map(|place| place.file.display().to_string()));
        assert_eq!(file(Harness::Claude, &Scope::User)?.as_deref(), Some("/home/ann/.claude/settings.json"));
        assert_eq!(file(Harness::Codex, &Scope::User)?.as_deref(), Some("/srv/codex/hooks.json"));
        assert_eq!(file(Harness::Gemini, &Scope::User)?.as_deref(), Some("/home/ann/.gemini/settings.json"));
        let project = Scope::Project("/repo".into());
        assert_eq!(file(Harness::Gemini, &project)?.as_deref(), Some("/repo/.gemini/settings.json"));
        assert_eq!(file(Harness::Codex, &project)?, None);
        assert!(place(Harness::Claude, &Scope::User, &Env::default()).is_err());
        Ok(())
    }
}
