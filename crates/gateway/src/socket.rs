//! One WebSocket: reads frames, routes them to its channels, writes what its outbox holds. One task a socket.
//!
//! The socket itself answers heartbeats, joins and leaves; nothing slow is awaited in its loop, so a slow room delays nobody but its own
//! channel. All that is written goes through the outbox, so order is order of pushing; what waits is written with one flush.

mod conversation;
pub(crate) mod heartbeat;
pub(crate) mod outbox;
mod registry;
mod upgrade;
mod work;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};

use crate::metrics as names;
use crate::state::GatewayState;
use conversation::Conversation;
use heartbeat::{Beat, Heartbeat};
use outbox::{Closing, Item, Outbox};
pub(crate) use registry::Sockets;
pub(crate) use upgrade::{is_own_origin, upgrade};
use work::Done;

/// Requests of one socket that may be under way; past it the socket is not read.
const MAX_IN_FLIGHT: usize = 32;
/// The room of a batch that a burst needed is given back.
const KEPT_BATCH: usize = 64;

/// What the upgrade learned of the client.
pub(crate) struct Client {
    /// Of the client itself, not of a proxy.
    pub(crate) address: std::net::IpAddr,
    /// It sits at this machine: what is open there is open to it.
    pub(crate) is_local: bool,
    /// Of an operator's session; whether it is still valid is seen when it is used.
    pub(crate) operator_cookie: Option<Arc<str>>,
    /// The socket's own credential.
    pub(crate) auth_token: Option<Arc<str>>,
}

/// Serves a socket until it ends.
pub(crate) async fn serve(state: GatewayState, socket: WebSocket, client: Client) {
    let outbox = Arc::new(Outbox::new(&state.config().socket));
    let owner = state.clone();
    let Some(_place) = owner.sockets().enter(&outbox) else {
        return;
    };
    let talk = Conversation::new(state.clone(), Arc::clone(&outbox), client);
    let connection = Connection {
        heartbeat: Heartbeat::start(&state.config().socket),
        socket,
        outbox,
        talk,
        work: FuturesUnordered::new(),
        batch: VecDeque::new(),
        state,
    };
    connection.run().await;
}

struct Connection {
    state: GatewayState,
    socket: WebSocket,
    outbox: Arc<Outbox>,
    talk: Conversation,
    work: FuturesUnordered<work::Work>,
    heartbeat: Heartbeat,
    batch: VecDeque<Item>,
}

/// What woke the socket up.
enum Woken {
    Outbox,
    Done(Done),
    Heard(crate::channels::ChannelId, crate::channels::Heard),
    Frame(Option<Result<Message, axum::Error>>),
    Beat(Beat),
}

impl Connection {
    async fn run(mut self) {
        let end = loop {
            let woken = self.wake().await;
            if let Err(end) = self.react(woken).await {
                break end;
            }
        };
        if let Some(closing) = end {
            metrics::counter!(names::SOCKETS_CLOSED, "why" => closing.why).increment(1);
            self.close(closing).await;
        }
    }

    async fn wake(&mut self) -> Woken {
        let Self {
            socket,
            outbox,
            talk,
            work,
            heartbeat,
            ..
        } = self;
        let idle = work.is_empty();
        let readable = work.len() < MAX_IN_FLIGHT;
        tokio::select! {
            () = poll_fn(|cx| outbox.poll_ready(cx)) => Woken::Outbox,
            Some(done) = work.next(), if !idle => Woken::Done(done),
            (channel, heard) = poll_fn(|cx| talk.poll_sources(cx)) => Woken::Heard(channel, heard),
            frame = socket.next(), if readable => Woken::Frame(frame),
            beat = heartbeat.next() => Woken::Beat(beat),
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
            Woken::Frame(Some(Ok(frame))) => self.frame(frame),
            Woken::Frame(Some(Err(error))) => Err(too_large(&error)),
            Woken::Frame(None) => Err(None),
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
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => return Err(None),
        };
        read.map_err(Some)
    }

    /// Writes all that waits, with one flush; gives up when the client takes nothing.
    async fn write(&mut self) -> Result<(), Option<Closing>> {
        let closing = self.outbox.take(&mut self.batch);
        if let Some(closing) = closing.filter(|closing| !closing.flush) {
            return Err(Some(closing));
        }
        let Self {
            socket,
            outbox,
            talk,
            batch,
            ..
        } = self;
        let writing = async {
            for item in batch.drain(..) {
                match item.into_message() {
                    Ok(message) => socket.feed(message).await.map_err(|_| None)?,
                    Err((connection, notice)) => talk.noticed(connection, notice),
                }
            }
            socket.flush().await.map_err(|_| None)
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
        let ping = self.socket.send(Message::Ping(axum::body::Bytes::new()));
        let deadline = self.state.config().socket.write_deadline;
        tokio::time::timeout(deadline, ping)
            .await
            .map_err(|_| Some(gone))?
            .map_err(|_| None)
    }

    /// Says goodbye, if the client still takes it.
    async fn close(mut self, closing: Closing) {
        // Memberships are over now, not when the client has taken its goodbye.
        drop((self.talk, self.work));
        let frame = CloseFrame {
            code: closing.code,
            reason: closing.why.into(),
        };
        let goodbye = async {
            self.socket.send(Message::Close(Some(frame))).await?;
            // The client's own close frame: until then the connection must not be reset under what it still has to read.
            while let Some(Ok(message)) = self.socket.next().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
            Ok::<(), axum::Error>(())
        };
        drop(tokio::time::timeout(GOODBYE, goodbye).await);
    }
}

const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
/// As Phoenix ends a socket on a frame that it cannot read.
pub(crate) const MALFORMED: u16 = 1011;
pub(crate) const TOO_LARGE: u16 = 1009;

/// The one error of reading that deserves a close code; after all others there is nobody to tell.
fn too_large(error: &axum::Error) -> Option<Closing> {
    let text = error.to_string();
    text.contains("too long").then_some(Closing {
        code: TOO_LARGE,
        flush: false,
        why: "too_large",
    })
}
