//! The inside of a private key.

use crate::value::{entropy, find};

/// Whether the text between the lines of a key is key material: enough of base64, and not a drawing of it.
pub(crate) fn key_body(body: &[u8]) -> bool {
    let mut material = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            // An escape, one or more deep: its letter is no base64.
            while bytes.next_if_eq(&b'\\').is_some() {}
            bytes.next();
        } else if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') {
            material.push(byte);
        }
    }
    material.len() >= 40 && entropy(&material) >= 4.0 && find(&material, b"EXAMPLE").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_of_a_key_is_none() {
        assert!(!key_body(&b"x".repeat(200)));
        assert!(!key_body(b"\\n...\\n"));
        assert!(key_body(b"\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\\n"));
    }
}
