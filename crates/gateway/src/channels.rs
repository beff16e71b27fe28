//! Channels of one socket: which topics are joined, under which `join_ref`, and in which order their requests are answered.
//!
//! A channel handles requests as they come and lets slow ones run beside each other; its replies leave in the order of the requests. A frame
//! for a topic whose join is still under way waits for it. What a kind of topic does with a frame is in its own file.

pub(crate) mod debug;
mod refusal;
pub(crate) mod room;
pub(crate) mod sfu;
pub(crate) mod translate;

use std::collections::VecDeque;
use std::task::{Context, Poll};

use serde_json::value::RawValue;
use videorooms_domain::{ConnectionId, ParticipantId};
use videorooms_protocol::frame::{self, Status};
use videorooms_protocol::{ErrorReply, Reason, Ref};
use videorooms_rooms::CloseReason;

pub(crate) use refusal::{
    rate_limited, refused, refused_by_media, refused_by_password, refused_by_room, rejected,
};

/// Frames that may wait for a join.
const MAX_BACKLOG: usize = 32;

/// A client's frame that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) join_ref: Option<Ref>,
    pub(crate) r#ref: Option<Ref>,
    pub(crate) event: Box<str>,
    pub(crate) payload: Box<RawValue>,
}

/// Names a channel within its socket: a topic joined again is another channel.
pub(crate) type ChannelId = u64;

/// The answer to one request.
pub(crate) type Answer = Result<Box<RawValue>, ErrorReply>;

/// One joined topic.
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) topic: Box<str>,
    pub(crate) join_ref: Option<Ref>,
    pub(crate) kind: Kind,
    pub(crate) replies: Replies,
    /// The membership is over; the channel goes when all is answered.
    pub(crate) ending: Option<CloseReason>,
}

/// What is behind a topic.
pub(crate) enum Kind {
    /// The join is under way.
    Joining {
        /// Ref of the join.
        r#ref: Option<Ref>,
        /// What came meanwhile.
        backlog: Vec<Kept>,
        /// The channel that this one replaces, to be closed after the answer.
        replaces: Option<Box<Channel>>,
    },
    /// `room:<id>`.
    Room(Box<room::RoomChannel>),
    /// `sfu:<id>`.
    Sfu(Box<sfu::SfuChannel>),
    /// `debug:logs`.
    Logs(debug::LogsChannel),
    /// Nothing any more: about to be closed.
    Gone,
}

/// Something that a channel's own source has for its client.
pub(crate) enum Heard {
    /// Of the media server.
    Media(Option<videorooms_sfu::SignalEvent>),
    /// Of the log.
    Logs(Option<videorooms_debug::Batch>),
}

impl Channel {
    /// Keeps a frame until the join is answered; `false`: there are too many.
    pub(crate) fn keep(&mut self, kept: Kept) -> bool {
        match &mut self.kind {
            Kind::Joining { backlog, .. } if backlog.len() < MAX_BACKLOG => {
                backlog.push(kept);
                true
            }
            Kind::Joining { .. } | Kind::Room(_) | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => false,
        }
    }

    /// Requests whose answer waits for something.
    pub(crate) fn unanswered(&self) -> usize {
        let kept = match &self.kind {
            Kind::Joining { backlog, .. } => backlog.len(),
            Kind::Room(_) | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => 0,
        };
        self.replies.waiting.len() + kept
    }

