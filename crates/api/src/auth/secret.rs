//! Secrets that the API gives away: 256 random bits behind a prefix that says what they are; kept by their hashes alone.

use std::fmt;

use sha2::{Digest, Sha256};
use windlass_types::CredentialKind;

use crate::ApiToken;
use crate::problem::{Answer, Problem};

/// A secret that was just made: shown once.
pub(crate) struct Secret(String);

impl Secret {
    /// A new one of this kind.
    pub(crate) fn new(kind: CredentialKind) -> Answer<Self> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| Problem::internal("the machine gives no random bytes: no secret can be made"))?;
        Ok(Self(format!("{}{}", prefix(kind), hex(&bytes))))
    }

    /// The secret itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What the store keeps of it.
    pub(crate) fn sha256(&self) -> String {
        sha256(&self.0)
    }

    /// What the store keeps of a secret in two halves, which are worth nothing alone.
    pub(crate) fn sha256_with(&self, other: &Self) -> String {
        sha256_of_halves(&self.0, &other.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

const fn prefix(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Token => "wlt_",
        CredentialKind::Session => "wls_",
        CredentialKind::LoginCode => "wlc_",
    }
}

/// Whether it has the shape of one of these; an agent's token has another.
pub(crate) fn is_ours(secret: &str) -> bool {
    CredentialKind::ALL.into_iter().any(|kind| secret.starts_with(prefix(kind)))
}

/// What is kept of a secret.
pub(crate) fn sha256(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// What is kept of a secret in two halves.
pub(crate) fn sha256_of_halves(one: &str, other: &str) -> String {
    sha256(&format!("{one} {other}"))
}

/// What is kept instead of a secret's hash where the secret stands for the owner: it is found for as long as the data directory's token is the same.
pub(crate) fn of_owner(hash: &str, token: &ApiToken) -> String {
    sha256(&format!("{hash} {}", token.secret()))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
