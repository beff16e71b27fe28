//! What waits to be written to one socket: bounded in frames and bytes, filled by anyone, emptied by whoever has its turn.
//!
//! Two policies for a slow client. A frame that may be lost (application data, a reaction) is dropped and counted when the outbox is half
//! full. When it is full the socket is closed with 1012: the client comes back and catches up from a snapshot, and a gap never goes unseen.
//! Pushing never waits.
//!
//! Whose [`Turn`] it is, is part of the queue. As a rule a flusher writes (see [`super::flushers`]): what a room says to a thousand sockets
//! wakes two flushers rather than a thousand tasks. The socket's own task has the turn when the connection takes no more, when something in
//! the queue is for a channel rather than for the client, and at the end. So there is one writer at a time, and a frame that was begun is whole
//! on the wire before another begins: ours, the library's answers to pings and the goodbye all come through here.

mod queue;

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use videorooms_domain::ConnectionId;
use videorooms_rooms::CloseReason;

use super::flushers::Flushers;
use super::wire::text_frame;
use crate::config::SocketConfig;
use queue::{Leaving, MAX_SLICES, Queue, Turn};

/// Service restart: the client comes back at once.
pub(crate) const RESTART: u16 = 1012;
/// Calls to the kernel for one socket before it is another's turn.
const MAX_CALLS: usize = 8;
/// A client is read no further while more than this part of its outbox is taken.
const CROWDED: usize = 4;

/// The client did not take in time what was said to it.
pub(crate) const SLOW: Closing = Closing {
    code: RESTART,
    flush: false,
    why: "slow",
};

/// The writing side of a connection.
pub(crate) trait Line: Send + Sync + 'static {
    /// Writes as much as the connection takes now.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing now; any other is the end of the connection.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until the connection may take something; it may also have ended.
    fn writable(&self) -> BoxFuture<'_, io::Result<()>>;
}

/// Something for one socket.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A finished frame, shared with other sockets.
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

/// What the socket's own task has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Tell this connection's channel.
    Notice(ConnectionId, Notice),
    /// The connection takes no more: [`Outbox::unblock`].
    Unblock,
    /// There is room again after [`Outbox::is_crowded`].
    Room,
    /// Finish what is under way, then end. Said once.
    Leave,
    /// End. Nobody writes any more; [`Outbox::say_last`] may.
    End(Closing),
}

/// The connection has ended, or nobody may write to it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

/// The outbox of one socket.
pub(crate) struct Outbox {
    max_frames: usize,
    max_bytes: usize,
    line: Box<dyn Line>,
    flushers: Arc<Flushers>,
    queue: Mutex<Queue>,
}

impl Outbox {
    pub(crate) fn new(config: &SocketConfig, line: Box<dyn Line>, flushers: Arc<Flushers>) -> Arc<Self> {
        Arc::new(Self {
            max_frames: config.outbox_frames,
            max_bytes: config.outbox_bytes,
            line,
            flushers,
            queue: Mutex::default(),
        })
    }

    /// Offers an item; never waits.
    pub(crate) fn push(self: &Arc<Self>, item: Item, class: Class) -> Pushed {
        let bytes = item.bytes();
        let mut queue = self.queue.lock();
        if queue.closing.is_some() {
            return Pushed::Closing;
        }
        let (frames, total) = (queue.items.len() + 1, queue.bytes + bytes);
        // One item larger than the whole outbox must still pass an idle socket: a snapshot of a large room.
        if frames > self.max_frames || (total > self.max_bytes && !queue.items.is_empty()) {
            let waker = queue.close(SLOW);
            drop(queue);
            wake(waker);
            return Pushed::Closing;
        }
        if class == Class::Passing && (frames > self.max_frames / 2 || total > self.max_bytes / 2) {
            return Pushed::Dropped;
        }
        queue.bytes = total;
        queue.items.push_back(item);
        let is_first = queue.turn == Turn::Anyone;
        if is_first {
            queue.turn = Turn::Flusher;
        }
        drop(queue);
        if is_first {
            self.flushers.ask(self);
        }
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

    /// Does so much wait that the client should not be asked for more; if so, [`Due::Room`] follows.
    pub(crate) fn is_crowded(&self) -> bool {
        let mut queue = self.queue.lock();
        queue.is_crowded = queue.items.len() > self.max_frames / CROWDED;
        queue.is_crowded
    }

    /// Writes what the connection takes, for whoever was asked to; what is still left after much is asked for again, so that others have
    /// their turn. `batch` is room to work in, empty before and after.
    pub(crate) fn flush(self: &Arc<Self>, batch: &mut Vec<Bytes>) {
        for _ in 0..MAX_CALLS {
            let mut queue = self.queue.lock();
            if !queue.take(batch) {
                let waker = queue.pass_on();
                drop(queue);
                return wake(waker);
            }
            drop(queue);
            let written = self.write(batch);
            let mut queue = self.queue.lock();
            match written {
                Ok(bytes) => queue.settle(batch, bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => queue.settle(batch, 0),
                Err(_) => queue.broken(),
            }
            batch.clear();
            if queue.turn != Turn::Flusher {
                let waker = queue.waker.take();
                drop(queue);
                return wake(waker);
            }
        }
        self.flushers.ask(self);
    }

    /// Writes what the connection takes of a batch from [`Queue::take`].
    fn write(&self, batch: &[Bytes]) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        for (slice, frame) in slices.iter_mut().zip(batch) {
            *slice = IoSlice::new(frame);
        }
        match self.line.try_write(&slices[..batch.len()]) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        }
    }

