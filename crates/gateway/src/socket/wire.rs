//! The reading side of a WebSocket after its upgrade. The library reads, and answers pings; what it says goes through the outbox like all that
//! we say, as finished frames that many sockets share: nothing is copied for one of them, nothing is kept for it once it is written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::outbox::{Class, Item, Line, Outbox};

/// Longest message of a client, on any topic.
const MAX_MESSAGE: usize = 512 << 10;
/// What a socket holds ready for reading; more is taken while it is needed.
const READ_BUFFER: usize = 1 << 10;

impl Line for OwnedWriteHalf {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write_vectored(slices)
    }

    fn writable(&self) -> BoxFuture<'_, io::Result<()>> {
        Self::writable(self).boxed()
    }
}

/// A WebSocket, as the server reads it.
pub(crate) struct Wire(WebSocketStream<Half>);

impl Wire {
    /// Takes over after the handshake; `early` is what the client sent right behind it.
    pub(crate) async fn new(read: OwnedReadHalf, outbox: Arc<Outbox>, early: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let half = Half { read, outbox };
        Self(WebSocketStream::from_partially_read(half, early, Role::Server, Some(config)).await)
    }

    /// The next message of the client; may be dropped and asked for again.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        self.0.next().await
    }

    /// Waits for the client's goodbye, which it says after ours, or before it.
    pub(crate) async fn hung_up(&mut self) {
        while let Some(Ok(message)) = self.0.next().await {
            if message.is_close() {
                break;
            }
        }
    }
}

/// A connection of which the library reads, and for which it writes into the outbox.
struct Half {
    read: OwnedReadHalf,
    outbox: Arc<Outbox>,
}

impl AsyncRead for Half {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

impl AsyncWrite for Half {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // A full outbox ends the socket by itself, and one that ends answers no pings.
        let frame = Item::Frame(Bytes::copy_from_slice(buf));
        self.outbox.push(frame, Class::Needed);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The text frame of RFC 6455 (section 5.2) around a payload, to be shared by all who hear it.
pub(crate) fn text_frame(payload: String) -> Bytes {
    finished(Frame::message(payload, OpCode::Data(Data::Text), true))
}

/// Asks whether the client is there.
pub(crate) fn ping_frame() -> Bytes {
    finished(Frame::ping(Bytes::new()))
}

/// Says goodbye.
pub(crate) fn close_frame(code: u16, reason: &'static str) -> Bytes {
    finished(Frame::close(Some(CloseFrame {
        code: code.into(),
        reason: reason.into(),
    })))
}

fn finished(frame: Frame) -> Bytes {
    let mut bytes = Vec::with_capacity(frame.len());
    frame
        .format(&mut bytes)
        .expect("a vector takes all that is written to it");
    bytes.into()
}

/// The text in a frame of [`text_frame`].
#[cfg(test)]
pub(crate) fn payload_of(frame: &Bytes) -> &str {
    use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
    let mut read = io::Cursor::new(frame);
    let (_, length) = FrameHeader::parse(&mut read).unwrap().unwrap();
    let payload = &frame[read.position() as usize..];
    assert_eq!(payload.len() as u64, length);
    std::str::from_utf8(payload).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SocketConfig;
    use crate::socket::Flushers;
    use futures_util::SinkExt as _;
    use tokio::net::{TcpListener, TcpStream};

    /// The two ends of a connection, and the outbox of ours.
    async fn pair() -> (Wire, Arc<Outbox>, WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (read, write) = accepted.unwrap().0.into_split();
        let config = SocketConfig {
            outbox_frames: 10_000,
            outbox_bytes: 1 << 30,
            ..SocketConfig::default()
        };
        let outbox = Outbox::new(&config, Box::new(write), Flushers::new());
        let wire = Wire::new(read, Arc::clone(&outbox), Vec::new()).await;
        let client = WebSocketStream::from_raw_socket(client.unwrap(), Role::Client, None).await;
        (wire, outbox, client)
    }

    #[tokio::test]
    async fn frames_of_every_length_arrive_whole_and_in_order_while_the_client_is_slow() {
        // Lengths around the borders of the header's three forms.
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 400_000];
        let texts: Vec<_> = (0..100)
            .map(|n| "ж".repeat(lengths[n % lengths.len()] / 2) + &n.to_string())
            .collect();
        let (_wire, outbox, mut client) = pair().await;
        for text in &texts {
            outbox.push(Item::text(text.clone()), Class::Needed);
        }
        let writing = async {
            loop {
                let due = std::future::poll_fn(|cx| outbox.poll_due(cx)).await;
                assert_eq!(due, super::super::outbox::Due::Unblock);
                outbox.unblock().await.unwrap();
            }
        };
        let reading = async {
            for text in &texts {
                let heard = client.next().await.unwrap().unwrap();
                assert_eq!(heard.into_text().unwrap(), text.as_str());
            }
        };
        tokio::select! {
            () = writing => {}
            () = reading => {}
        }
    }

    #[tokio::test]
    async fn pings_are_answered_among_our_frames() {
        let (mut wire, outbox, mut client) = pair().await;
        let payload = Bytes::from(vec![7; 120]);
        let talk = async {
            for _ in 0..50 {
                client.send(Message::Ping(payload.clone())).await.unwrap();
                let mut heard =
                    [client.next().await, client.next().await].map(|heard| heard.unwrap().unwrap());
                heard.sort_by_key(Message::is_pong);
                let pong = Message::Pong(payload.clone());
                assert_eq!(heard, [Message::text("x".repeat(100)), pong]);
            }
        };
        let serve = async {
            loop {
                let message = wire.next().await.unwrap().unwrap();
                assert!(message.is_ping());
                outbox.push(Item::text("x".repeat(100)), Class::Needed);
            }
        };
        tokio::select! {
            () = talk => {}
            () = serve => {}
        }
    }
}
