//! Requests to the operator's door of a node. Plain HTTP: the door is on loopback or an inner network.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For a request with its answer; the door answers within a few seconds.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_BYTES: usize = 4 << 20;

/// The operator's door of one node.
pub(crate) struct Door {
    host: String,
    token: String,
}

/// Why a request was not answered as wished.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Nobody is there, or it broke off.
    #[error("{host} cannot be asked ({why}): is the node running, and is this its admin.listen?")]
    Away { host: String, why: String },
    /// It refused.
    #[error("{detail}")]
    Refused { status: StatusCode, detail: String },
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Unanswered {
    /// May the same request be answered in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Refused { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Door {
    /// The door at `http://host:port`.
    ///
    /// # Errors
    /// For another scheme, or no host.
    pub(crate) fn at(url: &str, token: String) -> anyhow::Result<Self> {
        let wrong = || anyhow::anyhow!("--url {url}: it is http://host:port");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let host = host.ok_or_else(wrong)?;
        let port = host.port_u16().unwrap_or(80);
        Ok(Self {
            host: format!("{}:{port}", host.host()),
            token,
        })
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// [`Unanswered`], within 10 s.
    pub(crate) async fn get(&self, path: &str) -> Result<String, Unanswered> {
        self.ask(Method::GET, path, String::new()).await
    }

    /// Sends JSON to a path.
    ///
    /// # Errors
    /// [`Unanswered`], within 10 s.
    pub(crate) async fn post(&self, path: &str, json: String) -> Result<String, Unanswered> {
        self.ask(Method::POST, path, json).await
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Result<String, Unanswered> {
        let asking = timeout(WITHIN, self.send(method, path, body));
        let (status, text) = asking
            .await
            .unwrap_or_else(|_| Err("no answer in time".into()))
            .map_err(|why| Unanswered::Away {
                host: self.host.clone(),
                why: why.to_string(),
            })?;
        if status.is_success() {
            return Ok(text);
        }
        let said = serde_json::from_str::<Problem>(&text).map(|problem| problem.detail);
        let detail = said.unwrap_or_else(|_| format!("{}: {status}", self.host));
        Err(Unanswered::Refused { status, detail })
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Result<(StatusCode, String), Broken> {
        let stream = TcpStream::connect(&self.host).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        // The sender goes with it, which ends the connection.
        let answering = async move {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await?;
            let text = String::from_utf8(body.to_bytes().into())?;
            Ok::<_, Broken>((status, text))
        };
        // The connection moves only while it is looked at; its end before the answer is told to whoever waits for that.
        let (answer, _) = tokio::join!(answering, connection);
        answer
    }
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers one request with these bytes; answers where, and what was asked.
    async fn server(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked.truncate(read);
            String::from_utf8(asked).unwrap()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_request_carries_the_token_and_the_answer_is_what_was_said() {
        let (url, asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let door = Door::at(&url, "secret".to_owned()).unwrap();
        assert_eq!(door.get("/admin/api/nodes").await.unwrap(), "{}");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /admin/api/nodes HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer secret\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_its_own_words_and_silence_is_told_too() {
        let refusal = "HTTP/1.1 409 Conflict\r\ncontent-length: 28\r\n\r\n{\"detail\":\"it is alone yet\"}";
        let (url, _asked) = server(refusal).await;
        let error = Door::at(&url, String::new()).unwrap().get("/").await.unwrap_err();
        assert_eq!(error.to_string(), "it is alone yet");
        assert!(!error.is_passing());
        let (url, _asked) = server("").await;
        let error = Door::at(&url, String::new()).unwrap().get("/").await.unwrap_err();
        assert!(error.is_passing(), "{error}");
    }

    #[test]
    fn only_plain_http_to_a_host_is_taken() {
        for wrong in [
            "",
            "127.0.0.1:4001",
            "https://127.0.0.1:4001",
            "http://",
            "ftp://x",
        ] {
            assert!(Door::at(wrong, String::new()).is_err(), "{wrong}");
        }
        assert_eq!(Door::at("http://node", String::new()).unwrap().host, "node:80");
    }
}
