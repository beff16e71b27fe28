//! One WebSocket: reads frames, routes them to its channels, writes what its outbox holds. One task a socket.
//!
//! The socket itself answers heartbeats, joins and leaves; nothing slow is awaited in its loop, so a slow room delays nobody but its own
//! channel. All that is written goes through the outbox, so order is order of pushing; what waits is written with one flush. Whatever is ready
//! to be read is read before anything is written, and everyone else who is ready gets a turn first: so a reply and the broadcasts of the same
//! moment share one write.

mod conversation;
pub(crate) mod heartbeat;
pub(crate) mod outbox;
mod registry;
mod upgrade;
pub(crate) mod wire;
mod work;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::metrics as names;
use crate::state::GatewayState;
use conversation::Conversation;
use heartbeat::{Beat, Heartbeat};
use outbox::{Closing, Item, Outbox, Taken};
use registry::Reserved;
pub(crate) use registry::Sockets;
pub(crate) use upgrade::{is_own_origin, upgrade};
use wire::Wire;
use work::Done;

/// Requests of one socket that may be under way; past it the socket is not read.
const MAX_IN_FLIGHT: usize = 32;
/// Frames read in a row before it is the turn of what waits to be written.
const MAX_READ: usize = 32;
/// What a socket that is sent away still waits for: replies to what was under way.
const LEAVE_DEADLINE: std::time::Duration = std::time::Duration::from_secs(1);
/// The room of a batch that a burst needed is given back.
const KEPT_BATCH: usize = 16;

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

/// Serves a socket until it ends.
pub(crate) async fn serve(state: GatewayState, wire: Wire<TcpStream>, client: Client, place: Reserved) {
    let outbox = Arc::new(Outbox::new(&state.config().socket));
    let _place = place.enter(&outbox);
    let talk = Conversation::new(state.clone(), Arc::clone(&outbox), client);
    let connection = Connection {
        heartbeat: Heartbeat::start(&state.config().socket),
        wire,
        outbox,
        talk,
        work: FuturesUnordered::new(),
        batch: VecDeque::new(),
        leaving: None,
        state,
    };
    connection.run().await;
}

struct Connection {
    state: GatewayState,
    wire: Wire<TcpStream>,
    outbox: Arc<Outbox>,
    talk: Conversation,
    work: FuturesUnordered<work::Work>,
    heartbeat: Heartbeat,
    batch: VecDeque<Item>,
    /// When it goes at the latest, once it was asked to.
    leaving: Option<Instant>,
}

/// What woke the socket up.
enum Woken {
    Outbox,
    Done(Done),
    Heard(crate::channels::ChannelId, crate::channels::Heard),
    Frame(Option<Result<Message, Error>>),
    Beat(Beat),
    /// Its time to leave has come.
    Leave,
}

impl Connection {
    async fn run(mut self) {
        let end = loop {
            let woken = self.wake().await;
            if let Err(end) = self.react(woken).await {
                break end;
            }
            self.leave_when_done();
        };
        if let Some(closing) = end {
            metrics::counter!(names::SOCKETS_CLOSED, "why" => closing.why).increment(1);
            self.close(closing).await;
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
        let readable = leaving.is_none() && work.len() < MAX_IN_FLIGHT && !talk.is_full();
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
            () = poll_fn(|cx| outbox.poll_ready(cx)) => Woken::Outbox,
            () = patience => Woken::Leave,
        }
    }

    async fn react(&mut self, woken: Woken) -> Result<(), Option<Closing>> {
        match woken {
            Woken::Outbox => self.write().await,
            Woken::Done(done) => {
                self.talk.done(done, &mut self.work);
                Ok(())
            }
            Woken::Heard(channel, heard) => {
                self.talk.heard(channel, heard);
                Ok(())
            }
            Woken::Frame(Some(Ok(frame))) => {
                self.frames(frame)?;
                // A client that never stops talking must be answered all the same.
                if self.outbox.is_empty() {
                    return Ok(());
                }
                self.write().await
            }
            Woken::Frame(Some(Err(error))) => Err(too_large(&error)),
            Woken::Frame(None) => Err(None),
            Woken::Leave => {
                self.outbox.close(SENT_AWAY);
                Ok(())
            }
            Woken::Beat(Beat::Ping) => self.ping().await,
            Woken::Beat(Beat::Gone) => Err(Some(Closing {
                code: GOING_AWAY,
                flush: false,
                why: "gone",
            })),
            Woken::Beat(Beat::Idle) => Err(Some(Closing {
                code: PROTOCOL_ERROR,
                flush: false,
                why: "idle",
            })),
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
            Message::Close(_) => return Err(None),
        };
        read.map_err(Some)
    }

    /// Writes all that waits, with one flush; gives up when the client takes nothing.
    async fn write(&mut self) -> Result<(), Option<Closing>> {
        tokio::task::yield_now().await;
        let Taken { closing, leave } = self.outbox.take(&mut self.batch);
        if leave {
            self.leaving = Some(Instant::now() + LEAVE_DEADLINE);
        }
        if let Some(closing) = closing.filter(|closing| !closing.flush) {
            return Err(Some(closing));
        }
        let Self {
            wire,
            outbox,
            talk,
            batch,
            ..
        } = self;
        let writing = async {
            while let Some(front) = batch.front() {
                if let &Item::Channel(connection, notice) = front {
                    batch.pop_front();
                    talk.noticed(connection, notice);
                } else {
                    wire.write(batch).await.map_err(|_| None)?;
                }
            }
            Ok(())
        };
        let abandoned = poll_fn(|cx| outbox.poll_abandoned(cx));
        let slow = Closing {
            code: outbox::RESTART,
            flush: false,
            why: "slow",
        };
        let written = async {
            tokio::select! {
                biased;
                written = writing => written,
                () = abandoned => Err(Some(slow)),
            }
        };
        let deadline = self.state.config().socket.write_deadline;
        tokio::time::timeout(deadline, written)
            .await
            .unwrap_or(Err(Some(slow)))?;
        if self.batch.capacity() > KEPT_BATCH {
            self.batch.shrink_to(KEPT_BATCH);
        }
        closing.map_or(Ok(()), |closing| Err(Some(closing)))
    }

    async fn ping(&mut self) -> Result<(), Option<Closing>> {
        let gone = Closing {
            code: GOING_AWAY,
            flush: false,
            why: "gone",
        };
        let deadline = self.state.config().socket.write_deadline;
        tokio::time::timeout(deadline, self.wire.ping())
            .await
            .map_err(|_| Some(gone))?
            .map_err(|_| None)
    }

    /// Says goodbye, if the client still takes it.
    async fn close(mut self, closing: Closing) {
        // Memberships are over now, not when the client has taken its goodbye.
        drop((self.talk, self.work));
        let frame = CloseFrame {
            code: closing.code.into(),
            reason: closing.why.into(),
        };
        drop(tokio::time::timeout(GOODBYE, self.wire.close(frame)).await);
    }
}

/// The client is to come back at once.
const SENT_AWAY: Closing = Closing {
    code: outbox::RESTART,
    flush: true,
    why: "restart",
};
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);
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
