//! Values that are assigned to a name, in whatever language: `name = "value"`, `"name": "value"`, `<name>value</name>`, `--name value`.
//!
//! Read by hand and not by a pattern: from a keyword outwards, each step bounded, so that a text full of names costs no more.

mod name;
mod value;

use std::ops::Range;

pub(crate) use name::strength;

use crate::value::Name;

/// What stands in names of secrets. In any case.
pub(crate) const KEYWORDS: &[&str] =
    &["pass", "pwd", "secret", "token", "key", "credential", "auth", "_pat", "jwt", "identified by", "connection"];
const MAX_NAME: usize = 64;

/// A value with the name it is assigned to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assigned {
    /// Where the name begins.
    pub(crate) name_at: usize,
    pub(crate) value: Range<usize>,
    pub(crate) quoted: bool,
    pub(crate) strength: Name,
    /// The name in lower case, without separators.
    pub(crate) plain_name: String,
}

/// Reads the assignment to the name around a keyword. Also says where that name ends: keywords before that are the same name.
pub(crate) fn read(text: &[u8], keyword: Range<usize>, code: bool) -> (usize, Option<Assigned>) {
    let name = name_around(text, keyword);
    let end = name.end;
    let Some((strength, plain_name)) = strength(&text[name.clone()], word_before(text, name.start)) else { return (end, None) };
    let Some((value, quoted)) = value::after(text, &name, code) else { return (end, None) };
    (end, Some(Assigned { name_at: name.start, value, quoted, strength, plain_name }))
}

fn name_around(text: &[u8], keyword: Range<usize>) -> Range<usize> {
    let back = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let before = text[keyword.start.saturating_sub(MAX_NAME)..keyword.start].iter().rev().take_while(back).count();
    let on = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let after = text[keyword.end..(keyword.end + MAX_NAME).min(text.len())].iter().take_while(on).count();
    let mut start = keyword.start - before;
    // `\npassword`: the letter is the escape's. Flags begin with dashes that are not the name's.
    if start > 0 && text[start - 1] == b'\\' && start < keyword.start {
        start += 1;
    }
    while start < keyword.start && text[start] == b'-' {
        start += 1;
    }
    start..keyword.end + after
}

/// The word before a name, one space away: `api key`, `secret token`.
fn word_before(text: &[u8], at: usize) -> &[u8] {
    if at < 2 || text[at - 1] != b' ' {
        return &[];
    }
    let end = at - 1;
    let len = text[end.saturating_sub(16)..end].iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
    &text[end - len..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of all names.
    fn values(text: &str) -> Vec<&str> {
        let lower = text.to_ascii_lowercase();
        let places = KEYWORDS.iter().flat_map(|keyword| lower.match_indices(keyword).map(|(at, _)| at..at + keyword.len()));
        places.filter_map(|place| read(text.as_bytes(), place, false).1).map(|found| &text[found.value]).collect()
    }

    #[test]
    fn a_value_is_found_in_every_language() {
        for text in [
            "password = \"VALUE\"",
            "DB_PASSWORD=VALUE",
            "'password' => 'VALUE',",
            "\"db_password\": \"VALUE\"",
            "  api_key: VALUE\n",
            "const apiKey: &str = \"VALUE\";",
            "let token: Option<String> = Some(\"VALUE\".into());",
            "client.setPassword(\"VALUE\")",
            "os.environ[\"API_TOKEN\"] = 'VALUE'",
            "<password>VALUE</password>",
            "<add key=\"ApiKey\" value=\"VALUE\"/>",
            "mysql --password VALUE -h x",
            "mysql --password=VALUE",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"VALUE\"}",
            "- name: DB_PASSWORD\n  value: VALUE\n",
            "Server=x;Password=VALUE;Database=y",
            "https://x.y/?a=b&token=VALUE&c=d",
            "\\\"secret\\\": \\\"VALUE\\\"",
            "if password == \"VALUE\" {",
            "token := \"VALUE\"",
            "os.getenv(\"API_SECRET\", \"VALUE\")",
            "process.env.API_TOKEN || 'VALUE'",
            "password: |\n    VALUE\n",
            "variable \"db_password\" {\n  default = \"VALUE\"\n}",
            "CREATE USER x IDENTIFIED BY 'VALUE'",
            "ENV API_TOKEN VALUE",
            "#define SECRET_KEY \"VALUE\"",
            "export API_TOKEN='VALUE'",
            "X-Api-Key: VALUE",
            "API key: VALUE",
            "spring.datasource.password=VALUE",
            "SECRET_KEY_BASE=VALUE",
            "password <- \"VALUE\"",
            "password=b'VALUE'",
            "\"a\\npassword=VALUE\"",
            "token: String::from(\"VALUE\")",
            "$password = \"VALUE\";",
            "self.token = \"VALUE\"",
        ] {
            assert!(values(text).contains(&"VALUE"), "{text}: {:?}", values(text));
        }
    }

    #[test]
    fn other_names_have_no_secret() {
        for text in [
            "token_type = \"VALUE\"",
            "public_key = \"VALUE\"",
            "password_hash: VALUE",
            "tokenizer = \"VALUE\"",
            "author: VALUE",
            "monkey: VALUE",
            "next_token=VALUE",
        ] {
            assert!(!values(text).contains(&"VALUE"), "{text}");
        }
    }

    #[test]
    fn a_text_that_ends_anywhere_is_no_trouble() {
        let text = b"- name: \"x-db-password\",\n  \"value\": b\"VALUE\"";
        for end in 0..=text.len() {
            let text = &text[..end];
            if let Some(at) = memchr::memmem::find(text, b"pass") {
                read(text, at..at + 4, false);
            }
        }
    }
}
