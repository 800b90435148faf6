//! The token for a forge, which nothing shows.

use std::fmt;

use hyper::header::HeaderValue;
use serde_json::Value;

/// What stands where the token stood.
const REDACTED: &str = "[redacted: the forge's token]";

/// A token. It prints as `Token(…)`.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// Takes a token: visible ASCII, nothing else.
    pub(crate) fn new(text: &str) -> Option<Self> {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The value of `Authorization`, which prints as `Sensitive`.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// A text without the token.
    pub(crate) fn redact(&self, text: &mut String) {
        if text.contains(&self.0) {
            *text = text.replace(&self.0, REDACTED);
        }
    }

    /// The same for every text of a value, however the forge escaped it.
    pub(crate) fn redact_all(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_all(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.redact_all(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_could_end_a_header_is_none() {
        for text in ["", "a b", "a\n", "a\r\nx: y", "ä", "a\0"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
        assert!(Token::new("ghp_x+/=").is_some());
    }

    #[test]
    fn a_token_is_taken_out_of_a_text_however_deep_and_escaped() {
        let token = Token::new("ghp_secret").unwrap();
        let mut value: Value = serde_json::from_str(r#"{"a": [{"b": "x ghp_\u0073ecret y"}], "c": 1}"#).unwrap();
        token.redact_all(&mut value);
        assert_eq!(value["a"][0]["b"], format!("x {REDACTED} y"));
        assert!(!format!("{token:?} {:?}", token.header()).contains("ghp_secret"));
    }
}