    /// The attachment of a room's channel.
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match &self.kind {
            Kind::Room(room) => Some(room.membership().connection),
            Kind::Joining { .. } | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => None,
        }
    }

    /// Whose room's channel it is.
    pub(crate) fn participant(&self) -> Option<ParticipantId> {
        match &self.kind {
            Kind::Room(room) => Some(room.membership().participant),
            Kind::Joining { .. } | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => None,
        }
    }

    /// Does a message with this `join_ref` mean this channel. None means whichever is there.
    pub(crate) fn is_meant_by(&self, join_ref: Option<&Ref>) -> bool {
        join_ref.is_none_or(|join_ref| self.join_ref.as_ref() == Some(join_ref))
    }

    /// Waits for what the channel's own source says.
    pub(crate) fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        match &mut self.kind {
            Kind::Sfu(sfu) => sfu.poll_event(cx).map(Heard::Media),
            Kind::Logs(logs) => logs.poll_batch(cx).map(Heard::Logs),
            Kind::Joining { .. } | Kind::Room(_) | Kind::Gone => Poll::Pending,
        }
    }

    pub(crate) fn reply(&self, r#ref: Option<&Ref>, answer: &Answer) -> String {
        reply(self.join_ref.as_ref(), r#ref, &self.topic, answer)
    }

    /// The reply that grants a request, encoded once.
    pub(crate) fn grant(&self, r#ref: Option<&Ref>, response: &impl serde::Serialize) -> String {
        frame::reply(self.join_ref.as_ref(), r#ref, &self.topic, Status::Ok, response)
    }

    pub(crate) fn push(&self, event: &str, payload: &(impl serde::Serialize + ?Sized)) -> String {
        frame::push(self.join_ref.as_ref(), &self.topic, event, payload)
    }

    pub(crate) fn phx_error(&self, reason: &str) -> String {
        frame::phx_error(self.join_ref.as_ref(), &self.topic, reason)
    }

    pub(crate) fn phx_close(&self) -> String {
        frame::phx_close(self.join_ref.as_ref(), &self.topic)
    }
}

/// The frame that answers a request.
pub(crate) fn reply(join_ref: Option<&Ref>, r#ref: Option<&Ref>, topic: &str, answer: &Answer) -> String {
    match answer {
        Ok(response) => frame::reply(join_ref, r#ref, topic, Status::Ok, response),
        Err(refusal) => frame::reply(join_ref, r#ref, topic, Status::Error, refusal),
    }
}

/// An answer of ours as JSON.
pub(crate) fn answer(response: &impl serde::Serialize) -> Answer {
    Ok(raw(response))
}

fn raw(response: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(response).expect("answers are structs of text and numbers")
}

/// Phoenix's answer for a topic that is unknown or not joined.
pub(crate) fn unmatched() -> ErrorReply {
    ErrorReply::new(Reason::UnmatchedTopic, "no such topic, or it is not joined")
}

/// Replies of a channel in the order of its requests.
#[derive(Default)]
pub(crate) struct Replies {
    first: u64,
    waiting: VecDeque<(Option<Ref>, Option<Answer>)>,
}

impl Replies {
    /// Takes a place in the order.
    pub(crate) fn ticket(&mut self, r#ref: Option<Ref>) -> u64 {
        self.waiting.push_back((r#ref, None));
        self.first + self.waiting.len() as u64 - 1
    }

    /// The request of that place is answered.
    pub(crate) fn settle(&mut self, ticket: u64, answer: Answer) {
        let place = ticket
            .checked_sub(self.first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some((_, settled)) = place.and_then(|place| self.waiting.get_mut(place)) {
            *settled = Some(answer);
        }
    }

    /// The next reply that may leave.
    pub(crate) fn next(&mut self) -> Option<(Option<Ref>, Answer)> {
        self.waiting.front()?.1.as_ref()?;
        let (r#ref, answer) = self.waiting.pop_front()?;
        self.first += 1;
        answer.map(|answer| (r#ref, answer))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_leave_in_the_order_of_the_requests() {
        let mut replies = Replies::default();
        let done = || answer(&serde_json::json!({}));
        let tickets: Vec<_> = ["1", "2", "3"]
            .map(|r#ref| replies.ticket(Some(r#ref.into())))
            .into();
        replies.settle(tickets[1], done());
        assert!(replies.next().is_none(), "the first is not answered yet");
        replies.settle(tickets[0], done());
        let left: Vec<_> = std::iter::from_fn(|| replies.next())
            .map(|(r#ref, _)| r#ref)
            .collect();
        assert_eq!(left, [Some("1".into()), Some("2".into())]);
        replies.settle(tickets[2], done());
        assert!(replies.next().is_some() && replies.is_empty());
    }
}
