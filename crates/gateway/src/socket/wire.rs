//! A WebSocket after its upgrade. The library reads, and answers pings and the close handshake; what we say is written here, as finished frames
//! that many sockets share: nothing is copied for one of them, nothing is kept for it once it is written, and what waits together leaves
//! together.
//!
//! Invariant: a frame that was begun, ours or the library's own, is whole on the wire before another begins, the goodbye included.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use axum::body::Bytes;
use bytes::Buf as _;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::outbox::Item;

/// Longest message of a client, on any topic.
const MAX_MESSAGE: usize = 512 << 10;
/// What a socket holds ready for reading; more is taken while it is needed.
const READ_BUFFER: usize = 1 << 10;
/// Frames that leave with one call to the kernel.
const MAX_SLICES: usize = 64;

/// A WebSocket, the server's side of it.
pub(crate) struct Wire<S> {
    inner: WebSocketStream<S>,
    /// What is left of a frame that the connection took in part.
    begun: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Takes over after the handshake; `early` is what the client sent right behind it.
    pub(crate) async fn new(stream: S, early: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let inner = WebSocketStream::from_partially_read(stream, early, Role::Server, Some(config)).await;
        Self {
            inner,
            begun: Bytes::new(),
        }
    }

    /// The next message of the client; may be dropped and asked for again.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        self.inner.next().await
    }

    /// Writes the frames in front and takes them out. Dropped before it is done it leaves what was not written.
    pub(crate) async fn write(&mut self, items: &mut VecDeque<Item>) -> Result<(), Error> {
        self.inner.flush().await?;
        loop {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let frames = items.iter().map_while(|item| match item {
                Item::Frame(frame) => Some(frame),
                Item::Channel(..) => None,
            });
            let begun = Some(&self.begun).filter(|begun| !begun.is_empty());
            let mut count = 0;
            for (slice, frame) in slices.iter_mut().zip(begun.into_iter().chain(frames)) {
                *slice = IoSlice::new(frame);
                count += 1;
            }
            if count == 0 {
                return Ok(());
            }
            let written = self.inner.get_mut().write_vectored(&slices[..count]).await?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            self.take_out(items, written);
        }
    }

    fn take_out(&mut self, items: &mut VecDeque<Item>, mut written: usize) {
        let of_begun = written.min(self.begun.len());
        self.begun.advance(of_begun);
        written -= of_begun;
        while written > 0 {
            let Some(Item::Frame(mut frame)) = items.pop_front() else {
                return;
            };
            let of_frame = written.min(frame.len());
            frame.advance(of_frame);
            written -= of_frame;
            self.begun = frame;
        }
    }

    /// Asks whether the client is there.
    pub(crate) async fn ping(&mut self) -> Result<(), Error> {
        self.finish().await?;
        self.inner.send(Message::Ping(Bytes::new())).await
    }

    /// Says goodbye, and waits for the client's own: until then the connection must not be reset under what it still has to read.
    pub(crate) async fn close(&mut self, frame: CloseFrame) -> Result<(), Error> {
        self.finish().await?;
        self.inner.send(Message::Close(Some(frame))).await?;
        while let Some(Ok(message)) = self.inner.next().await {
            if matches!(message, Message::Close(_)) {
                break;
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Error> {
        self.write(&mut VecDeque::new()).await
    }
}

/// The text frame of RFC 6455 (section 5.2) around a payload, to be shared by all who hear it.
pub(crate) fn text_frame(payload: String) -> Bytes {
    let mut bytes = Vec::with_capacity(payload.len() + 10);
    Frame::message(payload, OpCode::Data(Data::Text), true)
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
    use futures_util::FutureExt as _;
    use tokio::io::{DuplexStream, duplex};

    async fn pair(buffer: usize) -> (Wire<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = duplex(buffer);
        let client = WebSocketStream::from_raw_socket(theirs, Role::Client, None).await;
        (Wire::new(ours, Vec::new()).await, client)
    }

    fn texts(count: usize) -> Vec<String> {
        // Lengths around the borders of the header's three forms.
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536];
        (0..count)
            .map(|n| "ж".repeat(lengths[n % lengths.len()] / 2) + &n.to_string())
            .collect()
    }

    #[tokio::test]
    async fn frames_arrive_whole_and_in_order_however_little_the_connection_takes_at_once() {
        let texts = texts(200);
        let (mut wire, mut client) = pair(1000).await;
        let mut items: VecDeque<Item> = texts.iter().cloned().map(Item::text).collect();
        let writing = async { wire.write(&mut items).await.unwrap() };
        let reading = async {
            for text in &texts {
                let heard = client.next().await.unwrap().unwrap();
                assert_eq!(heard.into_text().unwrap(), text.as_str());
            }
        };
        tokio::join!(writing, reading);
    }

    #[tokio::test]
    async fn a_write_that_is_given_up_in_the_middle_of_a_frame_leaves_a_goodbye_that_can_be_read() {
        let (mut wire, mut client) = pair(50).await;
        let mut items = VecDeque::from([Item::text("x".repeat(100)), Item::text("never".to_owned())]);
        assert!(wire.write(&mut items).now_or_never().is_none());
        let goodbye = CloseFrame {
            code: 1012.into(),
            reason: "slow".into(),
        };
        let reading = async {
            let frame = client.next().await.unwrap().unwrap();
            assert_eq!(frame, Message::text("x".repeat(100)));
            let close = client.next().await.unwrap().unwrap();
            assert_eq!(close, Message::Close(Some(goodbye.clone())));
            // Its answer leaves with the next reading, which ends when the server hangs up.
            drop(client.next().await);
        };
        tokio::select! {
            closed = wire.close(goodbye.clone()) => closed.unwrap(),
            () = reading => panic!("the server hung up before the client said goodbye"),
        }
    }

    #[tokio::test]
    async fn a_pong_and_our_frames_do_not_run_into_each_other() {
        let (mut wire, mut client) = pair(64).await;
        let payload = Bytes::from(vec![7; 120]);
        let talk = async {
            for _ in 0..50 {
                client.send(Message::Ping(payload.clone())).await.unwrap();
                let mut heard =
                    [client.next().await, client.next().await].map(|heard| heard.unwrap().unwrap());
                heard.sort_by_key(Message::is_pong);
                assert_eq!(
                    heard,
                    [Message::text("x".repeat(100)), Message::Pong(payload.clone())]
                );
            }
        };
        let serve = async {
            loop {
                let message = wire.next().await.unwrap().unwrap();
                assert!(message.is_ping());
                let mut items = VecDeque::from([Item::text("x".repeat(100))]);
                wire.write(&mut items).await.unwrap();
            }
        };
        tokio::select! {
            () = talk => {}
            () = serve => {}
        }
    }
}
