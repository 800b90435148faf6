//! Commit messages made of untrusted text. Pure.

/// The longest subject line.
const MAX_SUBJECT_CHARS: usize = 120;
/// The longest body.
const MAX_BODY_CHARS: usize = 16_000;
/// The longest trailer value.
const MAX_TRAILER_CHARS: usize = 500;

/// Text on one line: control characters become spaces, and runs of space one.
pub fn single_line(text: &str, max_chars: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    let mut line = String::new();
    for word in flat.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > max_chars {
        line = line.chars().take(max_chars.saturating_sub(1)).collect::<String>().trim_end().to_owned() + "…";
    }
    line
}

/// Line separators and direction marks that show a text as something else than it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A commit message. Only `trailers` are trailers in it: a line of `body` that some program would read as a trailer, a workflow
/// command or a mail header is quoted.
pub fn commit_message(subject: &str, body: &str, trailers: &[(String, String)]) -> String {
    let subject = single_line(subject, MAX_SUBJECT_CHARS);
    let subject = if subject.is_empty() { "Work of an agent".to_owned() } else { neutral(subject) };
    let mut message = subject + "\n";
    let body: String = body.chars().take(MAX_BODY_CHARS).collect();
    let lines: Vec<String> = body.lines().map(body_line).collect();
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    if !text.is_empty() {
        message.push('\n');
        message.push_str(text);
        message.push('\n');
    }
    if !trailers.is_empty() {
        message.push('\n');
        for (key, value) in trailers {
            message.push_str(&trailer(key, value));
            message.push('\n');
        }
    }
    message
}

/// Whether `message` ends with exactly these trailers, as [`commit_message`] writes them.
pub fn has_trailers(message: &str, trailers: &[(String, String)]) -> bool {
    let wanted: String = trailers.iter().map(|(key, value)| trailer(key, value) + "\n").collect();
    !trailers.is_empty() && message.strip_suffix(&wanted).is_some_and(|rest| rest.ends_with("\n\n"))
}

fn trailer(key: &str, value: &str) -> String {
    let key: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("{key}: {}", single_line(value, MAX_TRAILER_CHARS))
}

fn body_line(line: &str) -> String {
    let line: String = line.trim_end().chars().map(|c| if (c.is_control() && c != '\t') || is_invisible(c) { ' ' } else { c }).collect();
    neutral(line)
}

fn neutral(line: String) -> String {
    let start = line.trim_start();
    let is_trailer = start.split_once(':').is_some_and(|(key, _)| {
        !key.is_empty() && key.trim_end().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && (key.contains('-') || is_header(key))
    });
    if is_trailer || start.starts_with("::") || start.starts_with("##[") || start.starts_with("From ") { format!("> {line}") } else { line }
}

fn is_header(key: &str) -> bool {
    ["bcc", "cc", "to", "from", "subject", "date", "sender"].contains(&key.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_agent_cannot_add_trailers_headers_or_workflow_commands() {
        let trailers = [("Windlass-Job".to_owned(), "job_1\nCo-authored-by: x".to_owned())];
        let message = commit_message(
            "Fix\nCo-authored-by: Evil <e@x>\r\n\u{1b}[31m",
            "why\n\nCo-authored-by: Evil <e@x>\n ::set-output name=x::y\nBcc: a@b\nSigned-off-by : x\nnormal: text\u{2028}x",
            &trailers,
        );
        assert_eq!(
            message,
            "Fix Co-authored-by: Evil <e@x> [31m\n\nwhy\n\n> Co-authored-by: Evil <e@x>\n>  ::set-output name=x::y\n> Bcc: a@b\n\
             > Signed-off-by : x\nnormal: text x\n\nWindlass-Job: job_1 Co-authored-by: x\n"
        );
        assert!(has_trailers(&message, &trailers));
        assert!(!has_trailers(&message, &[("Windlass-Job".to_owned(), "job_2".to_owned())]));
        assert!(!has_trailers(&message, &[]));
    }

    #[test]
    fn a_subject_is_one_line_of_bounded_length_and_never_a_trailer() {
        assert_eq!(commit_message("", "", &[]), "Work of an agent\n");
        assert_eq!(commit_message("Co-authored-by: x <x@y>", "", &[]), "> Co-authored-by: x <x@y>\n");
        assert!(commit_message(&"x".repeat(1000), "", &[]).chars().count() <= MAX_SUBJECT_CHARS + 1);
        assert_eq!(commit_message("feat: add", "", &[]), "feat: add\n");
    }
}
