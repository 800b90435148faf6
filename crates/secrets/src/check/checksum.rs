//! Tokens that end in a checksum of themselves.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LEN: usize = 6;

/// Whether what follows the first `_` ends in the base-62 CRC-32 of the rest, as GitHub's and npm's tokens do.
pub(crate) fn checksummed(token: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'_', token) else { return false };
    let body = &token[at + 1..];
    if body.len() <= CHECKSUM_LEN {
        return false;
    }
    let (payload, checksum) = body.split_at(body.len() - CHECKSUM_LEN);
    let mut rest = crc32fast::hash(payload);
    let mut expected = [b'0'; CHECKSUM_LEN];
    for place in expected.iter_mut().rev() {
        *place = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    checksum == expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_mistyped_is_none() {
        // The payload is no secret of anybody's: thirty digits.
        let payload = "012345678901234567890123456789";
        let mut rest = crc32fast::hash(payload.as_bytes());
        let mut sum = String::new();
        for _ in 0..6 {
            sum.insert(0, char::from(BASE62[(rest % 62) as usize]));
            rest /= 62;
        }
        let token = format!("{}_{payload}{sum}", "ghp");
        assert!(checksummed(token.as_bytes()));
        assert!(!checksummed(token.replace("_01", "_10").as_bytes()));
        assert!(!checksummed(b"ghp_"));
        assert!(!checksummed(b"ghp"));
    }
}
