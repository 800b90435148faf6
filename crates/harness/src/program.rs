//! Finding programs, and the words of a command line.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use windlass_types::{Failure, FailureKind, Harness};

use crate::Settings;

/// Splits a command line into words as a shell would, without expanding anything: quotes and backslashes count,
/// `$`, `*` and `~` do not. `None` when a quote stays open.
pub fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            '\n' => {}
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => match chars.next()? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// A program found, with the words that go before any others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
}

/// Finds a harness's program: the configured one, else its usual name.
pub(crate) fn find(harness: Harness, usual: &str, settings: &Settings) -> Result<Found, Failure> {
    match settings.of(harness).and_then(|h| h.program.as_deref()) {
        Some(line) => find_line(line, &settings.search_path, &format!("the program of harness {harness}")),
        None => resolve(usual, &settings.search_path).map(|program| Found { program, args: Vec::new() }).ok_or_else(|| {
            Failure::new(FailureKind::NotInstalled, format!("the program {usual} of harness {harness} was not found on the search path"))
                .hint(install_hint(harness, usual))
        }),
    }
}

/// Finds the program that a command line names.
pub(crate) fn find_line(line: &str, search_path: &str, what: &str) -> Result<Found, Failure> {
    let mut words = split_words(line)
        .ok_or_else(|| {
            Failure::new(FailureKind::BadConfiguration, format!("{what}, {line:?}, has a quote that is not closed")).hint("close the quote")
        })?
        .into_iter();
    let name = words.next().filter(|w| !w.is_empty()).ok_or_else(|| {
        Failure::new(FailureKind::BadConfiguration, format!("{what} is empty")).hint("name a program, with its arguments if it has any")
    })?;
    let program = resolve(&name, search_path).ok_or_else(|| {
        Failure::new(FailureKind::NotInstalled, format!("{what}, {name:?}, was not found or may not be run"))
            .hint("install it, put its folder on PATH before starting Windlass, or name it by its absolute path")
    })?;
    Ok(Found { program, args: words.collect() })
}

fn install_hint(harness: Harness, usual: &str) -> String {
    let how = match harness {
        Harness::Claude => "install it with `npm install -g @anthropic-ai/claude-code`",
        Harness::Codex => "install it with `npm install -g @openai/codex`",
        Harness::Gemini => "install it with `npm install -g @google/gemini-cli`",
        Harness::Command | Harness::Simulated => "install it",
    };
    format!("{how}, or set `program` under `[harness.{harness}]` to where {usual} is")
}

/// The absolute path of a program, if it is a file that may be run. A name with a slash must be absolute: a path
/// relative to a working directory would let a repository choose the program.
pub(crate) fn resolve(name: &str, search_path: &str) -> Option<PathBuf> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if name.contains('/') {
        let path = PathBuf::from(name);
        return (path.is_absolute() && runs(&path)).then_some(path);
    }
    search_path.split(':').map(Path::new).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(|path| runs(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        split_words(text)
    }

    #[test]
    fn words_are_split_as_a_shell_does_without_expanding_them() {
        assert_eq!(words(r#"a  'b c' "d \"e\" \n" f\ g $HOME ''"#).unwrap(), ["a", "b c", r#"d "e" \n"#, "f g", "$HOME", ""]);
        assert_eq!(words(" \t\n").unwrap(), Vec::<String>::new());
        assert_eq!(words("x'y'\"z\"").unwrap(), ["xyz"]);
    }

    #[test]
    fn an_open_quote_is_refused() {
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert_eq!(words(text), None, "{text}");
        }
    }

    #[test]
    fn a_program_is_found_by_absolute_path_or_on_the_given_path_only() {
        assert_eq!(resolve("sh", "relative:/nowhere:/bin").unwrap(), Path::new("/bin/sh"));
        assert_eq!(resolve("/bin/sh", "").unwrap(), Path::new("/bin/sh"));
        assert_eq!(resolve("./sh", "/bin"), None);
        assert_eq!(resolve("bin/sh", "/"), None);
        assert_eq!(resolve("/etc/passwd", ""), None, "a file that may not be run");
    }

    #[test]
    fn a_missing_program_says_what_to_do() {
        let failure = find(Harness::Claude, "claude", &Settings { search_path: "/nowhere".to_owned(), ..Settings::default() }).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotInstalled);
        assert!(failure.hint.unwrap().contains("npm install"));
    }
}
