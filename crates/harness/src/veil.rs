//! Values that a command gives by a telling name (`GITHUB_TOKEN=…`, `--password …`): whatever they look like, a list of what agents do
//! does not show them. What is known for a secret by its own look is taken out elsewhere.

/// How names end whose values are not shown.
const NAMES: [&str; 9] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY"];
/// What stands for a value.
const VEIL: &str = "[hidden]";

/// The text of a command without the values of telling names. What a shell puts there itself (`$TOKEN`) may stay.
pub(crate) fn veiled(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    // Whether the word before was an option that takes a secret.
    let mut is_awaited = false;
    while !rest.is_empty() {
        let gap = rest.len() - rest.trim_start().len();
        shown.push_str(&rest[..gap]);
        rest = &rest[gap..];
        let word = &rest[..word_end(rest)];
        rest = &rest[word.len()..];
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        match value {
            Some(value) if is_telling(name) && hides(value) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(VEIL);
            }
            None if is_awaited && !word.starts_with('-') && hides(word) => shown.push_str(VEIL),
            _ => shown.push_str(word),
        }
        is_awaited = value.is_none() && word.starts_with("--") && is_telling(word);
    }
    shown
}

/// Where a word ends: at a space that stands in no quotes.
fn word_end(text: &str) -> usize {
    let mut quote = None;
    let end = text.char_indices().find(|(_, c)| match quote {
        Some(open) if *c == open => {
            quote = None;
            false
        }
        Some(_) => false,
        None if matches!(c, '"' | '\'') => {
            quote = Some(*c);
            false
        }
        None => c.is_whitespace(),
    });
    end.map_or(text.len(), |(at, _)| at)
}

fn is_telling(name: &str) -> bool {
    let name = name.trim_end_matches(['"', '\'']).replace('-', "_").to_ascii_uppercase();
    NAMES.iter().any(|ending| name.ends_with(ending))
}

/// Whether a value is one that was written out.
fn hides(value: &str) -> bool {
    let value = value.trim_start_matches(['"', '\'']);
    !value.is_empty() && !value.starts_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_telling_names_are_hidden_and_nothing_else_is() {
        for (text, shown) in [
            ("GITHUB_TOKEN=ghp_made-up gh pr list", "GITHUB_TOKEN=[hidden] gh pr list"),
            ("curl --token=sk-x --data a=b", "curl --token=[hidden] --data a=b"),
            ("login --password 'two words'  --user ann", "login --password [hidden]  --user ann"),
            ("export DB_PASSWORD=\"a b\"\nmake", "export DB_PASSWORD=[hidden]\nmake"),
            ("AWS_SECRET_ACCESS_KEY=x; ls", "AWS_SECRET_ACCESS_KEY=[hidden] ls"),
            ("npm config set //host/:_authToken=abc", "npm config set //host/:_authToken=[hidden]"),
            ("TOKEN=$TOKEN run --token \"$T\" --secret", "TOKEN=$TOKEN run --token \"$T\" --secret"),
            ("grep -r token= src && cat tokens.rs --tokenize x", "grep -r token= src && cat tokens.rs --tokenize x"),
            ("it's a 'start", "it's a 'start"),
            ("", ""),
        ] {
            assert_eq!(veiled(text), shown);
        }
    }

    #[test]
    fn however_it_is_written_nothing_makes_it_fail() {
        for text in ["=", "é=ü", "TOKEN=", "TOKEN=é'", "--token", "--token \u{2003}x", "\u{85}TOKEN=\u{85}"] {
            veiled(text);
        }
    }
}
