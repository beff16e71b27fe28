//! Keeps the database open: after a failure redb refuses everything until it is opened anew.
//!
//! Opening is tried by whoever asks next, at most each `delay`, which doubles from 100 ms to 5 s; in between the first failure's reason
//! is answered at once. Invariant: at most one database stands open on the file at any time.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redb::Database;

use super::error::FileError;
use super::schema;
use crate::{StoreError, metrics};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Opens the database, again and again.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, FileError> + Send + Sync>;

/// The one place that holds the database.
pub(super) struct Keeper {
    opener: Opener,
    state: Mutex<State>,
}

enum State {
    Open(Arc<Database>),
    Down {
        /// The failed database, until nobody uses it any more: it holds redb's lock on the file.
        retired: Option<Arc<Database>>,
        reason: StoreError,
        retry_at: Instant,
        delay: Duration,
    },
}

impl Keeper {
    /// Opens for the first time.
    pub(super) fn open(opener: Opener) -> Result<Self, StoreError> {
        let database = attempt(&opener)?;
        metrics::opened();
        Ok(Self {
            opener,
            state: Mutex::new(State::Open(Arc::new(database))),
        })
    }

    /// Runs `work` on the open database. When it fails or panics, the database is taken out of service.
    pub(super) fn with_database<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, FileError>,
    ) -> Result<T, StoreError> {
        let database = self.database()?;
        let outcome = caught(|| work(&database));
        outcome.map_err(|failure| {
            if failure.breaks_database {
                self.retire(database, &failure.error);
            }
            failure.error
        })
    }

    /// The database, opened anew when that is due.
    fn database(&self) -> Result<Arc<Database>, StoreError> {
        let mut state = self.state.lock();
        let (retired, reason, retry_at, delay) = match &mut *state {
            State::Open(database) => return Ok(Arc::clone(database)),
            State::Down {
                retired,
                reason,
                retry_at,
                delay,
            } => (retired, reason, retry_at, delay),
        };
        if Instant::now() < *retry_at
            || retired
                .as_ref()
                .is_some_and(|database| Arc::strong_count(database) > 1)
        {
            return Err(reason.clone());
        }
        *retired = None;
        match attempt(&self.opener) {
            Ok(database) => {
                let database = Arc::new(database);
                *state = State::Open(Arc::clone(&database));
                metrics::reopened();
                tracing::info!("store is back");
                Ok(database)
            }
            Err(error) => {
                *delay = (*delay * 2).min(LONGEST_DELAY);
                *retry_at = Instant::now() + *delay;
                *reason = error;
                Err(reason.clone())
            }
        }
    }

    fn retire(&self, database: Arc<Database>, reason: &StoreError) {
        let mut state = self.state.lock();
        let current = matches!(&*state, State::Open(open) if Arc::ptr_eq(open, &database));
        if !current {
            return;
        }
        metrics::failed();
        tracing::error!(reason = %reason, "store failed; commits are in doubt until it is back");
        let retry_at = Instant::now() + FIRST_DELAY;
        *state = State::Down {
            retired: Some(database),
            reason: reason.clone(),
            retry_at,
            delay: FIRST_DELAY,
        };
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

struct Failure {
    error: StoreError,
    breaks_database: bool,
}

fn attempt(opener: &Opener) -> Result<Database, StoreError> {
    caught(|| {
        let database = opener()?;
        schema::prepare(&database)?;
        Ok(database)
    })
    .map_err(|failure| failure.error)
}

/// redb panics on some kinds of damage. The database behind a panic is never used again, so nothing half-changed is seen.
fn caught<T>(work: impl FnOnce() -> Result<T, FileError>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| Failure {
            breaks_database: error.breaks_database(),
            error: error.into(),
        }),
        Err(_) => {
            let error = StoreError::Corrupt("the database gave up on what it read".to_owned());
            Err(Failure {
                error,
                breaks_database: true,
            })
        }
    }
}
