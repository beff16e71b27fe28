//! Passwords of rooms: Argon2id off the async threads, two at a time, so that guessing costs the guesser and not the calls.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use videorooms_domain::PasswordHash;

/// Hashings at once: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// Longer passwords are refused before they are hashed.
pub(crate) const MAX_BYTES: usize = 256;

/// The one place where passwords are hashed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    /// Hashes a new password; `None` when it cannot be hashed.
    pub async fn hash(&self, password: String) -> Option<PasswordHash> {
        self.run(move || Argon2::default().hash_password(password.as_bytes()).ok())
            .await
            .flatten()
            .map(|hash| PasswordHash(hash.to_string()))
    }

    /// Says whether this is the password.
    pub async fn verify(&self, password: String, hash: PasswordHash) -> bool {
        let check = move || {
            argon2::PasswordHash::new(&hash.0).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
        };
        self.run(check).await.unwrap_or(false)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        // The place goes with the work: a caller that gives up does not free it before its time.
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        work.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_counts_and_another_does_not() {
        let passwords = Passwords::default();
        let hash = passwords.hash("open sesame".into()).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$"));
        assert!(passwords.verify("open sesame".into(), hash.clone()).await);
        assert!(!passwords.verify("sesame".into(), hash).await);
        assert!(!passwords.verify("x".into(), PasswordHash("no hash".into())).await);
    }
}
