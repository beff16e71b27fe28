//! What a socket waits for beside its client: joins and questions, polled in the socket's own task.

use futures_util::future::BoxFuture;
use videorooms_protocol::ErrorReply;

use crate::channels::sfu::SfuChannel;
use crate::channels::{Answer, ChannelId, room};

/// A request under way.
pub(super) type Work = BoxFuture<'static, Done>;

/// A request that has ended.
pub(super) enum Done {
    /// A question to a room or to the media server.
    Reply {
        /// Whose channel.
        channel: ChannelId,
        /// Its place among the channel's replies.
        ticket: u64,
        /// What to answer.
        answer: Answer,
    },
    /// A join of `room:<id>`.
    Room(ChannelId, Box<Result<room::Entered, ErrorReply>>),
    /// A join of `sfu:<id>`.
    Sfu(ChannelId, Box<Result<(SfuChannel, Answer), ErrorReply>>),
}
