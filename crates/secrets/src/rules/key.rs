//! Keys in their own wrapping.

use crate::check::{key_body, signed_token};
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token(
        "private-key",
        "private key (RSA, EC, DSA, OpenSSH, PKCS#8, PGP)",
        &["-----BEGIN "],
        // Between the lines of one that stands in a program, a diff or a log there are escapes, quotes and marks. Two dashes end it.
        r#"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=:,.\s\\"'`;()@>#*|]|-[A-Za-z0-9]){40,}?)-----END"#,
    )
    .left(Left::Any)
    .reach(16500)
    .proved(key_body),
    Rule::token(
        "private-key-cut",
        "private key without its end",
        &["-----BEGIN "],
        r#"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=:,\s\\"'`+]){60,})"#,
    )
    .left(Left::Any)
    .reach(4300)
    .proved(key_body),
    Rule::token(
        "putty-key",
        "PuTTY private key",
        &["Private-Lines:"],
        r"Private-Lines: [0-9]{1,4}(?:\\r|\\n|\s){1,6}((?:[A-Za-z0-9+/=]{40,70}(?:\\r|\\n|\s){0,6}){1,80})",
    )
    .left(Left::Any)
    .reach(6000)
    .proved(key_body),
    Rule::token("jwt", "signed JSON web token", &["eyJ"], r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}").left(Left::Run).reach(14200).check(signed_token),
];
