//! Reading the file: what is wrong is told with file, line and key; what is unknown is warned of and ignored.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// Far more than any configuration; a larger file is a mistake.
const FILE_MAX: u64 = 1024 * 1024;

/// A file that was read: its content, where its keys stand, and what is odd about it.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) raw: RawFile,
    /// The text, for finding lines.
    text: String,
    /// One sentence each.
    pub(crate) warnings: Vec<String>,
}

impl Read {
    /// The line on which a dotted key stands, from 1 up.
    pub(crate) fn line_of(&self, key: &str) -> Option<usize> {
        let table = DeTable::parse(&self.text).ok()?;
        let mut at = table.get_ref();
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            let (name, value) = at.iter().find(|(name, _)| name.get_ref().as_ref() == part)?;
            if parts.peek().is_none() {
                return Some(line(&self.text, name.span().start));
            }
            let DeValue::Table(inner) = value.get_ref() else { return None };
            at = inner;
        }
        None
    }
}

/// Reads the file at `path`. One that is not there is empty, unless somebody named it.
pub(crate) fn read(path: &Path, named: bool) -> Result<Read> {
    use std::io::Read as _;
    let shown = path.display();
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Read::default()),
        Err(e) => {
            return Err(CliError::usage(format!("cannot read the configuration file {shown}: {e}"))
                .hint("give its path with --config or WINDLASS_CONFIG, or leave both out to use the default one"));
        }
    };
    let mut text = String::new();
    let size = file
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|e| CliError::usage(format!("cannot read the configuration file {shown}: {e}")))?;
    if size as u64 > FILE_MAX {
        return Err(CliError::usage(format!("the configuration file {shown} is longer than {FILE_MAX} bytes")));
    }
    parse(&shown.to_string(), text)
}

fn parse(name: &str, text: String) -> Result<Read> {
    let mut unknown = Vec::new();
    let raw = toml::Deserializer::parse(&text)
        .and_then(|de| serde_ignored::deserialize(de, |path| unknown.push(dotted(&path))))
        .map_err(|e| refused(name, &text, &e))?;
    let mut read = Read { raw, text, warnings: Vec::new() };
    for key in unknown {
        let place = read.line_of(&key).map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
        read.warnings.push(if is_for_later(&key) {
            format!("{place}: `{key}` is kept, and this build does nothing with it yet")
        } else {
            format!("{place}: unknown key `{key}` is ignored")
        });
    }
    Ok(read)
}

/// Keys of workers and projects that parts read which this build does not have.
const FOR_LATER: &[(&str, &[&str])] = &[
    ("worker.", &["heartbeat_interval", "claude_command", "task_dir", "trigger_dir", "result_dir", "heartbeat_dir", "dlq_dir"]),
    ("project.", &["gates", "deploy", "notify"]),
];

fn is_for_later(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or_default();
    FOR_LATER.iter().any(|(table, keys)| key.starts_with(table) && keys.contains(&last))
}

/// A path as people write it: serde_ignored marks the insides of an `Option` with `?`.
fn dotted(path: &serde_ignored::Path<'_>) -> String {
    path.to_string().split('.').filter(|part| *part != "?").collect::<Vec<_>>().join(".")
}

fn refused(name: &str, text: &str, e: &toml::de::Error) -> CliError {
    let message = e.message().trim_end().replace('\n', "; ");
    let Some(span) = e.span() else { return CliError::usage(format!("{name}: {message}")) };
    let line = line(text, span.start);
    let key = DeTable::parse(text).ok().and_then(|table| key_at(table.get_ref(), &span)).unwrap_or_default();
    let error = if key.is_empty() {
        CliError::usage(format!("{name}:{line}: {message}"))
    } else {
        CliError::usage(format!("{name}:{line}: `{key}`: {message}"))
    };
    error.hint("`windlass config` shows every setting and where its value comes from")
}

fn line(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

/// The dotted key whose key or value covers `span`.
fn key_at(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let covers = |range: Range<usize>| range.start <= span.start && span.end <= range.end;
    for (name, value) in table {
        let inner = match value.get_ref() {
            DeValue::Table(inner) => key_at(inner, span),
            _ => None,
        };
        if let Some(inner) = inner {
            return Some(format!("{}.{inner}", name.get_ref()));
        }
        if covers(name.span()) || covers(Spanned::span(value)) {
            return Some(name.get_ref().to_string());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("w.toml", text.to_owned()).err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_with_file_line_and_key() {
        let message = error("listen = \"127.0.0.1:1\"\n\n[worker.marie]\nmax_concurrent_tasks = \"three\"\n");
        assert!(message.starts_with("w.toml:4: `worker.marie.max_concurrent_tasks`: "), "{message}");
        assert!(error("harness_defaults = { plan = \"cluade\" }\n").contains("w.toml:1: `harness_defaults.plan`"));
        assert!(error("log_level = 3").contains("`log_level`"));
    }

    #[test]
    fn text_that_is_not_toml_is_told_with_its_line() {
        assert!(error("listen = \"x\"\nworkers = [").starts_with("w.toml:2: "), "{}", error("listen = \"x\"\nworkers = ["));
        assert!(!error("listen = 1\nlisten = 2").is_empty());
    }

    #[test]
    fn an_unknown_key_warns_with_file_line_and_key_and_the_rest_counts() {
        let read = parse("w.toml", "task_timeout = 5\n[engine]\nleese_ms = 1\n[worker.a]\nharnes = \"x\"\n".to_owned());
        let read = read.unwrap_or_default();
        assert_eq!(read.raw.task_timeout, Some(5));
        assert_eq!(
            read.warnings,
            ["w.toml:3: unknown key `engine.leese_ms` is ignored", "w.toml:5: unknown key `worker.a.harnes` is ignored"]
        );
    }

    #[test]
    fn keys_of_other_parts_are_no_unknown_keys() {
        let read = parse("w.toml", "[files]\nroot = \"/x\"\n[deploy.vercel]\na = 1\n[notify]\n[gates]\nz = 2\n".to_owned());
        let read = read.unwrap_or_default();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        let later = parse("w.toml", "[worker.marie]\nclaude_command = \"c\"\n[project.shop]\ngates = \"all\"\n".to_owned());
        let warnings = later.unwrap_or_default().warnings;
        assert!(warnings.len() == 2 && warnings.iter().all(|w| w.contains("does nothing with it yet")), "{warnings:?}");
        assert!(read.raw.deploy.contains_key("vercel"));
    }
}
