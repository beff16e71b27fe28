//! One WebSocket: reads frames, routes them to its channels, answers. One task a socket.
//!
//! The socket itself answers heartbeats, joins and leaves; nothing slow is awaited in its loop, so a slow room delays nobody but its own
//! channel. All that is said goes through the outbox, so order is order of pushing; who writes it is the outbox's business, and as a rule not
//! this task's.

mod conversation;
mod flushers;
pub(crate) mod heartbeat;
pub(crate) mod outbox;
mod registry;
mod upgrade;
pub(crate) mod wire;
mod work;

use std::future::poll_fn;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::metrics as names;
use crate::state::GatewayState;
use conversation::Conversation;
pub(crate) use flushers::Flushers;
use heartbeat::{Beat, Heartbeat};
use outbox::{Class, Closing, Due, Item, Outbox, SLOW};
pub(crate) use registry::Sockets;
use registry::{Place, Reserved};
pub(crate) use upgrade::{is_own_origin, upgrade};
use wire::{Wire, close_frame, ping_frame};
use work::Done;

/// Requests of one socket that may be under way; past it the socket is not read.
const MAX_IN_FLIGHT: usize = 32;
/// Frames read in a row before it is the turn of the rest.
const MAX_READ: usize = 32;
/// What a socket that is sent away still waits for: replies to what was under way.
const LEAVE_DEADLINE: std::time::Duration = std::time::Duration::from_secs(1);

/// What the upgrade learned of the client.
pub(crate) struct Client {
    /// Of the client itself, not of a proxy.
    pub(crate) address: std::net::IpAddr,
    /// The address of this machine at which it came in, unless a proxy stands between.
    pub(crate) reached: Option<std::net::IpAddr>,
    /// It sits at this machine: what is open there is open to it.
    pub(crate) is_local: bool,
    /// Of an operator's session; whether it is still valid is seen when it is used.
    pub(crate) operator_cookie: Option<Arc<str>>,
    /// The socket's own credential.
    pub(crate) auth_token: Option<Arc<str>>,
}

/// Serves a socket, in a task of its own.
pub(crate) async fn serve(
    state: GatewayState,
    stream: TcpStream,
    early: Vec<u8>,
    client: Client,
    place: Reserved,
) {
    let (read, write) = stream.into_split();
    let config = &state.config().socket;
    let outbox = Outbox::new(config, Box::new(write), Arc::clone(state.flushers()));
    let connection = Box::new(Connection {
        _place: place.enter(&outbox),
        heartbeat: Heartbeat::start(config),
        wire: Wire::new(read, Arc::clone(&outbox), early).await,
        talk: Conversation::new(state.clone(), Arc::clone(&outbox), client),
        outbox,
        work: FuturesUnordered::new(),
        leaving: None,
        state,
    });
    drop(tokio::spawn(connection.run()));
}

struct Connection {
    state: GatewayState,
    wire: Wire,
    outbox: Arc<Outbox>,
    talk: Conversation,
    work: FuturesUnordered<work::Work>,
    heartbeat: Heartbeat,
    /// When it goes at the latest, once it was asked to.
    leaving: Option<Instant>,
    _place: Place,
}

/// What woke the socket up.
enum Woken {
    Due(Due),
    Done(Done),
    Heard(crate::channels::ChannelId, crate::channels::Heard),
    Frame(Option<Result<Message, Error>>),
    Beat(Beat),
    /// Its time to leave has come.
    Leave,
}

impl Connection {
    async fn run(mut self: Box<Self>) {
        let end = loop {
            let woken = self.wake().await;
            if let Err(end) = self.react(woken).await {
                break end;
            }
            self.leave_when_done();
        };
        if let Some(closing) = end {
            metrics::counter!(names::SOCKETS_CLOSED, "why" => closing.why).increment(1);
            drop(tokio::time::timeout(GOODBYE, self.close(closing)).await);
        }
    }

