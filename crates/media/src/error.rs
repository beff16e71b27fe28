//! Why the engine refused a command.

/// A refused command. Nothing changed unless the variant says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The room does not exist (any more).
    #[error("no such media room")]
    NoSuchRoom,
    /// The peer is gone.
    #[error("no such peer")]
    NoSuchPeer,
    /// A limit is reached: which one.
    #[error("media engine is full: {0}")]
    Full(&'static str),
    /// The peer asks too often: again after this time.
    #[error("too many offers")]
    TooFast(std::time::Duration),
    /// The client sent something that cannot be used. A peer whose session broke over it was closed.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// The engine has stopped.
    #[error("media engine has stopped")]
    Stopped,
}
