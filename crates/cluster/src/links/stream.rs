//! A traffic stream as `ractor_cluster` takes it: it buffers what it reads, ends when nothing came for too long, and can be cut from outside.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ractor_cluster::{BoxRead, BoxWrite, ClusterBidiStream};
use tokio::io::{AsyncRead, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_rustls::TlsStream;

use crate::link::READ_IDLE;

/// The library reads the length of a frame by itself.
const BUFFER_BYTES: usize = 64 << 10;

/// An authenticated stream.
pub(crate) struct Traffic {
    pub(crate) stream: TlsStream<TcpStream>,
    /// By which the session is known again when the library speaks of it.
    pub(crate) label: String,
}

impl ClusterBidiStream for Traffic {
    fn split(self: Box<Self>) -> (BoxRead, BoxWrite) {
        let (read, write) = tokio::io::split(self.stream);
        let read = IdleRead {
            inner: read,
            idle: Box::pin(sleep(READ_IDLE)),
        };
        (
            Box::new(BufReader::with_capacity(BUFFER_BYTES, read)),
            Box::new(write),
        )
    }

    fn peer_label(&self) -> Option<String> {
        Some(self.label.clone())
    }
}

struct IdleRead<R> {
    inner: R,
    idle: Pin<Box<Sleep>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for IdleRead<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(cx, buffer) {
            self.idle.as_mut().reset(Instant::now() + READ_IDLE);
            return Poll::Ready(read);
        }
        self.idle
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
