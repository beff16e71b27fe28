//! What sockets on this node hear from media servers on others: in order, and nothing after something was lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use videorooms_domain::NodeIncarnation;
use videorooms_sfu::SignalEvent;

/// Why a client is reset whose media server cannot be heard any more.
const LOST: &str = "signalling lost";

/// Attachments of sockets here to media on other nodes.
#[derive(Default)]
pub(crate) struct Hearing {
    last: AtomicU64,
    streams: Mutex<HashMap<u64, Stream>>,
}

struct Stream {
    node: NodeIncarnation,
    next: u64,
    events: mpsc::Sender<SignalEvent>,
}

impl Stream {
    /// Nothing follows. Where the queue has no room for it, its end says the same.
    fn reset(&self) {
        // Both are well: told, or the queue ends.
        let _ = self.events.try_send(SignalEvent::Reset(LOST.into()));
    }
}

/// Whether the other node should go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It should.
    Taken,
    /// Nobody listens any more.
    Deaf,
}

impl Hearing {
    /// The number of an attachment that is about to be made there: events may come before the answer.
    pub(crate) fn begin(&self, node: &NodeIncarnation, events: mpsc::Sender<SignalEvent>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let stream = Stream {
            node: node.clone(),
            next: 0,
            events,
        };
        self.streams.lock().insert(number, stream);
        number
    }

    /// Nobody listens any more; its queue ends without a word.
    pub(crate) fn end(&self, stream: u64) {
        self.streams.lock().remove(&stream);
    }

    /// The media server has nothing more to say on it.
    pub(crate) fn ended(&self, from: &NodeIncarnation, stream: u64) {
        let mut streams = self.streams.lock();
        if streams.get(&stream).is_some_and(|known| known.node == *from) {
            streams.remove(&stream);
        }
    }

    /// An event came. One that is lost, on the way or because the socket does not keep up, resets the client; levels may be left out.
    pub(crate) fn event(
        &self,
        from: &NodeIncarnation,
        stream: u64,
        number: u64,
        event: SignalEvent,
    ) -> Heard {
        let mut streams = self.streams.lock();
        let Some(known) = streams.get_mut(&stream).filter(|known| known.node == *from) else {
            return Heard::Deaf;
        };
        let is_next = known.next == number;
        known.next = number.saturating_add(1);
        let is_last = matches!(event, SignalEvent::Reset(_));
        let is_crowded = known.events.capacity() * 2 < known.events.max_capacity();
        if is_next && is_crowded && matches!(event, SignalEvent::Speakers(_)) {
            return Heard::Taken;
        }
        let sent = if is_next {
            known.events.try_send(event)
        } else {
            Err(TrySendError::Full(event))
        };
        match sent {
            Ok(()) if !is_last => return Heard::Taken,
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => known.reset(),
        }
        streams.remove(&stream);
        Heard::Deaf
    }

    /// Nothing more will come from there.
    pub(crate) fn lost(&self, node: &NodeIncarnation) {
        self.streams.lock().retain(|_, stream| {
            let is_theirs = stream.node == *node;
            if is_theirs {
                stream.reset();
            }
            !is_theirs
        });
    }

    /// How many there are.
    #[cfg(any(test, feature = "test-kit"))]
    pub(crate) fn count(&self) -> usize {
        self.streams.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use videorooms_sfu::{SlotPlan, SpeakerLevels};

    use super::*;

    fn node(name: &str) -> NodeIncarnation {
        NodeIncarnation {
            node: name.parse().unwrap(),
            incarnation: 1,
        }
    }

    fn slots(audio: u8) -> SignalEvent {
        SignalEvent::NeedSlots(SlotPlan { audio, video: 0 })
    }

    fn reset() -> SignalEvent {
        SignalEvent::Reset(LOST.into())
    }

    fn stream(room: usize) -> (Hearing, u64, mpsc::Receiver<SignalEvent>) {
        let (sender, events) = mpsc::channel(room);
        let hearing = Hearing::default();
        let stream = hearing.begin(&node("b"), sender);
        (hearing, stream, events)
    }

    fn heard(events: &mut mpsc::Receiver<SignalEvent>) -> Vec<SignalEvent> {
        std::iter::from_fn(|| events.try_recv().ok()).collect()
    }

    #[test]
    fn events_come_in_order_until_the_last() {
        let (hearing, stream, mut events) = stream(8);
        assert_eq!(hearing.event(&node("b"), stream, 0, slots(1)), Heard::Taken);
        assert_eq!(hearing.event(&node("b"), stream, 1, slots(2)), Heard::Taken);
        let last = SignalEvent::Reset("replaced".into());
        assert_eq!(hearing.event(&node("b"), stream, 2, last.clone()), Heard::Deaf);
        assert_eq!(heard(&mut events), [slots(1), slots(2), last]);
        assert!(events.is_closed());
    }

    #[test]
    fn after_a_gap_the_client_is_reset() {
        let (hearing, stream, mut events) = stream(8);
        assert_eq!(hearing.event(&node("b"), stream, 1, slots(1)), Heard::Deaf);
        assert_eq!(heard(&mut events), [reset()]);
        assert!(events.is_closed());
        assert_eq!(hearing.event(&node("b"), stream, 2, slots(2)), Heard::Deaf);
    }

    #[test]
    fn a_socket_that_does_not_keep_up_is_reset_by_the_end_of_its_queue_and_levels_leave_room() {
        let (hearing, stream, mut events) = stream(4);
        for number in 0..3 {
            assert_eq!(hearing.event(&node("b"), stream, number, slots(1)), Heard::Taken);
        }
        let levels = || SignalEvent::Speakers(SpeakerLevels::new(Vec::new()));
        for number in 3..9 {
            assert_eq!(hearing.event(&node("b"), stream, number, levels()), Heard::Taken);
        }
        assert_eq!(hearing.event(&node("b"), stream, 9, slots(1)), Heard::Taken);
        assert_eq!(hearing.event(&node("b"), stream, 10, slots(1)), Heard::Deaf);
        assert_eq!(heard(&mut events), vec![slots(1); 4]);
        assert!(events.is_closed());
    }

    #[test]
    fn a_lost_node_resets_its_own_and_another_node_is_not_heard_on_them() {
        let (hearing, stream, mut events) = stream(4);
        assert_eq!(hearing.event(&node("c"), stream, 0, slots(1)), Heard::Deaf);
        hearing.ended(&node("c"), stream);
        hearing.lost(&node("c"));
        assert_eq!((heard(&mut events), hearing.count()), (Vec::new(), 1));
        hearing.lost(&node("b"));
        assert_eq!((heard(&mut events), hearing.count()), (vec![reset()], 0));
    }
}
