//! How the root's children are: the root writes it, readiness and status read it. It outlives both.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::Instant;

/// How the children are, by name. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing(Arc<RwLock<BTreeMap<&'static str, Child>>>);

#[derive(Debug, Clone, Copy)]
enum Child {
    Running,
    Restarting { since: Instant, attempts: u32 },
}

impl Standing {
    /// It was started, or started again.
    pub(crate) fn runs(&self, name: &'static str) {
        self.put(name, Child::Running);
    }

    /// It ended, or could not be started again; `attempts` so far, of this series.
    pub(crate) fn restarting(&self, name: &'static str, attempts: u32) {
        let since = match self.get(name) {
            Some(Child::Restarting { since, .. }) => since,
            Some(Child::Running) | None => Instant::now(),
        };
        self.put(name, Child::Restarting { since, attempts });
    }

    /// How it is, for people.
    ///
    /// # Errors
    /// Why it does not run.
    pub(crate) fn of(&self, name: &str) -> Result<(), String> {
        match self.get(name) {
            Some(Child::Running) => Ok(()),
            Some(Child::Restarting { since, attempts }) => Err(format!(
                "being restarted for {} s, attempt {attempts}",
                since.elapsed().as_secs()
            )),
            None => Err("not started yet".to_owned()),
        }
    }

    fn get(&self, name: &str) -> Option<Child> {
        // Nothing panics while it is held.
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .copied()
    }

    fn put(&self, name: &'static str, child: Child) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, child);
    }
}
