//! Whether a value is a secret: what is told from placeholders, words, hashes, references and code.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::rule::Confidence;
use crate::words;

/// How clearly a value's name says that it is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// `password`, `client_secret`, `api_key`.
    Strong,
    /// `key`, `auth`: anything may be called so, and only what is surely random counts.
    Weak,
    /// It stands as the password of an address.
    Address,
}

const MIN_LEN: usize = 8;
const MIN_ADDRESS_LEN: usize = 6;
const MAX_LEN: usize = 1024;

/// Words of values that are there for show. Four letters at least: shorter ones are met in random text.
const SHOWN: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "change-this",
    "changethis",
    "your-",
    "your_",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "insert",
    "replace",
    "redacted",
    "dummy",
    "sample",
    "xxxx",
    "foobar",
    "lorem",
    "notreal",
    "not-real",
    "not_real",
    "fakekey",
    "fake-",
    "fake_",
    "fakesecret",
    "faketoken",
    "-here",
    "_here",
    "todo",
    "fixme",
    "default",
    "masked",
    "....",
    "****",
    "____",
    "undefined",
    "hunter2",
    "deadbeef",
    "cafebabe",
    "some-",
    "some_",
    "testing",
    "test-",
    "test_",
    "-test",
    "_test",
    "mock",
    "invalid",
];
/// Words that a secret is called by, and that one is not made of.
const CALLED: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "credential", "username"];
/// What begins a reference to a value that is kept elsewhere, a hash, or a public key.
const REFERENCES: &[&str] = &[
    "$",
    "{{",
    "{%",
    "%(",
    "%{",
    "#{",
    "@{",
    "<",
    "[",
    "(",
    "!",
    "enc[",
    "vault:",
    "arn:",
    "ssm:",
    "op://",
    "env:",
    "env.",
    "file:",
    "http:",
    "https:",
    "urn:",
    "sha1-",
    "sha256-",
    "sha384-",
    "sha512-",
    "sha1:",
    "sha256:",
    "sha512:",
    "md5:",
    "h1:",
    "ssh-",
    "ecdsa-",
    "aaaab3nz",
    "aaaac3nz",
    "./",
    "../",
    "~/",
    "c:\\",
    "data:",
    "process.",
    "secretref:",
    "kms:",
    "gcp:",
    "aws:",
    "ref:",
    "pbkdf2",
    "scrypt:",
    "bcrypt",
    "{ssha",
    "{bcrypt",
    "age1",
    "pk_live_",
    "pk_test_",
    "&",
    "*",
    "--",
    "${",
];

/// Whether a value that stands under such a name is a secret, and how surely.
pub(crate) fn judge(name: Name, value: &[u8], quoted: bool) -> Option<Confidence> {
    let min = if name == Name::Address { MIN_ADDRESS_LEN } else { MIN_LEN };
    if !(min..=MAX_LEN).contains(&value.len()) || !value.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let human = name == Name::Address || name == Name::Strong && quoted;
    // A password may begin as a reference does; then it has to be none by its letters.
    if is_reference(value, name) || placeholder(value) || is_called(value) || is_code(value, quoted) || is_path(value) || is_mail(value) {
        return None;
    }
    let kinds = Kinds::of(value);
    if is_uuid(value) || kinds.only_digits(value.len()) || is_number(value) {
        return None;
    }
    let share = words::share(value);
    let bits = entropy(value);
    if kinds.hex && value.len() >= 16 {
        let whole = matches!(value.len(), 16 | 24 | 32 | 40 | 48 | 64 | 96 | 128) || value.len() >= 32;
        return (name != Name::Weak && whole && kinds.digits > 0 && kinds.letters() > 0 && bits >= 2.7).then_some(Confidence::Medium);
    }
    let floor = match value.len() {
        0..8 => 2.0,
        8..12 => 2.5,
        12..20 => 2.9,
        _ => 3.3,
    };
    if bits < floor {
        return None;
    }
    match name {
        Name::Weak => {
            let random = value.len() >= 24 && kinds.digits >= 2 && kinds.lower > 0 && kinds.upper > 0 && share < 0.3 && bits >= 3.8;
            (random && kinds.signs * 4 <= value.len()).then_some(Confidence::Low)
        }
        Name::Strong | Name::Address => {
            if share < 0.5 && kinds.random(value.len()) {
                return Some(Confidence::Medium);
            }
            // What people make up: words with digits and signs in place of letters, as `Winter!2031x`.
            let made_up = human && kinds.digits > 0 && kinds.hard_signs > 0 && kinds.letters() > 0 && share < 0.8;
            made_up.then_some(Confidence::Low)
        }
    }
}

