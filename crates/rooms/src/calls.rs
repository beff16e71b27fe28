//! Calls between nodes as bytes: what a gateway asks of a room that lives elsewhere, what is answered, and what such a room says.
//!
//! One form for all of it, the [`Envelope`]: JSON with its version in `v`, as records in the store are. What is only added later (a field with
//! a default, a variant) leaves the version as it is: a reader of an older program passes over fields that it does not know, one of a newer
//! program takes the default for fields that are not there, and a variant that is not known is [`WireError::NotUnderstood`], which costs
//! this one envelope. Whatever would be read *wrongly* raises the version and is refused before anything else is looked at. Nothing is decoded
//! that is larger than [`ENVELOPE_BYTES`].
//!
//! `envelope` and `codec` make the bytes, `call` is the vocabulary, `remote` the near end of a link and `serve` its far end. A room on this node is reached
//! without any of it.

mod call;
pub mod codec;
mod envelope;
#[cfg(any(test, feature = "test-kit"))]
mod loopback;
mod peers;
mod remote;
mod serve;

pub use call::{Answer, Ask, Call, Cast, Standing, Subscribed, Subscription, Tell};
pub use codec::WireError;
pub use envelope::{Content, ENVELOPE_BYTES, Envelope};
pub use peers::Peers;
pub(crate) use remote::Remote;
