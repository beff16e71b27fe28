//! Links.

/// The four actors of a node that others can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Drain and hand-off.
    NodeControl,
    /// Rooms.
    RoomHost,
    /// Sockets.
    GatewayHub,
    /// Media.
    MediaHost,
}
