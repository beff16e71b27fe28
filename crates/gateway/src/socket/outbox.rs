//! What waits to be written to one socket: bounded in frames and bytes, filled by anyone, emptied by the socket alone.
//!
//! Two policies for a slow client. A frame that may be lost (application data, a reaction) is dropped and counted when the outbox is half
//! full. When it is full the socket is closed with 1012: the client comes back and catches up from a snapshot, and a gap never goes unseen.
//! Pushing never waits.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use axum::body::Bytes;
use parking_lot::Mutex;
use videorooms_domain::ConnectionId;
use videorooms_rooms::CloseReason;

use super::wire::text_frame;
use crate::config::SocketConfig;

/// Service restart: the client comes back at once.
pub(crate) const RESTART: u16 = 1012;

/// Something for one socket.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A finished text frame, shared with other sockets.
    Frame(Bytes),
    /// Something for the room channel of this connection, in its place among the frames.
    Channel(ConnectionId, Notice),
}

/// What a hub tells a channel rather than its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Membership is over.
    Closed(CloseReason),
    /// The lobby decided.
    Lobby {
        /// Come in, or go.
        admitted: bool,
    },
    /// The fresh secret of its join counts.
    ResumeRotated,
}

/// May a frame be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The client's picture of the room would be wrong without it.
    Needed,
    /// It is worth nothing late.
    Passing,
}

/// What became of an offered item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Taken,
    /// It was passing, and the outbox is half full.
    Dropped,
    /// The socket is closing.
    Closing,
}

/// The outbox of one socket.
#[derive(Debug)]
pub(crate) struct Outbox {
    max_frames: usize,
    max_bytes: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    leaving: Leaving,
    closing: Option<Closing>,
    /// Of the socket's task, while it waits for items or for the end.
    waker: Option<Waker>,
}

/// Was the socket asked to finish what is under way and go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    #[default]
    No,
    Asked,
    Told,
}

/// What [`Outbox::take`] found beside the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The socket is to end.
    pub(crate) closing: Option<Closing>,
    /// It is to finish what is under way and then end. Said once.
    pub(crate) leave: bool,
}

/// How a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The close code.
    pub(crate) code: u16,
    /// What waits is written first; not so when the client takes nothing.
    pub(crate) flush: bool,
    /// For the metric.
    pub(crate) why: &'static str,
}

impl Outbox {
    pub(crate) fn new(config: &SocketConfig) -> Self {
        Self {
            max_frames: config.outbox_frames,
            max_bytes: config.outbox_bytes,
            queue: Mutex::default(),
        }
    }

    /// Offers an item; never waits.
    pub(crate) fn push(&self, item: Item, class: Class) -> Pushed {
        let bytes = item.bytes();
        let mut queue = self.queue.lock();
        if queue.closing.is_some() {
            return Pushed::Closing;
        }
        let (frames, total) = (queue.items.len() + 1, queue.bytes + bytes);
        // One item larger than the whole outbox must still pass an idle socket: a snapshot of a large room.
        if frames > self.max_frames || (total > self.max_bytes && !queue.items.is_empty()) {
            let waker = queue.close(Closing {
                code: RESTART,
                flush: false,
                why: "slow",
            });
            drop(queue);
            wake(waker);
            return Pushed::Closing;
        }
        if class == Class::Passing && (frames > self.max_frames / 2 || total > self.max_bytes / 2) {
            return Pushed::Dropped;
        }
        queue.bytes = total;
        queue.items.push_back(item);
        let waker = queue.waker.take();
        drop(queue);
        wake(waker);
        Pushed::Taken
    }

    /// Ends the socket; the first reason counts.
    pub(crate) fn close(&self, closing: Closing) {
        let waker = self.queue.lock().close(closing);
        wake(waker);
    }

    /// Sends the client away, to come back at once, after what is under way is answered and what waits is written.
    pub(crate) fn restart(&self) {
        let mut queue = self.queue.lock();
        if queue.leaving == Leaving::No {
            queue.leaving = Leaving::Asked;
        }
        let waker = queue.waker.take();
        drop(queue);
        wake(waker);
    }

