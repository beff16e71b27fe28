//! A client that speaks frames: what it is sent and what it hears is on the table, nothing is done behind its back but the answers to pings.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use super::within;

/// Little enough that a client that does not read is soon a slow one.
const RECEIVE_BUFFER: u32 = 16 << 10;

pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    last_ref: u64,
    /// Heard, but not asked for yet, in order.
    heard: VecDeque<Value>,
    /// Of the handshake's answer.
    pub(crate) subprotocol: Option<String>,
}

/// A socket with a channel.
pub(crate) struct Member {
    socket: Socket,
    pub(crate) topic: String,
    pub(crate) join_ref: Value,
    /// The answer to its join.
    pub(crate) joined: Value,
}

impl Socket {
    /// Opens a socket with more headers; an error is the answer of a server that refuses.
    pub(crate) async fn open(
        address: SocketAddr,
        headers: &[(&str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/ws/websocket?vsn=2.0.0").into_client_request()?;
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let tcp = TcpSocket::new_v4()?;
        tcp.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let tcp = tcp.connect(address).await?;
        tcp.set_nodelay(true)?;
        let (stream, answer) = tokio_tungstenite::client_async(request, tcp).await?;
        let subprotocol = answer.headers().get("sec-websocket-protocol");
        Ok(Self {
            stream,
            last_ref: 0,
            heard: VecDeque::new(),
            subprotocol: subprotocol.map(|name| name.to_str().unwrap().to_owned()),
        })
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within("the server to take a frame", self.stream.send(message))
            .await
            .unwrap();
    }

    pub(crate) async fn say(&mut self, frame: Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// The next text as it stands on the wire; what has been set aside does not count.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Ok(text) => text,
            Err(code) => panic!("closed with {code} while a frame was waited for"),
        }
    }

    /// The next frame, first of those set aside.
    pub(crate) async fn frame(&mut self) -> Value {
        match self.heard.pop_front() {
            Some(frame) => frame,
            None => serde_json::from_str(&self.text().await).unwrap(),
        }
    }

    /// The first frame, heard or still to come, of which `wanted` holds; the others are set aside.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&wanted) {
            return self.heard.remove(at).unwrap();
        }
        let wait = async {
            loop {
                match self.next().await.map(|text| serde_json::from_str::<Value>(&text)) {
                    Ok(frame) => {
                        let frame = frame.unwrap();
                        if wanted(&frame) {
                            return Ok(frame);
                        }
                        self.heard.push_back(frame);
                    }
                    Err(code) => return Err(code),
                }
            }
        };
        let found = tokio::time::timeout(super::DEADLINE, wait).await;
        match found {
            Ok(Ok(frame)) => frame,
            Ok(Err(code)) => panic!("closed with {code} before {what}; heard {:#?}", self.heard),
            Err(_) => panic!("never heard {what}; heard {:#?}", self.heard),
        }
    }

    /// The payload of the first such event of a topic.
    pub(crate) async fn event(&mut self, topic: &str, event: &str) -> Value {
        let mut frame = self
            .until(event, |frame| frame[2] == topic && frame[3] == event)
            .await;
        frame[4].take()
    }

    pub(crate) fn next_ref(&mut self) -> String {
        self.last_ref += 1;
        self.last_ref.to_string()
    }

    /// Pushes and waits for the reply, which is the whole frame.
    pub(crate) async fn ask(&mut self, join_ref: Value, topic: &str, event: &str, payload: Value) -> Value {
        let r#ref = self.next_ref();
        self.say(json!([join_ref, r#ref, topic, event, payload])).await;
        self.until(&format!("the reply to {event}"), |frame| {
            frame[1] == r#ref && frame[3] == "phx_reply"
        })
        .await
    }

    /// Joins as phoenix.js does; the reply is the whole frame.
    pub(crate) async fn join(&mut self, topic: &str, payload: Value) -> Value {
        let r#ref = (self.last_ref + 1).to_string();
        self.ask(json!(r#ref), topic, "phx_join", payload).await
    }

    /// Joins, which must be granted.
    pub(crate) async fn enter(mut self, topic: &str, payload: Value) -> Member {
        let reply = self.join(topic, payload).await;
        assert_eq!(reply[4]["status"], "ok", "{reply}");
        Member {
            socket: self,
            topic: topic.to_owned(),
            join_ref: reply[0].clone(),
            joined: reply[4]["response"].clone(),
        }
    }

    /// Everything that was said to this client before now, in order. What a room still decides is not waited for.
    pub(crate) async fn so_far(&mut self) -> Vec<Value> {
        self.ask(Value::Null, "phoenix", "heartbeat", json!({})).await;
        self.heard.drain(..).collect()
    }

    /// Was there such an event that was not asked for.
    pub(crate) fn has_heard(&self, event: &str) -> bool {
        self.heard.iter().any(|frame| frame[3] == event)
    }

    /// What was heard and not asked for, in order.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.iter().cloned().collect()
    }

    /// Reads until the server closes; with which code.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Ok(text) => self.heard.push_back(serde_json::from_str(&text).unwrap()),
                Err(code) => return code,
            }
        }
    }

    async fn next(&mut self) -> Result<String, u16> {
        loop {
            let message = within("the server to say something", self.stream.next()).await;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    // The answer to it leaves with the next reading.
                    drop(self.stream.next().await);
                    return Err(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(other)) => assert!(
                    matches!(other, Message::Ping(_)),
                    "a server of text sent {other:?}"
                ),
                Some(Err(error)) => panic!("the connection broke: {error}"),
                None => panic!("the connection ended without a close frame"),
            }
        }
    }
}

impl Deref for Member {
    type Target = Socket;
    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for Member {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl Member {
    pub(crate) fn id(&self) -> &str {
        self.joined["participant_id"].as_str().unwrap()
    }

    pub(crate) fn resume(&self) -> &str {
        self.joined["resume"].as_str().unwrap()
    }

    /// The payload of the reply to a push.
    pub(crate) async fn push(&mut self, event: &str, payload: Value) -> Value {
        let (join_ref, topic) = (self.join_ref.clone(), self.topic.clone());
        let mut reply = self.socket.ask(join_ref, &topic, event, payload).await;
        reply[4].take()
    }

    /// The response to a push that must be done.
    pub(crate) async fn done(&mut self, event: &str, payload: Value) -> Value {
        let mut reply = self.push(event, payload).await;
        assert_eq!(reply["status"], "ok", "{event}: {reply}");
        reply["response"].take()
    }

    /// The response to a push that must be refused.
    pub(crate) async fn refused(&mut self, event: &str, payload: Value) -> Value {
        let mut reply = self.push(event, payload).await;
        assert_eq!(reply["status"], "error", "{event}: {reply}");
        reply["response"].take()
    }

    /// The payload of the first such event of the own topic.
    pub(crate) async fn hears(&mut self, event: &str) -> Value {
        let topic = self.topic.clone();
        self.socket.event(&topic, event).await
    }

    /// Everything that the room has said until now, in order.
    pub(crate) async fn room_so_far(&mut self) -> Vec<Value> {
        self.done("snapshot", json!({})).await;
        self.so_far().await
    }
}
