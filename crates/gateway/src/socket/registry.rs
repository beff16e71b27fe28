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
    taken: Mutex<Taken>,
    left: Notify,
}

#[derive(Default)]
struct Taken {
    open: HashMap<u64, Arc<Outbox>>,
    /// Being upgraded.
    reserved: usize,
    /// All were sent away: whoever still comes is, too.
    leaving: bool,
}

/// A place kept for a socket that is being upgraded; given back when it is dropped.
pub(crate) struct Reserved(Arc<Sockets>);

/// A socket's place; given back when it is dropped.
pub(crate) struct Place {
    sockets: Arc<Sockets>,
    key: u64,
}

impl Sockets {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            next_connection: AtomicU64::new(1),
            taken: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Keeps a place, if there is one.
    pub(crate) fn reserve(self: &Arc<Self>) -> Option<Reserved> {
        let mut taken = self.taken.lock();
        if taken.open.len() + taken.reserved >= self.max {
            return None;
        }
        taken.reserved += 1;
        Some(Reserved(Arc::clone(self)))
    }

    pub(crate) fn count(&self) -> usize {
        self.taken.lock().open.len()
    }

    /// A number that no other attachment of this boot has.
    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// All that are open now, to close them one by one.
    pub(crate) fn all(&self) -> Vec<Arc<Outbox>> {
        self.taken.lock().open.values().cloned().collect()
    }

    /// Sends every client away, to come back at once, and those who are still being let in.
    pub(crate) fn restart_all(&self) {
        self.taken.lock().leaving = true;
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

impl Reserved {
    /// The socket is open.
    pub(crate) fn enter(self, outbox: &Arc<Outbox>) -> Place {
        let sockets = Arc::clone(&self.0);
        let key = sockets.next_connection().0;
        let leaving = {
            let mut taken = sockets.taken.lock();
            taken.open.insert(key, Arc::clone(outbox));
            metrics::counter!(names::SOCKETS_OPENED).increment(1);
            metrics::gauge!(names::SOCKETS).set(taken.open.len() as f64);
            taken.leaving
        };
        if leaving {
            outbox.restart();
        }
        // The reservation ends here, when the place is counted.
        Place { sockets, key }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.taken.lock().reserved -= 1;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.sockets.taken.lock();
        taken.open.remove(&self.key);
        metrics::gauge!(names::SOCKETS).set(taken.open.len() as f64);
        drop(taken);
        self.sockets.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SocketConfig;

    fn outbox() -> Arc<Outbox> {
        Outbox::unwritten(&SocketConfig::default())
    }

    #[test]
    fn a_place_that_is_kept_is_taken_until_its_socket_has_gone() {
        let sockets = Sockets::new(2);
        let (first, second) = (sockets.reserve().unwrap(), sockets.reserve().unwrap());
        assert!(
            sockets.reserve().is_none(),
            "two race for the last place before either is open"
        );
        drop(first);
        let place = second.enter(&outbox());
        assert_eq!(sockets.count(), 1);
        let third = sockets.reserve().unwrap();
        assert!(sockets.reserve().is_none());
        drop((place, third));
        assert_eq!(sockets.count(), 0);
        assert!(sockets.reserve().is_some());
    }

    #[test]
    fn whoever_comes_in_when_all_were_sent_away_is_sent_away_too() {
        let sockets = Sockets::new(2);
        let late = sockets.reserve().unwrap();
        sockets.restart_all();
        let outbox = outbox();
        let _place = late.enter(&outbox);
        assert!(outbox.is_asked_to_leave());
    }
}
