//! What is printed: data to standard output, everything else to standard error.
//!
//! **Invariant:** what came from an agent, a repository or a person never reaches a terminal with its control characters.

pub(crate) mod password;
pub(crate) mod show;
pub(crate) mod table;

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::{CliError, Result};

/// Prints text that is the answer, with a line end behind it.
pub(crate) fn data(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Prints one JSON document.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| CliError::fault(format!("could not write JSON: {e}")))?;
    data(&text)
}

/// Prints one JSON document on one line, for streams.
pub(crate) fn json_line(value: &impl Serialize) -> Result<()> {
    data(&serde_json::to_string(value).map_err(|e| CliError::fault(format!("could not write JSON: {e}")))?)
}

/// A list as programs read it.
pub(crate) fn json_list(items: Vec<serde_json::Value>) -> Result<()> {
    json(&serde_json::json!({ "items": items, "next_cursor": null }))
}

/// Says something beside the answer. Nobody may be listening any more, which is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{}", clean(text));
}

/// Says that something is odd.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Says why the program ends.
pub(crate) fn complain(error: &CliError) {
    if error.message.is_empty() {
        return;
    }
    let (red, cyan, plain) = if colours() { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{red}error:{plain} {}", clean(&error.message));
    if let Some(hint) = &error.hint {
        let _ = writeln!(err, "{cyan}hint:{plain} {}", clean(hint));
    }
}

/// Whether standard error takes colours: a terminal, and nobody said no.
pub(crate) fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether a person reads standard output.
pub(crate) fn for_person() -> bool {
    std::io::stdout().is_terminal()
}

/// Where a terminal does not say how wide it is.
const WIDTH_USUAL: u16 = 80;

/// The terminal's width, or none when standard output is no terminal.
pub(crate) fn width() -> Option<u16> {
    for_person().then(|| width_of(std::io::stdout()))
}

/// The width of the terminal that standard error goes to, or the usual one.
pub(crate) fn width_of_stderr() -> u16 {
    width_of(std::io::stderr())
}

fn width_of(stream: impl std::os::fd::AsFd) -> u16 {
    rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|width| *width > 0).unwrap_or(WIDTH_USUAL)
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).copied().unwrap_or_default())
}

/// Text without control characters: an agent's words must not move a reader's cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' => Some('\n'),
            '\t' => Some(' '),
            // The last range re-orders text for the eye.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => None,
            c => Some(c),
        })
        .collect()
}

/// The first line of a text, cut to `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let clean = clean(text);
    let line = clean.split('\n').map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    if line.chars().count() <= max { line.to_owned() } else { line.chars().take(max.saturating_sub(1)).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_reordering_marks_do_not_reach_a_terminal() {
        assert_eq!(clean("a\x1b[2Jb\rc\u{202e}d\te\x07"), "a[2Jbcd e");
    }

    #[test]
    fn a_size_is_told_in_the_unit_that_people_read() {
        assert_eq!([0, 1023, 1024, 1 << 20, 3 << 29].map(size), ["0 B", "1023 B", "1.0 KiB", "1.0 MiB", "1.5 GiB"]);
    }

    #[test]
    fn a_long_text_is_cut_to_its_first_line() {
        assert_eq!(one_line("\n  first line \nsecond", 80), "first line");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}