/// Whether a value is there for show: it says so, repeats itself, or counts up.
pub(crate) fn placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    is_shown(&lower) || repeats(&lower) || counts(&lower)
}

/// Shannon's bits a byte.
pub(crate) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let len = value.len() as f32;
    counts.iter().filter(|n| **n > 0).map(|n| *n as f32 / len).map(|p| -p * p.log2()).sum()
}

/// Whether a value is a UUID, which names things and opens none.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

fn is_reference(value: &[u8], name: Name) -> bool {
    let lower = value[..value.len().min(12)].to_ascii_lowercase();
    let begins = |prefix: &&&str| lower.starts_with(prefix.as_bytes());
    let prefix = REFERENCES.iter().filter(begins).map(|p| p.len()).max();
    let sign_only = prefix == Some(1);
    // `!kd93;x…` may well be a password: one sign in front of what no name is made of is no reference.
    let password =
        sign_only && name != Name::Weak && matches!(value[0], b'!' | b'*' | b'&' | b'(' | b'[') && Kinds::of(value).random(value.len());
    prefix.is_some() && !password
        || find(value, b"${").is_some()
        || find(value, b"{{").is_some()
        || find(value, b"}}").is_some()
        || find(value, b"<%").is_some()
        || find(value, b"$(").is_some()
        || value.starts_with(b"%") && value.ends_with(b"%")
        || value.starts_with(b"{") && value.ends_with(b"}")
}

/// Whether a value has the word for a secret in it.
pub(crate) fn is_called(value: &[u8]) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(CALLED).ok());
    SEARCH.as_ref().is_some_and(|search| search.is_match(value))
}

/// Whether this is an expression, a pattern or a format of a program.
fn is_code(value: &[u8], quoted: bool) -> bool {
    let call = memchr::memchr(b'(', value).is_some_and(|at| at > 0 && value[at..].contains(&b')') && words::share(&value[..at]) >= 0.5);
    let regex =
        [&b"\\d"[..], b"\\w", b"\\s", b"[a-z", b"[A-Z", b"[0-9", b"(?", b"]+", b"]{"].iter().any(|part| find(value, part).is_some());
    let format = [&b"%s"[..], b"%d", b"%v", b"{}", b"{0}", b":?}", b"\\x", b"\\u"].iter().any(|part| find(value, part).is_some());
    let member = !quoted && value.split(|b| matches!(b, b'.' | b':' | b'>')).count() > 1 && words::share(value) >= 0.4;
    let index =
        !quoted && (find(value, b"[").is_some() && value.contains(&b']') || find(value, b"::").is_some() || find(value, b"->").is_some());
    let called = !quoted && value.windows(2).any(|w| w[0].is_ascii_alphanumeric() && w[1] == b'(');
    let statement = !quoted
        && (value.contains(&b'{')
            || value.contains(&b'}')
            || find(value, b"=>").is_some()
            || find(value, b"==").is_some() && !value.ends_with(b"=="));
    call || regex || format || member || index || called || statement
}

/// Whether this is a path, a file or a sort of content: parts of words between slashes or dots.
fn is_path(value: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', value).count();
    if slashes == 0 {
        return false;
    }
    let share = words::share(value);
    (value[0] == b'/' && share >= 0.3) || share >= 0.4 || slashes >= 2 && has_extension(value)
}

fn has_extension(value: &[u8]) -> bool {
    let tail = &value[value.len().saturating_sub(6)..];
    memchr::memrchr(b'.', tail).is_some_and(|at| tail.len() - at >= 2 && tail[at + 1..].iter().all(u8::is_ascii_lowercase))
}

fn is_mail(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', value) else { return false };
    let host = &value[at + 1..];
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._+-".contains(b);
    value[..at].iter().all(plain) && host.iter().all(plain) && has_extension(host) && words::share(host) >= 0.3
}

/// Whether this is a number, a version, a date or a time.
fn is_number(value: &[u8]) -> bool {
    value.iter().all(|b| b.is_ascii_digit() || b".,:-+eE_xTZ/".contains(b)) || value.starts_with(b"0x") && value.len() <= 18
}

/// Half of the value is the same thing over and over.
fn repeats(lower: &[u8]) -> bool {
    let longest = lower.chunk_by(|a, b| a == b).map(<[u8]>::len).max().unwrap_or(0);
    if longest >= 6 || longest * 3 > lower.len() && longest >= 4 {
        return true;
    }
    // A piece of two to eight bytes that fills everything.
    (2..=8usize).any(|len| lower.len() >= len * 3 && lower.chunks(len).all(|c| c == &lower[..c.len()]))
}

