//! The link to one other node: who dials, when again, and what it shows of the other's life. And, where a link is missing, whom to ask to pass calls on.
//!
//! Of two nodes the one with the lower name dials, always, so that two streams never have to be told apart. The other one only probes whether anyone
//! listens there at all, since a refusal is the surest sign of a death. The shell dials, probes, reads, writes and pings; this says when.
//!
//! # Invariants
//! * **N1** Only the dialler dials, only the other probes; one attempt at a time, and after a failure no sooner than the back-off, which doubles up to
//!   [`RETRY_MOST`]. Only the first attempt after a link that was heard closed is immediate.
//! * **N2** A link on which nothing was read for [`READ_IDLE`] is closed by this side; one that is silent for [`SILENT_AFTER`] shows silence long before.
//! * **N3** *Gone* is shown only while the other's machine refused the last attempt, or once a newer boot was heard.
//! * **N4** Streams of an earlier boot than the newest seen are refused.

use std::time::Duration;

use videorooms_domain::{NodeId, NodeIncarnation};

use crate::membership::Evidence;
use crate::time::Instant;

/// A ping goes out this often.
pub const PING_EVERY: Duration = Duration::from_millis(100);
/// Nothing was read for so long: the other is silent, though the link stands.
pub const SILENT_AFTER: Duration = Duration::from_millis(300);
/// Nothing was read for so long: the link is closed.
pub const READ_IDLE: Duration = Duration::from_secs(3);
/// An attempt that takes longer has failed, in silence.
pub const DIAL_WITHIN: Duration = Duration::from_secs(2);
/// The first wait after a failed attempt.
pub const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest wait between attempts.
pub const RETRY_MOST: Duration = Duration::from_secs(2);

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DialError {
    /// Nobody listens there: the process is gone.
    Refused,
    /// No answer, or an answer that was no handshake.
    Failed,
}

/// What the shell must do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkAction {
    /// Dial, and say what came of it.
    Dial,
    /// Connect, see whether anyone listens, and close again.
    Probe,
    /// Give up the attempt.
    Abandon,
    /// Send a ping; it says whether this node reaches the store.
    Ping,
    /// Close the stream.
    Close,
}

/// The link from this node to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    dials: bool,
    peer: NodeId,
    /// The newest boot that was heard.
    boot: Option<u64>,
    state: State,
    wait: Duration,
    /// Nobody listened at the last attempt.
    is_refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Closed { retry: Instant },
    Trying { since: Instant },
    Up { heard: Instant, ping: Instant },
}

impl Link {
    /// A link that is to be made at once.
    #[must_use]
    pub fn new(me: &NodeId, peer: NodeId, now: Instant) -> Self {
        Self {
            dials: *me < peer,
            peer,
            boot: None,
            state: State::Closed { retry: now },
            wait: Duration::ZERO,
            is_refused: false,
        }
    }

    /// Is there a stream.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// What the link shows of this boot.
    #[must_use]
    pub fn evidence(&self, now: Instant, incarnation: u64) -> Evidence {
        let is_newer = self.boot.is_some_and(|boot| boot > incarnation);
        match self.state {
            _ if is_newer => Evidence::Gone,
            State::Up { heard, .. } if now.since(heard) < SILENT_AFTER => Evidence::Answering,
            State::Up { .. } => Evidence::Silent,
            State::Closed { .. } | State::Trying { .. } if self.is_refused => Evidence::Gone,
            State::Closed { .. } | State::Trying { .. } => Evidence::Silent,
        }
    }

    /// A stream is there whose other end proved to be this boot of the peer; is it taken.
    pub fn opened(&mut self, now: Instant, other: &NodeIncarnation) -> bool {
        let is_earlier = self.boot.is_some_and(|boot| boot > other.incarnation);
        if other.node != self.peer || is_earlier {
            return false;
        }
        self.boot = Some(other.incarnation);
        self.is_refused = false;
        self.state = State::Up {
            heard: now,
            ping: now,
        };
        true
    }

    /// A probe found someone who listens.
    pub fn probed(&mut self, now: Instant) {
        if matches!(self.state, State::Trying { .. }) {
            self.is_refused = false;
            self.back_off(now);
        }
    }

    /// A dial or a probe failed.
    pub fn failed(&mut self, now: Instant, error: DialError) {
        if matches!(self.state, State::Trying { .. }) {
            self.is_refused = error == DialError::Refused;
            self.back_off(now);
        }
    }

    /// Something was read, a ping's answer or anything else.
    pub fn heard(&mut self, now: Instant) {
        if let State::Up { heard, .. } = &mut self.state {
            *heard = now;
            self.wait = Duration::ZERO;
        }
    }

    /// The stream ended.
    pub fn closed(&mut self, now: Instant) {
        if self.is_up() {
            self.back_off(now);
        }
    }

    /// Looks at the clock.
    pub fn poll(&mut self, now: Instant) -> Option<LinkAction> {
        match &mut self.state {
            State::Closed { retry } if now >= *retry => {
                self.state = State::Trying { since: now };
                Some(if self.dials {
                    LinkAction::Dial
                } else {
                    LinkAction::Probe
                })
            }
            State::Trying { since } if now.since(*since) >= DIAL_WITHIN => {
                self.is_refused = false;
                self.back_off(now);
                Some(LinkAction::Abandon)
            }
            State::Up { heard, .. } if now.since(*heard) >= READ_IDLE => {
                self.back_off(now);
                Some(LinkAction::Close)
            }
            State::Up { ping, .. } if now >= *ping => {
                *ping = now.after(PING_EVERY);
                Some(LinkAction::Ping)
            }
            State::Closed { .. } | State::Trying { .. } | State::Up { .. } => None,
        }
    }

    fn back_off(&mut self, now: Instant) {
        let retry = now.after(self.wait);
        self.state = State::Closed { retry };
        self.wait = (self.wait * 2).clamp(RETRY_FIRST, RETRY_MOST);
    }
}

/// The neighbour that passes calls on to a node to which there is no link: the first by name that answers both. None: the call is refused as
/// *unavailable*. `answers(of, to)` says whether the link of one to the other answers, as far as is known.
pub fn relay<'a>(
    me: &NodeId,
    to: &NodeId,
    nodes: impl IntoIterator<Item = &'a NodeId>,
    answers: impl Fn(&NodeId, &NodeId) -> bool,
) -> Option<&'a NodeId> {
    nodes
        .into_iter()
        .filter(|node| *node != me && *node != to && answers(me, node) && answers(node, to))
        .min()
}

#[cfg(test)]
mod tests;
