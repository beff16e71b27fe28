//! Phoenix's own events and subprotocols.

use serde::Serialize;

/// The subprotocol to select where the client asks for it.
pub const SUBPROTOCOL: &str = "phoenix";
/// What precedes the base64 of an `authToken` in `Sec-WebSocket-Protocol`.
pub const AUTH_PROTOCOL: &str = "base64url.bearer.phx.";

/// Client: let me in.
pub const JOIN: &str = "phx_join";
/// Client: let me go.
pub const LEAVE: &str = "phx_leave";
/// Client, on topic `phoenix`: are you there.
pub const HEARTBEAT: &str = "heartbeat";
/// Server: the answer to a ref.
pub const REPLY: &str = "phx_reply";
/// Server: the channel has ended; final.
pub const CLOSE: &str = "phx_close";
/// Server: the channel has crashed; the client joins again.
pub const ERROR: &str = "phx_error";

/// Payload of [`ERROR`].
#[derive(Debug, Serialize)]
pub(crate) struct ChannelError<'a> {
    pub(crate) reason: &'a str,
}
