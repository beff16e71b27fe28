//! Joins: what is checked at once, what takes time, and what happens when it is done.
//!
//! A topic joined again on the same socket: the former channel hears nothing more, the new join is answered first, and only then the former
//! one is closed under its own `join_ref`, which a client drops as stale. Its membership is let go after the new one stands, so that nobody
//! sees the member vanish in between.

use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::stream::FuturesUnordered;
use serde::de::DeserializeOwned;
use videorooms_domain::RoomId;
use videorooms_protocol::{ErrorReply, Frame, Reason, Ref, Topic, control, presence};

use super::Conversation;
use crate::channels::sfu::SfuChannel;
use crate::channels::{self, Answer, Channel, ChannelId, Kind, Replies, answer, debug, room, sfu};
use crate::limits::prefix;
use crate::socket::work::{Done, Work};

impl Conversation {
    /// A join of the client, if it has not made too many.
    pub(super) fn knock(&mut self, frame: &Frame<'_>, work: &mut FuturesUnordered<Work>) {
        let of_address = |wait| channels::rate_limited("address_joins", wait);
        let taken = self.pace.join(&self.state.config().limits).and_then(|()| {
            let address = prefix(self.client.address);
            let taken = self.state.join_rate().take(address, Instant::now());
            taken.map_err(of_address)
        });
        match taken {
            Ok(()) => self.join(frame, work),
            Err(refusal) => self.refuse(frame, refusal),
        }
    }

