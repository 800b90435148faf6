//! A name and a password in one.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::value::{Name, is_called, judge, placeholder};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Whether this is the base64 of `name:password`, with a password that is none for show.
pub(crate) fn basic_pair(encoded: &[u8]) -> bool {
    let Ok(pair) = STANDARD.decode(encoded).or_else(|_| URL_SAFE.decode(encoded)) else { return false };
    if !pair.iter().all(|b| (0x20..0x7f).contains(b) || *b >= 0x80) {
        return false;
    }
    let Some(at) = memchr::memchr(b':', &pair) else { return false };
    let password = &pair[at + 1..];
    password.len() >= 6 && !placeholder(password) && !is_called(password) && !is_obvious(&pair[..at], password)
}

/// Whether this is a password as it stands in an address, and not a variable, a port or the word itself.
pub(crate) fn url_password(password: &[u8]) -> bool {
    if password.len() < 6 || password.contains(&b'/') && !password.iter().any(u8::is_ascii_digit) {
        return false;
    }
    // What is not for the eye alone: a digit, a sign, or letters that are no words.
    judge(Name::Address, password, true).is_some()
}

fn is_obvious(name: &[u8], password: &[u8]) -> bool {
    // The login of the standard's own example is in every library's documentation.
    name == b"Aladdin" || password.eq_ignore_ascii_case(name) || password.iter().all(u8::is_ascii_digit) && password.len() < 12
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    use super::*;

    #[test]
    fn a_login_is_told_from_other_base64() {
        assert!(basic_pair(BASE64_STANDARD.encode("svc:kD93mfQzL0aVt").as_bytes()));
        assert!(!basic_pair(BASE64_STANDARD.encode("user:password").as_bytes()));
        assert!(!basic_pair(BASE64_STANDARD.encode("no colon in here").as_bytes()));
        assert!(!basic_pair(b"authentication"));
    }

    #[test]
    fn an_address_for_show_has_no_password() {
        for shown in ["password", "secret", "postgres", "${PASSWORD}", "<password>", "$PGPASSWORD", "{pass}", "****", "changeme", "pass"] {
            assert!(!url_password(shown.as_bytes()), "{shown}");
        }
        assert!(url_password(b"q8Zt2LwXv0"));
    }
}