    async fn wake(&mut self) -> Woken {
        let Self {
            wire,
            outbox,
            talk,
            work,
            heartbeat,
            leaving,
            ..
        } = self;
        let idle = work.is_empty();
        let readable =
            leaving.is_none() && work.len() < MAX_IN_FLIGHT && !talk.is_full() && !outbox.is_crowded();
        let patience = async {
            match *leaving {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            beat = heartbeat.next() => Woken::Beat(beat),
            Some(done) = work.next(), if !idle => Woken::Done(done),
            (channel, heard) = poll_fn(|cx| talk.poll_sources(cx)) => Woken::Heard(channel, heard),
            frame = wire.next(), if readable => Woken::Frame(frame),
            due = poll_fn(|cx| outbox.poll_due(cx)) => Woken::Due(due),
            () = patience => Woken::Leave,
        }
    }

    async fn react(&mut self, woken: Woken) -> Result<(), Option<Closing>> {
        match woken {
            Woken::Due(due) => self.due(due).await,
            Woken::Done(done) => {
                self.talk.done(done, &mut self.work);
                Ok(())
            }
            Woken::Heard(channel, heard) => {
                self.talk.heard(channel, heard);
                Ok(())
            }
            Woken::Frame(Some(Ok(frame))) => self.frames(frame),
            Woken::Frame(Some(Err(error))) => Err(too_large(&error)),
            Woken::Frame(None) => Err(None),
            Woken::Leave => {
                self.outbox.close(SENT_AWAY);
                Ok(())
            }
            Woken::Beat(Beat::Ping) => {
                self.outbox.push(Item::Frame(ping_frame()), Class::Needed);
                Ok(())
            }
            Woken::Beat(Beat::Gone) => Err(Some(GONE)),
            Woken::Beat(Beat::Idle) => Err(Some(Closing {
                code: PROTOCOL_ERROR,
                flush: false,
                why: "idle",
            })),
        }
    }

    async fn due(&mut self, due: Due) -> Result<(), Option<Closing>> {
        match due {
            Due::Notice(connection, notice) => {
                self.talk.noticed(connection, notice);
                Ok(())
            }
            Due::Unblock => {
                let deadline = self.state.config().socket.write_deadline;
                match tokio::time::timeout(deadline, self.outbox.unblock()).await {
                    Ok(unblocked) => unblocked.map_err(|_| None),
                    Err(_) => Err(Some(SLOW)),
                }
            }
            Due::Room => Ok(()),
            Due::Leave => {
                self.leaving = Some(Instant::now() + LEAVE_DEADLINE);
                Ok(())
            }
            Due::End(closing) => Err(Some(closing)),
        }
    }

    /// Handles a frame and those that are there already behind it.
    fn frames(&mut self, first: Message) -> Result<(), Option<Closing>> {
        self.frame(first)?;
        for _ in 1..MAX_READ {
            if self.work.len() >= MAX_IN_FLIGHT {
                break;
            }
            match self.wire.next().now_or_never() {
                None => break,
                Some(Some(Ok(frame))) => self.frame(frame)?,
                Some(Some(Err(error))) => return Err(too_large(&error)),
                Some(None) => return Err(None),
            }
        }
        Ok(())
    }

    /// A socket that was asked to go does so once nothing is under way.
    fn leave_when_done(&self) {
        if self.leaving.is_some() && self.work.is_empty() {
            self.outbox.close(SENT_AWAY);
        }
    }

    fn frame(&mut self, message: Message) -> Result<(), Option<Closing>> {
        self.heartbeat.heard();
        let read = match message {
            Message::Text(text) => {
                self.heartbeat.spoke();
                self.talk.text(&text, &mut self.work)
            }
            Message::Binary(bytes) => {
                self.heartbeat.spoke();
                self.talk.binary(&bytes)
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
            Message::Close(_) => return Err(Some(LEFT)),
        };
        read.map_err(Some)
    }

    /// Ends in good order: what has to be written first, the goodbye, and then the client's own, for until then the connection must not be
    /// reset under what it still has to read.
    async fn close(&mut self, closing: Closing) {
        // Memberships are over now, not when the client has taken its goodbye.
        self.talk.end_all();
        self.work.clear();
        self.outbox.close(closing);
        let closing = loop {
            match poll_fn(|cx| self.outbox.poll_due(cx)).await {
                Due::End(closing) => break closing,
                Due::Unblock if self.outbox.unblock().await.is_err() => return,
                Due::Unblock | Due::Notice(..) | Due::Room | Due::Leave => {}
            }
        };
        let goodbye = close_frame(closing.code, closing.why);
        if self.outbox.say_last(goodbye).await.is_ok() {
            self.wire.hung_up().await;
        }
    }
}

/// The client is to come back at once.
const SENT_AWAY: Closing = Closing {
    code: outbox::RESTART,
    flush: true,
    why: "restart",
};
/// The client is not there any more.
const GONE: Closing = Closing {
    code: GOING_AWAY,
    flush: false,
    why: "gone",
};
/// The client said goodbye.
const LEFT: Closing = Closing {
    code: NORMAL,
    flush: true,
    why: "left",
};
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
/// As Phoenix ends a socket on a frame that it cannot read.
pub(crate) const MALFORMED: u16 = 1011;
pub(crate) const TOO_LARGE: u16 = 1009;

/// The one error of reading that deserves a close code; after all others there is nobody to tell.
fn too_large(error: &Error) -> Option<Closing> {
    matches!(error, Error::Capacity(_)).then_some(Closing {
        code: TOO_LARGE,
        flush: false,
        why: "too_large",
    })
}
