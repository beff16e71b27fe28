//! The queue behind an outbox's lock: what waits, whose turn it is to write, and how the socket ends. It writes nothing and wakes nobody; whoever
//! has to be woken is answered.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use axum::body::Bytes;
use bytes::Buf as _;

use super::{Closing, Item};

/// Frames that leave with one call to the kernel.
pub(super) const MAX_SLICES: usize = 64;
/// The room of a queue that a burst needed is given back.
const KEPT_QUEUE: usize = 16;

/// There is no connection any more.
const BROKEN: Closing = Closing {
    code: 1006,
    flush: false,
    why: "broken",
};

/// What an outbox keeps under its lock.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) items: VecDeque<Item>,
    /// Of the items, without the begun frame.
    pub(super) bytes: usize,
    /// What is left of a frame that the connection took in part.
    begun: Bytes,
    /// Frames written since the socket was opened.
    pub(super) written: u64,
    pub(super) turn: Turn,
    /// The socket's task waits for room before it reads on.
    pub(super) is_crowded: bool,
    pub(super) leaving: Leaving,
    pub(super) closing: Option<Closing>,
    /// Of the socket's task, while it waits.
    pub(super) waker: Option<Waker>,
}

/// Who may write.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Whoever has something: nothing waits.
    #[default]
    Anyone,
    /// Whoever was asked to flush, until it finds nothing more that it may write.
    Flusher,
    /// The socket's task: something for a channel is in front.
    Notice,
    /// The socket's task: the connection took no more.
    Blocked,
}

/// Was the socket asked to finish what is under way and go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    #[default]
    No,
    Asked,
    Told,
}

impl Queue {
    /// The first reason counts. Answers who has to know.
    pub(super) fn close(&mut self, closing: Closing) -> Option<Waker> {
        self.closing.get_or_insert(closing);
        self.waker.take()
    }

    /// The reason to end, once nobody writes and what has to be written first is.
    pub(super) fn end(&self) -> Option<Closing> {
        self.closing.filter(|closing| match self.turn {
            Turn::Anyone => true,
            Turn::Flusher => false,
            Turn::Notice | Turn::Blocked => !closing.flush,
        })
    }

    /// Frames that wait, the begun one among them.
    pub(super) fn frames(&self) -> u64 {
        let frames = self.items.iter().filter(|item| matches!(item, Item::Frame(_)));
        frames.count() as u64 + u64::from(!self.begun.is_empty())
    }

    /// Takes the frames in front, at most [`MAX_SLICES`]; `false` when there are none that may be written.
    pub(super) fn take(&mut self, batch: &mut Vec<Bytes>) -> bool {
        if self.closing.is_some_and(|closing| !closing.flush) {
            return false;
        }
        if !self.begun.is_empty() {
            batch.push(std::mem::take(&mut self.begun));
        }
        while batch.len() < MAX_SLICES
            && let Some(Item::Frame(_)) = self.items.front()
            && let Some(Item::Frame(frame)) = self.items.pop_front()
        {
            self.bytes -= frame.len();
            batch.push(frame);
        }
        if self.items.is_empty() && self.items.capacity() > KEPT_QUEUE {
            self.items.shrink_to(KEPT_QUEUE);
        }
        !batch.is_empty()
    }

    /// Puts back what of a batch was not written.
    pub(super) fn settle(&mut self, batch: &mut Vec<Bytes>, mut written: usize) {
        let whole = batch.iter().take_while(|frame| {
            let is_whole = frame.len() <= written;
            if is_whole {
                written -= frame.len();
            }
            is_whole
        });
        let whole = whole.count();
        self.written += whole as u64;
        if whole == batch.len() {
            return;
        }
        self.turn = Turn::Blocked;
        for frame in batch.drain(whole + 1..).rev() {
            self.bytes += frame.len();
            self.items.push_front(Item::Frame(frame));
        }
        // The first one stays in front, begun or not.
        if let Some(mut first) = batch.pop() {
            first.advance(written);
            self.begun = first;
        }
    }

    /// There is nothing in front that a flusher may write. Answers who has to know.
    pub(super) fn pass_on(&mut self) -> Option<Waker> {
        self.turn = match self.items.front() {
            None => Turn::Anyone,
            Some(Item::Channel(..)) => Turn::Notice,
            Some(Item::Frame(_)) => Turn::Blocked,
        };
        let is_needed = self.turn != Turn::Anyone || self.closing.is_some() || self.is_crowded;
        is_needed.then(|| self.waker.take()).flatten()
    }

    /// The connection has ended.
    pub(super) fn broken(&mut self) {
        self.closing = Some(BROKEN);
        self.turn = Turn::Blocked;
    }

    pub(super) fn is_broken(&self) -> bool {
        self.closing == Some(BROKEN)
    }

    /// Remembers whom to wake.
    pub(super) fn wait(&mut self, cx: &mut Context<'_>) {
        let same = |waker: &Waker| waker.will_wake(cx.waker());
        if !self.waker.as_ref().is_some_and(same) {
            self.waker = Some(cx.waker().clone());
        }
    }
}
