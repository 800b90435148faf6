//! Keys in their own wrapping.

use crate::check::{key_body, signed_token};
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "private-key",
        "private key (RSA, EC, DSA, OpenSSH, PKCS#8, PGP)",
        &["-----BEGIN "],
        // The body ends at its END line, or where it is no longer one: escapes, quotes and diff marks stand between lines of many.
        r#"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=:,.\s\\"'`+;()@>#*-]){40,16384}?)(?:-----END|\z)"#,
    )
    .left(Left::Any)
    .reach(16500)
    .proved(key_body),
    Rule::token(
        "private-key-cut",
        "private key without its end",
        &["-----BEGIN "],
        r#"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=:,\s\\"'`+]){60,4096})"#,
    )
    .left(Left::Any)
    .reach(4300)
    .proved(key_body),
    Rule::token("putty-key", "PuTTY private key", &["PuTTY-User-Key-File-"], r"PuTTY-User-Key-File-[0-9]: [\x09-\x7e]{20,6000}?Private-Lines: [0-9]{1,4}(?:\\r|\\n|\s){1,6}([A-Za-z0-9+/=]{40,})").reach(8000).left(Left::Any),
    Rule::token("jwt", "signed JSON web token", &["eyJ"], r"eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{20,2000}").left(Left::Run).reach(14200).check(signed_token),
];