    /// Is there nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.lock().items.is_empty()
    }

    /// Waits until there is something to write or the socket is to end. One task at a time.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.closing.is_some() || !queue.items.is_empty() || queue.leaving == Leaving::Asked {
            return Poll::Ready(());
        }
        queue.wait(cx);
        Poll::Pending
    }

    /// Waits until the socket is to end without writing what waits.
    pub(crate) fn poll_abandoned(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.closing.is_some_and(|closing| !closing.flush) {
            return Poll::Ready(());
        }
        queue.wait(cx);
        Poll::Pending
    }

    /// Exchanges what waits for the empty `batch`, whose room is used again.
    pub(crate) fn take(&self, batch: &mut VecDeque<Item>) -> Taken {
        let mut queue = self.queue.lock();
        std::mem::swap(&mut queue.items, batch);
        queue.bytes = 0;
        let leave = queue.leaving == Leaving::Asked;
        if leave {
            queue.leaving = Leaving::Told;
        }
        Taken {
            closing: queue.closing,
            leave,
        }
    }
}

impl Queue {
    fn close(&mut self, closing: Closing) -> Option<Waker> {
        self.closing.get_or_insert(closing);
        self.waker.take()
    }

    fn wait(&mut self, cx: &mut Context<'_>) {
        if !self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.waker = Some(cx.waker().clone());
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl Item {
    /// A frame around the text of a message.
    pub(crate) fn text(frame: String) -> Self {
        Self::Frame(text_frame(frame))
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Channel(..) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(frames: usize, bytes: usize) -> Outbox {
        Outbox::new(&SocketConfig {
            outbox_frames: frames,
            outbox_bytes: bytes,
            ..SocketConfig::default()
        })
    }

    /// So many bytes on the wire.
    fn frame(length: usize) -> Item {
        Item::Frame(vec![b'x'; length].into())
    }

    #[test]
    fn passing_frames_are_dropped_at_half_and_needed_ones_are_not() {
        let outbox = outbox(4, 1000);
        for _ in 0..2 {
            assert_eq!(outbox.push(frame(1), Class::Passing), Pushed::Taken);
        }
        assert_eq!(outbox.push(frame(1), Class::Passing), Pushed::Dropped);
        assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Taken);
    }

    #[test]
    fn a_full_outbox_closes_the_socket_for_a_resync() {
        for (frames, bytes) in [(2, 1000), (100, 2)] {
            let outbox = outbox(frames, bytes);
            assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Taken);
            assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Taken);
            assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Closing);
            let closing = outbox.take(&mut VecDeque::new()).closing.unwrap();
            assert_eq!(
                (closing.code, closing.flush, closing.why),
                (RESTART, false, "slow")
            );
        }
    }

    #[test]
    fn one_frame_larger_than_the_outbox_passes_when_nothing_waits() {
        assert_eq!(outbox(4, 10).push(frame(100), Class::Needed), Pushed::Taken);
    }

    #[test]
    fn what_is_taken_comes_in_order_and_makes_room() {
        let outbox = outbox(2, 1000);
        outbox.push(frame(1), Class::Needed);
        outbox.push(frame(2), Class::Needed);
        let mut batch = VecDeque::new();
        assert_eq!(outbox.take(&mut batch).closing, None);
        assert_eq!(batch.iter().map(Item::bytes).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Taken);
    }

    #[test]
    fn a_socket_that_is_asked_to_leave_is_told_once_and_still_takes_answers() {
        let outbox = outbox(4, 1000);
        outbox.restart();
        let told = outbox.take(&mut VecDeque::new());
        assert!(told.leave && told.closing.is_none());
        assert_eq!(outbox.push(frame(1), Class::Needed), Pushed::Taken);
        outbox.restart();
        assert!(!outbox.take(&mut VecDeque::new()).leave);
    }

    #[tokio::test]
    async fn a_waiting_socket_is_woken_by_an_item_and_by_the_end() {
        let outbox = std::sync::Arc::new(outbox(4, 1000));
        let waiting = std::sync::Arc::clone(&outbox);
        let woken = tokio::spawn(async move {
            std::future::poll_fn(|cx| waiting.poll_ready(cx)).await;
            std::future::poll_fn(|cx| waiting.poll_abandoned(cx)).await;
        });
        tokio::task::yield_now().await;
        outbox.push(frame(1), Class::Needed);
        tokio::task::yield_now().await;
        outbox.close(Closing {
            code: RESTART,
            flush: false,
            why: "test",
        });
        woken.await.unwrap();
    }
}