    fn join(&mut self, frame: &Frame<'_>, work: &mut FuturesUnordered<Work>) {
        let (topic, r#ref) = (&*frame.topic, frame.r#ref.as_ref());
        let Some(parsed) = Topic::parse(topic).filter(|topic| *topic != Topic::Phoenix) else {
            let refusal = Err(channels::refused(channels::unmatched()));
            return self.say_reply(None, r#ref, topic, &refusal);
        };
        let before = self.channels.iter().position(|channel| &*channel.topic == topic);
        if let Some(index) = before
            && matches!(self.channels[index].kind, Kind::Joining { .. })
        {
            // Joins of one topic are made one after another.
            let taken = self.channels[index].keep(super::kept(frame));
            if !taken {
                self.refuse(frame, ErrorReply::new(Reason::RateLimited, "too many joins"));
            }
            return;
        }
        if before.is_none() && self.channels.len() >= self.state.config().socket.max_channels {
            let refusal = ErrorReply::new(Reason::TooManyChannels, "too many channels joined");
            return self.refuse(frame, refusal);
        }
        let before = before.map(|index| self.channels.remove(index));
        self.start(parsed, frame, before, work);
    }

    fn start(
        &mut self,
        topic: Topic<'_>,
        frame: &Frame<'_>,
        before: Option<Channel>,
        work: &mut FuturesUnordered<Work>,
    ) {
        let id = self.next_channel;
        self.next_channel += 1;
        let started = match topic {
            Topic::Room(name) => self.start_room(id, name, frame, before.as_ref()),
            Topic::Sfu(name) => self.start_sfu(id, name, frame),
            Topic::DebugLogs => Ok(None),
            Topic::Phoenix => Err(channels::unmatched()),
        };
        let mut replaces = before.map(Box::new);
        if let (Topic::Sfu(_) | Topic::DebugLogs, Some(former)) = (topic, replaces.as_mut()) {
            // A peer has one listener: the former lets go before the new one attaches.
            former.kind = Kind::Gone;
        }
        let join_ref = frame.join_ref.clone().or_else(|| frame.r#ref.clone());
        let kind = Kind::Joining {
            r#ref: frame.r#ref.clone(),
            backlog: Vec::new(),
            replaces,
        };
        let topic = (*frame.topic).into();
        self.channels.push(Channel {
            id,
            topic,
            join_ref,
            kind,
            replies: Replies::default(),
            ending: None,
        });
        match started {
            Ok(Some(joining)) => work.push(joining),
            Ok(None) => self.join_logs(id, frame, work),
            Err(refusal) => self.joined(id, Err(refusal), work),
        }
    }

    fn start_room(
        &mut self,
        id: ChannelId,
        name: &str,
        frame: &Frame<'_>,
        before: Option<&Channel>,
    ) -> Result<Option<Work>, ErrorReply> {
        let room = room_id(name)?;
        let params = params(frame)?;
        let knock = room::Knock {
            room,
            replaces: before.and_then(Channel::connection),
            connection: self.state.sockets().next_connection(),
            outbox: self.outbox.clone(),
            auth_token: self.client.auth_token.clone(),
            address: prefix(self.client.address).to_string(),
        };
        let joining = room::join(self.state.clone(), knock, params);
        Ok(Some(
            joining
                .map(move |entered| Done::Room(id, Box::new(entered)))
                .boxed(),
        ))
    }

    fn start_sfu(
        &mut self,
        id: ChannelId,
        name: &str,
        frame: &Frame<'_>,
    ) -> Result<Option<Work>, ErrorReply> {
        let room = room_id(name)?;
        let params = params(frame)?;
        let is_ending = self.is_ending(name);
        let member = self.channels.iter().find_map(|channel| match &channel.kind {
            Kind::Room(member) if member.membership().room == room && !member.waiting => {
                Some(member.membership())
            }
            Kind::Room(_) | Kind::Joining { .. } | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => None,
        });
        let member = member
            .filter(|_| !is_ending)
            .ok_or_else(|| ErrorReply::new(Reason::NotJoined, "join the room first"))?;
        let joining = sfu::join(
            self.state.rooms().clone(),
            room,
            member.participant,
            self.client.reached,
            params,
        );
        Ok(Some(
            joining.map(move |joined| Done::Sfu(id, Box::new(joined))).boxed(),
        ))
    }

    fn join_logs(&mut self, id: ChannelId, frame: &Frame<'_>, work: &mut FuturesUnordered<Work>) {
        let open = self.state.config().open_logs && self.client.is_local;
        let cookie = self.client.operator_cookie.as_deref();
        let joined = params(frame)
            .and_then(|params| debug::join(self.state.log(), self.state.keys(), open, cookie, &params));
        let joined = joined.map(|logs| (Kind::Logs(logs), answer(&videorooms_protocol::frame::Empty {})));
        self.joined(id, joined, work);
    }

    pub(super) fn room_joined(
        &mut self,
        id: ChannelId,
        entered: Result<room::Entered, ErrorReply>,
        work: &mut FuturesUnordered<Work>,
    ) {
        let entered = match entered {
            Ok(entered) => entered,
            Err(refusal) => return self.joined(id, Err(refusal), work),
        };
        let (room, waiting) = (entered.channel.membership().room, entered.channel.waiting);
        let granted = |channel: &Channel, r#ref: Option<&Ref>| channel.grant(r#ref, &entered.joined);
        let Some(index) = self.answer_join(id, granted) else {
            return;
        };
        entered.release();
        let member = (!waiting).then_some(entered.channel.membership().participant);
        let (former, backlog) = self.install(index, Kind::Room(Box::new(entered.channel)));
        let channel = &self.channels[index];
        let topic = channel.topic.clone();
        if !waiting {
            let encode = |state: &serde_json::value::RawValue| channel.push(presence::STATE, state);
            if let Some(frame) = self.state.hub().greet(room, encode) {
                self.say(frame);
            }
        }
        if let Some(former) = former {
            self.say(former.phx_close());
            if former.participant() != member {
                self.end_signalling(&former.topic);
            }
        }
        self.work_off(&topic, backlog, work);
    }

    pub(super) fn sfu_joined(
        &mut self,
        id: ChannelId,
        joined: Result<(SfuChannel, Answer), ErrorReply>,
        work: &mut FuturesUnordered<Work>,
    ) {
        self.joined(
            id,
            joined.map(|(sfu, answer)| (Kind::Sfu(Box::new(sfu)), answer)),
            work,
        );
    }

    /// A join is decided: answer, then close the former channel, then what came meanwhile.
    fn joined(
        &mut self,
        id: ChannelId,
        joined: Result<(Kind, Answer), ErrorReply>,
        work: &mut FuturesUnordered<Work>,
    ) {
        let (kind, answer) = match joined {
            Ok((kind, answer)) => (Some(kind), answer),
            Err(refusal) => (None, Err(channels::refused(refusal))),
        };
        let Some(index) = self.answer_join(id, |channel, r#ref| channel.reply(r#ref, &answer)) else {
            return;
        };
        let topic = self.channels[index].topic.clone();
        let is_granted = kind.is_some();
        let (former, backlog) = self.install(index, kind.unwrap_or(Kind::Gone));
        if !is_granted {
            self.channels.remove(index);
        }
        match former {
            Some(former) if is_granted => self.say(former.phx_close()),
            // Nothing stands in its place, so what lived on it goes, too.
            Some(former) => self.end(*former),
            None => {}
        }
        self.work_off(&topic, backlog, work);
    }

    /// Says the frame that answers a join under way.
    fn answer_join(
        &mut self,
        id: ChannelId,
        encode: impl FnOnce(&Channel, Option<&Ref>) -> String,
    ) -> Option<usize> {
        let index = self.position(id)?;
        let channel = &self.channels[index];
        let Kind::Joining { r#ref, .. } = &channel.kind else {
            return None;
        };
        self.say(encode(channel, r#ref.as_ref()));
        Some(index)
    }

    fn install(&mut self, index: usize, kind: Kind) -> (Option<Box<Channel>>, Vec<channels::Kept>) {
        match std::mem::replace(&mut self.channels[index].kind, kind) {
            Kind::Joining {
                backlog, replaces, ..
            } => (replaces, backlog),
            Kind::Room(_) | Kind::Sfu(_) | Kind::Logs(_) | Kind::Gone => (None, Vec::new()),
        }
    }

    fn work_off(&mut self, topic: &str, backlog: Vec<channels::Kept>, work: &mut FuturesUnordered<Work>) {
        for kept in backlog {
            let frame = Frame {
                join_ref: kept.join_ref,
                r#ref: kept.r#ref,
                topic: topic.into(),
                event: (*kept.event).into(),
                payload: &kept.payload,
            };
            if &*kept.event == control::JOIN {
                self.join(&frame, work)
            } else {
                self.for_channel(&frame, work)
            }
        }
    }
}

fn room_id(name: &str) -> Result<RoomId, ErrorReply> {
    name.parse()
        .map_err(|_| ErrorReply::new(Reason::NotFound, "no such room"))
}

fn params<T: DeserializeOwned>(frame: &Frame<'_>) -> Result<T, ErrorReply> {
    serde_json::from_str(frame.payload.get())
        .map_err(|error| ErrorReply::new(Reason::Invalid, error.to_string()))
}