    /// Waits until the socket's task has something to do. One task at a time.
    pub(crate) fn poll_due(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Due> {
        let mut queue = self.queue.lock();
        if queue.leaving == Leaving::Asked {
            queue.leaving = Leaving::Told;
            return Poll::Ready(Due::Leave);
        }
        if let Some(closing) = queue.end() {
            return Poll::Ready(Due::End(closing));
        }
        if queue.is_crowded && queue.turn == Turn::Anyone {
            queue.is_crowded = false;
            return Poll::Ready(Due::Room);
        }
        match queue.turn {
            Turn::Blocked => return Poll::Ready(Due::Unblock),
            Turn::Notice => match queue.items.front() {
                Some(&Item::Channel(connection, notice)) => {
                    queue.items.pop_front();
                    return Poll::Ready(Due::Notice(connection, notice));
                }
                Some(Item::Frame(_)) => {
                    queue.turn = Turn::Flusher;
                    queue.wait(cx);
                    drop(queue);
                    self.flushers.ask(self);
                    return Poll::Pending;
                }
                None => {
                    queue.turn = Turn::Anyone;
                    if let Some(closing) = queue.end() {
                        return Poll::Ready(Due::End(closing));
                    }
                }
            },
            Turn::Anyone | Turn::Flusher => {}
        }
        queue.wait(cx);
        Poll::Pending
    }

    /// Waits until the client has taken what waits now, or the socket is to end without that. For the socket's task, when it has to
    /// [`Due::Unblock`].
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) async fn unblock(self: &Arc<Self>) -> Result<(), Ended> {
        let goal = {
            let queue = self.queue.lock();
            queue.written + queue.frames()
        };
        let abandoned = std::future::poll_fn(|cx| {
            let mut queue = self.queue.lock();
            if queue.closing.is_some_and(|closing| !closing.flush) {
                return Poll::Ready(());
            }
            queue.wait(cx);
            Poll::Pending
        });
        tokio::select! {
            biased;
            () = abandoned => Ok(()),
            written = self.write_until(goal) => written,
        }
    }

    /// Writes the last frame, behind one that was begun. For the socket's task, at its [`Due::End`].
    ///
    /// # Errors
    /// The connection has ended.
    pub(crate) async fn say_last(self: &Arc<Self>, frame: Bytes) -> Result<(), Ended> {
        let goal = {
            let mut queue = self.queue.lock();
            queue.items.clear();
            queue.bytes = frame.len();
            queue.items.push_back(Item::Frame(frame));
            queue.turn = Turn::Blocked;
            if let Some(closing) = &mut queue.closing {
                closing.flush = true;
            }
            queue.written + queue.frames()
        };
        self.write_until(goal).await
    }

    /// Writes while it is the turn of the socket's task, until so many frames are written.
    async fn write_until(self: &Arc<Self>, goal: u64) -> Result<(), Ended> {
        let mut batch = Vec::new();
        loop {
            self.line.writable().await.map_err(|_| Ended)?;
            {
                let mut queue = self.queue.lock();
                if queue.turn != Turn::Blocked {
                    return Ok(());
                }
                queue.turn = Turn::Flusher;
            }
            self.flush(&mut batch);
            let queue = self.queue.lock();
            if queue.is_broken() {
                return Err(Ended);
            }
            if queue.written >= goal {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
impl Outbox {
    /// One of a socket to which nobody writes.
    pub(crate) fn unwritten(config: &SocketConfig) -> Arc<Self> {
        struct Stuck;
        impl Line for Stuck {
            fn try_write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }

            fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
                Box::pin(std::future::pending())
            }
        }
        Self::new(config, Box::new(Stuck), Flushers::none())
    }

    /// Takes out what waits.
    pub(crate) fn drain(&self) -> Vec<Item> {
        let mut queue = self.queue.lock();
        queue.bytes = 0;
        queue.items.drain(..).collect()
    }

    /// Why it is to end.
    pub(crate) fn closing(&self) -> Option<Closing> {
        self.queue.lock().closing
    }

    /// Was the socket asked to go, and does not know yet.
    pub(crate) fn is_asked_to_leave(&self) -> bool {
        self.queue.lock().leaving == Leaving::Asked
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
mod tests;
