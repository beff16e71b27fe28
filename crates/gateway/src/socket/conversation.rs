//! What is said on one socket: Phoenix's rules of joining, leaving and answering (see `docs/protocol.md`). No I/O: frames come in, frames go to
//! the outbox, and what takes time becomes work.

mod joining;
mod pace;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::value::RawValue;
use videorooms_domain::ConnectionId;
use videorooms_protocol::binary::BinaryPush;
use videorooms_protocol::frame::Empty;
use videorooms_protocol::log::LogBatch;
use videorooms_protocol::room::{Kicked, LobbyRefused};
use videorooms_protocol::{ErrorReply, Frame, Reason, Ref, Topic, control, log};
use videorooms_rooms::CloseReason;

use super::outbox::{Class, Closing, Item, Notice, Outbox};
use super::work::{Done, Work};
use super::{Client, MALFORMED, TOO_LARGE};
use crate::channels::{self, Answer, Channel, ChannelId, Heard, Kept, Kind, answer, room, sfu};
use crate::state::GatewayState;
use pace::Pace;

/// Longest frame, of text or binary, on any topic but `sfu:*`, whose bound is the WebSocket's own.
const FRAME_BYTES: usize = 64 << 10;
/// Requests of one socket that may wait for their answer, in their order; far fewer than the outbox takes when they are answered at once.
const MAX_UNANSWERED: usize = 64;

pub(super) struct Conversation {
    state: GatewayState,
    outbox: Arc<Outbox>,
    client: Client,
    pace: Pace,
    channels: Vec<Channel>,
    next_channel: ChannelId,
}

impl Conversation {
    pub(super) fn new(state: GatewayState, outbox: Arc<Outbox>, client: Client) -> Self {
        Self {
            pace: Pace::rested(&state.config().limits, Instant::now()),
            state,
            outbox,
            client,
            channels: Vec::new(),
            next_channel: 0,
        }
    }

