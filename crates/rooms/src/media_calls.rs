//! Calls to the media server of another node as bytes: the port [`videorooms_sfu::SfuProvider`] carried through a link. In the manner of
//! [`crate::calls`], with an envelope, a version and golden lines of its own, since it is another port that changes at another pace.
//!
//! What the media server tells a socket comes back in casts, numbered per attachment. Whoever misses one of them resets the attachment: a
//! client that is reset builds its media anew, one that waits for a word that was lost never would.
//!
//! `call` is the vocabulary, `remote` the near end and `hearing` what sockets on this node hear through it; `serve` is the far end and `telling`
//! what it sends to sockets on other nodes. Media of this node itself is reached without any of it.

mod call;
mod envelope;
mod hearing;
#[cfg(any(test, feature = "test-kit"))]
mod loopback;
mod remote;
mod serve;
mod telling;

pub use call::{Answer, Ask, Attach, Attached, Event, Refused, Tell, Token};
pub use envelope::{Content, ENVELOPE_BYTES, Envelope};
pub(crate) use hearing::Hearing;
pub(crate) use remote::Remote;
pub(crate) use telling::Telling;
