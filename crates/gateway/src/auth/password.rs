//! Passwords of rooms: Argon2id off the async threads, two at a time, so that guessing costs the guesser and not the calls. Few may wait for
//! their turn, and not for long.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use videorooms_domain::PasswordHash;

use crate::metrics as names;

/// Hashings at once: each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// Who may wait for a turn, at most.
const MAX_WAITING: usize = 32;
/// How long for.
const WAIT: Duration = Duration::from_secs(2);
/// Longer passwords are refused before they are hashed.
pub(crate) const MAX_BYTES: usize = 256;

/// Why a password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait for a turn.
    #[error("too many passwords are being checked")]
    Busy,
    /// It could not be hashed.
    #[error("the password could not be hashed")]
    Failed,
}

/// The one place where passwords are hashed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl Passwords {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] after 2 s without a turn, [`PasswordError::Failed`].
    pub async fn hash(&self, password: String) -> Result<PasswordHash, PasswordError> {
        let hash = self
            .run(move || Argon2::default().hash_password(password.as_bytes()).ok())
            .await?
            .ok_or(PasswordError::Failed)?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Says whether this is the password.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub async fn verify(&self, password: String, hash: PasswordHash) -> Result<bool, PasswordError> {
        let check = move || {
            argon2::PasswordHash::new(&hash.0).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
        };
        self.run(check).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = self.turn().await.inspect_err(|_| {
            metrics::counter!(names::PASSWORDS_BUSY).increment(1);
        })?;
        // The turn goes with the work: a caller that gives up does not free it before its time.
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        work.await.map_err(|_| PasswordError::Failed)
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, PasswordError> {
        let _waiting = self.queue.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.places).acquire_owned();
        let turn = tokio::time::timeout(WAIT, turn).await;
        turn.map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Failed)
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
        let verify = |password: &str, hash| passwords.verify(password.into(), hash);
        assert_eq!(verify("open sesame", hash.clone()).await, Ok(true));
        assert_eq!(verify("sesame", hash).await, Ok(false));
        assert_eq!(verify("x", PasswordHash("no hash".into())).await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_turn_in_time_is_told_so_and_more_do_not_even_wait() {
        let passwords = Passwords::default();
        let places = u32::try_from(AT_ONCE).unwrap();
        let _taken = passwords.places.acquire_many(places).await.unwrap();
        let waiting = (0..MAX_WAITING).map(|_| passwords.hash("x".into()));
        let waiting = futures_util::future::join_all(waiting);
        let start = tokio::time::Instant::now();
        let one_more = async {
            let refused = passwords.hash("x".into()).await;
            (refused, start.elapsed())
        };
        let (waited, (refused, after)) = tokio::join!(waiting, one_more);
        assert_eq!((refused, after), (Err(PasswordError::Busy), Duration::ZERO));
        assert!(waited.iter().all(|each| *each == Err(PasswordError::Busy)));
        assert_eq!(start.elapsed(), WAIT);
    }
}