    /// A text frame of the client.
    pub(super) fn text(&mut self, text: &str, work: &mut FuturesUnordered<Work>) -> Result<(), Closing> {
        let frame = Frame::parse(text).map_err(|_| malformed())?;
        if text.len() > FRAME_BYTES && !matches!(Topic::parse(&frame.topic), Some(Topic::Sfu(_))) {
            return Err(too_large());
        }
        if let Err(refusal) = self.pace.frame(&self.state.config().limits) {
            self.refuse(&frame, refusal);
            return Ok(());
        }
        match &*frame.event {
            control::HEARTBEAT if frame.topic == "phoenix" => {
                self.say_reply(None, frame.r#ref.as_ref(), "phoenix", &answer(&Empty {}));
            }
            control::JOIN => self.knock(&frame, work),
            _ => self.for_channel(&frame, work),
        }
        Ok(())
    }

    /// A binary frame of the client. None of our events takes binary data.
    pub(super) fn binary(&mut self, bytes: &[u8]) -> Result<(), Closing> {
        if bytes.len() > FRAME_BYTES {
            return Err(too_large());
        }
        let push = BinaryPush::parse(bytes).map_err(|_| malformed())?;
        if let Err(refusal) = self.pace.frame(&self.state.config().limits) {
            let refusal = Err(channels::refused(refusal));
            self.say_reply(push.join_ref.as_ref(), push.r#ref.as_ref(), push.topic, &refusal);
            return Ok(());
        }
        match self.channels.iter().find(|channel| *channel.topic == *push.topic) {
            Some(channel) if !channel.is_meant_by(push.join_ref.as_ref()) => {}
            Some(channel) => {
                let refusal = ErrorReply::new(Reason::Unsupported, "no event takes binary data");
                let frame = channel.reply(push.r#ref.as_ref(), &Err(channels::refused(refusal)));
                self.say(frame);
            }
            None => self.say_reply(
                None,
                push.r#ref.as_ref(),
                push.topic,
                &Err(channels::refused(channels::unmatched())),
            ),
        }
        Ok(())
    }

    /// So much waits for its answer that the socket is to be read no further.
    pub(super) fn is_full(&self) -> bool {
        self.channels.iter().map(Channel::unanswered).sum::<usize>() >= MAX_UNANSWERED
    }

    fn for_channel(&mut self, frame: &Frame<'_>, work: &mut FuturesUnordered<Work>) {
        let Some(index) = self
            .channels
            .iter()
            .position(|channel| *channel.topic == *frame.topic)
        else {
            return self.unmatched(frame);
        };
        let channel = &mut self.channels[index];
        if !channel.is_meant_by(frame.join_ref.as_ref()) {
            return;
        }
        if matches!(channel.kind, Kind::Joining { .. }) {
            if !channel.keep(kept(frame)) {
                let refusal = ErrorReply::new(Reason::RateLimited, "too much before the join is answered");
                let frame = channel.reply(frame.r#ref.as_ref(), &Err(channels::refused(refusal)));
                self.say(frame);
            }
            return;
        }
        self.handle(index, frame.r#ref.clone(), &frame.event, frame.payload, work);
    }

    fn unmatched(&mut self, frame: &Frame<'_>) {
        if frame.event == control::LEAVE {
            let join_ref = frame.join_ref.as_ref();
            return self.say_reply(join_ref, frame.r#ref.as_ref(), &frame.topic, &answer(&Empty {}));
        }
        let refusal = Err(channels::refused(channels::unmatched()));
        self.say_reply(None, frame.r#ref.as_ref(), &frame.topic, &refusal);
    }

    /// A frame for a channel that is joined.
    fn handle(
        &mut self,
        index: usize,
        r#ref: Option<Ref>,
        event: &str,
        payload: &RawValue,
        work: &mut FuturesUnordered<Work>,
    ) {
        if event == control::LEAVE {
            let channel = self.channels.remove(index);
            self.say(channel.reply(r#ref.as_ref(), &answer(&Empty {})));
            return self.end(channel);
        }
        let refusal = self.refused_at_the_door(index);
        let channel = &mut self.channels[index];
        let ticket = channel.replies.ticket(r#ref);
        let id = channel.id;
        if let Err(refusal) = refusal {
            return self.settle(index, ticket, Err(refusal));
        }
        let now = match &mut channel.kind {
            Kind::Room(member) => match member.handle(event, payload) {
                room::Handled::Now(answer) => Some(answer),
                room::Handled::Later(asked) => {
                    let (state, membership) = (self.state.clone(), member.membership());
                    let asking = room::ask(state, membership.room, membership.participant, asked);
                    work.push(
                        asking
                            .map(move |answer| Done::Reply {
                                channel: id,
                                ticket,
                                answer,
                            })
                            .boxed(),
                    );
                    None
                }
            },
            Kind::Sfu(sfu) => match sfu.handle(event, payload.get()) {
                Err(refusal) => Some(Err(refusal)),
                Ok(asking) => {
                    work.push(
                        asking
                            .map(move |answer| Done::Reply {
                                channel: id,
                                ticket,
                                answer,
                            })
                            .boxed(),
                    );
                    None
                }
            },
            Kind::Logs(_) => Some(Err(ErrorReply::new(
                Reason::Unsupported,
                "this topic only speaks",
            ))),
            // Frames for it are kept before they come here; what is gone is no longer among the channels.
            Kind::Joining { .. } | Kind::Gone => None,
        };
        if let Some(answer) = now {
            self.settle(index, ticket, answer);
        }
    }

    /// What no channel has to be asked for: a membership that is over says nothing, and signalling has a rate and lives on a membership.
    fn refused_at_the_door(&mut self, index: usize) -> Result<(), ErrorReply> {
        let channel = &self.channels[index];
        let over = || ErrorReply::new(Reason::NotJoined, "the membership is over");
        if channel.ending.is_some() {
            return Err(over());
        }
        if let Some(Topic::Sfu(room)) = Topic::parse(&channel.topic) {
            if self.is_ending(room) {
                return Err(over());
            }
            self.pace.signalling(&self.state.config().limits)?;
        }
        Ok(())
    }

    /// Is the membership of this room over, but not all of it answered yet.
    fn is_ending(&self, room: &str) -> bool {
        let mut ending = self.channels.iter().filter(|channel| channel.ending.is_some());
        ending.any(|channel| Topic::parse(&channel.topic) == Some(Topic::Room(room)))
    }

    /// Work has ended.
    pub(super) fn done(&mut self, done: Done, work: &mut FuturesUnordered<Work>) {
        match done {
            Done::Reply {
                channel,
                ticket,
                answer,
            } => {
                if let Some(index) = self.position(channel) {
                    self.settle(index, ticket, answer);
                }
            }
            Done::Room(channel, entered) => self.room_joined(channel, *entered, work),
            Done::Sfu(channel, joined) => self.sfu_joined(channel, *joined, work),
        }
    }

    fn settle(&mut self, index: usize, ticket: u64, answer: Answer) {
        let channel = &mut self.channels[index];
        channel.replies.settle(ticket, answer.map_err(channels::refused));
        while let Some((r#ref, answer)) = channel.replies.next() {
            let frame = channel.reply(r#ref.as_ref(), &answer);
            self.outbox.push(Item::text(frame), Class::Needed);
        }
        if let (Some(why), true) = (channel.ending, channel.replies.is_empty()) {
            self.finish(index, why);
        }
    }

    /// The hub has something for a room channel, in its place among the frames.
    pub(super) fn noticed(&mut self, connection: ConnectionId, notice: Notice) {
        let is_theirs = |channel: &Channel| matches!(&channel.kind, Kind::Room(member) if member.membership().connection == connection);
        let Some(index) = self.channels.iter().position(is_theirs) else {
            return;
        };
        match notice {
            Notice::Lobby { admitted: true } => {
                let frame = self.channels[index].push("lobby_admitted", &Empty {});
                self.say(frame);
            }
            Notice::Lobby { admitted: false } => self.turned_away(index, "refused"),
            Notice::ResumeRotated => {
                let channel = &mut self.channels[index];
                let Kind::Room(member) = &mut channel.kind else {
                    return;
                };
                if let Some(fresh) = member.take_fresh_resume() {
                    let frame = channel.push("resume", &fresh);
                    self.say(frame);
                }
            }
            Notice::Closed(why) => {
                let channel = &mut self.channels[index];
                channel.ending = Some(why);
                if channel.replies.is_empty() {
                    self.finish(index, why);
                }
            }
        }
    }

    fn turned_away(&mut self, index: usize, reason: &'static str) {
        let channel = self.channels.remove(index);
        self.say(channel.push("lobby_refused", &LobbyRefused { reason }));
        self.end(channel);
    }

    /// A membership has ended and nothing is left to answer.
    fn finish(&mut self, index: usize, why: CloseReason) {
        if matches!(&self.channels[index].kind, Kind::Room(member) if member.waiting) {
            return self.turned_away(index, "ended");
        }
        let channel = self.channels.remove(index);
        match why {
            CloseReason::Kicked { by, banned } => {
                self.say(channel.push(
                    "kicked",
                    &Kicked {
                        by: by.map(|by| by.to_string()),
                        banned,
                    },
                ));
            }
            CloseReason::Left | CloseReason::Ended => {}
        }
        self.end(channel);
    }

    /// Closes a channel that was taken out, and the signalling that lives on it.
    fn end(&mut self, channel: Channel) {
        self.say(channel.phx_close());
        self.end_signalling(&channel.topic);
    }

    /// Closes the signalling that lives on a room's channel.
    fn end_signalling(&mut self, topic: &str) {
        if let Some(Topic::Room(room)) = Topic::parse(topic) {
            let signalling = Topic::Sfu(room).to_string();
            if let Some(index) = self.channels.iter().position(|other| *other.topic == *signalling) {
                let signalling = self.channels.remove(index);
                self.say(signalling.phx_close());
            }
        }
    }

    /// Gives all memberships up, without a word to the client.
    pub(super) fn end_all(&mut self) {
        self.channels.clear();
    }

    /// What channels hear of their own sources.
    pub(super) fn poll_sources(&mut self, cx: &mut Context<'_>) -> Poll<(ChannelId, Heard)> {
        for channel in &mut self.channels {
            if let Poll::Ready(heard) = channel.poll_source(cx) {
                return Poll::Ready((channel.id, heard));
            }
        }
        Poll::Pending
    }

    pub(super) fn heard(&mut self, channel: ChannelId, heard: Heard) {
        let Some(index) = self.position(channel) else {
            return;
        };
        let channel = &self.channels[index];
        let frame = match heard {
            Heard::Media(Some(event)) => sfu::push(channel, event),
            Heard::Logs(Some(batch)) => {
                let batch = LogBatch {
                    records: batch.records.to_vec(),
                    dropped: batch.dropped,
                };
                channel.push(log::LOGS, &batch)
            }
            Heard::Logs(None) => {
                let channel = self.channels.remove(index);
                channel.phx_error("over")
            }
            Heard::Media(None) => return,
        };
        self.say(frame);
    }

    fn position(&self, channel: ChannelId) -> Option<usize> {
        self.channels.iter().position(|each| each.id == channel)
    }

    /// A refusal before any channel is asked.
    fn refuse(&self, frame: &Frame<'_>, refusal: ErrorReply) {
        // A join without a join_ref goes by its ref.
        let by_ref = (frame.event == control::JOIN)
            .then_some(frame.r#ref.as_ref())
            .flatten();
        let join_ref = frame.join_ref.as_ref().or(by_ref);
        let refusal = Err(channels::refused(refusal));
        self.say_reply(join_ref, frame.r#ref.as_ref(), &frame.topic, &refusal);
    }

    fn say_reply(&self, join_ref: Option<&Ref>, r#ref: Option<&Ref>, topic: &str, answer: &Answer) {
        self.say(channels::reply(join_ref, r#ref, topic, answer));
    }

    fn say(&self, frame: String) {
        // A full outbox ends the socket by itself.
        self.outbox.push(Item::text(frame), Class::Needed);
    }
}

fn kept(frame: &Frame<'_>) -> Kept {
    Kept {
        join_ref: frame.join_ref.clone(),
        r#ref: frame.r#ref.clone(),
        event: (*frame.event).into(),
        payload: frame.payload.to_owned(),
    }
}

fn too_large() -> Closing {
    Closing {
        code: TOO_LARGE,
        flush: true,
        why: "too_large",
    }
}

fn malformed() -> Closing {
    Closing {
        code: MALFORMED,
        flush: true,
        why: "malformed",
    }
}
