//! Tokens whose parts or letters say whether they are real.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::value::{Name, entropy, judge};

/// The subject that the token of jwt.io and of countless tutorials is for.
const SHOWN_SUBJECT: &str = "1234567890";

/// Whether random letters are likely: two of upper case, lower case and digits at least, and not in words.
pub(crate) fn mixed(token: &[u8]) -> bool {
    let kinds = [u8::is_ascii_digit as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    token.iter().any(u8::is_ascii_digit)
        && kinds.iter().filter(|kind| token.iter().any(kind)).count() >= 2
        && crate::words::share(token) < 0.7
}

/// Whether a value is random, whatever it is.
pub(crate) fn random(value: &[u8]) -> bool {
    judge(Name::Strong, value, true).is_some()
}

/// Whether an AWS key id is of its alphabet in more than letters, and not the one of the documentation.
pub(crate) fn aws_id(id: &[u8]) -> bool {
    !id.ends_with(b"EXAMPLE") && crate::words::share(&id[4..]) < 0.9
}

/// Whether a JSON web token's header names a way of signing, and it is signed and not a tutorial's.
pub(crate) fn signed_token(token: &[u8]) -> bool {
    let mut parts = token.split(|b| *b == b'.');
    let (Some(head), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let Some(head) = json(head) else { return false };
    if head.get("alg").and_then(serde_json::Value::as_str).is_none_or(|alg| alg.eq_ignore_ascii_case("none")) {
        return false;
    }
    // The claims may be encrypted; where they are readable they may be for show.
    if let Some(claims) = json(claims)
        && claims.get("sub").and_then(serde_json::Value::as_str) == Some(SHOWN_SUBJECT)
        && claims.get("name").and_then(serde_json::Value::as_str).is_some_and(|name| name.contains("Doe"))
    {
        return false;
    }
    entropy(signature) >= 3.5
}

fn json(part: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_token_has_a_header_that_decodes_and_a_signature() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let token = |head: &str, claims: &str| format!("{}.{}.{signature}", part(head), part(claims)).into_bytes();
        assert!(signed_token(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"7"}"#)));
        assert!(!signed_token(&token(r#"{"alg":"none"}"#, r#"{"sub":"7"}"#)));
        assert!(!signed_token(&token("no json", "{}")));
        assert!(!signed_token(&token(r#"{"alg":"HS256"}"#, r#"{"sub":"1234567890","name":"John Doe"}"#)));
        assert!(!signed_token(b"a.b"));
    }
}
