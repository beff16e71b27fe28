//! Which sockets are open, to count them and to end them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use videorooms_domain::ConnectionId;

use super::outbox::Outbox;
use crate::metrics as names;

/// The open sockets of a node.
pub(crate) struct Sockets {
    max: usize,
    next_connection: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Outbox>>>,
    left: Notify,
}

/// A socket's place; given back when it is dropped.
pub(crate) struct Place<'a> {
    sockets: &'a Sockets,
    key: u64,
}

impl Sockets {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            next_connection: AtomicU64::new(1),
            open: Mutex::default(),
            left: Notify::new(),
        }
    }

    /// Takes a place, if there is one.
    pub(crate) fn enter(&self, outbox: &Arc<Outbox>) -> Option<Place<'_>> {
        let key = self.next_connection().0;
        let mut open = self.open.lock();
        if open.len() >= self.max {
            return None;
        }
        open.insert(key, Arc::clone(outbox));
        metrics::counter!(names::SOCKETS_OPENED).increment(1);
        metrics::gauge!(names::SOCKETS).set(open.len() as f64);
        Some(Place { sockets: self, key })
    }

    pub(crate) fn has_room(&self) -> bool {
        self.open.lock().len() < self.max
    }

    pub(crate) fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// A number that no other attachment of this boot has.
    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// All that are open now, to close them one by one.
    pub(crate) fn all(&self) -> Vec<Arc<Outbox>> {
        self.open.lock().values().cloned().collect()
    }

    /// Sends every client away, to come back at once.
    pub(crate) fn restart_all(&self) {
        for outbox in self.all() {
            outbox.restart();
        }
    }

    /// Waits until none is open.
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut open = self.sockets.open.lock();
        open.remove(&self.key);
        metrics::gauge!(names::SOCKETS).set(open.len() as f64);
        drop(open);
        self.sockets.left.notify_waiters();
    }
}