/// `12345678`, `abcdefgh`, `qwertyui` and their like, at least seven in a row.
fn counts(lower: &[u8]) -> bool {
    const ROW: usize = 7;
    let up = lower.windows(ROW).any(|w| w.windows(2).all(|p| p[1] == p[0] + 1 && p[0].is_ascii_alphanumeric()));
    let digits = find(lower, b"1234567890").is_some() || find(lower, b"0987654321").is_some() || find(lower, b"87654321").is_some();
    up || digits || find(lower, b"qwerty").is_some()
}

/// Which kinds of bytes a value has.
struct Kinds {
    digits: usize,
    lower: usize,
    upper: usize,
    signs: usize,
    /// Signs that no identifier, path or encoding has.
    hard_signs: usize,
    hex: bool,
}

impl Kinds {
    fn of(value: &[u8]) -> Self {
        let count = |kind: fn(&u8) -> bool| value.iter().filter(|b| kind(b)).count();
        let hex = value.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
            || value.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b));
        Self {
            digits: count(u8::is_ascii_digit),
            lower: count(u8::is_ascii_lowercase),
            upper: count(u8::is_ascii_uppercase),
            signs: count(u8::is_ascii_punctuation),
            hard_signs: count(|b| b"!#%^&*?~@$;|".contains(b)),
            hex,
        }
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    fn only_digits(&self, len: usize) -> bool {
        self.digits == len
    }

    /// Whether the kinds are mixed as chance mixes them.
    fn random(&self, len: usize) -> bool {
        let kinds = [self.digits, self.lower, self.upper, self.hard_signs].iter().filter(|n| **n > 0).count();
        match len {
            // Short ones have to have more to show, or be clearly no name with a number behind it.
            0..12 => self.letters() > 0 && (kinds >= 3 || kinds >= 2 && self.digits >= 2),
            12..20 => self.letters() > 0 && kinds >= 2,
            _ => self.letters() > 0 && (kinds >= 2 || self.lower == len || self.upper == len),
        }
    }
}

fn is_shown(lower: &[u8]) -> bool {
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(SHOWN).ok());
    SEARCH.as_ref().is_some_and(|search| search.is_match(lower))
}

/// Where a part stands in a text.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strong(value: &str) -> bool {
        judge(Name::Strong, value.as_bytes(), true).is_some()
    }

    #[test]
    fn random_values_are_secrets() {
        for value in [
            "kX92mQvT0zLpR7wB",
            "q8Zt2LwX",
            "9f86d081884c7d659a2feaa0c55ad015",
            "aB3!xK9^mZ0*qW5-",
            "Wq7/kd+Zm3Lp0vRt8Yx2Nc5Hb1Gf4Js6Da9Ke==",
        ] {
            assert!(strong(value), "{value}");
        }
    }

    #[test]
    fn what_is_for_show_or_stands_for_something_else_is_none() {
        for value in [
            "changeme",
            "your-api-key-here",
            "<your key>",
            "xxxxxxxxxxxxxxxxxxxxxxxx",
            "REPLACE_ME",
            "super-secret",
            "${JWT_SECRET}",
            "change-this-to-a-long-random-string",
            "{{ .Values.password }}",
            "process.env.API_KEY",
            "$2b$10$abcdefghijklmnopqrstuv",
            "12345678",
            "550e8400-e29b-41d4-a716-446655440000",
            "sha512-abcDEF123456",
            "/etc/ssl/private/server.pem",
            "organizationMembershipInvitations",
            "user@mail.company.com",
            "urn:ietf:params:oauth:token-type:access_token",
            "2031-10-11T12:00:00Z",
            "passwordField",
            "getPassword()",
            "%PASSWORD%",
            "[a-zA-Z0-9]{8,}",
            "Passwort vergessen",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijkl",
            "1.22.333-4",
        ] {
            assert!(!strong(value), "{value}");
        }
    }

    #[test]
    fn a_weak_name_needs_more() {
        assert!(judge(Name::Weak, b"kX92mQvT0zLpR7wB8sNc4HjY", true).is_some());
        assert!(judge(Name::Weak, b"9f86d081884c7d659a2feaa0c55ad015", true).is_none());
        assert!(judge(Name::Weak, b"acme.session.preferences.v2", true).is_none());
    }
}
