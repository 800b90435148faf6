//! Texts that come from a forge or go to it: bounded, and without what a terminal or a page would act on. Pure.

/// The longest title that is sent, in characters.
const MAX_TITLE_CHARS: usize = 250;
/// The longest body that is sent, in characters; GitHub takes 65,536.
const MAX_BODY_CHARS: usize = 65_000;
/// The longest address that is kept.
const MAX_LINK_BYTES: usize = 2048;

/// A text on one line without control characters, at most so many characters long.
pub(crate) fn line(text: &str, max_chars: usize) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A text of several lines without other control characters, at most so many bytes long; a cut says how much is missing.
pub(crate) fn prose(text: &str, max_bytes: usize) -> String {
    let clean = without_controls(text);
    if clean.len() <= max_bytes {
        return clean;
    }
    let end = clean.floor_char_boundary(max_bytes);
    format!("{}\n[cut: {} bytes more]", &clean[..end], clean.len() - end)
}

/// A title as it is sent.
pub(crate) fn title(text: &str) -> String {
    line(text, MAX_TITLE_CHARS)
}

/// A body as it is sent.
pub(crate) fn body(text: &str) -> String {
    let clean = without_controls(text);
    match clean.char_indices().nth(MAX_BODY_CHARS) {
        Some((end, _)) => format!("{}\n[cut]", &clean[..end]),
        None => clean,
    }
}

/// Whether two bodies are the same to a reader: a forge may end lines another way and drop blanks at the end.
pub(crate) fn same_body(one: &str, other: &str) -> bool {
    without_controls(one).trim_end() == without_controls(other).trim_end()
}

/// An address that may be shown as a link: `http` or `https`, nothing that ends it.
pub(crate) fn link(text: &str) -> Option<String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"'`\\".contains(c));
    (web && plain && text.len() <= MAX_LINK_BYTES).then(|| text.to_owned())
}

/// A commit's hash.
pub(crate) fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A text of strangers (an agent's, a test's) as Markdown that shows it and does nothing else: a code block, in which `@mentions`, `fixes #1`,
/// HTML and images are only text. No text can end the block.
pub fn verbatim(text: &str) -> String {
    let clean = without_controls(text);
    let longest = clean.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", clean.trim_end_matches('\n'))
}

fn without_controls(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_bounded_length() {
        assert_eq!(line("a\nb\r\n\u{1b}[31mc\u{7}\u{85}d", 100), "a b [31mc d");
        assert_eq!(line("größe", 3), "grö…");
        assert_eq!(title(&"x".repeat(300)).chars().count(), MAX_TITLE_CHARS + 1);
    }

    #[test]
    fn prose_keeps_its_lines_and_says_what_was_cut() {
        assert_eq!(prose("a\r\n\tb\u{1b}]0;x\u{7}\n", 100), "a\n\tb]0;x\n");
        assert_eq!(prose("ääää", 3), "ä\n[cut: 6 bytes more]");
        assert!(body(&"ä".repeat(70_000)).chars().count() < 65_536);
    }

    #[test]
    fn only_a_web_address_is_a_link() {
        for bad in ["javascript:alert(1)", "https://x/\n", "https://x/\"onclick=", "data:text/html,x", "//x", "https://x/<b>"] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
        assert_eq!(link(&format!("https://{}", "x".repeat(3000))), None);
        assert_eq!(link("https://ci.example/run/1?x=y#z").as_deref(), Some("https://ci.example/run/1?x=y#z"));
    }

    #[test]
    fn no_text_can_end_the_block_that_holds_it() {
        for text in ["@all fixes #1", "```\n<img src=x>\n```", "`````", "", "a\n\n"] {
            let block = verbatim(text);
            let lines: Vec<&str> = block.lines().collect();
            let fence = lines.last().unwrap();
            assert_eq!(lines[0], format!("{fence}text"));
            assert!(lines[1..lines.len() - 1].iter().all(|l| !l.contains(fence)), "{block}");
        }
    }
}
