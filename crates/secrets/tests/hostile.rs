//! Inputs that are made to hurt: time stays linear, memory bounded, nothing panics.

mod kit;

use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kit::Draw;
use proptest::prelude::*;
use windlass_secrets::{Allowed, Scanner};

const MB: usize = 1 << 20;

/// What takes quadratic time would take hours; what takes linear time takes seconds, unoptimised on a busy machine too.
const LIMIT: Duration = Duration::from_mins(1);

fn found(scanner: &Scanner, text: &[u8]) -> usize {
    let begun = Instant::now();
    let findings = scanner.scan_bytes("a.txt", text, &Allowed::nothing()).len();
    assert!(begun.elapsed() < LIMIT, "{:?} for {:?}…", begun.elapsed(), String::from_utf8_lossy(&text[..text.len().min(40)]));
    findings
}

#[test]
fn the_same_words_over_and_over_take_no_longer_than_others() {
    let scanner = Scanner::new().unwrap();
    for piece in [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "eyJ",
        "eyJhbGciOiJIUzI1NiJ9.",
        "sk-",
        "password=",
        "password = \"",
        "\"a\" + ",
        "\"\" + \"\"",
        "' '",
        "%41",
        "%2541",
        "\\u0041",
        "&amp;",
        "://",
        "://a:b@",
        "://a:",
        "machine a login b password ",
        "curl ",
        ":AA",
        "1//0",
        "AAAAAAAAAAAAAAAAAAAA",
        "basic ",
        "bearer a",
        "QUFB",
        "4141",
        "\u{0}a",
        "a\u{0}",
        "\"auth\": \"",
        "key",
        "xoxb-",
        "<password>",
        "name: password value: ",
        "discord",
        "PuTTY-User-Key-File-2: ",
        "\\",
        "\n",
        " ",
        "-",
    ] {
        let text = piece.repeat(MB / piece.len());
        found(&scanner, text.as_bytes());
    }
}

#[test]
fn base64_of_base64_ends() {
    let scanner = Scanner::new().unwrap();
    let secret = Draw::new(1).github();
    let mut text = format!("the token is {secret} and no other");
    let mut depths = Vec::new();
    for _ in 0..12 {
        depths.push(found(&scanner, text.as_bytes()));
        text = BASE64_STANDARD.encode(&text);
    }
    assert_eq!(&depths[..4], [1, 1, 1, 1], "three encodings are looked through");
    assert_eq!(depths[11], 0, "and it ends");
}

#[test]
fn a_hundred_megabytes_on_one_line_are_scanned_to_their_end() {
    let scanner = Scanner::new().unwrap();
    let secret = Draw::new(2).github();
    // Debug builds are slow enough for a tenth of it to say the same.
    let len = if cfg!(debug_assertions) { 10 * MB } else { 100 * MB };
    let mut text = "lorem ipsum dolor sit amet, ".repeat(len / 28).into_bytes();
    text.extend_from_slice(secret.as_bytes());
    assert_eq!(found(&scanner, &text), 1);
}

#[test]
fn a_flood_of_secrets_gives_a_bounded_list() {
    let scanner = Scanner::new().unwrap();
    let mut draw = Draw::new(3);
    let text: String = (0..3000).map(|_| draw.github() + "\n").collect();
    assert_eq!(found(&scanner, text.as_bytes()), 1000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3000 }))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        SCANNER.with(|s| s.scan_bytes("a", &bytes, &Allowed::nothing()));
    }

    #[test]
    fn no_mix_of_what_it_looks_for_makes_it_panic(parts in prop::collection::vec(prop_oneof![
        Just("password".to_owned()), Just("\"".to_owned()), Just("= ".to_owned()), Just("\\".to_owned()), Just("%4".to_owned()), Just("1".to_owned()), Just("://a:".to_owned()), Just("@h".to_owned()),
        Just("-----BEGIN RSA PRIVATE KEY-----".to_owned()), Just("-----END".to_owned()), Just("eyJhbGciOiJIUzI1NiJ9.e30.".to_owned()), Just("\u{0}".to_owned()), Just("\n".to_owned()), Just("ä".to_owned()),
        Just("\\u00".to_owned()), Just("&amp;".to_owned()), Just("\" + \"".to_owned()), Just("value".to_owned()), Just("{".to_owned()), Just("default".to_owned()), "[A-Za-z0-9+/=]{0,60}",
    ], 0..40)) {
        let text = parts.concat();
        SCANNER.with(|s| s.scan_bytes("a.txt", text.as_bytes(), &Allowed::nothing()));
        SCANNER.with(|s| s.scan_bytes("a.rs", text.as_bytes(), &Allowed::nothing()));
    }
}

thread_local! {
    static SCANNER: Scanner = Scanner::new().unwrap();
}
