//! A Phoenix Channels V2 client for tests: frames in, frames out, no cleverness, so that a test sees the wire.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::DEADLINE;

/// A socket.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_ref: u64,
    /// Frames received while waiting for others.
    kept: VecDeque<Value>,
}

/// A reply's two parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// `ok` or `error`.
    pub status: String,
    /// What it answers.
    pub response: Value,
}

impl Reply {
    /// The response of a reply that must be `ok`.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, "ok", "{}", self.response);
        self.response
    }

    /// The reason of a reply that must be `error`.
    #[must_use]
    pub fn reason(self) -> String {
        assert_eq!(self.status, "error", "{}", self.response);
        self.response["reason"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    /// Opens a socket at `127.0.0.1:<port>`.
    pub async fn connect(address: &str) -> Self {
        Self::connect_with(address, &[]).await
    }

    /// Opens a socket with more headers.
    pub async fn connect_with(address: &str, headers: &[(&str, &str)]) -> Self {
        let url = format!("ws://{address}/ws/websocket?vsn=2.0.0");
        let mut request = url.into_client_request().expect("it is a URL");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("it is a header's name");
            let value = value.parse().expect("it is a header's value");
            request.headers_mut().insert(name, value);
        }
        let (socket, _) = timeout(DEADLINE, connect_async(request))
            .await
            .expect("in time")
            .expect("the upgrade");
        Self {
            socket,
            next_ref: 1,
            kept: VecDeque::new(),
        }
    }

    /// Joins a topic; the join's ref is its `join_ref`.
    pub async fn join(&mut self, topic: &str, payload: Value) -> Reply {
        let reference = self.take_ref();
        self.send(json!([reference, reference, topic, "phx_join", payload]))
            .await;
        self.reply(&reference).await
    }

    /// Pushes an event and waits for its reply.
    pub async fn push(&mut self, topic: &str, event: &str, payload: Value) -> Reply {
        let reference = self.take_ref();
        self.send(json!([null, reference, topic, event, payload])).await;
        self.reply(&reference).await
    }

    /// As [`Self::push`], but the server may close the socket instead.
    pub async fn push_unless_closed(&mut self, topic: &str, event: &str, payload: Value) -> Option<Reply> {
        let reference = self.take_ref();
        let frame = json!([null, reference, topic, event, payload]).to_string();
        self.socket.send(Message::text(frame)).await.ok()?;
        loop {
            let message = timeout(DEADLINE, self.socket.next())
                .await
                .expect("an answer in time");
            let Message::Text(text) = message?.ok()? else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
            if frame[3] == "phx_reply" && frame[1] == reference.as_str() {
                let status = frame[4]["status"].as_str().unwrap_or_default().to_owned();
                let response = frame[4]["response"].clone();
                return Some(Reply { status, response });
            }
            self.kept.push_back(frame);
        }
    }

    /// Waits for an event on a topic; other frames are kept for later.
    pub async fn event(&mut self, topic: &str, event: &str) -> Value {
        let wanted = |frame: &Value| frame[2] == topic && frame[3] == event;
        self.frame(wanted).await[4].take()
    }

    /// The next such event, if it comes within so many milliseconds.
    pub async fn event_within(&mut self, topic: &str, event: &str, ms: u64) -> Option<Value> {
        let within = Duration::from_millis(ms);
        timeout(within, self.event(topic, event)).await.ok()
    }

    /// Pushes an event and does not wait; answers the push's ref.
    pub async fn say(&mut self, topic: &str, event: &str, payload: Value) -> String {
        let reference = self.take_ref();
        self.send(json!([null, reference, topic, event, payload])).await;
        reference
    }

    /// Reads until the server closes; answers all that was heard and not asked for, and the close code.
    pub async fn until_closed(mut self) -> (Vec<Value>, Option<u16>) {
        let mut heard: Vec<_> = self.kept.into();
        loop {
            let message = timeout(DEADLINE, self.socket.next())
                .await
                .expect("it closes in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    heard.push(serde_json::from_str(&text).expect("a frame is JSON"))
                }
                Some(Ok(Message::Close(frame))) => return (heard, frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (heard, None),
            }
        }
    }

    async fn reply(&mut self, reference: &str) -> Reply {
        let frame = self
            .frame(|frame| frame[3] == "phx_reply" && frame[1] == reference)
            .await;
        let status = frame[4]["status"].as_str().unwrap_or_default().to_owned();
        Reply {
            status,
            response: frame[4]["response"].clone(),
        }
    }

    async fn frame(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.kept.iter().position(&wanted) {
            return self.kept.remove(index).expect("it is there");
        }
        loop {
            let message = timeout(DEADLINE, self.socket.next())
                .await
                .expect("a frame in time");
            let Message::Text(text) = message.expect("the socket is open").expect("a whole frame") else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
            if wanted(&frame) {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    async fn send(&mut self, frame: Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .expect("the socket is open");
    }

    fn take_ref(&mut self) -> String {
        let reference = self.next_ref.to_string();
        self.next_ref += 1;
        reference
    }
}
