//! The socket at the wire, row by row as `docs/protocol.md` and Phoenix Channels V2 have it.

mod frames;
mod joining;
mod leaving;
mod liveness;
mod lobby;
mod media;
mod opening;
mod pace;
mod presence;
mod returning;
mod slowness;
mod talking;
