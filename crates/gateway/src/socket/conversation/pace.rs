//! How fast one socket may ask, before anything is known of who asks. What a member may say is counted by member, wherever its sockets are.

use std::time::Instant;

use videorooms_protocol::ErrorReply;

use crate::channels::rate_limited;
use crate::config::Limits;
use crate::limits::Bucket;

/// The buckets of one socket.
pub(super) struct Pace {
    frames: Bucket,
    joins: Bucket,
    signalling: Bucket,
}

impl Pace {
    pub(super) fn rested(limits: &Limits, now: Instant) -> Self {
        Self {
            frames: Bucket::full(limits.frames, now),
            joins: Bucket::full(limits.joins, now),
            signalling: Bucket::full(limits.signalling, now),
        }
    }

    /// A frame, whatever it says.
    pub(super) fn frame(&mut self, limits: &Limits) -> Result<(), ErrorReply> {
        let taken = self.frames.take(limits.frames, Instant::now());
        taken.map_err(|wait| rate_limited("frames", wait))
    }

    /// A join: it may reach the store, on behalf of someone who has shown nothing yet.
    pub(super) fn join(&mut self, limits: &Limits) -> Result<(), ErrorReply> {
        let taken = self.joins.take(limits.joins, Instant::now());
        taken.map_err(|wait| rate_limited("joins", wait))
    }

    /// A push on `sfu:*`: eight times as long as others, and work for the media server.
    pub(super) fn signalling(&mut self, limits: &Limits) -> Result<(), ErrorReply> {
        let taken = self.signalling.take(limits.signalling, Instant::now());
        taken.map_err(|wait| rate_limited("signalling", wait))
    }
}
