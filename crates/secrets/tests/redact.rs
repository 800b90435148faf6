//! What is taken out of a stream, however it is cut.

mod kit;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kit::Draw;
use proptest::prelude::*;
use windlass_secrets::{Redactor, Scanner};

fn known() -> Vec<(String, String)> {
    [("OWN", "wl/own-secret+value"), ("LONG", "wl/own-secret+value-and-longer"), ("SHORT", "12345")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec()
}

fn through(scanner: &Scanner, chunks: &[&[u8]]) -> Vec<u8> {
    let mut redactor = Redactor::new(scanner, &known());
    let mut clean: Vec<u8> = chunks.iter().flat_map(|c| redactor.push(c)).collect();
    clean.extend(redactor.finish());
    clean
}

fn clean(text: &str) -> String {
    Redactor::clean(&Scanner::new().unwrap(), &known(), text)
}

#[test]
fn known_secrets_go_in_every_spelling_and_others_by_their_rule() {
    let mut draw = Draw::new(1);
    let (token, password) = (draw.github(), draw.mixed(20));
    assert_eq!(clean("a wl/own-secret+value b"), "a [redacted:OWN] b");
    assert_eq!(clean("wl/own-secret+value-and-longer"), "[redacted:LONG]");
    assert_eq!(clean("x=wl%2Fown-secret%2Bvalue"), "x=[redacted:OWN]");
    for before in ["%", "\\x"] {
        let escaped = "wl/own-secret+value".bytes().map(|byte| format!("{before}{byte:02X}")).collect::<Vec<_>>().concat();
        assert_eq!(clean(&format!("x={escaped}.")), "x=[redacted:OWN].");
    }
    assert_eq!(clean(&format!("push with {token}, please\nok\n")), "push with [redacted:github-token], please\nok\n");
    assert_eq!(clean(&format!("DB_PASSWORD={password}\n")), "DB_PASSWORD=[redacted:generic-secret]\n");
    assert_eq!(clean("12345 and a word"), "12345 and a word");
    for text in [BASE64_STANDARD.encode(format!("u:{token}")), token.bytes().map(|b| format!("%{b:02x}")).collect::<Vec<_>>().concat()] {
        let clean = clean(&format!("x {text} y\n"));
        assert!(clean.contains("[redacted:github-token]") && clean.starts_with("x ") && clean.ends_with(" y\n"), "{clean}");
    }
    let encoded = clean(&BASE64_STANDARD.encode("user:wl/own-secret+value"));
    assert!(encoded.contains("[redacted:OWN]"), "{encoded}");
}

#[test]
fn a_private_key_goes_with_all_its_lines() {
    let key = Draw::new(2).private_key();
    let text = clean(&format!("before\n{key}after\n"));
    let body = key.lines().nth(3).unwrap();
    assert!(text.starts_with("before\n") && text.ends_with("after\n"), "{text}");
    assert!(text.contains("[redacted:private-key]") && !text.contains(body), "{text}");
    let logged = key.lines().map(|l| format!("12:00 | {l}\n")).collect::<Vec<_>>().concat();
    assert!(!clean(&logged).contains(body), "{}", clean(&logged));
    let event = format!("{{\"text\":{}}}\n", serde_json::Value::from(key.clone()));
    assert!(!clean(&event).contains(body), "{}", clean(&event));
    let unfinished = "-----BEGIN RSA PRIVATE KEY-----\nthis is only spoken of\n";
    assert_eq!(clean(unfinished), unfinished);
}

#[test]
fn what_was_redacted_stays_as_it_is() {
    let mut draw = Draw::new(3);
    let text = format!("TOKEN={} PASSWORD={} x\n{}", draw.github(), draw.mixed(20), draw.private_key());
    let once = clean(&text);
    assert_eq!(clean(&once), once);
}

#[test]
fn a_line_waits_for_its_end_and_a_long_one_does_not_wait_for_ever() {
    let scanner = Scanner::new().unwrap();
    let mut redactor = Redactor::new(&scanner, &[]);
    assert_eq!(redactor.push(b"one\ntw"), b"one\n");
    assert_eq!(redactor.push(b"o\n"), b"two\n");
    let mut given = 0;
    for _ in 0..64 {
        given += redactor.push(&[b'x'; 16 << 10]).len();
    }
    assert!(given > 700 << 10, "{given} of 1 MB was given out before the line ended");
    given += redactor.finish().len();
    assert_eq!(given, 1 << 20);
}

#[test]
fn a_long_line_is_redacted_wherever_its_windows_end() {
    let scanner = Scanner::new().unwrap();
    let mut draw = Draw::new(4);
    let mut line = String::new();
    let mut secrets = Vec::new();
    while line.len() < 700 << 10 {
        let secret = draw.github();
        line.extend(["words and ", &secret, " "]);
        secrets.push(secret);
    }
    let whole = through(&scanner, &[line.as_bytes()]);
    let pieces: Vec<&[u8]> = line.as_bytes().chunks(4099).collect();
    assert_eq!(whole, through(&scanner, &pieces));
    let text = String::from_utf8(whole).unwrap();
    assert!(secrets.iter().all(|secret| !text.contains(&secret[4..])));
    assert_eq!(text.matches("[redacted:github-token]").count(), secrets.len());
}

thread_local! {
    static SCANNER: Scanner = Scanner::new().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 100 } else { 1000 }))]

    #[test]
    fn any_chunking_gives_the_same_clean_text_and_leaks_nothing(
        parts in prop::collection::vec(prop_oneof![
            Just("wl/own-secret+value".to_owned()), Just("wl/own-secret+value-and".to_owned()), Just("wl/own-se".to_owned()), Just("\n".to_owned()), Just(" ".to_owned()),
            Just("password = \"".to_owned()), Just(Draw::new(5).github()), Just(Draw::new(6).private_key()), Just(BASE64_STANDARD.encode("wl/own-secret+value")),
            Just("-----BEGIN RSA PRIVATE KEY-----\n".to_owned()), "[a-f\\n\"+ ]{0,12}", "[A-Za-z0-9]{16,24}",
        ], 0..14),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let text = parts.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
        SCANNER.with(|scanner| {
            let clean = through(scanner, &chunks);
            prop_assert_eq!(&clean, &through(scanner, &[text.as_bytes()]));
            let clean = String::from_utf8_lossy(&clean).into_owned();
            for secret in ["wl/own-secret+value", "d2wvb3duLXNlY3JldCt2"] {
                prop_assert!(!clean.contains(secret), "{}", clean);
            }
            Ok(())
        })?;
    }
}
