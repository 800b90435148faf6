//! Passwords: hashed with argon2id, away from the threads that answer requests, one at a time so that guesses cannot fill the memory.

use std::sync::{Arc, OnceLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::problem::{Answer, Problem};

/// The shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 10;
/// The longest, in characters.
const PASSWORD_CHARS_MAX: usize = 200;

/// Hashes passwords and compares with hashes. Clones share their turns.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    turns: Arc<Semaphore>,
    /// A hash of nobody's password: an unknown name takes as long as a wrong password.
    nobody: Arc<OnceLock<String>>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(1)), nobody: Arc::default() }
    }
}

impl Hasher {
    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: String) -> Answer<String> {
        let count = password.chars().count();
        if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&count) {
            return Err(Problem::invalid(format!("the password has {count} characters"))
                .hint(format!("choose one of {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")));
        }
        self.aside(move || hash(&password)).await?
    }

    /// Whether the password is the one that was hashed; without a hash it is not, after the same time.
    pub(crate) async fn is_right(&self, password: String, hashed: Option<String>) -> Answer<bool> {
        let nobody = Arc::clone(&self.nobody);
        self.aside(move || {
            let is_known = hashed.is_some();
            let hashed = match hashed {
                Some(hashed) => hashed,
                None => match nobody.get() {
                    Some(known) => known.clone(),
                    None => nobody.get_or_init(|| hash("nobody's password").unwrap_or_default()).clone(),
                },
            };
            let parsed = PasswordHash::new(&hashed).map_err(|e| Problem::internal(format!("a password's hash cannot be read: {e}")))?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && is_known)
        })
        .await?
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let _turn = self.turns.acquire().await;
        tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(format!("a password could not be checked: {e}")))
    }
}

fn hash(password: &str) -> Answer<String> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|e| Problem::internal(format!("the password could not be hashed: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_nobody_has_one() {
        let hasher = Hasher::default();
        let hashed = hasher.hash("correct horse battery".to_owned()).await.expect("a hash");
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert!(hasher.is_right("correct horse battery".to_owned(), Some(hashed.clone())).await.expect("an answer"));
        assert!(!hasher.is_right("correct horse batterie".to_owned(), Some(hashed)).await.expect("an answer"));
        assert!(!hasher.is_right("nobody's password".to_owned(), None).await.expect("an answer"));
        assert!(hasher.hash("short".to_owned()).await.is_err() && hasher.hash("x".repeat(201)).await.is_err());
    }
}
