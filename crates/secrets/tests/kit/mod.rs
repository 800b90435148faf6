//! Made-up secrets: drawn when a test runs, so that no file of ours holds one.

#![allow(dead_code, reason = "each test file uses its part")]

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};

const ALNUM: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random letters that are the same in every run.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn of(&mut self, letters: &[u8], len: usize) -> String {
        (0..len).map(|_| char::from(letters[(self.next() >> 33) as usize % letters.len()])).collect()
    }

    pub(crate) fn mixed(&mut self, len: usize) -> String {
        loop {
            let text = self.of(ALNUM, len);
            let has = |kind: fn(&u8) -> bool| text.bytes().any(|b| kind(&b));
            if has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) {
                return text;
            }
        }
    }

    pub(crate) fn hex(&mut self, len: usize) -> String {
        self.of(b"0123456789abcdef", len)
    }

    /// A token as GitHub and npm make them.
    pub(crate) fn checksummed(&mut self, prefix: &str) -> String {
        let payload = self.mixed(30);
        let mut rest = crc32fast::hash(payload.as_bytes());
        let mut sum = String::new();
        for _ in 0..6 {
            sum.insert(0, char::from(BASE62[(rest % 62) as usize]));
            rest /= 62;
        }
        format!("{prefix}_{payload}{sum}")
    }

    pub(crate) fn github(&mut self) -> String {
        self.checksummed("ghp")
    }

    pub(crate) fn aws_id(&mut self) -> String {
        format!("{}{}", "AKIA", self.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))
    }

    pub(crate) fn anthropic(&mut self) -> String {
        format!("{}{}AA", "sk-ant-api03-", self.mixed(93))
    }

    pub(crate) fn private_key(&mut self) -> String {
        let bytes: Vec<u8> = (0..600).map(|_| (self.next() >> 40) as u8).collect();
        let body = BASE64_STANDARD.encode(bytes);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        let line = |word: &str| format!("-----{word} RSA {}-----", "PRIVATE KEY");
        format!("{}\n{}\n{}\n", line("BEGIN"), lines.join("\n"), line("END"))
    }

    pub(crate) fn jwt(&mut self) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(r#"{"sub":"svc-7","iat":1700000000}"#), self.mixed(43))
    }
}
