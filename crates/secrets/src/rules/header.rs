//! Logins in headers, addresses and commands.

use crate::check::{basic_pair, random, url_password};
use crate::rule::{Left, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule::token("basic-auth", "login in a Basic authorization header", &["basic "], r"(?i:basic) {1,2}([A-Za-z0-9+/_-]{8,}={0,2})")
        .folded()
        .reach(1100)
        .proved(basic_pair),
    Rule::token("bearer-token", "token in a Bearer authorization header", &["bearer "], r"(?i:bearer) {1,2}([A-Za-z0-9_.~+/-]{16,}={0,2})")
        .folded()
        .reach(2100)
        .check(random)
        .medium(),
    Rule::token(
        "url-password",
        "password in an address",
        &["://"],
        // Up to the last `@` before the address ends or its path begins: passwords have been seen with `@` in them.
        r#"://[^\s:/?#@"'<>\x60\\]{0,100}:([^\s/?"'<>\x60\\]{1,})@[A-Za-z0-9\[$_.-]"#,
    )
    .left(Left::Any)
    .reach(380)
    .entropy(1.5)
    .check(url_password)
    .medium(),
    Rule::token(
        "netrc-password",
        "password in .netrc",
        &["machine "],
        r"machine\s{1,4}\S{1,200}\s{1,8}login\s{1,4}\S{1,200}\s{1,8}password\s{1,4}(\S{6,})",
    )
    .reach(700)
    .check(random)
    .medium(),
    Rule::token(
        "curl-user",
        "login given to curl",
        &["curl "],
        r#"curl\s[^\n|;]{0,200}?(?:-u|--user)[ =]["']?[^\s:"'$]{1,64}:([^\s"'$]{8,128})"#,
    )
    .reach(420)
    .check(random)
    .medium(),
    Rule::token(
        "pgpass-line",
        "line of a .pgpass file",
        &[":5432:", ":3306:", ":*:"],
        r"(?:\A|\n)[A-Za-z0-9_.*-]{1,200}:(?:[0-9]{2,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:([^\s:]{8,128})",
    )
    .around(200)
    .reach(300)
    .check(random)
    .medium(),
];
