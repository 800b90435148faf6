//! Which names are names of secrets.

use crate::value::Name;

/// Ends of names, without separators, that are secrets whatever stands before.
const STRONG_ENDS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "pwd",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "encryptionkey",
    "decryptionkey",
    "signingkey",
    "masterkey",
    "accountkey",
    "sharedkey",
    "servicekey",
    "hmackey",
    "sessionkey",
    "adminkey",
    "apptoken",
    "credential",
    "credentials",
    "connectionstring",
    "requirepass",
    "identifiedby",
    "keypass",
    "storepass",
];
/// Words that are secrets only by themselves.
const STRONG_WORDS: &[&str] = &["pass", "pw", "pat", "passw", "userpass", "dbpass", "sshpass", "creds"];
const WEAK_WORDS: &[&str] = &["key", "auth", "authorization", "jwt", "keys"];
/// Words before `key` that make it one that opens something.
const KEY_OF: &[&str] = &["api", "access", "secret", "private", "auth", "encryption", "signing", "master", "client"];
/// Words that may follow without changing what a name is of.
const TAILS: &[&str] = &[
    "base",
    "prod",
    "production",
    "live",
    "staging",
    "stage",
    "dev",
    "primary",
    "secondary",
    "value",
    "b64",
    "base64",
    "hex",
    "text",
    "plain",
    "raw",
    "string",
    "str",
    "main",
    "old",
    "new",
    "current",
    "env",
    "v",
    "admin",
    "root",
    "master",
    "readonly",
    "data",
];
/// Words that make it something that is no secret.
const NOT: &[&str] = &[
    "public",
    "pub",
    "hash",
    "hashed",
    "digest",
    "sha",
    "sha1",
    "sha256",
    "checksum",
    "fingerprint",
    "next",
    "page",
    "continuation",
    "cancel",
    "cancellation",
    "eos",
    "bos",
    "pad",
    "unk",
    "mask",
    "sep",
    "cls",
    "primary",
    "foreign",
    "sort",
    "partition",
    "cache",
    "no",
    "forgot",
    "reset",
    "confirm",
    "invalid",
    "missing",
    "wrong",
    "stop",
    "id",
    "max",
    "num",
    "min",
    "total",
    "count",
    "input",
    "output",
    "prompt",
    "author",
];

/// How clearly a name is a secret's, with the name in lower case and without separators.
pub(crate) fn strength(name: &[u8], before: &[u8]) -> Option<(Name, String)> {
    let words = words(name);
    let mut kept = words.as_slice();
    while let [rest @ .., last] = kept
        && !rest.is_empty()
        && (TAILS.contains(&last.as_str()) || last.bytes().all(|b| b.is_ascii_digit()))
    {
        kept = rest;
    }
    let last = kept.last()?;
    if kept.iter().any(|w| NOT.contains(&w.as_str())) {
        return None;
    }
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut joined: String = kept.concat();
    joined.truncate(joined.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    let before = String::from_utf8_lossy(before).to_ascii_lowercase();
    let key_of = |word: &str| last == "key" && KEY_OF.contains(&word);
    let strong = STRONG_ENDS.iter().any(|end| joined.ends_with(end)) || STRONG_WORDS.contains(&last) || key_of(&before);
    let plain: String = words.concat();
    if strong {
        return Some((Name::Strong, plain));
    }
    (WEAK_WORDS.contains(&last) || last.ends_with("key") && kept.len() > 1).then_some((Name::Weak, plain))
}

/// A name's words in lower case: split at separators and where camel case splits.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, byte) in name.iter().enumerate() {
        let next_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let after_lower = at > 0 && (name[at - 1].is_ascii_lowercase() || name[at - 1].is_ascii_digit());
        let after_upper = at > 0 && name[at - 1].is_ascii_uppercase();
        let begins = byte.is_ascii_uppercase() && (after_lower || after_upper && next_lower);
        if (begins || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if byte.is_ascii_alphanumeric() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_their_end() {
        for name in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "apiKey",
            "API_KEY_2",
            "clientSecret",
            "SECRET_KEY_BASE",
            "x-auth-token",
            "APIKey",
            "aws_secret_access_key",
            "GH_PAT",
        ] {
            assert_eq!(strength(name.as_bytes(), b"").map(|s| s.0), Some(Name::Strong), "{name}");
        }
        for name in ["cryptoKey", "key", "AUTH", "APP_KEY"] {
            assert_eq!(strength(name.as_bytes(), b"").map(|s| s.0), Some(Name::Weak), "{name}");
        }
        for name in
            ["publicKey", "token_type", "passwordField", "password_hash", "tokenizer", "cacheKey", "author", "-", "compass", "secretName"]
        {
            assert_eq!(strength(name.as_bytes(), b""), None, "{name}");
        }
        assert_eq!(strength(b"key", b"API").map(|s| s.0), Some(Name::Strong));
    }
}
