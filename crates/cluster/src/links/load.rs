//! How much is under way to one node, so that it stays bounded: ractor's own queues are not.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{BYTES_OUTSTANDING, CALLS_IN_FLIGHT};

/// Counts in one direction.
#[derive(Debug, Default)]
pub(crate) struct Load {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: usize,
    call_bytes: u64,
    /// Of what is not answered: all that was sent, and what the other side said it took.
    sent: u64,
    taken: u64,
}

impl Counts {
    fn is_full(&self) -> bool {
        self.call_bytes + self.sent.saturating_sub(self.taken) >= BYTES_OUTSTANDING as u64
    }
}

/// A call's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    load: Arc<Load>,
    bytes: u64,
}

impl Load {
    /// A place for a call of so many bytes. None: full.
    pub(crate) fn call(self: &Arc<Self>, bytes: u64) -> Option<Place> {
        let mut counts = self.counts.lock();
        if counts.calls >= CALLS_IN_FLIGHT || counts.is_full() {
            return None;
        }
        counts.calls += 1;
        counts.call_bytes += bytes;
        Some(Place {
            load: Arc::clone(self),
            bytes,
        })
    }

    /// Is there room for something that is not answered.
    pub(crate) fn has_room(&self) -> bool {
        !self.counts.lock().is_full()
    }

    /// Something was sent that is not answered.
    pub(crate) fn sent(&self, bytes: u64) {
        self.counts.lock().sent += bytes;
    }

    /// The other side took so much, all in all.
    pub(crate) fn taken(&self, all: u64) {
        let mut counts = self.counts.lock();
        counts.taken = counts.taken.max(all);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.load.counts.lock();
        counts.calls -= 1;
        counts.call_bytes -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_until_they_end() {
        let load = Arc::new(Load::default());
        let mut places: Vec<_> = (0..CALLS_IN_FLIGHT).map(|_| load.call(1).unwrap()).collect();
        assert!(load.call(1).is_none());
        places.pop();
        assert!(load.call(1).is_some());
    }

    #[test]
    fn bytes_count_until_the_other_side_took_them() {
        let load = Arc::new(Load::default());
        load.sent(BYTES_OUTSTANDING as u64);
        assert!(!load.has_room() && load.call(0).is_none());
        load.taken(1);
        // A message is taken whole while there is any room.
        let place = load.call(2 * BYTES_OUTSTANDING as u64);
        assert!(place.is_some() && !load.has_room());
        drop(place);
        assert!(load.has_room());
    }
}
